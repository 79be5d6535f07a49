"""What the embedded storage does when the disk is full, fails or goes away, and what it refuses to open."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from hub.core.errors import HubError, Overloaded, StorageFull, StorageUnavailable, Unknown
from hub.core.record import Bounds, LogRecord, Stream
from hub.drivers.sqlite.database import Database
from hub.drivers.sqlite.event_log import SQLiteEventLog
from hub.drivers.sqlite.replay_guard import SQLiteReplayGuard
from hub.drivers.sqlite.state import SQLiteState
from tests.clock import ManualClock

EVENTS = Stream("events", 1)
SMALL, LARGE = [LogRecord(b"", b"", b"small")], [LogRecord(b"", b"", b"x" * 3_000_000)]


class Disk(NamedTuple):
    path: Path
    make_room: Callable[[], None]


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    """A disk of 8 MiB. Where a process may not mount one, SQLite itself keeps its files as small."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", tmp_path], capture_output=True)
    if mounted.returncode == 0:
        remount = ["mount", "-o", "remount,size=64m", tmp_path]
        yield Disk(tmp_path, lambda: subprocess.run(remount, check=True) and None)
        subprocess.run(["umount", tmp_path], check=True)
        return
    opened, open_writer = list[sqlite3.Connection](), Database.open_writer

    def open_small(database: Database) -> sqlite3.Connection:
        opened.append(open_writer(database))
        opened[-1].execute("PRAGMA max_page_count=2048")
        return opened[-1]

    monkeypatch.setattr(Database, "open_writer", open_small)
    yield Disk(tmp_path, lambda: opened[-1].execute("PRAGMA max_page_count=100000") and None)


@contextmanager
def failing_writes(from_byte: int = 1_000_000) -> Iterator[None]:
    """No file of this process can be written beyond a place: the kernel refuses, as a broken disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (from_byte, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_full_disk_stores_nothing_and_the_log_goes_on_when_there_is_room(small_disk: Disk) -> None:
    async with SQLiteEventLog(small_disk.path / "log.db", ManualClock()) as log:
        await log.declare(EVENTS)
        with pytest.raises(StorageFull):
            for _ in range(10):
                await log.append(EVENTS.name, 0, LARGE)
        stored = await log.bounds(EVENTS.name, 0)
        small_disk.make_room()

        assert await log.append(EVENTS.name, 0, LARGE) == stored.end

    async with SQLiteEventLog(small_disk.path / "log.db", ManualClock()) as log:
        assert await log.bounds(EVENTS.name, 0) == Bounds(0, stored.end + 1)


async def test_an_append_whose_write_failed_is_unknown_and_the_log_goes_on_behind_what_was_kept(
    tmp_path: Path,
) -> None:
    async with SQLiteEventLog(tmp_path / "log.db", ManualClock()) as log:
        await log.declare(EVENTS)
        await log.append(EVENTS.name, 0, SMALL)
        with failing_writes():
            assert isinstance(await log.append(EVENTS.name, 0, LARGE), Unknown)

        assert await log.append(EVENTS.name, 0, SMALL) in (1, 2)

        async with log.reader(EVENTS.name) as reader:
            kept = await reader.read(0, 0, records_max=10, bytes_max=1 << 30)
        assert [record.value for record in kept if record.value != LARGE[0].value] == [b"small", b"small"]


async def test_appends_that_share_a_failed_write_are_all_unknown(tmp_path: Path) -> None:
    async with SQLiteEventLog(tmp_path / "log.db", ManualClock()) as log:
        await log.declare(EVENTS)
        with failing_writes():
            first = await log.append(EVENTS.name, 0, LARGE)
            second = await log.append(EVENTS.name, 0, LARGE)

        assert isinstance(first, Unknown)
        assert isinstance(second, Unknown)


async def test_a_log_that_cannot_be_opened_again_takes_nothing_until_it_can(tmp_path: Path) -> None:
    here, away = tmp_path / "here", tmp_path / "away"
    here.mkdir()
    async with SQLiteEventLog(here / "log.db", ManualClock()) as log:
        await log.declare(EVENTS)
        with failing_writes():
            await log.append(EVENTS.name, 0, LARGE)
        here.rename(away)

        with pytest.raises(StorageUnavailable):
            await log.append(EVENTS.name, 0, SMALL)

        away.rename(here)
        assert await log.append(EVENTS.name, 0, SMALL) == (await log.bounds(EVENTS.name, 0)).end - 1


async def test_more_than_may_wait_is_refused_at_once(tmp_path: Path) -> None:
    async with SQLiteEventLog(tmp_path / "log.db", ManualClock(), waiting_bytes_max=100) as log:
        await log.declare(EVENTS)

        with pytest.raises(Overloaded):
            await log.append(EVENTS.name, 0, LARGE)

        assert await log.append(EVENTS.name, 0, SMALL) == 0


async def test_what_was_written_waits_no_longer(tmp_path: Path) -> None:
    async with SQLiteEventLog(tmp_path / "log.db", ManualClock(), waiting_bytes_max=100) as log:
        await log.declare(EVENTS)

        assert [await log.append(EVENTS.name, 0, SMALL) for _ in range(20)] == list(range(20))


async def test_a_reader_that_waits_is_told_when_the_log_closes_or_the_stream_is_dropped(tmp_path: Path) -> None:
    async with SQLiteEventLog(tmp_path / "log.db", ManualClock()) as log:
        await log.declare(EVENTS)
        await log.declare(Stream("dropped", 1))
        waiting = [asyncio.ensure_future(next_record(log, stream)) for stream in (EVENTS.name, "dropped")]
        await asyncio.sleep(0)
        await log.drop("dropped")

    closed, dropped = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(closed, StorageUnavailable)
    assert isinstance(dropped, HubError)


async def next_record(log: SQLiteEventLog, stream: str) -> object:
    async with log.reader(stream) as reader:
        return await reader.read(0, 0, records_max=1, bytes_max=1, wait_seconds=30)


async def test_a_state_on_a_full_disk_says_so_and_goes_on_when_there_is_room(small_disk: Disk) -> None:
    async with SQLiteState(small_disk.path / "state.db", ManualClock(), slice_seconds=100) as state:
        with pytest.raises(StorageFull):
            for number in range(100):
                await state.positions.acknowledge(f"reader {number}", "feed", b"x" * 1_000_000, was=None)
        small_disk.make_room()

        await state.positions.acknowledge("reader", "feed", b"cursor", was=None)

        assert await state.positions.acknowledged("reader", "feed") == b"cursor"


async def test_an_assertion_that_cannot_be_remembered_is_not_let_in(tmp_path: Path) -> None:
    async with SQLiteReplayGuard(tmp_path / "replay.db") as guard:
        with failing_writes(from_byte=0), pytest.raises(StorageUnavailable):
            await guard.use(b"key", expires=100, now=1)

        assert await guard.use(b"another", expires=100, now=1)


async def test_a_closed_log_takes_nothing(tmp_path: Path) -> None:
    async with SQLiteEventLog(tmp_path / "log.db", ManualClock()) as log:
        await log.declare(EVENTS)

    with pytest.raises(StorageUnavailable):
        await log.append(EVENTS.name, 0, SMALL)
    with pytest.raises(StorageUnavailable):
        await log.bounds(EVENTS.name, 0)


async def test_a_file_of_a_newer_layout_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "log.db") as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()

    with pytest.raises(HubError, match="layout 99"):
        async with SQLiteEventLog(tmp_path / "log.db", ManualClock()):
            pass
