"""The first-occurrence index in memory: what the port says, in the plainest code."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from hub.core.record import Position
from hub.drivers.memory.positions import MemoryPositions
from hub.ports.first_occurrence import Occurrence
from hub.ports.positions import Lease


class _Slice:
    def __init__(self) -> None:
        self.first: dict[bytes, Occurrence] = {}
        self.repeats: defaultdict[bytes, dict[Position, Occurrence]] = defaultdict(dict)


class MemoryFirstOccurrence:
    """A `FirstOccurrence` that ends with its process. `positions` holds the leases that fence it."""

    def __init__(self, positions: MemoryPositions, *, slice_seconds: int) -> None:
        self._leases = positions
        self._slice_us = slice_seconds * 1_000_000
        self._slices: defaultdict[int, _Slice] = defaultdict(_Slice)
        """By their number: append time divided by the length of a slice."""
        self._marks: dict[tuple[int, int], int] = {}

    async def look_up(self, identities: Sequence[bytes]) -> Sequence[Occurrence | None]:
        return [self._find(identity) for identity in identities]

    async def judge(self, lease: Lease, occurrences: Sequence[Occurrence]) -> Sequence[Occurrence]:
        self._leases.check(lease)
        return [self._enter(occurrence) for occurrence in occurrences]

    async def set_mark(self, lease: Lease, position: Position) -> None:
        self._leases.check(lease)
        key = position.generation, position.partition
        self._marks[key] = max(position.offset, self._marks.get(key, 0))

    async def mark(self, generation: int, partition: int) -> int:
        return self._marks.get((generation, partition), 0)

    async def occurrences(self, identity: bytes) -> Sequence[Occurrence]:
        first = self._find(identity)
        repeats = [repeat for part in self._slices.values() for repeat in part.repeats.get(identity, {}).values()]
        return [*([first] if first else []), *sorted(repeats, key=lambda repeat: (repeat.time_us, repeat.position))]

    async def purge(self, *, before_us: int) -> int:
        old = [number for number in self._slices if (number + 1) * self._slice_us <= before_us]
        for number in old:
            del self._slices[number]
        return len(old)

    def _find(self, identity: bytes) -> Occurrence | None:
        return next((part.first[identity] for part in self._slices.values() if identity in part.first), None)

    def _enter(self, occurrence: Occurrence) -> Occurrence:
        part = self._slices[occurrence.time_us // self._slice_us]
        first = self._find(occurrence.identity)
        if first is None:
            first = part.first[occurrence.identity] = occurrence
        if first.position != occurrence.position:
            part.repeats[occurrence.identity][occurrence.position] = occurrence
        return first
