"""The ceilings of batches: records written to the same ground without a hub. Reads jobs from stdin, answers on stdout.

`rows` is what a team writes by hand in an afternoon: a table, one row a record, `executemany`, a commit for each group.
`log` feeds the hub's own log driver, every partition at once. `producer` is aiokafka at its best: one builder for each
partition, `create_batch`, `append`, `send_batch`.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path

import msgspec
import uvloop
from aiokafka import AIOKafkaProducer

from hub.assembly.grounds import open_ports
from hub.core.errors import HubError
from hub.core.record import EVENTS, LogRecord, Stream
from hub.core.settings import KafkaSettings, LogSettings, Settings
from hub.drivers.system.clock import SystemClock
from hub.lab.bench.figures import percentile
from hub.lab.bench.jobs import CeilingJob, CeilingResult
from hub.ports.event_log import EventLog

VALUE_BYTES = 576
HEADER_BYTES = 160
"""About as long as the hub's packed header of such an event."""
KEY = b"iso6346:MSKU1234565"
KAFKA_PARTITIONS = 8
_ROWS = "CREATE TABLE event (id INTEGER PRIMARY KEY, key BLOB NOT NULL, value BLOB NOT NULL)"

Write = Callable[[int], Awaitable[object]]
"""Write one group of records to a partition, durably."""


class _Meter:
    """Counts groups until the time is up or enough records are written."""

    def __init__(self, job: CeilingJob) -> None:
        self._job = job
        self._took: list[float] = []
        self._begun, self._cpu = time.monotonic(), time.process_time()

    def goes_on(self) -> bool:
        spent = time.monotonic() - self._begun
        return spent < self._job.seconds and (len(self._took) + 1) * self._job.records <= self._job.records_max

    def took(self, since: float) -> None:
        self._took.append(time.monotonic() - since)

    def result(self) -> CeilingResult:
        return CeilingResult(
            records=len(self._took) * self._job.records,
            seconds=time.monotonic() - self._begun,
            cpu_seconds=time.process_time() - self._cpu,
            p50_ms=percentile(self._took, 0.5) * 1e3,
            p99_ms=percentile(self._took, 0.99) * 1e3,
        )


def _rows(job: CeilingJob) -> CeilingResult:
    value = os.urandom(VALUE_BYTES)
    with closing(sqlite3.connect(Path(job.directory) / "rows.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(_ROWS)
        rows = [(KEY, value)] * job.records
        meter = _Meter(job)
        while meter.goes_on():
            since = time.monotonic()
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO event (key, value) VALUES (?, ?)", rows)
            connection.execute("COMMIT")
            meter.took(since)
        return meter.result()


async def _log(job: CeilingJob) -> CeilingResult:
    partitions = KAFKA_PARTITIONS if job.bootstrap else 1
    record = LogRecord(KEY, os.urandom(HEADER_BYTES), os.urandom(VALUE_BYTES))
    async with _open_log(job, partitions) as log:

        async def write(partition: int) -> None:
            if not isinstance(await log.append(EVENTS, partition, [record] * job.records), int):
                raise HubError("an append was not acknowledged")

        return await _everywhere(job, write, partitions)


async def _producer(job: CeilingJob) -> CeilingResult:
    topic, value = job.topic_prefix + EVENTS, os.urandom(VALUE_BYTES)
    async with _open_log(job, KAFKA_PARTITIONS):
        pass  # The topic is there now, set up as the hub wants it.
    producer = AIOKafkaProducer(
        bootstrap_servers=job.bootstrap,
        acks="all",
        enable_idempotence=True,
        max_batch_size=KafkaSettings().batch_bytes_max,
    )
    await producer.start()

    async def write(partition: int) -> None:
        batch = producer.create_batch()
        for _ in range(job.records):
            batch.append(timestamp=None, key=KEY, value=value)
        batch.close()
        await (await producer.send_batch(batch, topic, partition=partition))

    try:
        return await _everywhere(job, write, KAFKA_PARTITIONS)
    finally:
        await producer.stop()


@asynccontextmanager
async def _open_log(job: CeilingJob, partitions: int) -> AsyncIterator[EventLog]:
    """The hub's own log, with a stream of events."""
    settings = Settings(
        log=LogSettings(ground="kafka" if job.bootstrap else "sqlite", directory=job.directory),
        kafka=KafkaSettings(bootstrap=job.bootstrap, topic_prefix=job.topic_prefix),
    )
    async with AsyncExitStack() as stack:
        log = (await open_ports(settings, SystemClock(), stack)).log
        await log.declare(Stream(EVENTS, partitions))
        yield log


async def _everywhere(job: CeilingJob, write: Write, partitions: int) -> CeilingResult:
    """Write to every partition side by side; the first groups only open connections and are not counted."""
    for partition in range(partitions):
        await write(partition)
    meter = _Meter(job)

    async def keep_on(partition: int) -> None:
        while meter.goes_on():
            since = time.monotonic()
            await write(partition)
            meter.took(since)

    async with asyncio.TaskGroup() as tasks:
        for partition in range(partitions):
            tasks.create_task(keep_on(partition))
    return meter.result()


_WAYS: dict[str, Callable[[CeilingJob], Awaitable[CeilingResult]]] = {"log": _log, "producer": _producer}


def _do(job: CeilingJob) -> CeilingResult:
    if job.way == "rows":
        return _rows(job)

    async def run() -> CeilingResult:
        return await _WAYS[job.way](job)

    return uvloop.run(run())


def main() -> None:
    """One job a line, one result a line, until stdin ends."""
    for line in sys.stdin.buffer:
        result = _do(msgspec.json.decode(line, type=CeilingJob))
        sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
