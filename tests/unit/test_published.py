"""What recipients read from Kafka themselves is written down as soon as it is in the topic."""

from __future__ import annotations

import asyncio

import pytest
from msgspec import msgpack
from msgspec.structs import replace

from hub.core.access import Step, offsets_of
from hub.core.feed import Feed, Lane, Way
from hub.core.record import LogRecord, Position, StoredRecord
from hub.delivery.journal import Journal
from hub.delivery.published import SETTLED_SECONDS, Publications
from hub.delivery.walk import Walk
from hub.drivers.memory.access_journal import MemoryAccessJournal
from hub.ports.access_journal import Query
from schemas.headers import FeedHeader, pack, unpack
from tests.faults import virtual
from tests.faults.fanout_world import AGREEMENT, AUTHORITY, COMPANY, FEED, FanoutWorld, event_record

KAFKA = replace(FEED, ways=(Way.KAFKA,))


async def world_with(feed: Feed) -> FanoutWorld:
    world = await FanoutWorld().declare()
    world.register(COMPANY, AUTHORITY, replace(AGREEMENT, direct=True), feed)
    return world


async def pass_on(world: FanoutWorld, *names: str, revision: int = 1) -> None:
    await world.publish(*[event_record(name, revision=revision) for name in names])
    async with world.running():
        await world.elapse(1)


def replace_offset(record: StoredRecord, offset: int) -> LogRecord:
    """The same record of a feed, as if of another event."""
    stamp = unpack(record.header)
    assert isinstance(stamp, FeedHeader)
    return LogRecord(record.key, pack(replace(stamp, offset=offset)), record.value)


def walk(world: FanoutWorld, kept: MemoryAccessJournal, step: Step = Step.PUBLISHED) -> Walk:
    return Walk(
        step,
        log=world.log,
        positions=world.positions,
        journal=Journal(kept, snapshot=lambda: world.snapshot, clock=world.clock),
        snapshot=lambda: world.snapshot,
        clock=world.clock,
        observer=world.observer,
        partitions=1,
    )


def publications(world: FanoutWorld, kept: MemoryAccessJournal) -> Publications:
    return Publications(walk(world, kept), clock=world.clock)


async def published(kept: MemoryAccessJournal) -> list[int]:
    entries = [entry.access for entry in await kept.entries(Query(), limit=99)]
    assert {(each.step, each.way, each.recipient) for each in entries} <= {(Step.PUBLISHED, "kafka", "customs")}
    return sorted(offset for each in entries for offset in offsets_of(each.runs))


async def follow_all(world: FanoutWorld, kept: MemoryAccessJournal) -> None:
    """As the next process does."""
    follower, feed = publications(world, kept), world.snapshot.feeds.get(FEED.name)
    assert feed is not None
    while await follower.follow(feed, Lane.MAIN):
        pass


async def held(world: FanoutWorld) -> list[int]:
    """Which events the topic holds."""
    headers = [unpack(record.header) for record in await world.records(KAFKA.stream)]
    return [header.offset for header in headers if isinstance(header, FeedHeader)]


def test_what_comes_into_the_topic_is_written_down_once_also_by_the_next_process() -> None:
    async def main() -> None:
        world, kept = await world_with(KAFKA), MemoryAccessJournal()
        await pass_on(world, "a", "b")

        moved = [await publications(world, kept).follow(KAFKA, Lane.MAIN) for _ in range(2)]
        await pass_on(world, "c")
        await publications(world, kept).follow(KAFKA, Lane.MAIN)

        assert moved == [True, False]
        assert await published(kept) == [0, 1, 3]  # Between them lies a seal.
        [entry] = await kept.about(Position(1, 0, 3))
        assert entry.access.agreements == ("all-to-customs",)

    virtual.run(main())


def test_only_feeds_that_are_read_from_kafka_are_followed() -> None:
    async def main() -> None:
        for feed, count in ((FEED, 0), (KAFKA, 2)):
            world, kept = await world_with(replace(feed, ended=False)), MemoryAccessJournal()
            await pass_on(world, "a", "b")
            world.register(feed)
            async with asyncio.TaskGroup() as tasks:
                task = tasks.create_task(publications(world, kept).run())
                await world.elapse(1)
                task.cancel()

            assert len(await published(kept)) == count

    virtual.run(main())


def test_what_lies_in_a_topic_is_published_in_the_moment_in_which_its_feed_gains_the_way() -> None:
    """The oracle is what the topic holds: all of it can be read from then on."""

    async def main() -> None:
        world, kept = await world_with(FEED), MemoryAccessJournal()
        await pass_on(world, "a", "b")
        await world.elapse(60)
        gained_us = world.clock.now_us()
        revision = world.register(replace(KAFKA, version=2))
        before = await held(world)
        await follow_all(world, kept)

        assert await published(kept) == before == [0, 1]
        assert {each.access.time_us for each in await kept.entries(Query(), limit=99)} == {gained_us}
        await world.elapse(60)
        await pass_on(world, "c", revision=revision)
        await follow_all(world, kept)
        assert await published(kept) == await held(world) == [0, 1, 3]
        assert [each.access.time_us > gained_us for each in await kept.about(Position(1, 0, 3))] == [True]

    virtual.run(main())


def test_what_came_while_a_feed_was_not_read_from_kafka_is_published_once_it_is_again() -> None:
    async def main() -> None:
        world, kept = await world_with(KAFKA), MemoryAccessJournal()
        await pass_on(world, "a")
        revision = world.register(replace(FEED, version=2))
        await pass_on(world, "b", "c", revision=revision)
        follower, seen = publications(world, kept), []
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(follower.run())
            for feed in (replace(FEED, version=3), replace(KAFKA, version=4)):
                await world.elapse(2)
                seen.append(await published(kept))
                world.register(feed)
            await world.elapse(2)
            task.cancel()

        assert seen == [[0], [0]]
        assert await published(kept) == await held(world) == [0, 2, 3]

    virtual.run(main())


def test_what_went_before_a_feed_was_read_from_kafka_is_no_alarm_and_what_went_after_is_one() -> None:
    async def main() -> None:
        for feed, alarms in ((FEED, set()), (KAFKA, {"published_behind_retention"})):
            world, kept = await world_with(feed), MemoryAccessJournal()
            await pass_on(world, "a")
            await world.log.purge(KAFKA.stream, world.clock.now_us() + 1)
            revision = world.register(replace(KAFKA, version=2))
            await pass_on(world, "b", revision=revision)
            await follow_all(world, kept)

            assert (await published(kept), world.observer.alarms()) == ([2], alarms)

    virtual.run(main())


@pytest.mark.parametrize(
    ("kept", "again"),
    [
        ((1, {0: 500}), True),
        ({0: 500}, True),
        ((7, {0: 2}), True),
        ((1, {0: 2}), False),
        ({0: 2}, False),
    ],
)
def test_a_topic_that_was_restored_or_began_again_is_written_down_from_its_start(kept: object, again: bool) -> None:
    """It holds two events, and has let go of one before: that is no loss."""

    async def main() -> None:
        world, journal = await world_with(KAFKA), MemoryAccessJournal()
        await pass_on(world, "gone")
        await world.log.purge(KAFKA.stream, world.clock.now_us() + 1)
        await pass_on(world, "a", "b")
        await world.positions.acknowledge("@published", KAFKA.name, msgpack.encode(kept), was=None)

        await follow_all(world, journal)

        assert await published(journal) == ([2, 3] if again else [3])
        assert world.observer.alarms() == set()

    virtual.run(main())


def test_what_the_log_let_go_of_is_passed_over() -> None:
    async def main() -> None:
        world, kept = await world_with(KAFKA), MemoryAccessJournal()
        await pass_on(world, "a")
        await world.log.purge(KAFKA.stream, world.clock.now_us() + 1)
        await pass_on(world, "b")
        follower = publications(world, kept)

        while await follower.follow(KAFKA, Lane.MAIN):
            pass

        assert await published(kept) == [2]

    virtual.run(main())


@pytest.mark.parametrize("after", [replace(KAFKA, ended=True, version=2), replace(FEED, version=2)])
def test_what_was_made_available_right_before_a_feed_changed_is_written_down_all_the_same(after: Feed) -> None:
    async def main() -> None:
        world, kept = await world_with(KAFKA), MemoryAccessJournal()
        await pass_on(world, "a", "b")
        world.register(after)

        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(publications(world, kept).run())
            await world.elapse(1)
            task.cancel()

        assert len(await published(kept)) == 2

    virtual.run(main())


def test_a_topic_that_is_not_there_keeps_no_other_from_being_followed() -> None:
    async def main() -> None:
        world, kept = await world_with(KAFKA), MemoryAccessJournal()
        await pass_on(world, "a")
        missing = replace(KAFKA, name="missing")
        world.register(missing)
        follower = publications(world, kept)

        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(follower.run())
            await world.elapse(3)
            task.cancel()

        assert await published(kept) == [0]
        assert not [name for name, _ in world.observer.events if name.endswith("interrupted")]

    virtual.run(main())


def test_a_feed_that_has_ended_is_over_when_all_that_its_topics_ever_held_is_written_down() -> None:
    """The oracle is what the topic holds: who drops it asks the follower, however late that is."""

    async def main() -> None:
        world, kept = await world_with(KAFKA), MemoryAccessJournal()
        await pass_on(world, "a", "b")
        ended = replace(KAFKA, ended=True, version=2)
        world.register(ended)
        [first, *_] = await world.records(KAFKA.stream)
        follower = publications(world, kept)
        seen = []

        async with asyncio.TaskGroup() as tasks:
            await world.elapse(10 * SETTLED_SECONDS)
            seen.append((follower.is_over(ended), await published(kept)))
            task = tasks.create_task(follower.run())
            await world.elapse(SETTLED_SECONDS / 2)
            await world.truth.append(KAFKA.stream, 0, [replace_offset(first, 7)])
            await world.elapse(SETTLED_SECONDS / 4)
            seen.append((follower.is_over(ended), await published(kept)))
            await world.elapse(SETTLED_SECONDS)
            seen.append((follower.is_over(ended), await published(kept)))
            task.cancel()

        assert seen == [(False, []), (False, [0, 1, 7]), (True, [0, 1, 7])]

    virtual.run(main())


def test_a_topic_that_an_earlier_process_dropped_is_over_and_asked_for_no_more() -> None:
    async def main() -> None:
        world, kept = await world_with(KAFKA), MemoryAccessJournal()
        await pass_on(world, "a")
        ended = replace(KAFKA, ended=True, version=2)
        world.register(ended)
        await world.truth.drop(KAFKA.stream)
        follower = publications(world, kept)

        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(follower.run())
            await world.elapse(1)
            task.cancel()

        assert follower.is_over(ended)

    virtual.run(main())
