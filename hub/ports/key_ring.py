"""The hub's own keys, each for one use; private halves never leave the driver's memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

SEAL_OVERLAP_SECONDS = 60
"""After a rotation the old seal key stays valid so long, for processes that are about to take up the new one."""


class SealKey(Struct, frozen=True):
    """One entry of the published key history: the public half and when it signed (`schemas/formats/seal.md`)."""

    id: str
    public: bytes
    """Ed25519, 32 bytes."""
    valid_from: int
    """Seconds since 1970."""
    valid_to: int | None = None


class KeyRing(Protocol):
    @property
    def seal_key_id(self) -> str:
        """The RFC 7638 thumbprint of the seal key. Ask for every seal: asking takes up a key that was rotated in."""

    def sign_seal(self, message: bytes) -> bytes:
        """Ed25519 over `message`. MUST sign under the key that `seal_key_id` named last."""

    def seal_keys(self) -> Sequence[SealKey]:
        """The whole history, newest first, so that old receipts verify after rotation."""

    def rotate_seal_key(self, now: int) -> SealKey:
        """Make a new seal key that signs from `now` (seconds since 1970) on and return its public half.

        MUST keep the old public key in the history, valid until `SEAL_OVERLAP_SECONDS` after `now`.
        """

    def token_key_id(self) -> str: ...

    def token_key_pem(self) -> bytes:
        """The private key of access tokens (ES256), PKCS #8 PEM: another key than the seal's."""

    def token_jwks(self) -> Sequence[dict[str, str]]:
        """Public JWKs under which live access tokens verify."""

    @property
    def wrapping_key_number(self) -> int:
        """Of the key under which keys of bytes at rest are wrapped now; numbers rise from 1."""

    def wrapping_key(self, number: int) -> bytes:
        """32 bytes. Raises `BlobMissing` where it was destroyed: nothing that it wrapped can be read again."""

    def rotate_wrapping_key(self) -> int:
        """Make a new one for what is put from now on; return its number. MUST keep the others."""

    def secret(self, use: str) -> bytes:
        """A 32-byte secret derived for one use: `cursor`, `pseudonym:<feed>`."""
