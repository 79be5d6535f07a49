"""`customs-connect engine`: the reference risk engine, reading its feeds at once, printing alerts."""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import aclosing, closing
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from msgspec import to_builtins

from connectors.commands.shared import JSON, HubOptions, print_json
from connectors.risk import Alert, Engine, Group, Reader, Settings
from connectors.risk.reader import SCOPE
from connectors.session import HubSession, HubUnreachable
from schemas.identity import instant_us

TICK_SECONDS = 1.0

app = App(name="customs-connect engine", help="Run the reference risk engine on feeds.")


@app.default
def engine(
    *feeds: str,
    hub: HubOptions,
    state: Path | None = None,
    grace_seconds: float = 3600.0,
    known: Path | None = None,
    stream: Annotated[bool, Parameter(negative=())] = False,
    json: JSON = False,
) -> int:
    """Judge what comes in and print alerts, as they are raised and as they are withdrawn.

    Parameters
    ----------
    feeds
        The names of the feeds to read.
    state
        The file to keep what is known in; without one, all is forgotten at the end, so that each run reads the feeds
        from their start and acknowledges nothing.
    grace_seconds
        How long a gate-in may wait for its filing.
    known
        A file with the identifiers of known consignors, one a line, such as eori:NL123456789.
    stream
        Have the hub push the records (Server-Sent Events), instead of pulling.
    json
        Print JSON objects: {"kind": "alert", …}, and for each group {"kind": "records", …} with the time from the hub's
        acceptance of each record to here.
    """
    if not feeds:
        print("Name at least one feed; `customs-connect read` lists those that you may read.")
        return 2
    consignors = frozenset(known.read_text().split()) if known is not None else frozenset()
    settings = Settings(grace_seconds=grace_seconds, known_consignors=consignors)
    print(
        f"reading {', '.join(feeds)} from {hub.hub}; alerts appear as they arise, one about a missing filing "
        f"{grace_seconds:g} s after the gate-in (--grace-seconds); Ctrl-C ends",
        file=sys.stderr,
        flush=True,
    )
    with closing(Engine(state if state is not None else ":memory:", settings)) as risk:
        asyncio.run(_Desk(risk, hub, kept=state is not None, stream=stream, json=json).run(feeds))
    return 0


class _Desk:
    """Where feeds come in and alerts go out. `kept`: what the engine knows outlives it."""

    def __init__(self, risk: Engine, hub: HubOptions, *, kept: bool, stream: bool, json: bool) -> None:
        self._risk, self._hub, self._kept, self._stream, self._json = risk, hub, kept, stream, json

    async def run(self, feeds: tuple[str, ...]) -> None:
        async with self._hub.session(SCOPE) as session:
            tasks = [asyncio.ensure_future(self._follow(session, feed)) for feed in feeds]
            tasks.append(asyncio.ensure_future(self._tick()))
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            for task in done:
                task.result()

    async def _follow(self, session: HubSession, feed: str) -> None:
        reader = Reader(session, feed, token=self._risk.checkpoint.load(feed), from_start=not self._kept)
        async with aclosing(reader.stream() if self._stream else reader.pull()) as groups:
            async for group in groups:
                now_us = time.time_ns() // 1000
                alerts = self._risk.take(feed, group, now_us=now_us)
                self._print_group(feed, group, now_us)
                self._print(alerts)
                if not self._kept:
                    continue
                try:
                    await reader.acknowledge(group.token)
                except HubUnreachable:
                    continue  # The engine's own checkpoint counts; the next acknowledgement covers this one.

    async def _tick(self) -> None:
        while True:
            self._print(self._risk.tick(now_us=time.time_ns() // 1000))
            await asyncio.sleep(TICK_SECONDS)

    def _print(self, alerts: list[Alert]) -> None:
        for alert in alerts:
            if self._json:
                print_json({"kind": "alert", **to_builtins(alert)})
            else:
                print(alert.line(), flush=True)

    def _print_group(self, feed: str, group: Group, now_us: int) -> None:
        if not self._json:
            return
        received = [instant_us(record.get("receivedtime", "")) for record in group.records]
        waits_ms = [round((now_us - at) / 1000, 1) for at in received if at is not None]
        told = {"feed": feed, "count": len(group.records), "after_gap": group.after_gap, "milliseconds": waits_ms}
        print_json({"kind": "records", **told})
