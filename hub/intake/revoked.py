"""Access tokens that were revoked before they ended (RFC 7009), as one worker knows them.

Each worker asks the shared store three times a second what is new, and looks some seconds back, for clocks differ. One
that could not ask for as long as a confirmation of the registry counts lets nobody in, for it would not know.
"""

from __future__ import annotations

from hashlib import sha256
from math import inf

from hub.core.errors import HubError
from hub.ports.replay_guard import ReplayGuard
from hub.ports.system import Clock

POLL_SECONDS = 0.3
LOOK_BACK_SECONDS = 60


def revocation_key(token_id: str) -> bytes:
    return sha256(b"token\x00" + token_id.encode()).digest()


class RevokedTokens:
    """What `follow` has taken in; empty and not current until its first answer."""

    def __init__(self, replay: ReplayGuard, *, clock: Clock, token_seconds: int, stale_seconds: float) -> None:
        self._replay = replay
        self._clock = clock
        self._token_seconds = token_seconds
        self._stale_seconds = stale_seconds
        self._revoked: dict[bytes, int] = {}
        """With when each was taken in, in seconds; none is needed longer than a token lives."""
        self._confirmed = -inf
        self._looked = 0

    def __contains__(self, token_id: object) -> bool:
        return bool(self._revoked) and revocation_key(str(token_id)) in self._revoked

    @property
    def is_current(self) -> bool:
        return self._clock.monotonic() - self._confirmed <= self._stale_seconds

    async def revoke(self, token_id: str, *, expires: int) -> None:
        """In force here at once, in the other workers within a second. Raises the store's errors: then it is not."""
        now = self._now()
        await self._replay.revoke(revocation_key(token_id), expires=expires, now=now)
        self._revoked[revocation_key(token_id)] = now

    async def refresh(self) -> None:
        """Raises `StorageUnavailable`."""
        asked, now = self._clock.monotonic(), self._now()
        since = self._looked - LOOK_BACK_SECONDS
        found = await self._replay.revoked(since=since, now=now)
        oldest = now - self._token_seconds - LOOK_BACK_SECONDS
        self._revoked = {key: taken for key, taken in self._revoked.items() if taken > oldest}
        self._revoked |= dict.fromkeys(found, now)
        self._looked, self._confirmed = now, asked

    async def follow(self) -> None:
        """Refresh for ever; an owner runs it as a task and cancels it."""
        while True:
            try:
                async with self._clock.deadline(self._stale_seconds):
                    await self.refresh()
            except (HubError, TimeoutError):
                pass  # It is not current until the next answer; the registry says so where it is away too.
            await self._clock.sleep(POLL_SECONDS)

    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000
