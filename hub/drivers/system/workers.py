"""The parent of a hub's workers: it holds what they share, starts them, and starts again what ended.

Theory of operation. The parent takes the lock of the data directory and binds the listening sockets; it never reads
from them. A worker is a new program, not a fork. It inherits the sockets and the lock, and is told the rest on its
standard input: one line, then nothing for as long as the parent lives. So a parent that was killed is noticed by the
end of that stream, its workers stop in order, and until the last of them is gone the lock is held and no other hub
begins on the directory. A worker says that it is up by a line on its standard output. The first one is waited for: it
makes tables and keys, where there are none.

A worker that ends is started again, at once and then after longer and longer pauses. One that cannot stay up ends the
parent, which says so: whatever runs the parent then has to start it again, or to call somebody.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from hub.core.errors import HubError
from hub.core.settings import Settings
from hub.core.worker import Worker
from hub.drivers.system.directory import DataDirectory
from hub.drivers.system.listen import Sockets, bound
from hub.ports.observer import Observer
from hub.ports.system import Clock

COMMAND = (sys.executable, "-m", "hub.assembly.worker")
SOUND_SECONDS = 60.0
"""A worker that lived so long was well."""
HASTY_ENDS_MAX = 8
"""In a row, of one worker that was not: over half a minute."""
PAUSE_SECONDS_MIN, PAUSE_SECONDS_MAX = 0.25, 10.0
STOP_MARGIN_SECONDS = 5.0
"""For what a worker does after its last request, before it is ended."""
UNABLE = 1
"""The exit code of a worker that said on standard error why it cannot be."""
UP = b"up\n"


class Charge(Struct, frozen=True):
    """What a worker is told at its start."""

    settings: Settings
    worker: Worker
    sockets: tuple[int, int, int]
    """Their descriptors, as `Sockets.every` has them."""


class Workers:
    """`keep` runs them until it is cancelled or one of them cannot be; then `stop` ends them."""

    def __init__(
        self,
        settings: Settings,
        *,
        count: int,
        directory: DataDirectory,
        sockets: Sockets,
        clock: Clock,
        observer: Observer,
    ) -> None:
        self._settings = settings
        self._count = count
        self._directory = directory
        self._sockets = sockets
        self._clock = clock
        self._observer = observer
        self._running: dict[int, asyncio.subprocess.Process] = {}
        self._prepared = asyncio.Event()

    async def keep(self) -> None:
        """Raises `HubError` where a worker cannot stay up."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for number in range(self._count):
                    tasks.create_task(self._keep(number))
        except* HubError as group:
            raise group.exceptions[0] from None

    async def stop(self) -> None:
        """Let requests under way end; whoever takes too long for that is ended."""
        for process in self._running.values():
            with suppress(ProcessLookupError):
                process.terminate()
        seconds = self._settings.http.shutdown_seconds_max + STOP_MARGIN_SECONDS
        with suppress(TimeoutError):
            async with self._clock.deadline(seconds):
                await asyncio.gather(*(process.wait() for process in self._running.values()))
        for process in self._running.values():
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _keep(self, number: int) -> None:
        starts = hasty = 0
        while True:
            starts += 1
            began = self._clock.monotonic()
            code = await self._run(Worker(number=number, of=self._count, starts=starts))
            is_sound = self._clock.monotonic() - began >= SOUND_SECONDS
            hasty = 0 if is_sound else hasty + 1
            self._observer.event("alarm.worker_ended", worker=number, code=code, starts=starts)
            if hasty > HASTY_ENDS_MAX or (starts == 1 and code == UNABLE and not is_sound):
                raise HubError(f"worker {number} cannot stay up; it ended with code {code}, and said why before")
            await self._clock.sleep(_pause(hasty))

    async def _run(self, worker: Worker) -> int:
        """Start a worker and wait for its end; the exit code, or minus the signal that ended it."""
        sockets = self._sockets.every()
        descriptors = tuple(each.fileno() for each in sockets)
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=(*descriptors, self._directory.lock),
        )
        self._running[worker.number] = process
        assert process.stdin is not None
        assert process.stdout is not None
        if worker.number:
            await self._prepared.wait()  # Meanwhile it loads its program.
        with suppress(RuntimeError):  # uvloop: it has ended already, and its end is told below.
            process.stdin.write(msgspec.json.encode(Charge(self._settings, worker, _three(sockets))) + b"\n")
        if await process.stdout.readline() == UP:
            self._observer.event("worker_up", worker=worker.number, pid=process.pid, starts=worker.starts)
            self._prepared.set()
        return await process.wait()


async def serve(settings: Settings, *, count: int, stop: asyncio.Event, clock: Clock, observer: Observer) -> None:
    """A hub of `count` workers, until it is to stop. Raises `HubError` where it cannot be."""
    with DataDirectory(Path(settings.log.directory)) as directory, bound(settings) as sockets:
        workers = Workers(settings, count=count, directory=directory, sockets=sockets, clock=clock, observer=observer)
        keeping, stopping = asyncio.create_task(workers.keep()), asyncio.create_task(stop.wait())
        await asyncio.wait({keeping, stopping}, return_when=asyncio.FIRST_COMPLETED)
        failed = keeping.done()
        sockets.close()  # Or who connects now would wait for workers that do not accept any more.
        for task in (keeping, stopping):
            task.cancel()
        await workers.stop()
        if failed:
            keeping.result()


def _pause(hasty: int) -> float:
    """Seconds until a worker is started again that ended so often in a row soon after its start."""
    return 0.0 if hasty < 2 else min(PAUSE_SECONDS_MIN * 2.0 ** (hasty - 2), PAUSE_SECONDS_MAX)


def _three(sockets: Sequence[socket.socket]) -> tuple[int, int, int]:
    partners, operations, admin = (each.fileno() for each in sockets)
    return partners, operations, admin
