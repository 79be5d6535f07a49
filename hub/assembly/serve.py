"""Serving until one is told to stop, for a hub in one process and for each worker of several."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Callable

from hub.assembly import build
from hub.core.settings import Settings
from hub.core.worker import ALONE, Worker
from hub.drivers.system.listen import Sockets
from hub.drivers.system.observer import configure_log


async def serve(
    settings: Settings,
    stop: asyncio.Event,
    *,
    worker: Worker = ALONE,
    sockets: Sockets | None = None,
    up: Callable[[], None] = lambda: None,
) -> None:
    """Raises what `build` does; calls `up` once it serves."""
    configure_log(worker=None if worker.is_alone else worker.number)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with build(settings, worker=worker, sockets=sockets) as hub:
        # What was made until now stays, and requests leave no cycles: looking for them cost a tenth of a request.
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        if worker.starts > 1:
            hub.observer.count("alarms", alarm="worker_ended")
        hub.observer.event("serving", url=hub.url, ground=settings.log.ground, data=settings.log.directory)
        up()
        await stop.wait()
        hub.observer.event("stopping")
