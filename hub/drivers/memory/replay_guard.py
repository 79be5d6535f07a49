"""The replay guard in memory."""

from __future__ import annotations


class MemoryReplayGuard:
    """A `ReplayGuard` that forgets with its process: for tests and for trying out, not for serving."""

    def __init__(self) -> None:
        self._used: dict[bytes, int] = {}

    async def use(self, key: bytes, *, expires: int, now: int) -> bool:
        self._used = {used: until for used, until in self._used.items() if until > now}
        if key in self._used:
            return False
        self._used[key] = expires
        return True
