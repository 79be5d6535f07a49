"""A record is found in its feed by the moment its event was received, whatever lies around it; and no other is."""

from __future__ import annotations

import random
from collections.abc import Sequence

import orjson
import pytest
from msgspec.structs import replace

from hub.core.feed import Feed, Lane
from hub.core.record import LogRecord, Stream
from hub.delivery.shown import PAGE_RECORDS, ShownRecord, ShownRecords
from hub.drivers.memory.event_log import MemoryEventLog
from schemas.headers import FeedHeader, FeedSealHeader, pack
from tests.clock import ManualClock
from tests.faults.fanout_world import FEED, FanoutWorld

SECOND = 1_000_000
SPREAD = 5.0
SEAL = LogRecord(b"", pack(FeedSealHeader(b"", b"")), b"")


def record(received_us: int, name: str, generation: int = 1) -> LogRecord:
    stamp = FeedHeader(generation, 0, 0, 1, 1, received_us)
    return LogRecord(b"", pack(stamp), orjson.dumps({"id": name}))


class Shelf:
    """The stream of a feed, filled by hand."""

    def __init__(self, feed: Feed = FEED, partitions: int = 1) -> None:
        self.feed, self.log = feed, MemoryEventLog(ManualClock())
        self._world = FanoutWorld()
        self._world.register(feed)
        self.shown = ShownRecords(
            self.log,
            snapshot=lambda: self._world.snapshot,
            partitions=partitions,
            spread_seconds=SPREAD,
            feed_retention_seconds=1_000,
        )
        self._partitions = partitions

    async def fill(self, *records: LogRecord, lane: Lane = Lane.MAIN, partition: int = 0) -> None:
        stream = f"{self.feed.stream}.urgent" if lane else self.feed.stream
        await self.log.declare(Stream(stream, self._partitions))
        if records:
            await self.log.append(stream, partition, records)

    async def find(self, received_us: int, name: str) -> ShownRecord | None:
        return await self.shown.find(self.feed, received_us, lambda _, body: body["id"] == name)


@pytest.mark.parametrize("seed", range(20))
async def test_each_record_is_found_however_many_there_are_and_none_that_is_not(seed: int) -> None:
    """Appended out of order by less than the spread, with seals between them."""
    chance, shelf = random.Random(seed), Shelf()
    times = [chance.randrange(3_600 * SECOND) for _ in range(chance.choice((1, 2, 40, 700)))]
    order = sorted(times, key=lambda each: each + chance.random() * SPREAD * SECOND)
    await shelf.fill(*_with_seals([record(each, f"e{each}") for each in order], chance))

    for each in chance.sample(times, min(len(times), 25)):
        found = await shelf.find(each, f"e{each}")
        assert found is not None
        assert found.stamp.received_us == each
        assert await shelf.find(each, "another") is None
        assert await shelf.find(each + 1, f"e{each}") is None


def _with_seals(records: Sequence[LogRecord], chance: random.Random) -> list[LogRecord]:
    return [each for one in records for each in ((one, SEAL) if chance.random() < 0.3 else (one,))]


async def test_of_many_that_were_received_at_one_moment_the_named_one_is_found() -> None:
    shelf = Shelf()
    await shelf.fill(*(record(7 * SECOND, f"e{number}") for number in range(PAGE_RECORDS + 5)))

    assert await shelf.find(7 * SECOND, f"e{PAGE_RECORDS + 4}") is not None


async def test_records_are_found_in_every_partition_and_in_both_lanes() -> None:
    shelf = Shelf(replace(FEED, urgent=("customs.seal.*",)), partitions=3)
    for lane in Lane:
        await shelf.fill(record(7 * SECOND, f"in {lane}"), lane=lane, partition=2)

    assert [await shelf.find(7 * SECOND, f"in {lane}") is not None for lane in Lane] == [True, True]


async def test_what_lies_there_of_another_generation_of_the_log_is_not_found() -> None:
    shelf = Shelf()
    await shelf.fill(record(7 * SECOND, "a", generation=shelf.log.generation + 1))

    assert await shelf.find(7 * SECOND, "a") is None


async def test_a_feed_to_which_nothing_came_yet_shows_nothing() -> None:
    assert await Shelf().find(7 * SECOND, "a") is None
