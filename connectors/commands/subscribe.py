"""`customs-connect subscribe`: look on while a feed goes by, as a person or through a pipe."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from enum import Enum
from typing import Annotated, Any, Literal

import orjson
from cyclopts import App, Parameter

from connectors.backoff import Backoff
from connectors.commands.read import print_record
from connectors.commands.shared import JSON, HubOptions, print_json
from connectors.errors import ConnectorError
from connectors.risk.following import Following
from connectors.risk.reader import SCOPE, Reader
from connectors.session import HubSession
from connectors.terminal import ending_at_once, keys, plain
from schemas.filter_language import parse
from schemas.filter_schema import compile_node, matcher_of

app = App(name="customs-connect subscribe")

Matches = Callable[[Mapping[str, Any]], bool]
LANES = {"main": ("",), "urgent": ("urgent",), "all": ("urgent", "")}


@app.default
def subscribe(
    feed: str,
    /,
    *,
    hub: HubOptions,
    filter_: Annotated[str, Parameter(name="--filter")] = "",
    lane: Literal["main", "urgent", "all"] = "main",
    begin: Annotated[str | None, Parameter(name="--from")] = None,
    count: int | None = None,
    quiet: Annotated[bool, Parameter(negative=())] = False,
    detail: Annotated[bool, Parameter(negative=())] = False,
    json: JSON = False,
) -> None:
    """Print a feed's records as they come, and go on by itself when the hub was away. Nothing is acknowledged.

    At a terminal: space pauses and goes on, `d` shows records whole and in lines, `q` only their number, Ctrl-C ends.

    Parameters
    ----------
    feed
        The feed's name.
    filter_
        Show only what passes, such as 'type = customs.seal.broken and place = NLRTM': the language of a feed's own
        filter, here. All that the feed shows comes to this machine.
    lane
        main, urgent (its security types), or all, of which the urgent ones go first.
    begin
        earliest, now, or a cursor as a page or webhook gave it; if not given, the place acknowledged last.
    count
        Stop after so many records.
    quiet
        Begin with their number alone.
    detail
        Begin with whole records.
    json
        Print each record whole, as one JSON object a line.
    """
    matches = _matcher(filter_)
    mode = Mode.DETAIL if detail else Mode.QUIET if quiet else Mode.LINES
    asyncio.run(_subscribe(feed, hub, LANES[lane], begin, View(mode, as_json=json, count_max=count), matches))


async def _subscribe(
    feed: str, hub: HubOptions, lanes: Sequence[str], begin: str | None, view: View, matches: Matches
) -> None:
    with ending_at_once(), keys(view.key) as is_attended:
        async with hub.session(SCOPE) as session:
            if is_attended:
                view.say("space: pause; d: whole records; q: only their number; Ctrl-C: end")
            source = Following(*(_reader(session, feed, lane, begin, view) for lane in lanes))
            async with aclosing(source.groups()) as groups:
                async for group in groups:
                    if group.after_gap:
                        view.say("here something was purged before it was read")
                    for record in group.records:
                        await view.turn()
                        if matches(record) and view.show(record):
                            return


def _reader(session: HubSession, feed: str, lane: str, begin: str | None, view: View) -> Reader:
    async def pause(seconds: float) -> None:
        view.say(f"{session.hub_url} does not answer or is full; trying again in {seconds:.1f} s")
        await asyncio.sleep(seconds)

    return Reader(
        session,
        feed,
        lane=lane,
        token=None if begin in ("earliest", "now") else begin,
        from_start=begin == "earliest",
        from_now=begin == "now",
        backoff=Backoff(sleep=pause),
    )


def _matcher(text: str) -> Matches:
    """Raises `ConnectorError` with every mistake in it."""
    if not text:
        return lambda record: True
    node = parse(text)
    if isinstance(node, Sequence):
        found = (f"column {each.column}: found {each.found}, expected {each.expected}" for each in node)
        raise ConnectorError(f"--filter: {'; '.join(found)}")
    return matcher_of(compile_node(node))


class Mode(Enum):
    LINES = "a line for each record"
    DETAIL = "whole records"
    QUIET = "only their number"


class View:
    """What a person sees of a feed, or a pipe gets of it. Records go to stdout, everything else to stderr."""

    def __init__(self, mode: Mode, *, as_json: bool, count_max: int | None) -> None:
        self._mode, self._as_json, self._count_max = mode, as_json, count_max
        self._count = 0
        self._going_on = asyncio.Event()
        self._going_on.set()

    def key(self, key: str) -> None:
        if key == " ":
            self._pause()
        elif key in ("d", "q") and not self._as_json:
            chosen = Mode.DETAIL if key == "d" else Mode.QUIET
            self._mode = Mode.LINES if self._mode is chosen else chosen
            self.say(self._mode.value)

    async def turn(self) -> None:
        """Wait while it is paused: nothing is read meanwhile."""
        await self._going_on.wait()

    def show(self, record: dict[str, Any]) -> bool:
        """True: that was the last one asked for."""
        self._count += 1
        if self._as_json:
            print_json(record)
        elif self._mode is Mode.QUIET:
            self._tell_number()
        else:
            print_record(record, json=False)
            if self._mode is Mode.DETAIL:
                whole = orjson.dumps(record, option=orjson.OPT_INDENT_2).decode()
                print("\n".join(map(plain, whole.split("\n"))), flush=True)
        return self._count_max is not None and self._count >= self._count_max

    def say(self, words: str) -> None:
        print(f"-- {words}", file=sys.stderr, flush=True)

    def _pause(self) -> None:
        if self._going_on.is_set():
            self._going_on.clear()
            self.say(f"paused after {self._count:,} records; space goes on")
        else:
            self._going_on.set()
            self.say("going on")

    def _tell_number(self) -> None:
        """In one line that is written over, if somebody looks at it."""
        begin, end = ("\r-- ", "") if sys.stderr.isatty() else ("-- ", "\n")
        print(f"{begin}{self._count:,} records", end=end, file=sys.stderr, flush=True)
