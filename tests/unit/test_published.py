"""What recipients read from Kafka themselves is written down as soon as it is in the topic."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from hub.core.access import Step, offsets_of
from hub.core.feed import Feed, Lane, Way
from hub.core.record import Position
from hub.delivery.journal import Journal
from hub.delivery.published import Publications
from hub.drivers.memory.access_journal import MemoryAccessJournal
from hub.ports.access_journal import Query
from tests.faults import virtual
from tests.faults.fanout_world import AGREEMENT, AUTHORITY, COMPANY, FEED, FanoutWorld, event_record

KAFKA = replace(FEED, ways=(Way.KAFKA,))


async def world_with(feed: Feed) -> FanoutWorld:
    world = await FanoutWorld().declare()
    world.register(COMPANY, AUTHORITY, replace(AGREEMENT, direct=True), feed)
    return world


async def pass_on(world: FanoutWorld, *names: str) -> None:
    await world.publish(*[event_record(name) for name in names])
    async with world.running():
        await world.elapse(1)


def publications(world: FanoutWorld, kept: MemoryAccessJournal) -> Publications:
    return Publications(
        log=world.log,
        positions=world.positions,
        journal=Journal(kept, snapshot=lambda: world.snapshot, clock=world.clock),
        snapshot=lambda: world.snapshot,
        clock=world.clock,
        observer=world.observer,
        partitions=1,
    )


async def published(kept: MemoryAccessJournal) -> list[int]:
    entries = [entry.access for entry in await kept.entries(Query(), limit=99)]
    assert {(each.step, each.way, each.recipient) for each in entries} <= {(Step.PUBLISHED, "kafka", "customs")}
    return sorted(offset for each in entries for offset in offsets_of(each.runs))


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
        follower._topics = lambda: iter([(missing, Lane.MAIN), (KAFKA, Lane.MAIN)])  # type: ignore[method-assign]

        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(follower.run())
            await world.elapse(3)
            task.cancel()

        assert await published(kept) == [0]

    virtual.run(main())
