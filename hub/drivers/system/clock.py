"""The machine's clock, as the `Clock` port asks for it."""

from __future__ import annotations

import asyncio
import time


class SystemClock:
    def now_us(self) -> int:
        return time.time_ns() // 1_000

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def deadline(self, seconds: float) -> asyncio.Timeout:
        return asyncio.timeout(seconds)
