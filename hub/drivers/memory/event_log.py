"""The event log in memory: what the port says, in the plainest code."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import takewhile

from hub.core.errors import HubError, StreamMissing, Trimmed, Unknown
from hub.core.record import Bounds, LogRecord, StoredRecord, Stream
from hub.ports.event_log import LogReader
from hub.ports.system import Clock


@dataclass
class _Partition:
    batches: list[list[StoredRecord]] = field(default_factory=list)
    start: int = 0
    end: int = 0
    time_us: int = 0
    """Of the newest record: a clock that is set back does not take the log back with it."""
    dropped: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()


class MemoryEventLog:
    """An `EventLog` that ends with its process."""

    def __init__(self, clock: Clock, *, generation: int = 1, append_bytes_max: int = 8_388_608) -> None:
        self._clock = clock
        self._generation = generation
        self._append_bytes_max = append_bytes_max
        self._streams: dict[str, list[_Partition]] = {}

    @property
    def generation(self) -> int:
        return self._generation

    @property
    def append_bytes_max(self) -> int:
        return self._append_bytes_max

    async def declare(self, stream: Stream) -> None:
        partitions = self._streams.setdefault(stream.name, [_Partition() for _ in range(stream.partitions)])
        if len(partitions) != stream.partitions:
            raise HubError(f"stream {stream.name} has {len(partitions)} partitions, not {stream.partitions}")

    async def drop(self, stream: str) -> None:
        for partition in self._streams.pop(stream, ()):
            partition.dropped = True
            partition.wake()

    async def append(self, stream: str, partition: int, records: Sequence[LogRecord]) -> int | Unknown:
        if not records:
            raise ValueError("an append holds at least one record")
        there = _one_of(self._partitions(stream), partition)
        first = there.end
        now_us = there.time_us = max(there.time_us, self._clock.now_us())
        there.batches.append([StoredRecord(first + i, now_us, r.key, r.header, r.value) for i, r in enumerate(records)])
        there.end += len(records)
        there.wake()
        return first

    @asynccontextmanager
    async def reader(self, stream: str) -> AsyncIterator[LogReader]:
        yield MemoryLogReader(self._partitions(stream), self._clock)

    async def bounds(self, stream: str, partition: int) -> Bounds:
        there = _one_of(self._partitions(stream), partition)
        return Bounds(there.start, there.end)

    async def purge(self, stream: str, before_us: int) -> int:
        gone = 0
        for partition in self._partitions(stream):
            old = list(takewhile(lambda batch: batch[0].time_us < before_us, partition.batches))
            count = sum(len(batch) for batch in old)
            partition.batches = partition.batches[len(old) :]
            partition.start += count
            gone += count
        return gone

    def _partitions(self, stream: str) -> list[_Partition]:
        if stream not in self._streams:
            raise StreamMissing(f"stream {stream} is not declared")
        return self._streams[stream]


class MemoryLogReader:
    """A `LogReader`."""

    def __init__(self, partitions: list[_Partition], clock: Clock) -> None:
        self._partitions = partitions
        self._clock = clock

    async def read(
        self, partition: int, offset: int, *, records_max: int, bytes_max: int, wait_seconds: float = 0.0
    ) -> Sequence[StoredRecord]:
        there = _kept(_one_of(self._partitions, partition), offset)
        if wait_seconds > 0:
            with suppress(TimeoutError):
                async with self._clock.deadline(wait_seconds):
                    while offset >= there.end:
                        await there.changed.wait()
                        _kept(there, offset)
        taken: list[StoredRecord] = []
        for record in (record for batch in there.batches for record in batch if record.offset >= offset):
            bytes_max -= len(record.value)
            if taken and (bytes_max < 0 or len(taken) == records_max):
                break
            taken.append(record)
        return taken

    async def read_batch(self, partition: int, offset: int) -> Sequence[StoredRecord]:
        there = _kept(_one_of(self._partitions, partition), offset)
        return next((batch for batch in there.batches if batch[0].offset <= offset <= batch[-1].offset), ())


def _one_of(partitions: list[_Partition], partition: int) -> _Partition:
    if not 0 <= partition < len(partitions):
        raise HubError(f"the stream has {len(partitions)} partitions, there is no {partition}")
    return partitions[partition]


def _kept(partition: _Partition, offset: int) -> _Partition:
    if partition.dropped:
        raise HubError("the stream was dropped")
    if offset < partition.start:
        raise Trimmed(partition.start)
    return partition
