"""Whether a receipt that somebody shows is this hub's own (`schemas/formats/receipt.md`, in the form *alone*)."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from collections.abc import Callable
from typing import Annotated

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Meta, Struct

from hub.trust.merkle import leaf_hash, root_of_path
from hub.trust.seal import SEAL_FORMAT, message
from schemas.canonical import canonical_bytes

PATH_HASHES_MAX = 64
_Hash = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class _Leaf(Struct, frozen=True):
    index: Annotated[int, Meta(ge=0, le=2**53)]
    path: Annotated[tuple[_Hash, ...], Meta(max_length=PATH_HASHES_MAX)]


class _Body(Struct, frozen=True):
    format: str
    key: str
    root: _Hash
    size: Annotated[int, Meta(ge=1, le=2**53)]


class _Seal(Struct, frozen=True):
    body: dict[str, str | int]
    signature: Annotated[str, Meta(max_length=128)]


class Shown(Struct, frozen=True):
    """A receipt as it is shown; nothing of it is believed."""

    statement: dict[str, str]
    leaf: _Leaf
    seal: _Seal


def read_receipt(document: object) -> Shown | None:
    try:
        return msgspec.convert(document, Shown)
    except msgspec.ValidationError:
        return None


def is_own(shown: Shown, key_of: Callable[[str], bytes | None]) -> bool:
    """Whether the statement stands under a seal of ours. `key_of` gives the public half (Ed25519) of a seal key of this
    hub's by its id, or None."""
    # 1. The seal is signed by a key that is, or was, this hub's.
    try:
        body = msgspec.convert(shown.seal.body, _Body)
        signature = urlsafe_b64decode(shown.seal.signature + "=" * (-len(shown.seal.signature) % 4))
    except (msgspec.ValidationError, Base64Error, ValueError):
        return False
    public = key_of(body.key)
    if public is None or body.format != SEAL_FORMAT:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message(canonical_bytes(shown.seal.body)))
    except InvalidSignature:
        return False
    # 2. The statement is a leaf under its root.
    path = [bytes.fromhex(each) for each in shown.leaf.path]
    leaf = leaf_hash(canonical_bytes(shown.statement))
    return root_of_path(leaf, shown.leaf.index, body.size, path) == bytes.fromhex(body.root)
