"""What every event log promises. No test here asks which driver it has."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from hub.core.errors import HubError, StreamMissing, Trimmed
from hub.core.record import Bounds, LogRecord, StoredRecord, Stream
from hub.ports.event_log import EventLog
from tests.contracts.appender import BATCH_RECORDS, STREAM, record
from tests.contracts.grounds import DURABLE_LOG_GROUNDS, LOG_GROUNDS, LogGround, marked


def records(count: int, value: bytes = b"value", first: int = 0) -> list[LogRecord]:
    return [LogRecord(b"key %d" % n, b"header %d" % n, value + b" %d" % n) for n in range(first, first + count)]


def plain(stored: Sequence[StoredRecord]) -> list[LogRecord]:
    return [LogRecord(r.key, r.header, r.value) for r in stored]


async def read(
    log: EventLog, stream: str, offset: int = 0, partition: int = 0, count: int = 1_000
) -> Sequence[StoredRecord]:
    async with log.reader(stream) as reader:
        return await reader.read(partition, offset, records_max=count, bytes_max=1 << 20)


async def read_all(log: EventLog, stream: str, partition: int = 0) -> list[StoredRecord]:
    bounds, found = await log.bounds(stream, partition), list[StoredRecord]()
    async with log.reader(stream) as reader:
        while bounds.start + len(found) < bounds.end:
            found += await reader.read(partition, bounds.start + len(found), records_max=1_000, bytes_max=1 << 20)
    return found


# Streams


async def test_declaring_a_stream_again_changes_nothing(log: EventLog, stream: str) -> None:
    await log.append(stream, 0, records(3))

    await log.declare(Stream(stream, 3))

    assert await log.bounds(stream, 0) == Bounds(0, 3)


async def test_another_partition_count_than_the_existing_one_is_refused(log: EventLog, stream: str) -> None:
    with pytest.raises(HubError):
        await log.declare(Stream(stream, 4))


async def test_a_stream_declared_many_times_at_once_is_made_once(log: EventLog, stream: str) -> None:
    again = Stream(f"{stream}.again", 2)

    await asyncio.gather(*[log.declare(again) for _ in range(20)])

    assert await log.append(again.name, 1, records(1)) == 0


async def test_a_stream_that_was_never_declared_is_refused(log: EventLog) -> None:
    with pytest.raises(HubError):
        await log.append("nowhere", 0, records(1))
    with pytest.raises(HubError):
        await log.bounds("nowhere", 0)


async def test_a_partition_that_is_not_there_is_refused(log: EventLog, stream: str) -> None:
    with pytest.raises(HubError):
        await log.append(stream, 3, records(1))


async def test_dropping_a_stream_removes_its_records(log: EventLog, stream: str) -> None:
    await log.append(stream, 0, records(3))

    await log.drop(stream)

    await log.declare(Stream(stream, 3))
    assert await log.bounds(stream, 0) == Bounds(0, 0)
    assert await read(log, stream) in ((), [])


async def test_dropping_one_stream_leaves_the_others(log: EventLog, stream: str) -> None:
    await log.declare(Stream(f"{stream}.other", 1))
    await log.append(f"{stream}.other", 0, records(3))

    await log.drop(stream)

    assert plain(await read(log, f"{stream}.other")) == records(3)


async def test_dropping_a_stream_that_is_not_there_does_nothing(log: EventLog) -> None:
    await log.drop("nowhere")


# Appending


async def test_an_append_returns_the_offset_of_the_first_and_the_others_follow_without_gaps(
    log: EventLog, stream: str
) -> None:
    firsts = [await log.append(stream, 0, records(count)) for count in (3, 1, 2)]

    assert firsts == [0, 3, 4]
    assert [r.offset for r in await read_all(log, stream)] == list(range(6))


async def test_records_come_back_as_they_were_given(log: EventLog, stream: str) -> None:
    given = [
        LogRecord(b"", b"", b""),
        LogRecord(b"\x00\xff", b"\x00" * 300, bytes(range(256))),
        LogRecord(b"key", b"header", b"x" * 100_000),
    ]

    await log.append(stream, 0, given)

    assert plain(await read_all(log, stream)) == given


async def test_an_append_as_large_as_the_log_takes_is_stored_whole(log: EventLog, stream: str) -> None:
    each = log.append_bytes_max // 10
    given = [LogRecord(b"key", b"header", b"x" * (each - 9)) for _ in range(10)]

    first = await log.append(stream, 0, given)

    async with log.reader(stream) as reader:
        assert first == 0
        assert plain(await reader.read_batch(0, 5)) == given


async def test_what_was_appended_first_comes_first(log: EventLog, stream: str) -> None:
    for number in range(20):
        await log.append(stream, 0, [record(number)])

    assert plain(await read_all(log, stream)) == [record(number) for number in range(20)]


async def test_appends_at_once_are_each_stored_whole_and_side_by_side(log: EventLog, stream: str) -> None:
    batches = [records(5, b"batch %d" % n) for n in range(50)]

    firsts = await asyncio.gather(*[log.append(stream, 0, batch) for batch in batches])

    assert sorted(firsts) == list(range(0, 250, 5))
    stored = plain(await read_all(log, stream))
    assert all(stored[first : first + 5] == batch for first, batch in zip(firsts, batches, strict=True))


async def test_partitions_count_their_offsets_apart(log: EventLog, stream: str) -> None:
    await asyncio.gather(*[log.append(stream, partition, records(2, b"%d" % partition)) for partition in range(3)])

    for partition in range(3):
        assert await log.bounds(stream, partition) == Bounds(0, 2)
        assert plain(await read(log, stream, partition=partition)) == records(2, b"%d" % partition)


async def test_an_append_whose_caller_gave_up_is_stored_whole_or_not_at_all(log: EventLog, stream: str) -> None:
    given_up = asyncio.ensure_future(log.append(stream, 0, records(3)))
    await asyncio.sleep(0)
    given_up.cancel()

    first = await log.append(stream, 0, records(1, b"next"))

    assert first in (0, 3)
    assert plain(await read_all(log, stream)) == records(3)[:first] + records(1, b"next")


async def test_times_never_go_back_within_a_partition_when_the_clock_does(
    log: EventLog, ground: LogGround, stream: str
) -> None:
    await log.append(stream, 0, records(1))
    await ground.elapse(-60)
    await log.append(stream, 0, records(2))

    times = [record.time_us for record in await read_all(log, stream)]

    assert times == sorted(times)


async def test_every_record_says_when_the_log_took_it(log: EventLog, ground: LogGround, stream: str) -> None:
    await log.append(stream, 0, records(2))
    await ground.elapse(1)
    await log.append(stream, 0, records(1))

    first, second, third = await read_all(log, stream)

    assert first.time_us == second.time_us
    assert third.time_us - first.time_us >= 1_000_000


# Reading


async def test_reading_begins_at_any_offset(log: EventLog, stream: str) -> None:
    for first in range(0, 20, 5):
        await log.append(stream, 0, records(5, first=first))

    for offset in range(20):
        assert plain(await read(log, stream, offset))[0] == records(1, first=offset)[0]


async def test_no_more_records_are_returned_than_asked_for(log: EventLog, stream: str) -> None:
    for first in range(0, 20, 5):
        await log.append(stream, 0, records(5, first=first))

    assert [r.offset for r in await read(log, stream, 3, count=4)] == [3, 4, 5, 6]


async def test_no_more_bytes_are_returned_than_asked_for_but_one_record_always(log: EventLog, stream: str) -> None:
    for _ in range(3):
        await log.append(stream, 0, [LogRecord(b"", b"", b"x" * 1_000) for _ in range(3)])

    async with log.reader(stream) as reader:
        assert len(await reader.read(0, 1, records_max=100, bytes_max=10)) == 1
        assert len(await reader.read(0, 0, records_max=100, bytes_max=1_000)) == 1
        assert len(await reader.read(0, 1, records_max=100, bytes_max=5_000)) in range(1, 6)


async def test_reading_at_the_end_returns_nothing(log: EventLog, stream: str) -> None:
    await log.append(stream, 0, records(2))

    assert not await read(log, stream, 2)
    assert not await read(log, stream, 0, partition=1)


async def test_a_waiting_read_returns_what_is_appended_meanwhile(log: EventLog, stream: str) -> None:
    async with log.reader(stream) as reader:
        waiting = asyncio.ensure_future(reader.read(0, 0, records_max=10, bytes_max=1_000, wait_seconds=30))
        await asyncio.sleep(0)

        await log.append(stream, 0, records(2))

        assert plain(await waiting)[0] == records(1)[0]


async def test_a_waiting_read_returns_nothing_when_its_time_is_over(
    log: EventLog, ground: LogGround, stream: str
) -> None:
    async with log.reader(stream) as reader:
        waiting = asyncio.ensure_future(reader.read(0, 0, records_max=10, bytes_max=1_000, wait_seconds=2))
        await asyncio.sleep(0)

        await ground.elapse(3)

        assert not await waiting


async def test_a_read_that_waits_on_one_partition_is_not_woken_by_another(
    log: EventLog, ground: LogGround, stream: str
) -> None:
    async with log.reader(stream) as reader:
        waiting = asyncio.ensure_future(reader.read(0, 0, records_max=10, bytes_max=1_000, wait_seconds=2))
        await asyncio.sleep(0)

        await log.append(stream, 1, records(1))
        await ground.elapse(3)

        assert not await waiting


async def test_many_readers_that_wait_are_all_served(log: EventLog, stream: str) -> None:
    async def wait_for_one() -> int:
        async with log.reader(stream) as reader:
            return len(await reader.read(0, 0, records_max=1, bytes_max=1_000, wait_seconds=30))

    waiting = [asyncio.ensure_future(wait_for_one()) for _ in range(10)]
    await asyncio.sleep(0)

    await log.append(stream, 0, records(1))

    assert await asyncio.gather(*waiting) == [1] * 10


async def test_a_batch_is_returned_whole_from_any_of_its_offsets(log: EventLog, stream: str) -> None:
    for first in range(0, 15, 5):
        await log.append(stream, 0, records(5, first=first))

    async with log.reader(stream) as reader:
        for offset in range(15):
            batch = plain(await reader.read_batch(0, offset))
            first = offset // 5 * 5
            start = batch.index(records(1, first=first)[0])
            assert batch[start : start + 5] == records(5, first=first)


# Letting go


async def test_a_read_below_what_is_kept_says_where_the_log_starts(
    log: EventLog, ground: LogGround, stream: str
) -> None:
    await log.append(stream, 0, records(3))
    await ground.trim(log, stream)
    await log.append(stream, 0, records(2, first=3))

    async with log.reader(stream) as reader:
        with pytest.raises(Trimmed) as trimmed:
            await reader.read(0, 1, records_max=10, bytes_max=1_000)
        with pytest.raises(Trimmed):
            await reader.read_batch(0, 1)

    assert trimmed.value.start == 3


async def test_letting_go_renumbers_nothing(log: EventLog, ground: LogGround, stream: str) -> None:
    await log.append(stream, 0, records(3))
    await ground.trim(log, stream)

    assert await log.bounds(stream, 0) == Bounds(3, 3)
    assert await log.append(stream, 0, records(2, first=3)) == 3
    assert [r.offset for r in await read(log, stream, 3)] == [3, 4]


async def test_a_purge_says_how_many_records_went_and_keeps_the_younger_ones(
    log: EventLog, ground: LogGround, stream: str
) -> None:
    await log.append(stream, 0, records(3))
    await log.append(stream, 0, records(1, first=3))
    await ground.elapse(1)
    await log.append(stream, 0, records(2, first=4))
    young_us = (await read(log, stream, 4))[0].time_us

    gone = await log.purge(stream, young_us)

    assert gone in (0, 4), "a ground that purges by itself returns 0"
    assert await log.bounds(stream, 0) == Bounds(gone, 6)
    assert plain(await read(log, stream, 4)) == records(2, first=4)


async def test_a_purge_of_old_records_finds_none_in_a_young_stream(log: EventLog, stream: str) -> None:
    await log.append(stream, 0, records(3))

    assert await log.purge(stream, 0) == 0
    assert await log.bounds(stream, 0) == Bounds(0, 3)


async def test_a_stream_is_kept_for_as_long_as_the_last_purge_said(
    log: EventLog, ground: LogGround, stream: str
) -> None:
    kept = [await ground.keeps(log, stream, days * 86_400) for days in (30, 2, 2, 90)]

    assert kept == [True] * 4


async def test_a_stream_that_is_not_there_cannot_be_read_or_purged_and_its_absence_is_no_error(
    log: EventLog, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(StreamMissing):
        await log.purge("never-declared", 0)
    with pytest.raises(StreamMissing):
        async with log.reader("never-declared"):
            pass

    assert not caplog.records


# Over the end of the process


@pytest.mark.parametrize("name", marked(DURABLE_LOG_GROUNDS))
async def test_a_log_that_is_opened_again_holds_what_it_held(name: str, tmp_path: Path) -> None:
    ground = LOG_GROUNDS[name](tmp_path)
    async with ground.open() as log:
        await log.declare(Stream("reopened", 2))
        await log.append("reopened", 1, records(3))
        await ground.trim(log, "reopened")
        await log.append("reopened", 1, records(2, first=3))

    async with ground.open() as log:
        await log.declare(Stream("reopened", 2))
        assert await log.bounds("reopened", 0) == Bounds(0, 0)
        assert await log.bounds("reopened", 1) == Bounds(3, 5)
        assert plain(await read(log, "reopened", 3, partition=1)) == records(2, first=3)
        assert await log.append("reopened", 1, records(1)) == 5


@pytest.mark.parametrize("name", marked(DURABLE_LOG_GROUNDS))
async def test_times_do_not_go_back_when_the_clock_does_between_two_openings(name: str, tmp_path: Path) -> None:
    ground = LOG_GROUNDS[name](tmp_path)
    for _ in range(3):
        async with ground.open() as log:
            await log.declare(Stream("reopened", 2))
            await log.append("reopened", 1, records(2))
            times = [record.time_us for record in await read_all(log, "reopened", partition=1)]
        await ground.elapse(-60)

    assert times == sorted(times)


@pytest.mark.parametrize("name", marked(DURABLE_LOG_GROUNDS))
async def test_an_acknowledged_append_is_there_after_a_kill_and_no_batch_is_torn(name: str, tmp_path: Path) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.contracts.appender", name, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    for _ in range(20):
        acknowledged = int(await child.stdout.readline())
    child.send_signal(signal.SIGKILL)
    acknowledged = max([acknowledged, *map(int, (await child.stdout.read()).split())])
    await child.wait()

    async with LOG_GROUNDS[name](tmp_path).open() as log:
        stored = plain(await read_all(log, STREAM))

    assert len(stored) >= acknowledged
    assert len(stored) % BATCH_RECORDS == 0
    assert stored == [record(number) for number in range(len(stored))]
