"""The Kafka log when brokers die, freeze or are not there: unknown or clean, never a lie, and it goes on by itself."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from hub.core.errors import HubError, StorageUnavailable, Unknown
from hub.core.record import LogRecord, Stream
from hub.core.settings import KafkaSettings
from hub.drivers.kafka.event_log import KafkaEventLog
from hub.drivers.system.clock import SystemClock
from hub.lab.kafka import KafkaCluster, running_kafka

pytestmark = pytest.mark.kafka

PARTITIONS = 4
NOWHERE = "127.0.0.1:9"  # The discard service's port, where nothing listens.


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaCluster]:
    """A broker of this module's own, to be killed."""
    with running_kafka(tmp_path_factory.mktemp("kafka")) as running:
        yield running


@pytest.fixture
async def log(cluster: KafkaCluster) -> AsyncIterator[KafkaEventLog]:
    async with kafka_log(cluster.bootstrap) as opened:
        await opened.declare(Stream("s", PARTITIONS))
        yield opened


def kafka_log(bootstrap: str, **settings: int) -> KafkaEventLog:
    impatient = {"request_ms_max": 1_000, "append_ms_max": 2_000} | settings
    chosen = KafkaSettings(bootstrap=bootstrap, topic_prefix=f"{uuid4()}.", **impatient)
    return KafkaEventLog(chosen, clock=SystemClock(), event_bytes_max=262_144, group_records_max=2_000)


def records(*values: str) -> list[LogRecord]:
    return [LogRecord(b"key", b"header", value.encode()) for value in values]


async def stored(log: KafkaEventLog, partition: int) -> list[str]:
    end = (await log.bounds("s", partition)).end
    found: list[str] = []
    async with log.reader("s") as reader:
        while len(found) < end:
            page = await reader.read(partition, len(found), records_max=1_000, bytes_max=1_000_000, wait_seconds=1.0)
            found += [record.value.decode() for record in page]
    return found


async def append_until_clean(log: KafkaEventLog, partition: int, value: str) -> None:
    """What a partner does: send again until it is acknowledged."""
    while True:
        try:
            if isinstance(await log.append("s", partition, records(value)), int):
                return
        except StorageUnavailable:
            await asyncio.sleep(0.05)


async def test_a_killed_broker_loses_no_acknowledged_record_and_the_log_goes_on_by_itself(
    cluster: KafkaCluster, log: KafkaEventLog
) -> None:
    acknowledged: dict[int, list[tuple[int, str]]] = {partition: [] for partition in range(PARTITIONS)}
    sent: dict[int, list[str]] = {partition: [] for partition in range(PARTITIONS)}
    unclean = asyncio.Event()

    async def send(partition: int) -> None:
        while not unclean.is_set():
            sent[partition].append(value := f"{partition}-{len(sent[partition])}")
            try:
                offset = await log.append("s", partition, records(value))
            except StorageUnavailable:
                offset = Unknown("")
            if isinstance(offset, int):
                acknowledged[partition].append((offset, value))
            else:
                unclean.set()

    async def cut_the_power() -> None:
        while not all(acknowledged.values()):
            await asyncio.sleep(0.01)
        await asyncio.to_thread(cluster.kill, 1)

    await asyncio.gather(cut_the_power(), *(send(partition) for partition in range(PARTITIONS)))
    cluster.start(1)
    for partition in range(PARTITIONS):
        await append_until_clean(log, partition, "after")
        found = await stored(log, partition)
        assert [found[offset] for offset, _ in acknowledged[partition]] == [
            value for _, value in acknowledged[partition]
        ]
        before = [value for value in found if value != "after"]
        assert before == sent[partition][: len(before)]


async def test_a_batch_still_queued_when_its_producer_is_retired_never_lands(
    cluster: KafkaCluster, log: KafkaEventLog
) -> None:
    for partition in range(2):
        await append_until_clean(log, partition, "before")
    pid = cluster.process(1).pid
    os.kill(pid, signal.SIGSTOP)
    try:
        # One request is under way to the broker; what comes for another partition waits in the producer's queue.
        under_way = asyncio.create_task(log.append("s", 0, records("under way")))
        await asyncio.sleep(0.1)
        queued = asyncio.create_task(log.append("s", 1, records("queued")))
        outcomes = await asyncio.gather(under_way, queued)
    finally:
        os.kill(pid, signal.SIGCONT)
    for partition in range(2):
        await append_until_clean(log, partition, "after")

    assert [type(outcome) for outcome in outcomes] == [Unknown, Unknown]
    assert (await stored(log, 0)).count("under way") <= 1
    assert await stored(log, 1) == ["before", "after"]


async def test_a_broker_that_is_not_there_is_unavailable_and_not_unknown() -> None:
    async with kafka_log(NOWHERE) as log:
        with pytest.raises(StorageUnavailable):
            await log.append("s", 0, records("a"))
        with pytest.raises(StorageUnavailable):
            await log.bounds("s", 0)
        with pytest.raises(StorageUnavailable):
            async with log.reader("s"):
                pass
        with pytest.raises(StorageUnavailable):
            await log.declare(Stream("s", 1))


async def test_an_oversize_append_is_refused_before_a_producer_is_asked_for() -> None:
    async with kafka_log(NOWHERE) as log:
        with pytest.raises(HubError, match="does not fit") as refused:
            await log.append("s", 0, [LogRecord(b"", b"", bytes(log.append_bytes_max))] * 2)

    assert refused.type is HubError


async def test_an_append_of_the_most_bytes_and_the_most_records_is_taken(log: KafkaEventLog) -> None:
    most = LogRecord(b"", b"", bytes(log.append_bytes_max // 2_000))

    first = await log.append("s", 0, [most] * 2_000)

    assert isinstance(first, int)
    assert (await log.bounds("s", 0)).end == 2_000


async def test_a_reader_whose_broker_freezes_says_so_and_reads_on_later(
    cluster: KafkaCluster, log: KafkaEventLog
) -> None:
    await append_until_clean(log, 0, "a")
    async with log.reader("s") as reader:
        pid = cluster.process(1).pid
        os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(StorageUnavailable):
                await reader.read(0, 0, records_max=1, bytes_max=1_000)
        finally:
            os.kill(pid, signal.SIGCONT)

        (record,) = await reader.read(0, 0, records_max=1, bytes_max=1_000)

    assert record.value == b"a"


@pytest.mark.slow
async def test_three_brokers_go_on_without_any_one_of_them(tmp_path_factory: pytest.TempPathFactory) -> None:
    def three() -> KafkaCluster:
        made = KafkaCluster(tmp_path_factory.mktemp("kafka"))
        made.up(3)
        return made

    cluster = await asyncio.to_thread(three)
    try:
        async with kafka_log(cluster.bootstrap, request_ms_max=5_000, append_ms_max=7_000) as log:
            await log.declare(Stream("s", 3))  # Each broker leads one.
            for partition in range(3):
                await append_until_clean(log, partition, "before")
            await asyncio.to_thread(cluster.kill, 2)
            for partition in range(3):
                await append_until_clean(log, partition, "after")
                found = await stored(log, partition)
                assert found[0] == "before"
                assert found[-1] == "after"
    finally:
        await asyncio.to_thread(cluster.down)
