"""`python -m tests.faults.serve_with_points serve`: `customs-hub serve`, which ends itself at a point.

`KILL_AT=after-append:7` names the point and the passage. The command and the assembly are the product's own: only what
opens the ports, and what observes, is put in decorated; of several workers, in each.
"""

from __future__ import annotations

import os
import sys
from contextlib import AsyncExitStack

import hub.assembly
from hub.assembly.grounds import Ports, open_ports
from hub.cli import main
from hub.core.settings import Settings
from hub.core.worker import ALONE, Worker
from hub.drivers.system import workers
from hub.drivers.system.observer import SystemObserver
from hub.ports.system import Clock
from tests.faults.points import ArmedObserver, KillSwitch, armed


def arm(switch: KillSwitch) -> None:
    async def open_armed(settings: Settings, clock: Clock, stack: AsyncExitStack, worker: Worker = ALONE) -> Ports:
        return armed(await open_ports(settings, clock, stack, worker), switch)

    assert hub.assembly.open_ports is open_ports
    assert hub.assembly.SystemObserver is SystemObserver
    hub.assembly.open_ports = open_armed
    hub.assembly.SystemObserver = lambda: ArmedObserver(SystemObserver(), switch)


if __name__ == "__main__":
    if "--workers" in sys.argv:
        workers.COMMAND = (sys.executable, "-m", "tests.faults.worker_with_points")
    else:
        arm(KillSwitch.parse(os.environ["KILL_AT"]))
    main()
