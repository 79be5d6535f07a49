"""The hub's own keys, each for one use; private halves never leave the driver's memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct


class SealKey(Struct, frozen=True):
    """One entry of the published key history: the public half and when it signed (`schemas/formats/seal.md`)."""

    id: str
    public: bytes
    """Ed25519, 32 bytes."""
    valid_from: int
    valid_to: int | None = None


class KeyRing(Protocol):
    @property
    def seal_key_id(self) -> str: ...

    def sign_seal(self, message: bytes) -> bytes:
        """Ed25519 over `message` under the current seal key."""

    def seal_keys(self) -> Sequence[SealKey]:
        """The whole history, newest first, so that old receipts verify after rotation."""

    def token_key_id(self) -> str: ...

    def token_key_pem(self) -> bytes:
        """The private key of access tokens (ES256), PKCS #8 PEM: another key than the seal's."""

    def token_jwks(self) -> Sequence[dict[str, str]]:
        """Public JWKs under which live access tokens verify."""

    def secret(self, use: str) -> bytes:
        """A 32-byte secret derived for one use: `cursor`, `pseudonym:<feed>`."""
