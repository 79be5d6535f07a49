"""`customs-hub serve`: run the hub until it is told to stop."""

from __future__ import annotations

import sys

from cyclopts import App

from hub.cli import DONE, FAILED
from hub.cli.desk import DEFAULTS, Options, settings_of
from hub.core.errors import HubError
from hub.core.settings import Settings

app = App(name="serve", help="Run the hub until it is told to stop (SIGTERM, SIGINT): work under way ends first.")


@app.default
def serve(*, options: Options = DEFAULTS) -> int:
    """Run the hub with the settings of a TOML file and the environment; log lines go to standard error, as JSON."""
    import uvloop

    settings = settings_of(options)
    code = DONE
    try:
        uvloop.run(_serve(settings))
    except* HubError as group:
        for error in group.exceptions:
            print(f"customs-hub serve: {error}", file=sys.stderr)
        code = FAILED
    return code


async def _serve(settings: Settings) -> None:
    import asyncio
    import gc
    import signal

    from hub.assembly import build
    from hub.drivers.system.observer import configure_log

    configure_log()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with build(settings) as hub:
        # What was made until now stays, and requests leave no cycles: looking for them cost a tenth of a request.
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        hub.observer.event("serving", url=hub.url, ground=settings.log.ground, data=settings.log.directory)
        await stop.wait()
        hub.observer.event("stopping")
