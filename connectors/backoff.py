"""How long to wait before trying again: jittered, growing, bounded, and never shorter than the hub asks."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits grow from `first_seconds`, doubling, to `wait_seconds_max`, each drawn anew between half and the whole.

    `try_count_max` and `total_seconds_max` bound one piece of work; a reader, which never gives up, ignores them.
    """

    first_seconds: float = 0.2
    wait_seconds_max: float = 15.0
    try_count_max: int = 8
    total_seconds_max: float = 120.0
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    monotonic: Callable[[], float] = time.monotonic

    def begin(self) -> Attempts:
        return Attempts(self, self.monotonic())


class Attempts:
    """The tries that one piece of work has had so far."""

    def __init__(self, backoff: Backoff, started: float) -> None:
        self._backoff, self._started = backoff, started
        self.failed_count = 0

    async def again(self, retry_after_seconds: float = 0.0) -> bool:
        """Wait for the next try; False, at once, if there is none left within the bounds."""
        self.failed_count += 1
        wait = self._wait(retry_after_seconds)
        spent = self._backoff.monotonic() - self._started
        if self.failed_count >= self._backoff.try_count_max or spent + wait > self._backoff.total_seconds_max:
            return False
        await self._backoff.sleep(wait)
        return True

    async def pause(self, retry_after_seconds: float = 0.0) -> None:
        """Wait for the next try of work that is never given up."""
        self.failed_count += 1
        await self._backoff.sleep(self._wait(retry_after_seconds))

    def succeeded(self) -> None:
        """There was progress: count from the start again."""
        self.failed_count, self._started = 0, self._backoff.monotonic()

    def _wait(self, retry_after_seconds: float) -> float:
        doublings = min(self.failed_count - 1, 16)
        grown = min(self._backoff.first_seconds * float(1 << doublings), self._backoff.wait_seconds_max)
        return max(grown * random.uniform(0.5, 1.0), retry_after_seconds)  # noqa: S311 - spreads load, guards nothing
