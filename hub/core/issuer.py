"""Issuers of credentials whose public keys the administration has learnt from the issuer itself: the hub's key book."""

from __future__ import annotations

from math import inf

from msgspec import Struct


class IssuerKey(Struct, frozen=True, omit_defaults=True):
    """A public key by which an issuer signs, as one version of a registry object: a change makes the next version."""

    issuer: str
    """Its URI, as its credentials name it: a DID, or an `https` URL; without a fragment."""
    kid: str
    """The key's id without the issuer in front of it: `key-1` of `did:web:carrier.example#key-1`."""
    name: str
    """What officers call the issuer."""
    jwk: dict[str, str]
    algorithm: str
    """The only one it is used with."""
    valid_from: int | None = None
    """Seconds since 1970; None: since ever. The same for `valid_until`, which is exclusive; None: for ever."""
    valid_until: int | None = None
    removed: bool = False

    @property
    def id(self) -> str:
        """The verification method: no other key has this name while it is in the book."""
        return f"{self.issuer}#{self.kid}"

    def in_force(self, now: int) -> bool:
        """Whether what it signed is believed at `now`, seconds since 1970."""
        from_, until = self.valid_from or 0, inf if self.valid_until is None else self.valid_until
        return not self.removed and from_ <= now < until
