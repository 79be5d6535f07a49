"""Who is who: `build(settings)` puts ports, stages and the web together. serve, demo, bench, doctor and tests use it.

`grounds.py` and `state.py` alone choose drivers; `hub.py` hands them to the stages; `offline.py` is for the CLI
while no hub runs.
May import: everything. Never here: rules.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from hub.assembly.grounds import open_ports
from hub.assembly.hub import Hub
from hub.assembly.offline import open_registrar
from hub.core.settings import Settings
from hub.core.worker import ALONE, Worker
from hub.drivers.system.clock import SystemClock
from hub.drivers.system.entropy import SystemEntropy
from hub.drivers.system.listen import Sockets, bound
from hub.drivers.system.observer import SystemObserver


@asynccontextmanager
async def build(settings: Settings, *, worker: Worker = ALONE, sockets: Sockets | None = None) -> AsyncIterator[Hub]:
    """A hub whose storage is open and whose tasks run; on exit everything ends in reverse order.

    A worker is given the `sockets` that it shares with the others; a hub in one process binds its own.

    Raises `HubError` where it cannot be: the data directory is in use, a key file is not private, a store is newer.
    """
    async with AsyncExitStack() as stack:
        clock = SystemClock()
        ports = await open_ports(settings, clock, stack, worker)
        hub = Hub(
            settings,
            ports=ports,
            sockets=sockets or stack.enter_context(bound(settings)),
            clock=clock,
            entropy=SystemEntropy(),
            observer=SystemObserver(),
            worker=worker,
        )
        await stack.enter_async_context(hub.running())
        yield hub


__all__ = ["Hub", "build", "open_registrar"]
