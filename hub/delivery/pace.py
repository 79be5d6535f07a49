"""A pace that several share: so many bytes a second, however many want them."""

from __future__ import annotations

from hub.ports.system import Clock


class Pace:
    def __init__(self, bytes_per_second: int, clock: Clock) -> None:
        self._rate = bytes_per_second
        self._clock = clock
        self._free_at = 0.0

    async def pay(self, count: int) -> None:
        """Wait until those who came before have had their time; the next one waits for this one's."""
        now = self._clock.monotonic()
        begins = max(now, self._free_at)
        self._free_at = begins + count / self._rate
        if begins > now:
            await self._clock.sleep(begins - now)
