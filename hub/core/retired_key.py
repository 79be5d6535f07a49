"""A key of the hub's own that operators took out of use: the decision. The keys themselves lie in the key ring."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Ring(StrEnum):
    """What a key of the hub's own is for."""

    SEAL = "seal"
    """Receipts verify under it."""
    TOKEN = "token"  # noqa: S105 (not a secret)
    """Access tokens verify under it."""
    DOCUMENT = "document"
    """It wraps the keys of what lies at rest."""


class RetiredKey(Struct, frozen=True, omit_defaults=True):
    """From now on another key is used in its place, which the process that holds the key ring makes."""

    ring: Ring
    key: str
    """Its id in the ring: an RFC 7638 thumbprint, or the number of a document key."""
    leaked_since: int | None = None
    """Seconds since 1970 from which somebody else may have used it; None: nobody did."""

    @property
    def id(self) -> str:
        return retired_id(self.ring, self.key)


def retired_id(ring: Ring, key: str) -> str:
    return f"{ring}/{key}"
