"""Time and chance, handed in so that tests, leases and lingers do not depend on the machine's."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Clock(Protocol):
    def now_us(self) -> int:
        """Microseconds since 1970-01-01T00:00:00Z."""

    def monotonic(self) -> float:
        """Seconds that never go back; for durations."""

    async def sleep(self, seconds: float) -> None:
        """Pause the calling task."""

    def deadline(self, seconds: float) -> AbstractAsyncContextManager[object]:
        """A block that is cancelled, and leaves with `TimeoutError`, after `seconds`."""


class Entropy(Protocol):
    def bytes(self, count: int) -> bytes:
        """Unpredictable bytes, fit for keys and salts."""


def end_if_cancelled() -> None:
    """Raise a cancellation that something below kept to itself: it may have answered with an error of its own, or with
    a result, and nobody cancels a second time. Asked at each turn by whoever works for ever under a group of tasks."""
    if (task := asyncio.current_task()) is not None and task.cancelling():
        raise asyncio.CancelledError
