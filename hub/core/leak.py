"""A credential that fell into wrong hands: from when on what came under it may be somebody else's word."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Trust(StrEnum):
    """What the administration says of the events that came under a leaked credential."""

    WITHDRAWN = "withdrawn"
    """They may be forged; it is being looked into."""
    CONFIRMED = "confirmed"
    """They were forged, or nobody can say that they were not."""
    RETRACTED = "retracted"
    """The suspicion is taken back: they are the company's own."""


class Leak(Struct, frozen=True):
    """`id` is the credential's: a key, a certificate. Each version is told to everyone who received such an event."""

    id: str
    system: str
    since: int
    """Seconds since 1970: what the hub took from then on is suspect."""
    told: int
    """Seconds since 1970, when it was reported: the credential was revoked by the same revision."""
    trust: Trust = Trust.WITHDRAWN
