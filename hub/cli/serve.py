"""`customs-hub serve`: run the hub until it is told to stop."""

from __future__ import annotations

import sys
from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from hub.cli import DONE, FAILED, Misused
from hub.cli.desk import DEFAULTS, Options, settings_of
from hub.core.errors import HubError
from hub.core.settings import Settings

app = App(name="serve", help="Run the hub until it is told to stop (SIGTERM, SIGINT): work under way ends first.")

Workers = Annotated[int, Parameter(validator=Number(gte=1, lte=64), help="Processes that serve partners together.")]


@app.default
def serve(*, workers: Workers = 1, options: Options = DEFAULTS) -> int:
    """Run the hub with the settings of a TOML file and the environment; log lines go to standard error, as JSON."""
    import uvloop

    settings = settings_of(options)
    code = DONE
    try:
        if workers > 1:
            _can_share(settings, workers)
            uvloop.run(_serve_with(workers, settings))
        else:
            uvloop.run(_serve(settings))
    except* HubError as group:
        for error in group.exceptions:
            print(f"customs-hub serve: {error}", file=sys.stderr)
        code = FAILED
    return code


def _can_share(settings: Settings, workers: int) -> None:
    """Raises `Misused` where what the workers would share is one process's own."""
    lacking = []
    if settings.log.ground != "kafka":
        lacking.append(f'`log.ground = "kafka"` (it is "{settings.log.ground}", which one process keeps)')
    if not settings.postgres.url:
        lacking.append("`postgres.url` (without it registry, index and jobs are files of one process)")
    if lacking:
        raise Misused(f"--workers {workers} needs {' and '.join(lacking)}; without --workers one process serves")


async def _serve(settings: Settings) -> None:
    import asyncio
    import signal

    from hub.assembly.serve import serve as serve_alone

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop.set)
    await serve_alone(settings, stop)


async def _serve_with(workers: int, settings: Settings) -> None:
    """The parent stays small: it loads nothing of what its workers are made of."""
    import asyncio
    import signal

    from hub.drivers.system.clock import SystemClock
    from hub.drivers.system.observer import SystemObserver, configure_log
    from hub.drivers.system.workers import serve as serve_with

    configure_log()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve_with(settings, count=workers, stop=stop, clock=SystemClock(), observer=SystemObserver())
