"""Client certificates of partners' systems, as they are registered (RFC 8705)."""

from __future__ import annotations

from msgspec import Struct

from hub.core.credential import KeyState


class Certificate(Struct, frozen=True, omit_defaults=True):
    """A certificate with which one system opens TLS connections. A newer one is registered beside it before it ends."""

    id: str
    """base64url of the SHA-256 of its DER form: `x5t#S256` (RFC 8705 §3.1)."""
    system: str
    subject: str
    """Distinguished name (RFC 4514), for people."""
    not_after: int
    """Seconds since 1970."""
    der: str
    """base64: what a TLS listener trusts where no authority issued it."""
    state: KeyState = KeyState.ACTIVE
    """`active` or `revoked`; that it ended, its date says."""

    def usable_until(self) -> float:
        """Seconds since 1970 before which it proves its system."""
        return self.not_after if self.state is KeyState.ACTIVE else 0

    def state_at(self, now: int) -> KeyState:
        return self.state if self.state is not KeyState.ACTIVE or now < self.not_after else KeyState.EXPIRED

    def usable_at(self, now: int) -> bool:
        return self.state_at(now) is KeyState.ACTIVE
