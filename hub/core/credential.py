"""The life of a credential: from a key that somebody asks for to one that never comes back.

What operators and companies decide is kept in `state`; what time does to it follows from `not_before` and `not_after`,
so that a key ends on its second on every worker, without anybody writing anything.
"""

from __future__ import annotations

from enum import StrEnum
from math import inf

from msgspec import Struct


class KeyState(StrEnum):
    """Where a credential is in its life (`schemas/formats/enrolment.md`). Kept in the registry are `requested`,
    `active`, `grace` and `revoked`; the others follow from the time, or from its first use."""

    REQUESTED = "requested"
    """Its possession is proven; a second operator has to approve it."""
    APPROVED = "approved"
    """It may be used from `not_before` on, and was not used yet."""
    ACTIVE = "active"
    GRACE = "grace"
    """Replaced by another, still accepted until `not_after`."""
    EXPIRED = "expired"
    REVOKED = "revoked"
    ROTATED_OUT = "rotated_out"
    """Replaced, and its grace is over."""


USABLE = frozenset({KeyState.ACTIVE, KeyState.GRACE})


class PublicKey(Struct, frozen=True, omit_defaults=True):
    """A system's public key. `id` is the JWK thumbprint (RFC 7638), `algorithm` the only one it is used with."""

    id: str
    system: str
    algorithm: str
    jwk: dict[str, str]
    state: KeyState = KeyState.ACTIVE
    not_after: int | None = None
    """Seconds since 1970 when it stops: the end of its validity, or of its grace. None: no end was set."""
    not_before: int | None = None
    """Seconds since 1970 from which it counts: when it was approved, or later."""
    revocation: str = ""
    """SHA-256 (hex) of the offline code by which its company ends it; empty: it has none."""
    rotated_by: str = ""
    """The id of the credential under which its company rotated it in; empty: operators approved it."""
    break_glass: bool = False
    """Let in in haste for half a day: its company cannot put another in its place, a proper enrolment follows."""

    def usable_until(self) -> float:
        """Seconds since 1970 before which the key proves its system: for ever, until it ends, or never."""
        if self.state is KeyState.ACTIVE:
            return inf if self.not_after is None else self.not_after
        return self.not_after or 0 if self.state is KeyState.GRACE else 0

    def state_at(self, now: int) -> KeyState:
        """Its state at `now` (seconds since 1970), by what was decided and by its dates."""
        if self.state not in USABLE:
            return self.state
        if now < (self.not_before or 0):
            return KeyState.APPROVED
        if now < self.usable_until():
            return self.state
        return KeyState.EXPIRED if self.state is KeyState.ACTIVE else KeyState.ROTATED_OUT

    def usable_at(self, now: int) -> bool:
        return self.state_at(now) in USABLE
