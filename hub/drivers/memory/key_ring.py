"""The hub's keys for the life of a process: what tests and the reference use."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hub.core.errors import BlobMissing
from hub.core.jwk import public_jwk, thumbprint
from hub.ports.key_ring import SEAL_OVERLAP_SECONDS, SealKey, TokenKey, marked, rotated


class MemoryKeyRing:
    def __init__(self, *, now: int = 0) -> None:
        """New keys; the seal key signs from `now` (seconds since 1970)."""
        self._token_pems: dict[str, bytes] = {}
        self._token_keys: tuple[TokenKey, ...] = (self._new_token_key(),)
        self._master = Ed25519PrivateKey.generate().private_bytes_raw()
        self._wrapping_keys = {1: Ed25519PrivateKey.generate().private_bytes_raw()}
        self._history: tuple[SealKey, ...] = ()
        self.rotate_seal_key(now)

    @property
    def seal_key_id(self) -> str:
        return self._history[0].id

    def sign_seal(self, message: bytes) -> bytes:
        return self._seal_key.sign(message)

    def seal_keys(self) -> Sequence[SealKey]:
        return self._history

    def rotate_seal_key(self, now: int, *, compromised_since: int | None = None) -> SealKey:
        self._seal_key = Ed25519PrivateKey.generate()
        public = self._seal_key.public_key()
        new = SealKey(thumbprint(public_jwk(public)), public.public_bytes_raw(), now)
        closed = [msgspec.structs.replace(key, valid_to=now + SEAL_OVERLAP_SECONDS) for key in self._history[:1]]
        self._history = (new, *marked((*closed, *self._history[1:]), compromised_since))
        return new

    def token_keys(self) -> Sequence[TokenKey]:
        return self._token_keys

    def token_key_pem(self, key_id: str) -> bytes:
        return self._token_pems[key_id]

    def rotate_token_key(self, now: int, token_seconds: int, *, leaked: bool = False) -> TokenKey:
        new = self._new_token_key()
        self._token_keys = rotated(self._token_keys, new, now=now, token_seconds=token_seconds, leaked=leaked)
        return self._token_keys[0]

    def _new_token_key(self) -> TokenKey:
        private = generate_private_key(SECP256R1())
        jwk = public_jwk(private.public_key())
        key_id = thumbprint(jwk)
        self._token_pems[key_id] = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return TokenKey(key_id, jwk | {"kid": key_id, "use": "sig", "alg": "ES256"}, 0)

    @property
    def wrapping_key_number(self) -> int:
        return max(self._wrapping_keys)

    def wrapping_key(self, number: int) -> bytes:
        if number not in self._wrapping_keys:
            raise BlobMissing(f"there is no wrapping key {number}")
        return self._wrapping_keys[number]

    def rotate_wrapping_key(self) -> int:
        number = self.wrapping_key_number + 1
        self._wrapping_keys[number] = Ed25519PrivateKey.generate().private_bytes_raw()
        return number

    def secret(self, use: str) -> bytes:
        return sha256(self._master + use.encode()).digest()
