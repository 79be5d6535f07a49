"""The keys of access tokens as files: `token.pem`, and after a rotation `token-<key id>.pem` with `token-keys.json`.

Theory of operation. The list names the keys, newest first, with when each begins to sign and when it is published no
more. A rotation writes the new private key first, then replaces the list by a rename, then removes what the list no
longer names: a crash between any two steps leaves a ring that works. Every process looks at the list's file whenever it
is asked, and so publishes a new key long before it signs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from msgspec import Struct

from hub.core.jwk import public_jwk, thumbprint
from hub.drivers.system import private_files, private_keys
from hub.drivers.system.private_keys import KeyRingRefused
from hub.ports.key_ring import TokenKey, rotated

FIRST = "token.pem"
_LIST = "token-keys.json"
_FORMAT = 1


class _List(Struct, frozen=True):
    format: int
    keys: tuple[TokenKey, ...]


class TokenKeyFiles:
    def __init__(self, directory: Path) -> None:
        """Raises `KeyRingRefused`, `NotPrivate`, `OSError`."""
        self._directory = directory
        self._list = directory / _LIST
        self._seen: tuple[int, int] | None = None
        self._keys: tuple[TokenKey, ...] = ()
        self._take_up()
        for key in self.every():
            self.pem(key.id)

    def every(self) -> Sequence[TokenKey]:
        """Newest first. Raises `KeyRingRefused`, `OSError`."""
        if self._version() != self._seen:
            self._take_up()
        return self._keys

    def pem(self, key_id: str) -> bytes:
        """Raises `KeyRingRefused`, `NotPrivate`, `OSError`."""
        return private_keys.pem(_load(self._file(key_id)))

    def rotate(self, now: int, token_seconds: int, *, leaked: bool = False) -> TokenKey:
        """The caller holds the directory's lock. Raises as `pem`."""
        self._take_up()
        private = generate_private_key(SECP256R1())
        keys = rotated(self._keys, _published(private, 0), now=now, token_seconds=token_seconds, leaked=leaked)
        private_files.write(self._named(keys[0].id), private_keys.pem(private))
        if self._seen is None:
            [first] = self._keys
            private_files.write(self._named(first.id), self.pem(first.id))
        private_files.write(self._list, msgspec.json.encode(_List(_FORMAT, keys)))
        named = {self._named(key.id) for key in keys}
        for file in self._directory.glob("token*.pem"):
            if file not in named:
                file.unlink()
        self._take_up()
        return keys[0]

    def _take_up(self) -> None:
        self._seen = self._version()
        if self._seen is None:
            self._keys = (_published(_load(self._directory / FIRST), 0),)
            return
        try:
            found = msgspec.json.decode(private_files.read(self._list), type=_List)
        except msgspec.DecodeError as error:
            raise KeyRingRefused(f"{self._list} is not a list of token keys: {error}") from error
        if found.format != _FORMAT or not found.keys:
            raise KeyRingRefused(f"{self._list} has format {found.format}, this program knows format {_FORMAT}")
        self._keys = found.keys

    def _version(self) -> tuple[int, int] | None:
        try:
            return private_files.version(self._list)
        except FileNotFoundError:
            return None

    def _named(self, key_id: str) -> Path:
        return self._directory / f"token-{key_id}.pem"

    def _file(self, key_id: str) -> Path:
        return self._named(key_id) if self._seen is not None else self._directory / FIRST


def write_first(directory: Path) -> None:
    private_files.write(directory / FIRST, private_keys.pem(generate_private_key(SECP256R1())))


def _published(private: EllipticCurvePrivateKey, signs_from: int) -> TokenKey:
    jwk = public_jwk(private.public_key())
    key_id = thumbprint(jwk)
    return TokenKey(key_id, jwk | {"kid": key_id, "use": "sig", "alg": "ES256"}, signs_from)


def _load(file: Path) -> EllipticCurvePrivateKey:
    return private_keys.load(file, EllipticCurvePrivateKey)  # type: ignore[type-abstract]
