"""Remembers what may be used once, and what may be used no more: assertions (RFC 7523 §3) and tokens (RFC 7009)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class ReplayGuard(Protocol):
    async def use(self, key: bytes, *, expires: int, now: int) -> bool:
        """True the first time a key is used, False ever after until `expires` (seconds since 1970).

        MUST remember over a restart and over the loss of power. MUST answer True to exactly one of many at once.
        """

    async def revoke(self, key: bytes, *, expires: int, now: int) -> None:
        """Say of a key, at `now`, that it may be used no more.

        MUST be among what `revoked` answers in every process once it has returned, until `expires`, also over a restart
        and over the loss of power. MUST do nothing the second time.
        """

    async def revoked(self, *, since: int, now: int) -> Sequence[bytes]:
        """All keys that were revoked at `since` or later, by the clock of who did it, and have not expired at `now`."""
