"""`python -m hub.assembly.worker`: one worker of a hub, as `hub.drivers.system.workers` starts it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import msgspec
import uvloop

from hub.assembly.serve import serve
from hub.core.errors import HubError
from hub.drivers.system.listen import inherited
from hub.drivers.system.workers import STOP_MARGIN_SECONDS, UNABLE, UP, Charge

STDIN, STDOUT = 0, 1


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # A terminal sends it to all of them: the parent answers it.
    told = sys.stdin.buffer.readline()
    if not told:
        sys.exit()  # The parent is gone already.
    charge = msgspec.json.decode(told, type=Charge)
    try:
        uvloop.run(_work(charge))
    except* HubError as group:
        for error in group.exceptions:
            print(f"customs-hub serve: worker {charge.worker.number}: {error}", file=sys.stderr)
        sys.exit(UNABLE)


async def _work(charge: Charge) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def orphaned() -> None:
        """Nothing more is said on the standard input: it has ended, and with it the parent."""
        loop.remove_reader(STDIN)
        stop.set()
        seconds = charge.settings.http.shutdown_seconds_max + STOP_MARGIN_SECONDS
        loop.call_later(seconds, os._exit, UNABLE)  # Nobody is there who would end one that takes too long.

    def up() -> None:
        os.write(STDOUT, UP)

    loop.add_reader(STDIN, orphaned)
    sockets = inherited(charge.sockets)
    await serve(charge.settings, stop, worker=charge.worker, sockets=sockets, up=up)


if __name__ == "__main__":
    main()
