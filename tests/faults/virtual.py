"""An event loop whose time is virtual: when nothing is left to do, it is at once as late as the next timer says.

With memory drivers there is nothing outside to wait for, so a run is a function of its seed, and an hour costs nothing.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

START_US = 1_795_338_000_000_000
T = TypeVar("T")


class _JumpingSelector(selectors.SelectSelector):
    """Instead of waiting, moves the time on."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("every task waits for something that can never happen")
        self.now += max(timeout, 0.0)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


class VirtualClock:
    """Keeps the `Clock` port with the loop's time."""

    def now_us(self) -> int:
        return START_US + round(self.monotonic() * 1e6)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def deadline(self, seconds: float) -> asyncio.Timeout:
        return asyncio.timeout(seconds)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` to its end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


class ListObserver:
    """Keeps the `Observer` port as a list of what was said."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, tuple[tuple[str, str], ...]], int] = {}
        self.events: list[tuple[str, Mapping[str, str | int | float]]] = []

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        key = name, tuple(sorted(labels.items()))
        self.counts[key] = self.counts.get(key, 0) + amount

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Figures are not looked at."""

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Figures are not looked at."""

    def event(self, name: str, **facts: str | int | float) -> None:
        self.events.append((name, facts))

    def exposition(self) -> bytes:
        return b""

    def alarms(self) -> set[str]:
        return {labels[0][1] for name, labels in self.counts if name == "alarms"}
