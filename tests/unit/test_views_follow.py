"""The role `views` follows the log: what came first, once, below the judge's mark, through crashes and trims."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import pytest
from msgspec.structs import replace

from hub.core.record import EVENTS, Bounds, LogRecord, Position
from hub.core.settings import ViewsSettings
from hub.drivers.memory.access_journal import MemoryAccessJournal
from hub.drivers.memory.event_log import MemoryEventLog
from hub.drivers.memory.first_occurrence import MemoryFirstOccurrence
from hub.drivers.memory.views import MemoryViews
from hub.ports.views import Mark, Query
from hub.views.follow import KNOWN_SECONDS_MAX, Follower, until_known
from hub.views.owned import nobody_else
from schemas.headers import EventHeader, pack, unpack
from schemas.identity import identity_key
from tests.faults.fanout_world import FanoutWorld, event_record
from tests.faults.virtual import run


class ViewsWorld(FanoutWorld):
    def __init__(self, partitions: int = 1) -> None:
        super().__init__(partitions)
        self.views = MemoryViews()
        self.accesses = MemoryAccessJournal()

    def follower(self, **settings: float) -> Follower:
        return Follower(
            log=self.log,
            index=self.index,
            views=self.views,
            accesses=self.accesses,
            others=nobody_else,
            clock=self.clock,
            observer=self.observer,
            settings=replace(ViewsSettings(), **settings),
            partitions=self.events.partitions,
        )

    @asynccontextmanager
    async def following(self, *, judged: bool = True) -> AsyncIterator[Follower]:
        follower = self.follower()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(follower.run())]
            if judged:
                tasks.append(group.create_task(self.process().run()))
            yield follower
            for task in tasks:
                task.cancel()

    async def known(self) -> list[str]:
        """The ids of all that is known, oldest first."""
        page = await self.views.events(Query(newest_first=False), limit=10_000, looked_at_max=10_000, bytes_max=1 << 30)
        return [orjson.loads(event.value)["id"] for event in page.events]


def test_what_was_judged_is_known_once_and_repeats_are_not() -> None:
    async def story() -> None:
        world = await ViewsWorld().declare()
        await world.publish(event_record("a"), event_record("b"), event_record("a"))
        async with world.following():
            await world.elapse(5)
            await world.publish(event_record("b"), event_record("c"), event_record("a", content="other"))
            await world.elapse(5)

        assert await world.known() == ["a", "b", "c"]

    run(story())


def test_nothing_is_known_before_it_is_judged() -> None:
    async def story() -> None:
        world = await ViewsWorld().declare()
        await world.publish(event_record("a"))
        async with world.following(judged=False) as follower:
            await world.elapse(5)

            assert await world.known() == []
            assert follower.known_up_to_us() is None

    run(story())


def test_what_came_is_waited_for_and_nothing_is_where_nothing_came() -> None:
    async def story() -> None:
        world, waited = await ViewsWorld(2).declare(), []
        await world.publish(event_record("a"))
        for partition in range(2):
            before = world.clock.monotonic()
            await until_known(world.views, log=world.log, clock=world.clock, partitions=[partition])
            waited.append(world.clock.monotonic() - before)

        assert min(waited) == 0 < KNOWN_SECONDS_MAX <= max(waited)

    run(story())


def test_it_goes_on_where_it_stood_and_a_crash_between_any_two_batches_changes_nothing() -> None:
    async def story() -> None:
        world = await ViewsWorld(3).declare()
        ids = [f"e{number}" for number in range(60)]
        for id_ in ids:
            await world.publish(event_record(id_, source=f"urn:{id_[-1]}"))
            async with world.following():
                await world.elapse(0.3)

        async with world.following():
            await world.elapse(5)
        assert sorted(await world.known()) == sorted(ids)

    run(story())


def test_it_can_be_rebuilt_from_the_log() -> None:
    async def story() -> None:
        world = await ViewsWorld().declare()
        await world.publish(*[event_record(f"e{number}") for number in range(1_200)])
        async with world.following():
            await world.elapse(20)
        before = await world.known()
        await world.views.reset()
        async with world.following():
            await world.elapse(20)

        assert await world.known() == before == [f"e{number}" for number in range(1_200)]

    run(story())


def test_what_the_log_let_go_of_before_it_was_followed_is_alarmed_and_passed_over() -> None:
    async def story() -> None:
        world = await ViewsWorld().declare()
        await world.publish(event_record("a"), event_record("b"))
        async with world.running():
            await world.elapse(5)
        await world.publish(event_record("c"))
        await world.truth.purge(EVENTS, world.clock.now_us() - 1_000_000)
        world.views = MemoryViews()
        await world.views.apply([], mark_at(world, 1))
        async with world.following():
            await world.elapse(5)

        assert await world.known() == ["c"]
        assert world.observer.alarms() == {"views_behind_retention"}
        assert world.observer.counts["views_passed_over", ()] == 2

    run(story())


def mark_at(world: ViewsWorld, offset: int) -> Mark:
    return Mark(Position(world.log.generation, 0, offset), world.clock.now_us())


def test_on_another_log_everything_is_forgotten_and_followed_anew() -> None:
    async def story() -> None:
        world = await ViewsWorld().declare()
        await world.publish(*[event_record(f"e{number}") for number in range(9)])
        async with world.following():
            await world.elapse(5)
        world.log = world.truth = MemoryEventLog(world.clock)
        world.index = MemoryFirstOccurrence(world.leases, slice_seconds=16 * 86_400)
        await world.declare()
        await world.publish(event_record("new"))
        async with world.following():
            await world.elapse(5)

        assert await world.known() == ["new"]

    run(story())


def test_a_record_that_cannot_be_read_is_alarmed_and_the_rest_is_known() -> None:
    async def story() -> None:
        world = await ViewsWorld().declare()
        await world.publish(event_record("a"), event_record("b", value=b"{"), event_record("c"))
        await world.truth.append(EVENTS, 0, [LogRecord(b"", b"no header", b"")])
        await world.publish(event_record("d"))
        async with world.following():
            await world.elapse(5)

        assert await world.known() == ["a", "c", "d"]
        assert world.observer.alarms() >= {"record_not_known"}

    run(story())


def test_it_says_up_to_when_everything_is_known() -> None:
    async def story() -> None:
        world = await ViewsWorld().declare()
        async with world.following() as follower:
            await world.publish(event_record("a"))
            published_us = world.clock.now_us()
            await world.elapse(60)

            known_up_to_us = follower.known_up_to_us()
            assert known_up_to_us is not None
            assert published_us < known_up_to_us <= world.clock.now_us()
            assert world.clock.now_us() - known_up_to_us <= 2_000_000

    run(story())


def test_binary_mode_is_put_together_and_its_data_kept_to_the_letter() -> None:
    async def story() -> None:
        world = await ViewsWorld().declare()
        data = b'{"occurred_at":"2026-11-22T09:00:00Z", "mass":1.50000000000000000001}'
        record = event_record("a", value=data)
        header = unpack(record.header)
        assert isinstance(header, EventHeader)
        header = replace(header, attributes={"id": "a", "source": "urn:tos", "type": header.type})
        await world.publish(replace(record, header=pack(header)))
        async with world.following():
            await world.elapse(5)

        (event,) = (await world.views.events(Query(), limit=9, looked_at_max=9, bytes_max=1 << 20)).events
        assert data in event.value
        assert orjson.loads(event.value)["id"] == "a"
        assert unpack(event.header) == replace(header, attributes=None)
        assert event.series == (identity_key("acme", "urn:tos", "a", None),)

    run(story())


def test_a_partition_that_is_begun_while_another_is_measured_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        world = await ViewsWorld(partitions=2).declare()
        bounds = world.log.bounds

        async def slowly(stream: str, partition: int) -> Bounds:
            await world.clock.sleep(6 if partition else 2)
            return await bounds(stream, partition)

        monkeypatch.setattr(world.log, "bounds", slowly)
        async with world.following() as follower:
            await world.elapse(20)
            assert follower.known_up_to_us() is not None

    run(story())
