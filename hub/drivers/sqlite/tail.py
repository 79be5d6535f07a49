"""The newest batches in memory: the judge, the router and pulling readers seldom ask the disk.

Lives on the event loop alone. A batch enters when its append is acknowledged; the oldest of all lanes leave first.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Sequence
from operator import attrgetter

from msgspec import Struct

from hub.core.errors import HubError
from hub.core.record import StoredRecord

_RECORD_BYTES = 300
"""What a record costs in memory beside its key, header and value: the objects that hold them (CPython 3.11)."""


class Batch(Struct, frozen=True):
    """The records of one append."""

    base: int
    records: Sequence[StoredRecord]
    value_bytes: int
    memory_bytes: int


def batch_of(records: Sequence[StoredRecord]) -> Batch:
    value_bytes = sum([len(record.value) for record in records])
    other_bytes = sum([len(record.key) + len(record.header) for record in records])
    return Batch(records[0].offset, records, value_bytes, value_bytes + other_bytes + _RECORD_BYTES * len(records))


class Lane:
    """One partition of one stream, as its readers see it."""

    def __init__(self, id_: int, start: int, end: int) -> None:
        self.id = id_
        self.start = start
        self.end = end
        self.closed: HubError | None = None
        """Why nothing can be read here any more."""
        self.grown = asyncio.Event()
        """Set, and replaced by a new one, at each change that a waiting reader must look at."""
        self.batches: list[Batch] = []

    def wake(self) -> None:
        self.grown.set()
        self.grown = asyncio.Event()

    def close(self, error: HubError) -> None:
        self.closed = error
        self.wake()

    def batch_at(self, offset: int) -> int | None:
        """The index in `batches` of the one that holds `offset`."""
        index = bisect_right(self.batches, offset, key=attrgetter("base")) - 1
        if index < 0 or offset >= self.batches[index].base + len(self.batches[index].records):
            return None
        return index


class Tail:
    """The batches of all lanes, at most `bytes_max` of them."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._bytes = 0
        self._oldest: deque[tuple[Lane, Batch]] = deque()

    def add(self, lane: Lane, batch: Batch) -> None:
        """Enter the newest batch of a lane; a batch larger than the whole tail passes through."""
        if lane.batches and lane.batches[-1].base + len(lane.batches[-1].records) != batch.base:
            lane.batches.clear()
        lane.batches.append(batch)
        self._oldest.append((lane, batch))
        self._bytes += batch.memory_bytes
        while self._bytes > self._bytes_max:
            lane, batch = self._oldest.popleft()
            self._bytes -= batch.memory_bytes
            if lane.batches and lane.batches[0] is batch:
                del lane.batches[0]


def cut(batches: Iterable[Batch], offset: int, records_max: int, bytes_max: int) -> list[StoredRecord]:
    """Records from `offset` on out of batches that follow each other, the first of which holds it: one at least."""
    taken: list[StoredRecord] = []
    bytes_left = bytes_max
    for batch in batches:
        records = batch.records[offset - batch.base :] if offset > batch.base else batch.records
        if len(taken) + len(records) <= records_max and batch.value_bytes <= bytes_left:
            taken += records
            bytes_left -= batch.value_bytes
            continue
        for record in records:
            bytes_left -= len(record.value)
            if taken and (bytes_left < 0 or len(taken) >= records_max):
                return taken
            taken.append(record)
    return taken
