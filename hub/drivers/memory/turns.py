"""`Turns` for one process."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hub.core.errors import StorageUnavailable
from hub.ports.system import Clock
from hub.ports.turns import TURN_SECONDS_MAX


class MemoryTurns:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._wanted: defaultdict[str, int] = defaultdict(int)

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[None]:
        lock = self._locks[name]
        self._wanted[name] += 1
        try:
            try:
                async with self._clock.deadline(TURN_SECONDS_MAX):
                    await lock.acquire()
            except TimeoutError as e:
                raise StorageUnavailable("another request does the same for too long") from e
            try:
                yield
            finally:
                lock.release()
        finally:
            self._wanted[name] -= 1
            if not self._wanted[name]:
                del self._wanted[name], self._locks[name]
