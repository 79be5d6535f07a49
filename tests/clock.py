"""A clock that is moved by hand: time passes when a test says so, and nothing sleeps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from heapq import heappop, heappush
from itertools import count

START_US = 1_767_225_600_000_000
"""2026-01-01T00:00:00Z."""


class ManualClock:
    """Keeps the `Clock` port; `advance` wakes what it passes, in order."""

    def __init__(self, start_us: int = START_US) -> None:
        self._now_us = start_us
        self._start_us = start_us
        self._alarms: list[tuple[int, int, Callable[[], None]]] = []
        self._ticket = count()

    def now_us(self) -> int:
        return self._now_us

    def monotonic(self) -> float:
        return (self._now_us - self._start_us) / 1e6

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        self._at(seconds, woken.set)
        await woken.wait()

    @asynccontextmanager
    async def deadline(self, seconds: float) -> AsyncIterator[object]:
        async with asyncio.timeout(None) as limit:
            self._at(seconds, lambda: None if limit.expired() else _expire(limit))
            yield limit

    def advance(self, seconds: float) -> None:
        until = self._now_us + round(seconds * 1e6)
        while self._alarms and self._alarms[0][0] <= until:
            self._now_us, _, ring = heappop(self._alarms)
            ring()
        self._now_us = until

    def _at(self, seconds: float, ring: Callable[[], None]) -> None:
        if seconds <= 0:
            ring()
        else:
            heappush(self._alarms, (self._now_us + round(seconds * 1e6), next(self._ticket), ring))


def _expire(limit: asyncio.Timeout) -> None:
    try:
        limit.reschedule(asyncio.get_running_loop().time())
    except RuntimeError:
        return  # The block was left in time.
