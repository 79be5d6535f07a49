"""`customs-connect replay`."""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing
from pathlib import Path
from typing import Annotated, Any

import orjson
from cyclopts import App, Parameter

from connectors.commands.read import print_record
from connectors.commands.shared import JSON, HubOptions, print_json
from connectors.errors import ConnectorError
from connectors.risk.reader import SCOPE
from connectors.risk.replay import Replay, begin, end, replays

app = App(name="customs-connect replay", help="Read the past of a feed again.")


@app.default
def replay(
    feed: str | None = None,
    /,
    *,
    hub: HubOptions,
    since: Annotated[str | None, Parameter(name="--from")] = None,
    until: Annotated[str | None, Parameter(name="--to")] = None,
    known_at: str | None = None,
    cursor: str | None = None,
    missing: str | None = None,
    failed: Annotated[bool, Parameter(negative=())] = False,
    lane: str | None = None,
    state: Path | None = None,
    json: JSON = False,
) -> None:
    """Print what a feed showed, as far as it is still permitted, and end; without FEED, list the open replays.

    Parameters
    ----------
    feed
        The feed's name.
    since
        What the hub received then or later (RFC 3339, such as 2026-06-01T00:00:00Z).
    until
        What it received before then; now, if not given.
    known_at
        As it was known then: nothing that came later, be it a correction or a retraction.
    cursor
        Instead of --from: what lies behind a cursor of the feed.
    missing
        Instead of --from: what the feed held no more behind a cursor of it.
    failed
        Instead of --from: what was set aside as not delivered.
    lane
        main or urgent; both, if not given.
    state
        A file that keeps the place: with it, the same command goes on where it was broken off.
    json
        Print each record whole, as one JSON object.
    """
    if feed is None:
        asyncio.run(_list(hub, json=json))
        return
    asked = {"since": since, "until": until, "known_at": known_at, "cursor": cursor, "missing": missing, "lane": lane}
    asyncio.run(_replay(feed, hub, {**asked, "failed": failed}, _Place(state), json=json))


class _Place:
    """Which session, what was asked for, and where it goes on; in a file, where one is named."""

    def __init__(self, file: Path | None) -> None:
        self._file = file

    def load(self, feed: str, asked: dict[str, Any]) -> tuple[str | None, str | None]:
        """The session and the token; none where it was not begun. Raises `ConnectorError`."""
        if self._file is None or not self._file.exists():
            return None, None
        try:
            kept = orjson.loads(self._file.read_bytes())
            begun = kept["feed"], kept["asked"]
            found: tuple[str, str | None] = kept["replay"], kept["token"]
        except (orjson.JSONDecodeError, KeyError, TypeError) as e:
            raise ConnectorError(f"{self._file} is not what a replay keeps its place in") from e
        if begun != (feed, asked):
            raise ConnectorError(f"{self._file} is of another replay; name another file, or remove it")
        return found

    def save(self, feed: str, asked: dict[str, Any], replay: str, token: str | None) -> None:
        """Whole or not at all."""
        if self._file is not None:
            draft = self._file.with_name(f"{self._file.name}.new")
            draft.write_bytes(orjson.dumps({"feed": feed, "asked": asked, "replay": replay, "token": token}))
            draft.replace(self._file)

    def done(self) -> None:
        if self._file is not None:
            self._file.unlink(missing_ok=True)


async def _list(hub: HubOptions, *, json: bool) -> None:
    async with hub.session(SCOPE) as session:
        for each in await replays(session):
            if json:
                print_json(each)
            else:
                print(f"{each['id']}  {each['feed']}  {each['asked']}  until {each['expires']}")


async def _replay(feed: str, hub: HubOptions, asked: dict[str, Any], place: _Place, *, json: bool) -> None:
    begun, token = place.load(feed, asked)
    async with hub.session(SCOPE) as session:
        if begun is None:
            begun = await begin(session, feed, **asked)
            place.save(feed, asked, begun, None)
        async with aclosing(Replay(session, begun, token=token).pull()) as groups:
            async for group in groups:
                if group.after_gap:
                    print("here something is kept no more", file=sys.stderr, flush=True)
                for record in group.records:
                    print_record(record, json=json)
                place.save(feed, asked, begun, group.token)
        await end(session, begun)
    place.done()
