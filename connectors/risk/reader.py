"""Read a feed over HTTP: pull with long poll, or a stream of server-sent events.

Both yield groups of records with a commit token. The hub applies the reader rule (`schemas/formats/stamp.md`) before
they arrive, so that a reader that stores the token in the same transaction as its work sees each record exactly once
(`group.py`).
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson

from connectors.backoff import Backoff
from connectors.feed_seal import page_of
from connectors.risk.acknowledge import Acknowledgements
from connectors.risk.group import Group
from connectors.risk.sse import EventParser, StreamBroken
from connectors.session import ANSWER_SECONDS_MAX, Answer, HubRefused, HubSession, HubUnreachable, accepted, retry_after

SCOPE, SEAL = "feeds:read", "seal"
HEARTBEAT_SECONDS_MAX = 60.0
"""A stream that is silent for so long, without a comment line, is taken for dead."""
REST_SECONDS = 2
GROUP_BYTES_MAX = 64 * 1024 * 1024
"""A stream's group that grows beyond this is refused rather than kept in memory."""


class Reader:
    """Reads one lane of a feed from `token` on; without one, from the last acknowledged place, or with `from_start`
    from the earliest record that the hub keeps, with `from_now` from the next one. `lane` is empty or `urgent`;
    `push`: `groups` are those of the stream. `on_idle` is called, once, when the hub has nothing to read at first,
    `on_waiting` when it is away or full, once until it answers again.

    Never gives up on a hub that is away or full. Raises `HubRefused` where trying again is no use: the feed is not
    (or no longer) this reader's. Close a generator that you leave early (`contextlib.aclosing`).
    """

    _pages_at, _word = "/records", "record"
    """Where pages are, and what the stream calls one of their items."""

    def __init__(
        self,
        session: HubSession,
        feed: str,
        *,
        lane: str = "",
        token: str | None = None,
        push: bool = False,
        limit: int = 500,
        wait_seconds: int = 20,
        backoff: Backoff | None = None,
        from_start: bool = False,
        from_now: bool = False,
        on_idle: Callable[[], None] | None = None,
        on_waiting: Callable[[HubRefused | HubUnreachable], None] | None = None,
        on_page: Callable[[bytes], None] | None = None,
    ) -> None:
        """`on_page` is called before each group with its page, with the seals over its records: as it was pulled, or
        put together of what was streamed. `connectors.feed_seal` reads it."""
        self.place = f"{feed}/{lane}" if lane else feed
        self._session, self._path = session, f"/v1/feeds/{quote(feed, safe='')}"
        self._lane = {"lane": lane} if lane else {}
        self._acknowledgements = Acknowledgements(session, feed, lane)
        self._token, self._push, self._wait_seconds = token, push, wait_seconds
        self.limit = limit
        """Of records in a page; may be changed between two groups."""
        self._first = {"from": "earliest"} if from_start else {"from": "now"} if from_now else {}
        self._on_idle, self._on_waiting, self._on_page = on_idle, on_waiting, on_page
        self._proof = {"proof": "yes"} if on_page else {}
        self._after_gap, self._since, self._answered_seconds = False, token, 0.0
        self._attempts = (backoff or Backoff()).begin()

    def groups(self) -> AsyncGenerator[Group, None]:
        """Pulled or pushed."""
        return self.stream() if self._push else self.pull()

    async def done(self, group: Group) -> None:
        """Acknowledge it, if the hub is there."""
        await self._acknowledgements.tell(group.token)

    async def pull(self) -> AsyncGenerator[Group, None]:
        """Pages of at most `limit` records, each as soon as there is one. Never ends by itself."""
        while True:
            # Who wants to know whether there is anything asks without waiting first.
            if (group := await self._page(0 if self._on_idle else self._wait_seconds)) is not None:
                yield group

    async def rest(self) -> AsyncGenerator[Group, None]:
        """What there is now, page by page: ends where the hub has waited for more in vain. One that had to leave off
        looking, at records that are withheld by now, answers an empty page before that time."""
        while True:
            if (group := await self._page(REST_SECONDS)) is not None:
                yield group
            elif self._answered_seconds >= REST_SECONDS:
                return

    async def _page(self, wait_seconds: int) -> Group | None:
        """The next page; None: it is empty."""
        while True:
            query = {"limit": str(self.limit), "wait": str(wait_seconds)}
            query |= self._lane | (self._first if self._token is None else {"cursor": self._token})
            query |= self._proof
            path, seconds_max = f"{self._path}{self._pages_at}", wait_seconds + ANSWER_SECONDS_MAX
            asked = time.monotonic()
            try:
                answer = await self._session.request("GET", path, query=query, answer_seconds_max=seconds_max)
                page = accepted(answer).json()
                break
            except (HubRefused, HubUnreachable) as e:
                await self._recover(e)
        self._attempts.succeeded()
        self._answered_seconds = time.monotonic() - asked
        records, self._token = tuple(page["items"]), page["next"]
        self._tell_idle(not records)
        if not records:
            return None
        if self._on_page:
            self._on_page(answer.body)
        return self._group(records, page["next"])

    async def stream(self) -> AsyncGenerator[Group, None]:
        """Groups as the hub pushes them; connects again by itself, from the last group. Never ends by itself."""
        while True:
            at = {} if self._token is None else {"Last-Event-ID": self._token}
            query = self._lane | self._proof | (self._first if self._token is None else {})
            timeout = aiohttp.ClientTimeout(
                total=None, sock_connect=ANSWER_SECONDS_MAX, sock_read=HEARTBEAT_SECONDS_MAX
            )
            try:
                async with self._session.open(
                    {"Accept": "text/event-stream", **at},
                    method="GET",
                    path=f"{self._path}/stream",
                    params=query,
                    timeout=timeout,
                ) as response:
                    if response.status != 200:
                        accepted(Answer(response.status, await response.read(), retry_after(response.headers)))
                    async for group in self._groups(response.content):
                        yield group
                await self._attempts.pause()
            except StreamBroken as e:
                await self._recover(HubUnreachable(str(e)))
            except (HubRefused, HubUnreachable) as e:
                await self._recover(e)

    async def acknowledge(self, token: str) -> None:
        """Tell the hub that everything up to `token` is worked off. Raises `HubRefused`, `HubUnreachable`."""
        await self._acknowledgements.send(token)

    async def _groups(self, content: aiohttp.StreamReader) -> AsyncIterator[Group]:
        """A group ends with the event that brings an id; what the end of the stream cuts off comes again."""
        parser, records, seals, size = EventParser(), list[bytes](), list[bytes](), 0
        async for chunk in content.iter_any():
            for event in parser.feed(chunk):
                if event.data and event.event in (self._word, SEAL):
                    (seals if event.event == SEAL else records).append(event.data)
                    size += len(event.data)
                if size > GROUP_BYTES_MAX:
                    raise HubRefused(200, {"code": "GROUP_TOO_LARGE", "fix": "Pull this feed.", "retryable": False})
                if event.id is not None:
                    self._token = event.id
                    self._attempts.succeeded()
                    self._tell_idle(not records)
                    if records:
                        yield self._streamed(records, seals, event.id)
                    records, seals, size = [], [], 0

    def _streamed(self, records: Sequence[bytes], seals: Sequence[bytes], token: str) -> Group:
        group = self._group(tuple(map(_decoded, records)), token)
        if self._on_page:
            self._on_page(page_of(records, seals))
        return group

    def _tell_idle(self, idle: bool) -> None:
        """Only what the hub says first counts: later, to wait is what a reader does."""
        told, self._on_idle = self._on_idle, None
        if idle and told is not None:
            told()

    def _group(self, records: tuple[dict[str, Any], ...], token: str) -> Group:
        group = Group(records, token, self._after_gap, self.place, self._since)
        self._after_gap, self._since = False, token
        return group

    async def _recover(self, error: HubRefused | HubUnreachable) -> None:
        """Wait before the next try, with a fresh cursor if the old one has expired. Raises what no try can mend."""
        wait_seconds = error.retry_after_seconds if isinstance(error, HubRefused) else 0.0
        if isinstance(error, HubRefused) and error.code == "CURSOR_EXPIRED" and "cursor" in error.problem:
            self._token, self._after_gap = str(error.problem["cursor"]), True
        elif isinstance(error, HubRefused) and not error.retryable:
            raise error
        elif self._on_waiting is not None and not self._attempts.failed_count:
            self._on_waiting(error)
        await self._attempts.pause(wait_seconds)


def _decoded(data: bytes) -> dict[str, Any]:
    """One record. Raises `HubRefused`: the same bytes would come again, so that no further try can mend it."""
    record: object = None
    with suppress(orjson.JSONDecodeError):
        record = orjson.loads(data)
    if not isinstance(record, dict):
        raise HubRefused(200, {"code": "RECORD_MALFORMED", "fix": "Pull this feed.", "retryable": False})
    return record


async def feeds(session: HubSession) -> list[dict[str, Any]]:
    """The feeds that this system may read. Raises `HubRefused`, `HubUnreachable`."""
    return list((await session.get("/v1/feeds"))["items"])
