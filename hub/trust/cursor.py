"""Cursors: where a reader stands in a feed, sealed, because marks tell the volume of others.

The page is `schemas/formats/cursor.md`. AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

NONCE_BYTES = 12
CURSOR_CHARACTERS_MAX = 4_096
_VERSION = b"\x01"
_CONTEXT = b"customs-hub-cursor/1"


class Place(Struct, frozen=True, array_like=True):
    """One partition of a feed: drop what is not above `mark`, read on at `offset`."""

    partition: int
    mark: int
    """The highest source offset already given in this generation; -1 before the first."""
    offset: int
    """The next offset of the feed partition."""


class Cursor(Struct, frozen=True, array_like=True):
    feed: str
    feed_version: int
    generation: int
    reader: str
    places: tuple[Place, ...]
    expires: int
    """Seconds since 1970."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Cursor)


def encode_plain(cursor: Cursor) -> bytes:
    """The content, for the hub's own storage."""
    return _encoder.encode(cursor)


def decode_plain(content: bytes) -> Cursor:
    return _decoder.decode(content)


class Box:
    """Seals and opens bytes with one 32-byte secret; what was sealed in one context opens in no other."""

    def __init__(self, secret: bytes, context: bytes) -> None:
        self._cipher = AESGCM(secret)
        self._context = context

    def seal(self, content: bytes, nonce: bytes) -> str:
        """The opaque form: base64url without padding of version ‖ nonce ‖ ciphertext."""
        box = _VERSION + nonce + self._cipher.encrypt(nonce, content, self._context)
        return urlsafe_b64encode(box).rstrip(b"=").decode()

    def open(self, sealed: str) -> bytes | None:
        """The content, or None if it was not sealed here."""
        if len(sealed) > CURSOR_CHARACTERS_MAX:
            return None
        try:
            box = urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
            if box[:1] != _VERSION:
                return None
            nonce, ciphertext = box[1 : 1 + NONCE_BYTES], box[1 + NONCE_BYTES :]
            return self._cipher.decrypt(nonce, ciphertext, self._context)
        except (Base64Error, ValueError, InvalidTag):
            return None


class CursorBox:
    """Seals and opens the cursors of feeds."""

    def __init__(self, secret: bytes) -> None:
        self._box = Box(secret, _CONTEXT)

    def seal(self, cursor: Cursor, nonce: bytes) -> str:
        return self._box.seal(encode_plain(cursor), nonce)

    def open(self, sealed: str) -> Cursor | None:
        """The cursor, or None if this hub did not make it. Expiry, feed and reader are the caller's to check."""
        content = self._box.open(sealed)
        try:
            return _decoder.decode(content) if content is not None else None
        except msgspec.DecodeError:
            return None
