"""Read the past of a feed again: a session at the hub, page by page, to its end (`schemas/formats/replay.md`).

    replay = await begin(session, "risk", since="2026-06-01T00:00:00Z", known_at="2026-07-01T00:00:00Z")
    async for group in Replay(session, replay).pull():
        new_rule.take(group.records)

A group's token, stored with the work that was done on it, is where another `Replay` of the same session goes on.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any
from urllib.parse import quote

import orjson

from connectors.backoff import Backoff
from connectors.risk.group import Group, chained
from connectors.session import ANSWER_SECONDS_MAX, HubRefused, HubSession, HubUnreachable, accepted


async def begin(
    session: HubSession,
    feed: str,
    *,
    since: str | None = None,
    until: str | None = None,
    cursor: str | None = None,
    missing: str | None = None,
    failed: bool = False,
    known_at: str | None = None,
    lane: str | None = None,
) -> str:
    """Begin a session and return its id: by time (`since`, `until`), above the marks of a `cursor`, of what is
    `missing` behind one, or of what `failed`. Raises `HubRefused`, `HubUnreachable`."""
    asked = {
        "from": since,
        "to": until,
        "cursor": cursor,
        "missing": missing,
        "failed": failed or None,
        "known_at": known_at,
        "lane": lane,
    }
    body = orjson.dumps({name: value for name, value in asked.items() if value is not None})
    path, headers = f"/v1/feeds/{quote(feed, safe='')}/replays", {"Content-Type": "application/json"}
    return str(accepted(await session.request("POST", path, body=body, headers=headers)).json()["id"])


async def replays(session: HubSession) -> list[dict[str, Any]]:
    """The sessions that are open. Raises `HubRefused`, `HubUnreachable`."""
    return list((await session.get("/v1/replays"))["items"])


async def end(session: HubSession, replay: str) -> None:
    """End a session. Raises `HubRefused`, `HubUnreachable`."""
    accepted(await session.request("DELETE", f"/v1/replays/{quote(replay, safe='')}"))


class Replay:
    """Reads one session from `token` on; without one, from its first record.

    Never gives up on a hub that is away or full. Raises `HubRefused` where trying again is no use: the session has
    ended, or is not this reader's.
    """

    def __init__(
        self,
        session: HubSession,
        replay: str,
        *,
        token: str | None = None,
        limit: int = 500,
        wait_seconds: int = 20,
        backoff: Backoff | None = None,
        on_page: Callable[[bytes], None] | None = None,
    ) -> None:
        """`on_page` is called before each group with its page, with the seals over its records."""
        self.place = f"replay {replay}"
        self._session, self._path = session, f"/v1/replays/{quote(replay, safe='')}/records"
        self._token, self._limit, self._wait_seconds = token, limit, wait_seconds
        self._attempts, self._on_page = (backoff or Backoff()).begin(), on_page

    def groups(self) -> AsyncGenerator[Group, None]:
        """As `pull`."""
        return chained(self.pull(), self.place, self._token)

    async def done(self, group: Group) -> None:
        """Nobody is told: what a replay gave is written down as it is given."""

    async def pull(self) -> AsyncGenerator[Group, None]:
        """Pages of at most `limit` records; ends behind the last of them. A group `after_gap` has none before it that
        the hub still keeps."""
        after_gap = False
        while True:
            query = {"limit": str(self._limit), "wait": str(self._wait_seconds)}
            query |= {"cursor": self._token} if self._token is not None else {}
            query |= {"proof": "yes"} if self._on_page else {}
            seconds_max = self._wait_seconds + ANSWER_SECONDS_MAX
            try:
                answer = await self._session.request("GET", self._path, query=query, answer_seconds_max=seconds_max)
                page = accepted(answer).json()
            except (HubRefused, HubUnreachable) as e:
                if isinstance(e, HubRefused) and not e.retryable:
                    raise
                await self._attempts.pause(e.retry_after_seconds if isinstance(e, HubRefused) else 0.0)
                continue
            self._attempts.succeeded()
            self._token, after_gap = page["next"], after_gap or page["replay"]["gap"]
            if page["items"]:
                if self._on_page:
                    self._on_page(answer.body)
                yield Group(tuple(page["items"]), page["next"], after_gap)
                after_gap = False
            if page["replay"]["complete"]:
                return
