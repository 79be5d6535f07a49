"""`Turns` over one file, of which each name locks one byte.

Theory of operation. The byte is locked for the process (fcntl(2), record locks); within it, by a lock in memory. The
kernel gives back what a process held when that ends, however it ends, and also when it closes the file anywhere: so it
is opened once. The bytes need not be there. Whoever finds one locked looks again soon: it is seldom, and short.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

from hub.core.errors import HubError, StorageUnavailable
from hub.ports.system import Clock
from hub.ports.turns import TURN_SECONDS_MAX

FILE = "turns"
POLL_SECONDS = 0.01
_PLACE_BYTES = 7


class FileTurns:
    """Raises HubError."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        path = directory / FILE
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise HubError(f"{path} cannot be used: {error.strerror}") from error
        self._clock = clock
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._wanted: defaultdict[int, int] = defaultdict(int)

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[None]:
        place = int.from_bytes(sha256(name.encode()).digest()[:_PLACE_BYTES], "big")
        self._wanted[place] += 1
        try:
            await self._take(place)
            try:
                yield
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, place)
                self._locks[place].release()
        finally:
            self._wanted[place] -= 1
            if not self._wanted[place]:
                del self._wanted[place], self._locks[place]

    async def _take(self, place: int) -> None:
        lock = self._locks[place]
        try:
            async with self._clock.deadline(TURN_SECONDS_MAX):
                await lock.acquire()
                try:
                    while not self._locked(place):
                        await self._clock.sleep(POLL_SECONDS)
                except BaseException:
                    lock.release()
                    raise
        except TimeoutError as e:
            raise StorageUnavailable("another request does the same for too long") from e

    def _locked(self, place: int) -> bool:
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
        except (BlockingIOError, PermissionError):  # EAGAIN or EACCES (fcntl(2)).
            return False
        return True
