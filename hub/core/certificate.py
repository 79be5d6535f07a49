"""Client certificates of partners' systems, as they are registered (RFC 8705)."""

from __future__ import annotations

from math import inf

from msgspec import Struct

from hub.core.credential import KeyState


class Certificate(Struct, frozen=True, omit_defaults=True):
    """A certificate with which one system opens TLS connections, or a name that stands in those of an authority.

    A newer certificate is registered beside the one that ends; one of a registered name needs no registration.
    """

    id: str
    """base64url of the SHA-256 of its DER form: `x5t#S256` (RFC 8705 §3.1); of a name, of how it is compared."""
    system: str
    subject: str
    """Distinguished name (RFC 4514), or the name with its kind; for people."""
    not_after: int | None
    """Seconds since 1970. None: a name has no end."""
    der: str
    """base64: what a TLS listener trusts where no authority issued it. Empty: this is a name."""
    state: KeyState = KeyState.ACTIVE
    """`active` or `revoked`; that it ended, its date says."""

    @property
    def is_name(self) -> bool:
        return not self.der

    def usable_until(self) -> float:
        """Seconds since 1970 before which it proves its system."""
        if self.state is not KeyState.ACTIVE:
            return 0
        return inf if self.not_after is None else self.not_after

    def state_at(self, now: int) -> KeyState:
        is_over = self.state is KeyState.ACTIVE and now >= self.usable_until()
        return KeyState.EXPIRED if is_over else self.state

    def usable_at(self, now: int) -> bool:
        return self.state_at(now) is KeyState.ACTIVE
