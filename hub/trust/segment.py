"""Segments: events of `hub.events` kept beyond the log's time, each with the seal that it was accepted under.

The page is `schemas/formats/replay.md`. What is read is checked as a stranger would check a receipt: statement, leaf,
root, signature, and the value's own digest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

import msgspec
import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct

from hub.core.record import StoredRecord
from hub.trust.merkle import Tree, leaf_hash
from hub.trust.seal import message
from hub.trust.statement import statement_bytes
from schemas.headers import EventHeader, unpack
from schemas.identity import instant_us

SEGMENT_FORMAT = "customs-hub-segment/1"
INDEX_FORMAT = "customs-hub-segments/1"
_AS_SENT = ("ce-json/1", "ce-binary/1")

SealKeyAt = Callable[[str, int], bytes | None]
"""The public half of a seal key of the hub by its id, if it signed for the hub alone then (seconds since 1970)."""


class SegmentDamaged(ValueError):
    """A segment is not what was written: the text says what is wrong, and nothing of what is in it."""


class Kept(Struct, frozen=True, array_like=True):
    """One event, and where its statement is sealed."""

    offset: int
    time_us: int
    key: bytes
    header: bytes
    value: bytes
    seal: int
    leaf: int


class KeptSeal(Struct, frozen=True, array_like=True):
    body: bytes
    signature: bytes
    leaves: bytes
    """32 bytes each."""


class Segment(Struct, frozen=True, array_like=True):
    format: str
    generation: int
    partition: int
    first: int
    end: int
    events: tuple[Kept, ...]
    seals: tuple[KeptSeal, ...]


class Indexed(Struct, frozen=True, array_like=True):
    """A stretch of a partition that was looked at, and the segment that holds what was wanted of it."""

    name: str
    """Empty: nothing was wanted."""
    generation: int
    first: int
    end: int
    oldest_us: int
    newest_us: int
    sha256: bytes
    agreements: tuple[str, ...]


class Index(Struct, frozen=True, array_like=True):
    """The segments of one partition number, oldest first; `looked_at`: generation, and the offset up to which."""

    format: str = INDEX_FORMAT
    looked_at: tuple[int, int] | None = None
    entries: tuple[Indexed, ...] = ()


class Counting(Struct, frozen=True, array_like=True):
    """Which blob is the index that counts."""

    name: str
    sha256: bytes = b""
    """Empty: nobody knows."""


_counting = msgspec.msgpack.Decoder(Counting)
_segment = msgspec.msgpack.Decoder(Segment)
_index = msgspec.msgpack.Decoder(Index)


def write_segment(segment: Segment) -> bytes:
    return msgspec.msgpack.encode(segment)


def write_index(index: Index) -> bytes:
    return msgspec.msgpack.encode(index)


def write_counting(counting: Counting) -> bytes:
    return msgspec.msgpack.encode(counting)


def read_counting(content: bytes) -> Counting:
    return _counting.decode(content)


def read_index(content: bytes) -> Index:
    """Raises `SegmentDamaged`."""
    try:
        index = _index.decode(content)
    except msgspec.DecodeError as error:
        raise SegmentDamaged("it is no index of segments") from error
    if index.format != INDEX_FORMAT:
        raise SegmentDamaged("it is an index of another format")
    return index


def read_segment(content: bytes, entry: Indexed, key_at: SealKeyAt) -> list[StoredRecord]:
    """The records of a segment, each of them verified. Raises `SegmentDamaged`."""
    if sha256(content).digest() != entry.sha256:
        raise SegmentDamaged("it is not the segment that the index names")
    try:
        segment = _segment.decode(content)
        _check_place(segment, entry)
        trees = [_tree(seal, key_at) for seal in segment.seals]
        return [_verified(kept, trees, segment) for kept in segment.events]
    except SegmentDamaged:
        raise
    except (msgspec.DecodeError, ValueError, LookupError, TypeError) as error:
        raise SegmentDamaged(f"it cannot be read: {type(error).__name__}") from error


def _check_place(segment: Segment, entry: Indexed) -> None:
    place = (segment.generation, segment.first, segment.end)
    named = entry.name.startswith(f"{segment.generation}-{segment.partition}-{segment.first}-")
    if not named or place != (entry.generation, entry.first, entry.end):
        raise SegmentDamaged("it is about another place than its row")


def _tree(seal: KeptSeal, key_at: SealKeyAt) -> tuple[Tree, str]:
    """The tree over a seal's leaves, and the hub's name of then. Raises `SegmentDamaged`, and what odd bodies raise."""
    body = orjson.loads(seal.body)
    tree = Tree([seal.leaves[at : at + 32] for at in range(0, len(seal.leaves), 32)])
    public = key_at(body["key"], (instant_us(body["time"]) or 0) // 1_000_000)
    if public is None:
        raise SegmentDamaged("a seal is by no key that was the hub's alone then")
    if tree.root.hex() != body["root"] or tree.size != body["size"]:
        raise SegmentDamaged("a seal does not cover its leaves")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(seal.signature, message(seal.body))
    except InvalidSignature as error:
        raise SegmentDamaged("the signature of a seal does not hold") from error
    return tree, body["hub"]


def _verified(kept: Kept, trees: Sequence[tuple[Tree, str]], segment: Segment) -> StoredRecord:
    header = unpack(kept.header)
    tree, hub = trees[kept.seal]
    if not isinstance(header, EventHeader) or not segment.first <= kept.offset < segment.end:
        raise SegmentDamaged("a record is no event of this stretch")
    if not 0 <= kept.leaf < tree.size or tree.leaf(kept.leaf) != leaf_hash(statement_bytes(hub, header)):
        raise SegmentDamaged("an event is not what was sealed")
    if header.format in _AS_SENT and sha256(kept.value).digest() != header.raw_digest:
        raise SegmentDamaged("the bytes of an event are not those that were sealed")
    return StoredRecord(kept.offset, kept.time_us, kept.key, kept.header, kept.value)
