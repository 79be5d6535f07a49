"""`customs-connect push`: events from a file or a pipe to the hub, one outcome line for each."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import closing, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter
from msgspec import to_builtins

from connectors.commands.shared import JSON, STRIP_IS_OWN, HubOptions, print_json, unreachable
from connectors.errors import ConnectorError
from connectors.language import language
from connectors.partner import Client, EventUnsendable, Outbox, Outcome, OutgoingEvent, Verdict, connect, events_of
from connectors.partner.client import UNREACHABLE
from connectors.verdicts import print_faults
from schemas.words import words

ROUND_COUNT_MAX = 500
"""Events that are sent before their outcomes are printed."""
QUEUE_COUNT_MAX = 2_000
_CONFLICT = {
    "en": "the hub has other content under this id: give a new event a new id, a correction a later data.updated_at",
    "fr": "le hub a un autre contenu sous cet id : donnez un nouvel id à un nouvel événement, à une correction un "
    "data.updated_at plus tardif",
}
AGAIN_SECONDS = 5.0
"""How soon an outbox that the hub did not empty is tried again, with `--follow`."""

app = App(name="customs-connect push")


@app.default
def push(
    file: Annotated[str, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    hub: HubOptions,
    receipts: Path | None = None,
    outbox: Path | None = None,
    follow: Annotated[bool, Parameter(negative=())] = False,
    sign: Annotated[bool, Parameter(negative=())] = False,
    on_behalf_of: str = "",
    strip: Annotated[bool, Parameter(negative=())] = False,
    json: JSON = False,
) -> int:
    """Send events (CloudEvents in JSON: one, an array, or one a line) and print what became of each.

    Exits with 0 if the hub took all and every receipt verifies, else with 1.

    Parameters
    ----------
    file
        The file with the events, or `-` for standard input.
    receipts
        A directory to keep verified receipts in.
    outbox
        A file to keep events in until their receipts are kept: what the hub does not take now waits there, also for
        the next run.
    follow
        Send each line of standard input as it comes, until it ends.
    sign
        Sign each request (RFC 9421): the hub keeps it with the events, as this company's own proof.
    on_behalf_of
        The partner whose events these are, by a mandate that it gave you. An outbox holds those of one partner.
    strip
        Leave out what no agreement of yours covers, as the hub says when this begins; without its answer nothing is
        taken. Members that the event type requires stay.
    json
        Print one JSON object for each event.
    """
    if strip and on_behalf_of:
        raise ConnectorError(STRIP_IS_OWN)
    reach: dict[str, Any] = {"client_id": hub.client, "key": hub.credential(), "receipts": receipts}
    reach |= {"sign": sign, "on_behalf_of": on_behalf_of, "strip": strip}
    return asyncio.run(_push(file, hub.hub, reach, outbox, follow=follow, json=json))


async def _push(file: str, hub: str, reach: dict[str, Any], outbox: Path | None, *, follow: bool, json: bool) -> int:
    """`reach`: as whom, as `connect` takes it."""
    rounds = _lines_as_they_come() if follow else _rounds(_read(file))
    printer = _Printer(json=json)
    async with connect(hub, **reach, on_waiting=partial(printer.waiting, hub)) as client:
        with closing(Outbox(outbox, publisher=reach["on_behalf_of"])) if outbox is not None else nullcontext() as box:
            if box is None:
                await _send(rounds, client, printer)
                printer.end()
            else:
                await _send_through(box, rounds, client, printer)
                if len(box):
                    print(f"{len(box)} events wait in {outbox}; push again to send them", file=sys.stderr)
                    return 1
    return 1 if printer.failed else 0


async def _send(rounds: AsyncIterator[list[bytes]], client: Client, printer: _Printer) -> None:
    async for raws in rounds:
        for outcome in await client.send(printer.sendable(raws, client)):
            printer.print(outcome)


async def _send_through(box: Outbox, rounds: AsyncIterator[list[bytes]], client: Client, printer: _Printer) -> None:
    """Add to the outbox what comes, as it comes, and send what waits; print what is settled."""
    added = asyncio.Event()
    adding = asyncio.ensure_future(_add(box, rounds, client, printer, added))
    adding.add_done_callback(lambda _: added.set())
    while True:
        ended = adding.done()
        added.clear()
        last = None
        async for outcome in box.run(client):
            last = outcome
            if outcome.taken or outcome.refused:
                printer.print(outcome)
        if last is not None and last.open:
            print(f"{len(box)} events wait: {last.code} {last.detail}", file=sys.stderr, flush=True)
        if ended:
            return adding.result()
        with suppress(TimeoutError):
            await asyncio.wait_for(added.wait(), AGAIN_SECONDS)


async def _add(
    box: Outbox, rounds: AsyncIterator[list[bytes]], client: Client, printer: _Printer, added: asyncio.Event
) -> None:
    """Nothing that came is kept in memory alone while the hub is away."""
    async for raws in rounds:
        box.add(*printer.sendable(raws, client))
        added.set()


class _Printer:
    """Prints outcomes and remembers whether all was well."""

    def __init__(self, *, json: bool) -> None:
        self._json = json
        self._open_count, self._told_waiting = 0, False
        self.failed = False

    def print(self, outcome: Outcome) -> None:
        self.failed |= not outcome.taken
        self._open_count += outcome.open
        if self._json:
            told: dict[str, Any] = to_builtins(outcome)
            told.pop("receipt", None)
            print_json(told | {"receipt_verified": outcome.receipt is not None})
            return
        detail = outcome.detail or (_CONFLICT[language()] if outcome.verdict is Verdict.CONFLICT else "")
        words = (outcome.verdict, outcome.source, outcome.id, outcome.code, detail, outcome.receipt_fault)
        print("  ".join(word for word in words if word), flush=True)
        print_faults(outcome.faults, language())

    def waiting(self, url: str, why: Outcome) -> None:
        """Said once: the tries that follow may take minutes."""
        if self._told_waiting:
            return
        self._told_waiting = True
        if why.code == UNREACHABLE:
            said = unreachable(url, why.detail)
        else:
            said = f"the hub takes nothing now ({': '.join(filter(None, (why.code or why.verdict, why.detail)))})"
        print(f"{said}; trying again", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self._open_count and not self._json:
            has = "1 event has" if self._open_count == 1 else f"{self._open_count} events have"
            print(f"{has} no answer; send it again: same command", flush=True)

    def sendable(self, raws: list[bytes], client: Client) -> list[OutgoingEvent]:
        """The events among these, as the client sends them; of what is none, say so like the hub would."""
        events = []
        for raw in raws:
            try:
                events.append(client.outgoing(raw))
            except EventUnsendable as e:
                faults = tuple(words().fault(fault, language()) for fault in e.faults)
                self.print(Outcome("", "", Verdict.REJECTED, "EVENT_INVALID", "not sent: this is no event", faults))
        return events


def _read(file: str) -> list[bytes]:
    return events_of(sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes())


async def _rounds(events: list[bytes]) -> AsyncIterator[list[bytes]]:
    for start in range(0, len(events), ROUND_COUNT_MAX):
        yield events[start : start + ROUND_COUNT_MAX]


async def _lines_as_they_come() -> AsyncIterator[list[bytes]]:
    """Lines of standard input, those together that came while the last ones were under way.

    A thread reads them: that works on every system and for every kind of file. It waits while the queue is full.
    """
    queue: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUE_COUNT_MAX)
    loop = asyncio.get_running_loop()

    def read() -> None:
        for line in sys.stdin.buffer:
            asyncio.run_coroutine_threadsafe(queue.put(line.strip()), loop).result()
        asyncio.run_coroutine_threadsafe(queue.put(None), loop).result()

    threading.Thread(target=read, daemon=True).start()
    while True:
        lines = [await queue.get()]
        while len(lines) < ROUND_COUNT_MAX and not queue.empty():
            lines.append(queue.get_nowait())
        if events := [line for line in lines if line]:
            yield events
        if None in lines:
            return
