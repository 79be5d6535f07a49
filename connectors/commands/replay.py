"""`customs-connect replay`."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from cyclopts import App, Parameter

from connectors.backoff import Backoff
from connectors.commands.read import print_record
from connectors.commands.shared import JSON, HubOptions, print_json, say
from connectors.errors import ConnectorError
from connectors.risk.reader import SCOPE
from connectors.risk.replay import Replay, begin, end, replays
from connectors.session import HubRefused, HubSession
from schemas.identity import instant_us

app = App(name="customs-connect replay")


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
    lane: Literal["main", "urgent"] | None = None,
    session: str | None = None,
    state: Path | None = None,
    json: JSON = False,
) -> None:
    """Print what a feed showed, as far as it is still permitted, and end.

    Without FEED, the replays that are open are listed, those among them that an operator began for you; --session
    reads one of these.

    Parameters
    ----------
    feed
        The feed's name; without it, what is open is listed.
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
    session
        Instead of FEED: the id of a replay that is open, as the list shows it. It stays open at its end.
    state
        A file that keeps the place: with it, the same command goes on where it was broken off, and once it has read
        everything, prints nothing more. Remove the file to begin anew.
    json
        Print each record whole, as one JSON object.
    """
    for option, text in (("--from", since), ("--to", until), ("--known-at", known_at)):
        if text is not None and instant_us(text) is None:
            raise ConnectorError(f"{option}: {text!r} is no time with its offset, such as 2026-06-01T00:00:00Z")
    asked: dict[str, Any] = {
        "since": since,
        "until": until,
        "known_at": known_at,
        "cursor": cursor,
        "missing": missing,
        "lane": lane,
    }
    chosen = feed is not None or failed or any(asked.values())
    if session is not None and chosen:
        raise ConnectorError("--session names a replay that was begun already: give it alone, or with --state")
    if session is None and feed is None:
        if chosen or state is not None:
            raise ConnectorError("name the feed to replay; `customs-connect replay` alone lists what is open")
        asyncio.run(_list(hub, json=json))
        return
    asked |= {"failed": failed} if session is None else {"session": session}
    asyncio.run(_replay(feed or "", hub, asked, _Place(state), session, json=json))


class Finished(Exception):
    """Everything has been read before."""


class _Place:
    """Which session, what was asked for, and where it goes on; in a file, where one is named."""

    def __init__(self, file: Path | None) -> None:
        self._file = file

    def load(self, feed: str, asked: dict[str, Any]) -> tuple[str | None, str | None]:
        """The session and the token; none where it was not begun. Raises `ConnectorError`, `Finished`."""
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
        if kept.get("finished"):
            raise Finished(f"this replay was read to its end; remove {self._file} to read it again")
        return found

    def save(self, feed: str, asked: dict[str, Any], replay: str, token: str | None, *, finished: bool = False) -> None:
        """Whole or not at all."""
        if self._file is not None:
            kept = {"feed": feed, "asked": asked, "replay": replay, "token": token, "finished": finished}
            draft = self._file.with_name(f"{self._file.name}.new")
            draft.write_bytes(orjson.dumps(kept))
            draft.replace(self._file)


async def _list(hub: HubOptions, *, json: bool) -> None:
    async with hub.session(SCOPE) as session:
        for each in await replays(session):
            if json:
                print_json(each)
            else:
                span = "" if each["asked"] != "time" else f"{each.get('from', '..')}/{each.get('to', '..')}"
                began = f"begun {each['begun']} by {each['by']}, readable until {each['expires']}"
                print("  ".join(filter(None, (each["id"], each["feed"], each["asked"], span, began))))


async def _replay(
    feed: str, hub: HubOptions, asked: dict[str, Any], place: _Place, opened: str | None, *, json: bool
) -> None:
    """`opened`: the session that is read, where another began it: it is left as it is."""
    try:
        begun, token = place.load(feed, asked)
    except Finished as e:
        say(str(e))
        return
    patience = _Patience(hub.hub)
    async with hub.session(SCOPE) as session:
        if begun is None:
            begun = opened or await _begun(session, feed, asked)
            place.save(feed, asked, begun, None)
        replay = Replay(session, begun, token=token, backoff=Backoff(sleep=patience.sleep))
        async with aclosing(replay.pull()) as groups:
            async for group in groups:
                patience.told = False
                if group.after_gap:
                    say("here something is kept no more")
                for record in group.records:
                    print_record(record, json=json)
                place.save(feed, asked, begun, token := group.token)
        place.save(feed, asked, begun, token, finished=True)
        if opened is None:
            await end(session, begun)


async def _begun(session: HubSession, feed: str, asked: dict[str, Any]) -> str:
    try:
        return await begin(session, feed, **asked)
    except HubRefused as e:
        if e.code != "NOT_FOUND":
            raise
        told = "`customs-connect read` lists the feeds, `replay --session ID` reads a replay that is open"
        raise ConnectorError(f"there is no feed {feed} for you: {told}") from e


class _Patience:
    """Says once, until something comes, that the hub is waited for."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.told = False

    async def sleep(self, seconds: float) -> None:
        if not self.told:
            say(f"{self._url} does not answer or is full; trying again")
        self.told = True
        await asyncio.sleep(seconds)
