"""The hub's own keys as files of this machine, readable by the hub's user alone.

Theory of operation. The directory holds `seal-<key id>.pem`, `master.secret`, `wrapping-<number>.key` and the public
history `seal-keys.json`, beside the keys of access tokens (`token_keys`). It is made under another name and renamed
when it is whole, so a hub never starts on half a ring. The history's newest entry names the seal key in use: a
rotation writes the new private key first, replaces the history by a rename, and only then removes the old private
key, so that a crash between any two steps leaves a ring that works. Every process looks at the history's file
whenever it is asked for the seal key's id, once a sealed batch, and so takes up a rotation by another process at its
next seal. `SEAL_OVERLAP_SECONDS` covers the seals then under way. Wrapping keys are only ever added, and destroyed by
removing their file.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Struct

from hub.core.errors import BlobMissing
from hub.core.jwk import public_jwk, thumbprint
from hub.drivers.system import private_files, private_keys
from hub.drivers.system.private_keys import KeyRingRefused as KeyRingRefused
from hub.drivers.system.token_keys import TokenKeyFiles, write_first
from hub.ports.key_ring import SEAL_OVERLAP_SECONDS, SealKey, TokenKey, marked

HISTORY_FORMAT = 1
SECRET_BYTES = 32
_HISTORY = "seal-keys.json"
_MASTER_SECRET = "master.secret"  # noqa: S105 (a file name)
_HKDF_CONTEXT = b"customs-hub/1 "


class _History(Struct, frozen=True, omit_defaults=True):
    """The content of `seal-keys.json`: public halves, newest first."""

    format: int
    keys: tuple[SealKey, ...]


class FileKeyRing:
    """Keeps the `KeyRing` port in `directory`."""

    def __init__(self, directory: Path, *, now: int) -> None:
        """Open the ring; on first start make it, with a seal key that signs from `now` (seconds since 1970).

        Raises `KeyRingRefused`, or `NotPrivate` if others could have read or changed the files.
        """
        self._directory = directory
        self._history_file = directory / _HISTORY
        with _translated(directory):
            if not directory.exists():
                _create(directory, now)
            private_files.check(directory, expected=stat.S_IFDIR)
            self._token_files = TokenKeyFiles(directory)
            self._master = private_files.read(directory / _MASTER_SECRET)
            self._take_up()
            if not self._wrapping_files():
                self._new_wrapping_key()  # A ring made before there were any.
        if len(self._master) != SECRET_BYTES:
            raise KeyRingRefused(f"{directory / _MASTER_SECRET} holds {len(self._master)} bytes, not {SECRET_BYTES}")

    @property
    def seal_key_id(self) -> str:
        """Raises `KeyRingRefused` if the history is gone or damaged: better no seal than one that nobody can verify."""
        with _translated(self._directory):
            if private_files.version(self._history_file) != self._seen:
                self._take_up()
        return self._history[0].id

    def sign_seal(self, message: bytes) -> bytes:
        return self._seal_key.sign(message)

    def seal_keys(self) -> Sequence[SealKey]:
        """As another process may have rotated them; what signs here is taken up when its id is asked for, not before.

        Raises `KeyRingRefused`.
        """
        with _translated(self._directory):
            if private_files.version(self._history_file) != self._seen:
                return _load_history(self._history_file).keys
        return self._history

    def rotate_seal_key(self, now: int, *, compromised_since: int | None = None) -> SealKey:
        """Raises `KeyRingRefused`; the old key is then still in use, unless only its removal failed."""
        with _translated(self._directory), private_files.locked(self._directory):
            self._take_up()
            current, *older = self._history
            key = Ed25519PrivateKey.generate()
            new = _seal_key(key, now)
            private_files.write(self._directory / f"seal-{new.id}.pem", private_keys.pem(key))
            closed = msgspec.structs.replace(current, valid_to=now + SEAL_OVERLAP_SECONDS)
            before = marked((closed, *older), compromised_since)
            private_files.write(self._history_file, msgspec.json.encode(_History(HISTORY_FORMAT, (new, *before))))
            for file in self._directory.glob("seal-*.pem"):
                if file.name != f"seal-{new.id}.pem":
                    file.unlink()
            self._take_up()
        return new

    def token_keys(self) -> Sequence[TokenKey]:
        """Raises `KeyRingRefused`."""
        with _translated(self._directory):
            return self._token_files.every()

    def token_key_pem(self, key_id: str) -> bytes:
        with _translated(self._directory):
            return self._token_files.pem(key_id)

    def rotate_token_key(self, now: int, token_seconds: int, *, leaked: bool = False) -> TokenKey:
        """Raises `KeyRingRefused`; the keys are then as before, unless only a removal failed."""
        with _translated(self._directory), private_files.locked(self._directory):
            return self._token_files.rotate(now, token_seconds, leaked=leaked)

    @property
    def wrapping_key_number(self) -> int:
        """The highest: a key that another process made is taken up at once."""
        with _translated(self._directory):
            return max(self._wrapping_files())

    def wrapping_key(self, number: int) -> bytes:
        try:
            with _translated(self._directory):
                return private_files.read(self._wrapping_file(number))
        except KeyRingRefused as e:
            if isinstance(e.__cause__, FileNotFoundError):
                raise BlobMissing(f"there is no wrapping key {number}") from e
            raise

    def rotate_wrapping_key(self) -> int:
        with _translated(self._directory):
            return self._new_wrapping_key()

    def _new_wrapping_key(self) -> int:
        with private_files.locked(self._directory):
            number = max(self._wrapping_files(), default=0) + 1
            private_files.write(self._wrapping_file(number), os.urandom(SECRET_BYTES))
        return number

    def _wrapping_file(self, number: int) -> Path:
        return self._directory / f"wrapping-{number}.key"

    def _wrapping_files(self) -> list[int]:
        names = (file.stem.removeprefix("wrapping-") for file in self._directory.glob("wrapping-*.key"))
        return [int(name) for name in names if name.isdecimal()]

    def secret(self, use: str) -> bytes:
        """HKDF (RFC 5869) with SHA-256; the use is its context."""
        return HKDF(SHA256(), SECRET_BYTES, salt=None, info=_HKDF_CONTEXT + use.encode()).derive(self._master)

    def _take_up(self) -> None:
        """Read history and seal key. A rotation in between removes the key that was read of: then read again."""
        while True:
            seen = private_files.version(self._history_file)
            history = _load_history(self._history_file)
            try:
                file = self._directory / f"seal-{history.keys[0].id}.pem"
                seal_key = private_keys.load(file, Ed25519PrivateKey)  # type: ignore[type-abstract]
            except FileNotFoundError:
                if seen == private_files.version(self._history_file):
                    raise
                continue
            self._seen, self._history, self._seal_key = seen, history.keys, seal_key
            return


@contextmanager
def _translated(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise KeyRingRefused(f"the key ring {directory} cannot be used: {error.strerror}") from error


def _create(directory: Path, now: int) -> None:
    """Make the ring whole under another name, then rename it: of two that try, one wins and both use it."""
    directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = Path(mkdtemp(prefix=f"{directory.name}.new-", dir=directory.parent))
    seal_key = Ed25519PrivateKey.generate()
    public = _seal_key(seal_key, now)
    private_files.write(new / f"seal-{public.id}.pem", private_keys.pem(seal_key))
    write_first(new)
    private_files.write(new / _MASTER_SECRET, os.urandom(SECRET_BYTES))
    private_files.write(new / _HISTORY, msgspec.json.encode(_History(HISTORY_FORMAT, (public,))))
    try:
        new.rename(directory)
    except OSError:
        for file in new.iterdir():
            file.unlink()
        new.rmdir()
        if not directory.exists():
            raise
    private_files.sync(directory.parent)


def _seal_key(key: Ed25519PrivateKey, now: int) -> SealKey:
    public = key.public_key()
    return SealKey(thumbprint(public_jwk(public)), public.public_bytes_raw(), now)


def _load_history(file: Path) -> _History:
    try:
        history = msgspec.json.decode(private_files.read(file), type=_History)
    except msgspec.DecodeError as error:
        raise KeyRingRefused(f"{file} is not a key history: {error}") from error
    if history.format != HISTORY_FORMAT or not history.keys:
        raise KeyRingRefused(f"{file} has format {history.format}, this program knows format {HISTORY_FORMAT}")
    return history
