"""Reading the log: from the tail in memory where it reaches, from the file where it does not."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from hub.core.errors import HubError, StorageUnavailable, Trimmed
from hub.core.record import StoredRecord
from hub.drivers.sqlite.lanes import batches_from
from hub.drivers.sqlite.tail import Lane, cut
from hub.drivers.sqlite.worker import CallWorker
from hub.ports.system import Clock


class SQLiteLogReader:
    """A `LogReader`. Holds nothing open: its reads share the log's one reading connection."""

    def __init__(self, stream: str, lanes: Sequence[Lane], worker: CallWorker, clock: Clock) -> None:
        self._stream = stream
        self._lanes = lanes
        self._worker = worker
        self._clock = clock

    async def read(
        self, partition: int, offset: int, *, records_max: int, bytes_max: int, wait_seconds: float = 0.0
    ) -> Sequence[StoredRecord]:
        lane = self._lane(partition)
        if offset >= lane.end and not await self._arrives(lane, offset, wait_seconds):
            return ()
        self._check(lane, offset)
        if (index := lane.batch_at(offset)) is not None:
            return cut(lane.batches[index : index + records_max], offset, records_max, bytes_max)
        return await self._worker.call(partial(_read, lane.id, offset, records_max, bytes_max))

    async def read_batch(self, partition: int, offset: int) -> Sequence[StoredRecord]:
        lane = self._lane(partition)
        self._check(lane, offset)
        if offset >= lane.end:
            return ()
        if (index := lane.batch_at(offset)) is not None:
            return lane.batches[index].records
        return await self._worker.call(partial(_read_batch, lane.id, offset))

    async def _arrives(self, lane: Lane, offset: int, seconds: float) -> bool:
        """Wait for a record at `offset`; False if none comes in time."""
        self._check(lane, offset)
        if seconds <= 0:
            return False
        with suppress(TimeoutError):
            async with self._clock.deadline(seconds):
                while offset >= lane.end:
                    await lane.grown.wait()
                    self._check(lane, offset)
        return offset < lane.end

    def _lane(self, partition: int) -> Lane:
        if not 0 <= partition < len(self._lanes):
            raise HubError(f"stream {self._stream} has {len(self._lanes)} partitions, there is no {partition}")
        return self._lanes[partition]

    def _check(self, lane: Lane, offset: int) -> None:
        if lane.closed is not None:
            raise lane.closed
        if offset < lane.start:
            raise Trimmed(lane.start)


def _read(
    lane_id: int, offset: int, records_max: int, bytes_max: int, connection: sqlite3.Connection
) -> Sequence[StoredRecord]:
    return _from(offset, cut(batches_from(connection, lane_id, offset), offset, records_max, bytes_max))


def _read_batch(lane_id: int, offset: int, connection: sqlite3.Connection) -> Sequence[StoredRecord]:
    batch = next(batches_from(connection, lane_id, offset), None)
    return _from(offset, batch.records if batch else ())


def _from(offset: int, records: Sequence[StoredRecord]) -> Sequence[StoredRecord]:
    """The records, unless a purge or a drop overtook the read."""
    if not records:
        raise StorageUnavailable("the records were dropped while they were read")
    if records[0].offset > offset:
        raise Trimmed(records[0].offset)
    return records
