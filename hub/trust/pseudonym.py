"""Keyed pseudonyms: the same value has the same one within one feed, and another one in every other feed.

The page is `schemas/formats/feed-record.md`. HMAC-SHA-256 is written out (RFC 2104 §2), so that the two keyed blocks
are hashed once a key, not once a message.
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import _Hash

PSEUDONYMS_KEPT_MAX = 32_768
"""Of all feeds of a process together: 11 MB where names are as they mostly are, 28 MB at most."""
KEPT_CHARACTERS_MAX = 128
"""Of a name for which something is kept: senders name members as they like, at any length."""
SECRETS_KEPT_MAX = 1_024
_HMAC_BLOCK_BYTES = 64
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))
_TEXT_CHARACTERS = 22
"""Of 16 bytes in base64url, without padding."""
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_PSEUDONYM = re.compile(r"p-[A-Za-z0-9_-]{22}")


def keyed(key: bytes) -> tuple[_Hash, _Hash]:
    """The inner and the outer hash of HMAC-SHA-256 under a key of at most 64 bytes, each to be copied for a message."""
    block = key.ljust(_HMAC_BLOCK_BYTES, b"\x00")
    return sha256(block.translate(_INNER)), sha256(block.translate(_OUTER))


_keyed = lru_cache(SECRETS_KEPT_MAX)(keyed)


def pseudonym(secret: bytes, name: str, text: str) -> str:
    """Of what never comes again: ids, subjects, keys. `secret`: the feed's, at most 64 bytes."""
    inner, outer = _keyed(secret)
    inner, outer = inner.copy(), outer.copy()
    inner.update(f"{name}\x1f{text}".encode())
    outer.update(inner.digest())
    code = b2a_base64(outer.digest()[:16], newline=False)
    return f"p-{code.translate(_URL_SAFE)[:_TEXT_CHARACTERS].decode()}"


_kept = lru_cache(PSEUDONYMS_KEPT_MAX)(pseudonym)
pseudonyms_kept = _kept.cache_info


def lasting_pseudonym(secret: bytes, name: str, text: str) -> str:
    """Of what comes again and again: partners, sources, names of members."""
    return _kept(secret, name, text) if len(text) <= KEPT_CHARACTERS_MAX else pseudonym(secret, name, text)


def may_be_pseudonym(text: str) -> bool:
    """Whether the text has the form of a pseudonym; an id may have it too."""
    return _PSEUDONYM.fullmatch(text) is not None
