"""The event log in one SQLite file: what is acknowledged has been fsynced.

Theory of operation. A *lane* is one partition of one stream; one append is one row, its frame holds the records. So a
batch is there whole or not at all, with its seal, and any offset is found by one step down a B-tree (`lanes.py`).

Appends queue up for the writer's thread. Whatever waits when it comes back goes into one INSERT, outside any explicit
transaction: one statement is one commit is one fsync, and the interpreter is handed over once. Offsets are given there,
and taken back if the statement fails. The results return to the event loop in one call, which moves the lanes' ends,
enters the batches in the tail and wakes the readers that wait. Reads that the tail cannot serve go to the reader's
thread, whose connection sees commits only.

If the statement fails for want of room, it was rolled back: StorageFull, and the next one may succeed. If it fails in
any other way, what lies on the disk is not known: the appends answer Unknown, the connection is closed, and the next
round opens another, which finds in the file what was kept and continues behind it. Nothing is tried twice. While no
connection can be opened, appends answer StorageUnavailable.

Purging deletes whole batches from a lane's start, a few at a time, and keeps the new start with the lane. Dropping
takes the lanes' names away first; their rows go in the same way, also after a restart.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any

import orjson
from msgspec import Struct

from hub.core.errors import HubError, Overloaded, StorageUnavailable, StreamMissing, Unknown
from hub.core.record import Bounds, LogRecord, StoredRecord, Stream
from hub.drivers.sqlite.database import Database, leaves_connection_sound, port_error
from hub.drivers.sqlite.frames import pack
from hub.drivers.sqlite.lanes import (
    OFFSET_BITS,
    SCHEMA,
    create_lanes,
    forget_stream,
    identity_of,
    load_lanes,
    load_times,
    purge_some,
    sweep_some,
)
from hub.drivers.sqlite.log_reader import SQLiteLogReader
from hub.drivers.sqlite.tail import Lane, Tail, batch_of
from hub.drivers.sqlite.worker import Call, CallWorker, OnWorkers, Worker
from hub.ports.event_log import LogReader
from hub.ports.system import Clock

_APPEND = """
INSERT INTO batch
SELECT value ->> 0, value ->> 1, value ->> 2, substr(?1, value ->> 3, value ->> 4) FROM json_each(?2)
"""
"""?1: all frames of the round; ?2: for each its row number, count, time, where its frame begins and how long it is."""


class _Append(Struct):
    lane: Lane
    records: Sequence[LogRecord]
    frame: bytes
    time_us: int = 0
    """Set by the writer."""


class SQLiteEventLog(OnWorkers):
    """An `EventLog` on one disk: an append survives the loss of power. Enter it to open it.

    `path`: the file; one process may have it open. `waiting_bytes_max`: beyond it an append is refused with Overloaded.
    `tail_bytes_max`: memory for the newest records.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        generation: int = 1,
        append_bytes_max: int = 8_388_608,
        waiting_bytes_max: int = 33_554_432,
        tail_bytes_max: int = 16_777_216,
    ) -> None:
        self._generation = generation
        self._append_bytes_max = append_bytes_max
        self._waiting_bytes_max = waiting_bytes_max
        self._waiting_bytes = 0
        self._clock = clock
        self._database = Database(path, SCHEMA, version=1, synchronous="FULL", checkpoint_pages=4_096)
        self._writer: Worker[_Append | Call] = Worker("log-writer", self._connect, self._round, self._settled)
        self._reader = CallWorker("log-reader", self._database.open_reader)
        super().__init__(self._writer, self._reader)
        self.id = ""
        """What tells this log from every other; known once it is open."""
        self._streams: dict[str, list[Lane]] = {}
        self._tail = Tail(tail_bytes_max)
        self._ends: dict[int, int] = {}
        """The writer thread's own: the next offset of each lane, by the lane's number."""
        self._times: dict[int, int] = {}
        """The writer thread's own: the time of each lane's newest batch. A clock set back does not take it back,
        since purging goes from a lane's start for as long as batches are old."""

    @property
    def generation(self) -> int:
        return self._generation

    @property
    def append_bytes_max(self) -> int:
        return self._append_bytes_max

    async def _begin(self) -> None:
        """Recover."""
        self.id = await self._writer.submit(identity_of)
        self._streams = await self._writer.submit(load_lanes)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the appends under way, end both threads, wake every reader that waits."""
        await super().__aexit__(kind, error, trace)
        for lane in chain.from_iterable(self._streams.values()):
            lane.close(StorageUnavailable("the log is closed"))
        self._streams = {}

    async def declare(self, stream: Stream) -> None:
        if stream.name not in self._streams:
            lanes = await self._writer.submit(partial(self._create, stream))
            self._streams.setdefault(stream.name, lanes)
        if (found := len(self._streams[stream.name])) != stream.partitions:
            raise HubError(f"stream {stream.name} has {found} partitions, not {stream.partitions}")

    async def drop(self, stream: str) -> None:
        if stream not in self._streams:
            return
        await self._writer.submit(partial(forget_stream, stream))
        for lane in self._streams.pop(stream, ()):
            lane.close(HubError(f"stream {stream} was dropped"))
        await self._sweep()

    async def append(self, stream: str, partition: int, records: Sequence[LogRecord]) -> int | Unknown:
        lane = self._lane(stream, partition)
        if not records:
            raise ValueError("an append holds at least one record")
        frame = pack(records)
        if self._waiting_bytes + len(frame) > self._waiting_bytes_max:
            raise Overloaded(f"{self._waiting_bytes} bytes wait to be written")
        answer = self._writer.submit(_Append(lane, records, frame))
        self._waiting_bytes += len(frame)
        first: int | Unknown = await answer
        return first

    @asynccontextmanager
    async def reader(self, stream: str) -> AsyncIterator[LogReader]:
        yield SQLiteLogReader(stream, self._lanes(stream), self._reader, self._clock)

    async def bounds(self, stream: str, partition: int) -> Bounds:
        lane = self._lane(stream, partition)
        return Bounds(lane.start, lane.end)

    async def purge(self, stream: str, before_us: int) -> int:
        gone = 0
        for lane in self._lanes(stream):
            while purged := await self._writer.submit(partial(purge_some, lane.id, before_us)):
                lane.start += purged
                gone += purged
        await self._sweep()
        return gone

    async def _sweep(self) -> None:
        while await self._writer.submit(sweep_some):
            pass

    def _lanes(self, stream: str) -> list[Lane]:
        if not self._writer.is_open:
            raise StorageUnavailable("the log is closed")
        if stream not in self._streams:
            raise StreamMissing(f"stream {stream} is not declared")
        return self._streams[stream]

    def _lane(self, stream: str, partition: int) -> Lane:
        lanes = self._lanes(stream)
        if not 0 <= partition < len(lanes):
            raise HubError(f"stream {stream} has {len(lanes)} partitions, there is no {partition}")
        return lanes[partition]

    # On the event loop, when the writer has come back.

    def _settled(self, jobs: Sequence[_Append | Call], results: Sequence[Any]) -> None:
        """Make what was committed visible, before those who appended it hear of it."""
        for job, result in zip(jobs, results, strict=True):
            if isinstance(job, _Append):
                self._waiting_bytes -= len(job.frame)
                if isinstance(result, int):
                    self._publish(job, result)

    def _publish(self, append: _Append, base: int) -> None:
        stored = [
            StoredRecord(offset, append.time_us, record.key, record.header, record.value)
            for offset, record in enumerate(append.records, base)
        ]
        append.lane.end = base + len(stored)
        self._tail.add(append.lane, batch_of(stored))
        append.lane.wake()

    def _recovered(self, found: dict[int, Lane]) -> None:
        """A new connection found these lanes: what was answered Unknown may be there, or gone, after all."""
        for lane in chain.from_iterable(self._streams.values()):
            if lane.id in found:
                lane.start, lane.end = found[lane.id].start, found[lane.id].end
                lane.wake()

    # On the writer's thread.

    def _connect(self) -> sqlite3.Connection:
        connection = self._database.open_writer()
        try:
            lanes = {lane.id: lane for lane in chain.from_iterable(load_lanes(connection).values())}
            times = load_times(connection)
        except sqlite3.Error as error:
            connection.close()
            raise port_error(error) from error
        self._ends = {id_: lane.end for id_, lane in lanes.items()}
        self._times = times
        self._writer.tell(self._recovered, lanes)
        return connection

    def _create(self, stream: Stream, connection: sqlite3.Connection) -> list[Lane]:
        lanes = create_lanes(stream, connection)
        self._ends.update((lane.id, lane.end) for lane in lanes)
        return lanes

    def _round(self, connection: sqlite3.Connection, jobs: Sequence[_Append | Call]) -> Sequence[Any]:
        """All appends first, in the order in which they came; then the rest, one by one."""
        appended = iter(self._append(connection, [job for job in jobs if isinstance(job, _Append)]))
        return [next(appended) if isinstance(job, _Append) else self._writer.execute(connection, job) for job in jobs]

    def _append(self, connection: sqlite3.Connection, appends: Sequence[_Append]) -> Sequence[int | Unknown | HubError]:
        if not appends:
            return ()
        now_us, place, rows, bases = self._clock.now_us(), 1, [], []
        ends = self._ends.copy()
        for append in appends:
            lane_id, count = append.lane.id, len(append.records)
            base, time_us = ends[lane_id], max(now_us, self._times.get(lane_id, 0))
            self._times[lane_id] = append.time_us = time_us
            bases.append(base)
            rows.append((lane_id << OFFSET_BITS | base, count, time_us, place, len(append.frame)))
            ends[lane_id] = base + count
            place += len(append.frame)
        try:
            connection.execute(_APPEND, (b"".join([a.frame for a in appends]), orjson.dumps(rows).decode()))
        except sqlite3.Error as error:
            return [self._failed(error)] * len(appends)
        self._ends = ends
        return bases

    def _failed(self, error: sqlite3.Error) -> Unknown | HubError:
        if leaves_connection_sound(error):
            return port_error(error)
        self._writer.abandon()
        return Unknown(f"the log's disk failed: {error}")
