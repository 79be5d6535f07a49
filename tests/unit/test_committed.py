"""What recipients read from Kafka themselves is delivered as far as their own groups have committed."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from hub.core.access import Step, offsets_of
from hub.core.errors import HubError
from hub.core.feed import Lane, Way
from hub.core.restriction import Restriction
from hub.delivery.committed import LOOK_SECONDS, Deliveries, Groups
from hub.delivery.walk import End
from hub.drivers.memory.access_journal import MemoryAccessJournal
from hub.drivers.memory.feed_access import MemoryFeedAccess
from hub.ports.access_journal import Query
from tests.faults import virtual
from tests.faults.fanout_world import FEED, FanoutWorld, event_record
from tests.unit.test_published import KAFKA, pass_on, walk, world_with

ENGINE = "customs.engine"


class Scene:
    """Four events lie in the topic that customs reads by itself."""

    def __init__(self, world: FanoutWorld) -> None:
        self.world = world
        self.access = MemoryFeedAccess()
        self.kept = MemoryAccessJournal()
        self.deliveries = self.follower()

    @classmethod
    async def set(cls) -> Scene:
        scene = cls(await world_with(KAFKA))
        await pass_on(scene.world, "a", "b", "c", "d")
        return scene

    def follower(self) -> Deliveries:
        """As the next process makes it."""
        step = walk(self.world, self.kept, Step.DELIVERED)
        return Deliveries(step, groups=Groups(self.access), clock=self.world.clock)

    async def commit(self, offset: int, group: str = ENGINE, *, stream: str = KAFKA.stream) -> None:
        self.access.offsets.setdefault(group, {})[stream, 0] = offset
        while await self.deliveries.look():
            pass

    async def delivered(self) -> list[tuple[str, list[int]]]:
        """By whom, and which events, in the order of writing."""
        entries = [entry.access for entry in await self.kept.entries(Query(), limit=99)]
        assert {(each.step, each.way, each.recipient) for each in entries} <= {(Step.DELIVERED, "kafka", "customs")}
        return [(each.reader, list(offsets_of(each.runs))) for each in reversed(entries)]


def test_what_lies_below_the_offset_that_a_group_commits_is_delivered_once() -> None:
    async def main() -> None:
        scene = await Scene.set()

        for offset in (2, 2, 3):
            await scene.commit(offset)

        assert await scene.delivered() == [(ENGINE, [0, 1]), (ENGINE, [2])]

    virtual.run(main())


def test_a_group_that_goes_back_or_one_more_that_reads_the_same_gives_nothing_anew() -> None:
    async def main() -> None:
        scene = await Scene.set()

        for offset, group in ((3, ENGINE), (0, ENGINE), (2, ENGINE), (3, "customs.second"), (4, "customs.second")):
            await scene.commit(offset, group)

        assert await scene.delivered() == [(ENGINE, [0, 1, 2]), ("customs.second", [3])]

    virtual.run(main())


def test_the_next_process_goes_on_where_the_last_one_stood() -> None:
    async def main() -> None:
        scene = await Scene.set()
        await scene.commit(2)

        scene.deliveries = scene.follower()
        await scene.commit(3)

        assert await scene.delivered() == [(ENGINE, [0, 1]), (ENGINE, [2])]

    virtual.run(main())


@pytest.mark.parametrize(
    ("group", "offset", "stream"),
    [
        ("acme.engine", 4, KAFKA.stream),
        ("customs", 4, KAFKA.stream),
        ("customs2.engine", 4, KAFKA.stream),
        (ENGINE, 1_000_000, KAFKA.stream),
        (ENGINE, 4, "hub.feed.other"),
    ],
)
def test_a_foreign_group_a_place_that_is_not_there_and_another_topic_say_nothing(
    group: str, offset: int, stream: str
) -> None:
    async def main() -> None:
        scene = await Scene.set()

        await scene.commit(offset, group, stream=stream)

        assert await scene.delivered() == []

    virtual.run(main())


def test_a_place_that_is_not_there_hides_no_true_one() -> None:
    async def main() -> None:
        scene = await Scene.set()

        await scene.commit(1_000_000, "customs.liar")
        await scene.commit(2)

        assert await scene.delivered() == [(ENGINE, [0, 1])]

    virtual.run(main())


def test_what_came_before_the_feed_was_read_from_kafka_again_is_delivered_once_a_group_has_come_by_it() -> None:
    async def main() -> None:
        scene = await Scene.set()
        revision = scene.world.register(replace(FEED, version=2, ways=(Way.PULL,)))
        await scene.world.publish(event_record("e", revision=revision))
        async with scene.world.running():
            await scene.world.elapse(1)
        scene.world.register(replace(KAFKA, version=3))

        await scene.commit(4)
        before = await scene.delivered()
        await scene.commit(5)

        assert before == [(ENGINE, [0, 1, 2, 3])]
        assert await scene.delivered() == [*before, (ENGINE, [5])]

    virtual.run(main())


def test_what_retention_took_before_a_group_read_is_not_delivered_and_no_alarm() -> None:
    async def main() -> None:
        scene = await Scene.set()
        await scene.world.log.purge(KAFKA.stream, scene.world.clock.now_us() + 1)
        await pass_on(scene.world, "e")

        await scene.commit((await scene.world.log.bounds(KAFKA.stream, 0)).end)

        [(_, offsets)] = await scene.delivered()
        assert len(offsets) == 1
        assert scene.world.observer.alarms() == set()

    virtual.run(main())


@pytest.mark.parametrize(
    ("begins", "ends", "noted"),
    [(50, 1_000, "probe"), (-1_000, 50, "probe"), (-1_000, 1_000, "probe"), (-1_000, -500, ""), (500, 1_000, "")],
)
def test_a_restriction_that_binds_the_publication_or_the_delivery_is_noted(begins: int, ends: int, noted: str) -> None:
    """Seconds after the publication; what is read follows at 100. What was hidden then is not told by this."""

    async def main() -> None:
        scene = await Scene.set()
        now = scene.world.clock.now_us() // 1_000_000
        scene.world.register(Restriction("probe", "act 7", now + begins, now + ends, now + ends, recipient="customs"))
        await scene.world.elapse(100)

        await scene.commit(1)

        [entry] = await scene.kept.entries(Query(), limit=9)
        assert entry.access.restriction == noted

    virtual.run(main())


def test_a_commit_is_seen_while_the_hub_runs() -> None:
    async def main() -> None:
        scene = await Scene.set()

        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(scene.deliveries.run())
            await scene.world.elapse(1)
            scene.access.offsets[ENGINE] = {(KAFKA.stream, 0): 1}
            await scene.world.elapse(LOOK_SECONDS)
            task.cancel()

        assert await scene.delivered() == [(ENGINE, [0])]

    virtual.run(main())


def test_what_was_written_down_of_one_partition_is_not_again_when_the_next_cannot_be_read() -> None:
    async def main() -> None:
        scene = await Scene.set()
        step = walk(scene.world, scene.kept, Step.DELIVERED)
        ends = {0: End(2, ENGINE), 7: End(2, ENGINE)}

        for _ in range(2):
            with pytest.raises(HubError):
                await step.on(KAFKA, Lane.MAIN, ends)

        assert await scene.delivered() == [(ENGINE, [0, 1])]

    virtual.run(main())
