"""How a company's system comes to the hub: invited with a code, enrolled with a key, and looked at until it works.

Values as registered; what a code and a proof look like is `schemas/formats/enrolment.md`.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

INVITATION_SECONDS = 72 * 3_600


class InvitationState(StrEnum):
    OPEN = "open"
    USED = "used"
    ENDED = "ended"
    """Taken back before it was used."""


class Invitation(Struct, frozen=True, omit_defaults=True):
    """One system of one organisation may bring its key, once. `id` is the SHA-256 (hex) of the code that says so."""

    id: str
    partner: str
    system: str
    """The system's id, `<partner>.<slug>`; it is made, and gets its scopes, when its key is approved."""
    scopes: tuple[str, ...]
    made: int
    """Seconds since 1970."""
    ends: int
    """Seconds since 1970, exclusive."""
    state: InvitationState = InvitationState.OPEN
    key: str = ""
    """The id of the key that it was used for."""

    def is_open(self, now: int) -> bool:
        return self.state is InvitationState.OPEN and now < self.ends


class Step(StrEnum):
    """What a system shows by itself, in the order in which it usually does. Each is noted once."""

    CLOCK = "clock"
    """Its assertions carry a time that the hub's clock agrees with."""
    EVENT = "event"
    """An event of it was accepted."""
    RECEIPT = "receipt"
    """It verified a receipt of this hub's."""


class Enrolment(Struct, frozen=True, omit_defaults=True):
    """How far a system has come since its key was proven; `id` is the system's. Another invitation begins it anew."""

    id: str
    partner: str
    key: str
    proven: int
    """Seconds since 1970: when it showed that it holds the key."""
    clock_offset_seconds: int
    """How far its clock was ahead of the hub's when that was last noted."""
    clock: int | None = None
    """Seconds since 1970 of each `Step`."""
    event: int | None = None
    receipt: int | None = None

    def reached(self, step: Step) -> int | None:
        """When it took this step; None: not yet."""
        moment: int | None = getattr(self, step.value)
        return moment
