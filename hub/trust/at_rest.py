"""Bytes at rest: a key for each blob, wrapped under a key of the hub's, and chunks that tell their place and the end.

The page is `schemas/formats/document.md`. AES-256-GCM (NIST SP 800-38D) throughout; the chunks are a STREAM (Hoang,
Reyhanitabar, Rogaway, Vizár: Online Authenticated-Encryption, CRYPTO 2015): a counter and the mark of the last chunk
are the nonce, so that nothing can be cut off, left out, moved or added without being noticed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from struct import Struct as Layout

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.core.errors import BlobDamaged

CHUNK_BYTES = 65_536
"""Of plain text; the header says it, so that it may change."""
CHUNK_BYTES_MAX = 1_048_576
KEY_BYTES = 32
NONCE_BYTES = 12
_TAG_BYTES = 16
_VERSION = 1
_OPEN_PART = Layout(">BII")
"""Version, number of the wrapping key, bytes of a chunk."""
_NONCE = Layout(">3xQB")
HEADER_BYTES = _OPEN_PART.size + NONCE_BYTES + KEY_BYTES + _TAG_BYTES

WrappingKey = Callable[[int], bytes]
"""The wrapping key of a number. Raises `BlobMissing` where it was destroyed: what it wrapped is erased."""


class Sealer:
    """Makes one blob unreadable; the chunks that come out hold what went in, in order."""

    def __init__(
        self, owner: str, *, number: int, wrapping_key: bytes, chance: bytes, chunk_bytes: int = CHUNK_BYTES
    ) -> None:
        """`chance`: `CHANCE_BYTES` unpredictable bytes, never used before; `owner` must be named again to open it."""
        key, nonce = chance[:KEY_BYTES], chance[KEY_BYTES:]
        open_part = _OPEN_PART.pack(_VERSION, number, chunk_bytes)
        wrapped = AESGCM(wrapping_key).encrypt(nonce, key, open_part + owner.encode())
        self._out = open_part + nonce + wrapped
        self._cipher = AESGCM(key)
        self._chunk_bytes = chunk_bytes
        self._waiting = _Waiting()
        self._count = 0

    def add(self, plain: bytes) -> bytes:
        """What can be written now; empty until a chunk is full and is not the last one."""
        out = [self._out] if self._out else []
        self._out = b""
        out += [self._chunk(chunk, last=0) for chunk in self._waiting.taken(plain, self._chunk_bytes)]
        return b"".join(out)

    def end(self) -> bytes:
        return self._out + self._chunk(self._waiting.rest(), last=1)

    def _chunk(self, plain: bytes | memoryview, *, last: int) -> bytes:
        nonce = _NONCE.pack(self._count, last)
        self._count += 1
        return self._cipher.encrypt(nonce, plain, None)


CHANCE_BYTES = KEY_BYTES + NONCE_BYTES


class Opener:
    """Reads one blob back. Every byte that comes out is what went in at that place, and `end` says that it is all.

    Raises `BlobDamaged` at the first byte that is not so.
    """

    def __init__(self, owner: str, wrapping_key: WrappingKey) -> None:
        self._owner = owner
        self._wrapping_key = wrapping_key
        self._cipher: AESGCM | None = None
        self._sealed_bytes = 0
        self._header = b""
        self._waiting = _Waiting()
        self._count = 0

    def add(self, sealed: bytes) -> bytes:
        """What can be told of it already: the last chunk is held back until `end`."""
        if self._cipher is None:
            self._header += sealed
            if len(self._header) < HEADER_BYTES:
                return b""
            self._cipher = self._unwrapped(self._header[:HEADER_BYTES])
            sealed = self._header[HEADER_BYTES:]
        cipher = self._cipher
        taken = self._waiting.taken(sealed, self._sealed_bytes)
        return b"".join([self._chunk(cipher, chunk, last=0) for chunk in taken])

    def end(self) -> bytes:
        if self._cipher is None:
            raise BlobDamaged("a blob without its header")
        plain = self._chunk(self._cipher, self._waiting.rest(), last=1)
        if self._count > 1 and not plain:
            raise BlobDamaged("an empty chunk after others")
        return plain

    def _unwrapped(self, header: bytes) -> AESGCM:
        version, number, chunk_bytes = _OPEN_PART.unpack_from(header)
        if version != _VERSION or not 0 < chunk_bytes <= CHUNK_BYTES_MAX:
            raise BlobDamaged(f"version {version} of bytes at rest, in chunks of {chunk_bytes}")
        at = _OPEN_PART.size
        nonce, wrapped = header[at : at + NONCE_BYTES], header[at + NONCE_BYTES :]
        self._sealed_bytes = chunk_bytes + _TAG_BYTES
        try:
            key = AESGCM(self._wrapping_key(number)).decrypt(nonce, wrapped, header[:at] + self._owner.encode())
        except InvalidTag:
            raise BlobDamaged("the key of a blob does not unwrap") from None
        return AESGCM(key)

    def _chunk(self, cipher: AESGCM, sealed: bytes | memoryview, *, last: int) -> bytes:
        nonce = _NONCE.pack(self._count, last)
        self._count += 1
        try:
            return cipher.decrypt(nonce, sealed, None)
        except (InvalidTag, ValueError):
            raise BlobDamaged(f"chunk {self._count} of a blob is not as it was written") from None


class _Waiting:
    """Bytes that make no chunk yet, or the last one; as little is copied as can be, for that costs the most."""

    def __init__(self) -> None:
        self._held = b""

    def taken(self, added: bytes, chunk_bytes: int) -> Iterator[bytes | memoryview]:
        """All chunks behind which there is more."""
        if self._held:
            missing = chunk_bytes - len(self._held)
            self._held += added[:missing]
            added = added[missing:]
            if not added:
                return
            yield self._held
        view = memoryview(added)
        at = 0
        while len(view) - at > chunk_bytes:
            yield view[at : at + chunk_bytes]
            at += chunk_bytes
        self._held = bytes(view[at:])

    def rest(self) -> bytes:
        return self._held
