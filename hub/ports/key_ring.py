"""The hub's own keys, each for one use; private halves never leave the driver's memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

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
    compromised_since: int | None = None
    """Seconds since 1970: from then on somebody else may have signed with it."""


TOKEN_KEY_LEAD_SECONDS = 60
"""So long a new key of access tokens is published before it signs, for processes that are about to take it up."""


class TokenKey(Struct, frozen=True):
    """One key of access tokens: its public half, when it begins to sign, and when it is published no more."""

    id: str
    """RFC 7638 thumbprint."""
    jwk: dict[str, str]
    """As published (RFC 7517 §4)."""
    signs_from: int
    """Seconds since 1970."""
    valid_to: int | None = None


def published(keys: Iterable[TokenKey], now: int) -> Sequence[TokenKey]:
    """Those under which a live token may verify."""
    return [key for key in keys if key.valid_to is None or now < key.valid_to]


def signing(keys: Sequence[TokenKey], now: int) -> TokenKey:
    """The newest that has begun to sign; the first key of all has always."""
    return next((key for key in keys if key.signs_from <= now), keys[-1])


def rotated(
    keys: Sequence[TokenKey], new: TokenKey, *, now: int, token_seconds: int, leaked: bool = False
) -> tuple[TokenKey, ...]:
    """The keys after a rotation at `now`: the new one is published before it signs, the one before until the last token
    that it signs has ended, and those that ended are gone. With `leaked` the new one alone is left, and signs."""
    if leaked:
        return (replace(new, signs_from=now),)
    signs_from = now + TOKEN_KEY_LEAD_SECONDS
    ends = signs_from + token_seconds + TOKEN_KEY_LEAD_SECONDS
    older = (replace(key, valid_to=ends) if key.valid_to is None else key for key in published(keys, now))
    return (replace(new, signs_from=signs_from), *older)


def marked(keys: Sequence[SealKey], since: int | None) -> list[SealKey]:
    """The keys, those that were valid at `since` or later as compromised from then on; an earlier mark stays."""
    if since is None:
        return list(keys)
    return [
        replace(key, compromised_since=min(since, key.compromised_since or since))
        if key.valid_to is None or key.valid_to > since
        else key
        for key in keys
    ]


class KeyRing(Protocol):
    @property
    def seal_key_id(self) -> str:
        """The RFC 7638 thumbprint of the seal key. Ask for every seal: asking takes up a key that was rotated in."""

    def sign_seal(self, message: bytes) -> bytes:
        """Ed25519 over `message`. MUST sign under the key that `seal_key_id` named last."""

    def seal_keys(self) -> Sequence[SealKey]:
        """The whole history, newest first, so that old receipts verify after rotation."""

    def rotate_seal_key(self, now: int, *, compromised_since: int | None = None) -> SealKey:
        """Make a new seal key that signs from `now` (seconds since 1970) on and return its public half.

        MUST keep the old public key in the history, valid until `SEAL_OVERLAP_SECONDS` after `now`. With
        `compromised_since`, MUST mark every other key that was valid then or later, in the same step.
        """

    def token_keys(self) -> Sequence[TokenKey]:
        """The keys of access tokens, newest first: other keys than the seal's. Asking takes up a rotation."""

    def token_key_pem(self, key_id: str) -> bytes:
        """The private half of one of them (ES256), PKCS #8 PEM."""

    def rotate_token_key(self, now: int, token_seconds: int, *, leaked: bool = False) -> TokenKey:
        """Make a new key at `now` (seconds since 1970), as `rotated` says; tokens live for `token_seconds`."""

    @property
    def wrapping_key_number(self) -> int:
        """Of the key under which keys of bytes at rest are wrapped now; numbers rise from 1."""

    def wrapping_key(self, number: int) -> bytes:
        """32 bytes. Raises `BlobMissing` where it was destroyed: nothing that it wrapped can be read again."""

    def rotate_wrapping_key(self) -> int:
        """Make a new one for what is put from now on; return its number. MUST keep the others."""

    def secret(self, use: str) -> bytes:
        """A 32-byte secret derived for one use: `cursor`, `pseudonym:<feed>`."""
