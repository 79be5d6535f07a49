"""The replay guard in memory."""

from __future__ import annotations

from collections.abc import Sequence


class MemoryReplayGuard:
    """A `ReplayGuard` that forgets with its process: for tests and for trying out, not for serving."""

    def __init__(self) -> None:
        self._used: dict[bytes, int] = {}
        self._revoked: dict[bytes, tuple[int, int]] = {}

    async def use(self, key: bytes, *, expires: int, now: int) -> bool:
        self._used = {used: until for used, until in self._used.items() if until > now}
        if key in self._used:
            return False
        self._used[key] = expires
        return True

    async def revoke(self, key: bytes, *, expires: int, now: int) -> None:
        self._revoked = {known: times for known, times in self._revoked.items() if times[1] > now}
        self._revoked.setdefault(key, (now, expires))

    async def revoked(self, *, since: int, now: int) -> Sequence[bytes]:
        return [key for key, (revoked, expires) in self._revoked.items() if revoked >= since and expires > now]
