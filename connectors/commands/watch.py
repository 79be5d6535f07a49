"""`customs-connect watch`: what is dropped into a folder goes to the hub, and its results come back beside it."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine
from contextlib import closing, suppress
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter
from cyclopts.validators import Number
from msgspec import to_builtins

from connectors.backoff import Backoff
from connectors.commands.shared import JSON, STRIP_IS_OWN, HubOptions, print_json
from connectors.errors import ConnectorError
from connectors.partner import Client, ReceiptBook
from connectors.partner.client import SCOPE
from connectors.session import HubSession
from connectors.watch.folder import STATE, Folder
from connectors.watch.journal import Journal
from connectors.watch.sending import Sending
from connectors.watch.service import Bounds, Service, Told

DAY_SECONDS = 86_400

app = App(name="customs-connect watch")


@app.default
def watch(
    directory: Path,
    /,
    *,
    hub: HubOptions,
    once: Annotated[bool, Parameter(negative=())] = False,
    interval: Annotated[float, Parameter(validator=Number(gte=0.1, lte=3_600))] = 2.0,
    type: str | None = None,  # noqa: A002
    source: str | None = None,
    receipts: Path | None = None,
    bytes_max: Annotated[int, Parameter(validator=Number(gte=1, lte=104_857_600))] = 10_485_760,
    keep_days: Annotated[int | None, Parameter(validator=Number(gte=1, lte=3_650))] = None,
    on_behalf_of: str = "",
    strip: Annotated[bool, Parameter(negative=())] = False,
    json: JSON = False,
) -> int:
    """Send each file of a folder, once, as it is; move it to `done` or `refused`, with its results beside it.

    A file is taken when it was the same at two looks; write it as `.NAME` or `NAME.part` and rename it, or just copy it
    here. `NAME.result.json` says what became of it; tables come back marked (`NAME.marked.xlsx`), EDIFACT is answered
    in EDIFACT (`NAME.contrl.edi`, `NAME.aperak.edi`). Ended at any moment and started again, it finishes what it began.

    A digital copy (PDF, JPEG, PNG) is named by its kind and its reference, such as `commercial invoice INV-42.pdf`, or
    `NAME.txt` beside it says them: lines `kind: 380`, `reference: INV-42`, and what else `document push` takes. Its
    receipt is laid down as `NAME.receipt.json`.

    Parameters
    ----------
    directory
        The folder. Nobody else may write to the folders `done`, `refused` and `.customs-connect` in it.
    once
        Send what is whole now, and end: with 0 if the hub took all, else with 1. For cron.
    interval
        Seconds between two looks, from 0.1 to 3600.
    type
        The event type of tables that do not name one, such as customs.container.gate_in.
    source
        The source of the events of tables and documents that do not say it.
    receipts
        A directory to keep verified receipts in.
    bytes_max
        A larger file is refused without being sent; the hub has bounds of its own.
    keep_days
        Delete files and results from `done` after so many days; without it, never.
    on_behalf_of
        The partner whose events these are, by a mandate that it gave you. A folder is for those of one partner.
    strip
        Leave out what no agreement of yours covers: members of CloudEvents, cells of CSV. What was sent instead lies
        beside the file (`NAME.sent.csv`): receipts are of that. A file of another format that holds such members is
        refused, unsent; its result names them. Copies of documents, and what cannot be read here, go as they are.
    json
        Print one JSON object for each file.
    """
    if not directory.is_dir():
        raise NotADirectoryError(f"{directory} is no folder")
    if strip and on_behalf_of:
        raise ConnectorError(STRIP_IS_OWN)
    bounds = Bounds(interval, bytes_max, None if keep_days is None else keep_days * DAY_SECONDS)
    teller = _Teller(json=json)
    work = _watch(directory, hub, once, bounds, teller, (type, source, on_behalf_of), receipts, strip=strip)
    return asyncio.run(_stoppable(work, stopped=int(once)))


async def _watch(
    directory: Path,
    hub: HubOptions,
    once: bool,
    bounds: Bounds,
    teller: _Teller,
    defaults: tuple[str | None, str | None, str],
    receipts: Path | None,
    *,
    strip: bool,
) -> int:
    book = ReceiptBook(receipts) if receipts is not None else None
    folder = Folder(directory)
    with closing(Journal(directory / STATE / "journal.db")) as journal:
        reach: dict[str, Any] = {"client_id": hub.client, "key": hub.credential(), "scope": SCOPE}
        async with HubSession(hub.hub, **reach, on_behalf_of=defaults[2]) as session:
            client = Client(session, receipts=book, backoff=Backoff(try_count_max=1))
            sending = Sending(session, client, event_type=defaults[0], source=defaults[1], receipts=book, strip=strip)
            service = Service(folder, journal, sending, tell=teller.tell, bounds=bounds)
            if not once:
                await service.run()
            answered = await service.once()
            return 0 if answered and not teller.failed else 1


async def _stoppable(work: Coroutine[Any, Any, int], *, stopped: int) -> int:
    """Run until done, or until SIGTERM or SIGINT: nothing is lost by ending at once. `stopped`: the exit code then."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        with suppress(NotImplementedError, ValueError, RuntimeError):  # Windows; or not the main thread.
            loop.add_signal_handler(each, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        return stopped


class _Teller:
    """Prints a line for each file, and what waits to standard error."""

    def __init__(self, *, json: bool) -> None:
        self._json = json
        self.failed = False

    def tell(self, told: Told) -> None:
        self.failed |= told.outcome != "done"
        if self._json:
            print_json(to_builtins(told))
            return
        counts = ", ".join(f"{count} {verdict}" for verdict, count in told.counts.items())
        shown = told.file.translate(_CONTROLS)
        line = "  ".join(each for each in (told.outcome, shown, told.detail, counts) if each)
        print(line, file=sys.stdout if told.kind == "file" else sys.stderr, flush=True)


_CONTROLS = dict.fromkeys((*range(32), *range(127, 160)), "?")
"""A file's name is not ours: it starts no line of the log."""
