"""How streams share what the judge passed: who waits costs nothing, who is slow delays nobody, who is new comes up."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from hub.core.agreement import AgreementState, Provider
from hub.core.errors import Unknown
from hub.core.feed import Lane
from hub.core.record import EVENTS, LogRecord
from hub.core.registry import Snapshot, Version
from hub.drivers.memory.event_log import MemoryEventLog
from hub.drivers.memory.first_occurrence import MemoryFirstOccurrence
from hub.drivers.memory.positions import MemoryPositions
from hub.fanout.feed import FeedRun
from hub.fanout.means import Tenure
from hub.fanout.section import section_of
from hub.fanout.sections import SECTIONS_KEPT_MAX, Sections
from hub.ports.positions import FeedPosition, Lease
from tests.faults import virtual
from tests.faults.fanout_world import AGREEMENT, AUTHORITY, COMPANY, FEED, FanoutWorld, event_record
from tests.faults.ports import Fate, FatedClock, FatedIndex, FatedLog, FatedPositions
from tests.faults.scripted import ScriptedIndex

SEALS = replace(FEED, name="seals", types=("customs.seal.*",))
BROKEN = "customs.seal.broken"


async def registered(batch_records_max: int = 2_000) -> FanoutWorld:
    world = await FanoutWorld(batch_records_max=batch_records_max).declare()
    world.register(COMPANY, AUTHORITY, AGREEMENT, FEED)
    return world


class HangingLog(MemoryEventLog):
    """Appends to one stream wait for a gate."""

    def __init__(self, world: FanoutWorld, stream: str) -> None:
        super().__init__(world.clock)
        self._streams = world.truth._streams
        self._hanging = stream
        self.gate = asyncio.Event()

    async def append(self, stream: str, partition: int, records: Sequence[LogRecord]) -> int | Unknown:
        if stream == self._hanging:
            await self.gate.wait()
        return await super().append(stream, partition, records)


class CountingPositions(MemoryPositions):
    """Remembers what was stored together."""

    def __init__(self, world: FanoutWorld) -> None:
        super().__init__(world.clock)
        self.stored: list[Mapping[str, FeedPosition]] = []

    async def store_all(
        self, lease: Lease, generation: int, partition: int, positions: Mapping[str, FeedPosition]
    ) -> None:
        await super().store_all(lease, generation, partition, positions)
        self.stored.append(positions)


def test_an_append_that_hangs_delays_no_other_feed_and_what_it_missed_is_read_again_in_order() -> None:
    async def main() -> None:
        world = await registered(batch_records_max=2)
        world.register(replace(FEED, name="stuck"))
        world.log = log = HangingLog(world, "hub.feed.stuck")
        names = [f"e{number}" for number in range(3 * SECTIONS_KEPT_MAX)]
        async with world.running():
            for name in names:
                await world.publish(event_record(name))
                await world.elapse(0.05)
            while_stuck = await world.shown(), await world.shown("stuck")
            log.gate.set()
            await world.elapse(5)

        assert while_stuck == (names, [])
        assert await world.shown("stuck") == names

    virtual.run(main())


def test_a_feed_that_nothing_is_for_moves_on_and_its_place_is_stored_seldom_with_the_others() -> None:
    async def main() -> None:
        world = await registered()
        world.register(*[replace(SEALS, name=f"seals{number}") for number in range(20)])
        world.positions = world.leases = positions = CountingPositions(world)
        world.index = MemoryFirstOccurrence(positions, slice_seconds=16 * 86_400)
        async with world.running():
            await world.elapse(1.5)
            positions.stored.clear()
            for number in range(100):
                await world.publish(event_record(f"e{number}"))
                await world.elapse(0.05)
            under_load = list(positions.stored)
            await world.elapse(3)

        end = (await world.truth.bounds(EVENTS, 0)).end
        idle = await positions.load("hub.feed.seals7", 1, 0)
        assert idle is not None
        assert idle.source_offset == end
        assert sum(len(places) > 1 for places in under_load) <= 1
        assert len(positions.stored[-1]) >= 20

    virtual.run(main())


def test_a_feed_that_waited_long_shows_what_comes_for_it_at_once() -> None:
    async def main() -> None:
        world = await registered()
        world.register(SEALS)
        async with world.running():
            for number in range(50):
                await world.publish(event_record(f"e{number}"))
                await world.elapse(0.05)
            await world.publish(event_record("seal", event_type=BROKEN))
            await world.elapse(0.05)

            assert await world.shown("seals") == ["seal"]

    virtual.run(main())


def test_feeds_that_begin_together_read_the_log_and_the_index_once() -> None:
    async def main() -> None:
        world = await registered()
        await world.publish(*[event_record(f"e{number}") for number in range(100)])
        async with world.running():
            await world.elapse(1)
        world.index = index = ScriptedIndex(world.memory)
        world.register(*[replace(FEED, name=f"later{number}") for number in range(20)])

        async with world.running():
            await world.elapse(2)

        assert len(await world.shown("later19")) == 100
        assert len(index.asked) == 1

    virtual.run(main())


def test_what_an_agreement_covered_before_it_was_suspended_reaches_nobody_while_it_is() -> None:
    async def main() -> None:
        world = await registered()
        async with world.running():
            await world.elapse(1)
            world.register(replace(AGREEMENT, state=AgreementState.SUSPENDED))
            await world.publish(event_record("a"))
            await world.elapse(1)
            world.register(AGREEMENT)
            await world.publish(event_record("b", revision=3))
            await world.elapse(1)

        assert await world.shown() == ["b"]

    virtual.run(main())


def test_a_router_with_an_older_revision_that_wakes_past_its_lease_shows_nothing_that_has_ended() -> None:
    async def main() -> None:
        world = await registered()
        world.register(replace(AGREEMENT, id="other", provider=Provider(partner="borealis")))
        older, fate = Snapshot(), Fate(random.Random(1), trouble=0.0)
        older.apply([Version(1, item, "test", "", 0) for item in (COMPANY, AUTHORITY, AGREEMENT, FEED)])
        clock, log, index, positions = world.clock, world.log, world.index, world.positions
        world.log, world.index = FatedLog(log, fate), FatedIndex(index, fate)  # type: ignore[arg-type]
        world.positions, world.clock = FatedPositions(positions, fate), FatedClock(clock, fate)  # type: ignore[assignment]
        asleep = world.process("one", older)
        world.log, world.index, world.positions, world.clock = log, index, positions, clock
        async with world.running(asleep):
            await world.publish(event_record("before"))
            await world.elapse(2)
            fate.pause()
            await world.publish(event_record("a"))
            world.register(replace(AGREEMENT, state=AgreementState.ENDED))
            await world.elapse(world.settings.lease_seconds + 1)
            async with world.running(world.process("two")):
                await world.publish(event_record("c"), event_record("b", publisher="borealis", revision=3))
                await world.elapse(world.settings.lease_seconds)
                fate.go_on()
                await world.elapse(5)

        assert await world.shown() == ["before", "b"]
        assert ("fanout.lease_lost", {"partition": 0}) in world.observer.events

    virtual.run(main())


def test_what_is_urgent_goes_to_its_lane_alone_as_the_version_in_force_says_also_when_all_is_read_again() -> None:
    async def main() -> None:
        world = await registered()
        async with world.running():
            await world.publish(event_record("a", event_type=BROKEN, revision=1))
            second = world.register(replace(FEED, urgent=("customs.seal.*",), version=2))
            await world.publish(
                event_record("b", event_type=BROKEN, revision=second), event_record("c", revision=second)
            )
            third = world.register(replace(FEED, version=3))
            await world.publish(event_record("late", event_type=BROKEN, revision=second))
            await world.publish(event_record("d", event_type=BROKEN, revision=third))
            await world.elapse(2)
        before = await world.shown(), await world.shown("risk.urgent")
        for stream in ("hub.feed.risk", "hub.feed.risk.urgent"):
            await world.truth.drop(stream)
        world.leases._positions.clear()

        async with world.running():
            await world.elapse(2)

        assert before == (["a", "c", "d"], ["b", "late"])
        assert (await world.shown(), await world.shown("risk.urgent")) == before

    virtual.run(main())


def test_a_stream_that_waited_for_the_registry_reads_again_what_was_let_go_of_meanwhile() -> None:
    async def main() -> None:
        world = await registered()
        means = world.process()._means
        lease = await world.leases.acquire("fanout/0", "one", 10)
        assert lease is not None
        sections = Sections(means, 0)
        run = FeedRun(means, Tenure(lease, means), sections, "risk", Lane.MAIN)
        sections.begin(0)
        world.confirmed = False
        following = asyncio.create_task(run._follow(0))
        await world.elapse(0.01)

        for number in range(SECTIONS_KEPT_MAX + 1):
            sections.push(section_of(number, number + 1, ()))
        sections.passed = sections.mark
        world.confirmed = True

        assert await following == 0
        assert not sections.are_kept(0)

    virtual.run(main())
