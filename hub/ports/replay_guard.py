"""Remembers what may be used once: `jti` of client assertions (RFC 7523 §3)."""

from __future__ import annotations

from typing import Protocol


class ReplayGuard(Protocol):
    async def use(self, key: bytes, *, expires: int, now: int) -> bool:
        """True the first time a key is used, False ever after until `expires` (seconds since 1970).

        MUST remember over a restart and over the loss of power. MUST answer True to exactly one of many at once.
        """
