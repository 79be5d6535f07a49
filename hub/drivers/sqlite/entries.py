"""How the first-occurrence index packs occurrences: identities and entries of fixed size, many in one blob each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from struct import Struct as Layout

from hub.core.record import Position
from hub.ports.first_occurrence import Occurrence

IDENTITY_BYTES = 16
_LAYOUT = Layout(">32sIIQQ")
"""Digest, generation, partition, offset, append time in microseconds."""
ENTRY_BYTES = _LAYOUT.size
_NO_GENERATION = 0xFFFF_FFFF
ABSENT = b"\xff" * ENTRY_BYTES
"""Stands where an identity has no entry."""


def packed(occurrence: Occurrence) -> bytes:
    position = occurrence.position
    return _LAYOUT.pack(occurrence.digest, position.generation, position.partition, position.offset, occurrence.time_us)


def unpacked(identities: Iterable[bytes], entries: bytes) -> Iterator[Occurrence | None]:
    """The occurrences of identities and their entries, in order; None for the absent."""
    for identity, (digest, generation, partition, offset, time_us) in zip(
        identities, _LAYOUT.iter_unpack(entries), strict=True
    ):
        absent = generation == _NO_GENERATION
        yield None if absent else Occurrence(identity, digest, Position(generation, partition, offset), time_us)


def split(entries: bytes) -> Sequence[bytes]:
    return [entries[start : start + ENTRY_BYTES] for start in range(0, len(entries), ENTRY_BYTES)]
