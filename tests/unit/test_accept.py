"""Accept: shared appends, honest outcomes, and the rules of the core protocol that intake must keep."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from hub.core.errors import HubError, Overloaded, Refusal, StorageFull, StorageUnavailable, Unknown
from hub.core.evidence import ValidEvent
from hub.core.partner import PartnerState
from hub.core.record import EVENTS, Position, Stream
from hub.core.registry import Snapshot, Version
from hub.core.settings import IntakeSettings
from hub.drivers.memory.event_log import MemoryEventLog
from hub.drivers.memory.first_occurrence import MemoryFirstOccurrence
from hub.drivers.memory.key_ring import MemoryKeyRing
from hub.drivers.memory.positions import MemoryPositions
from hub.drivers.system.entropy import SystemEntropy
from hub.intake.accept import LOOK_UP_SECONDS_MAX, Accepted, Acceptor, Conflicting, Outcome, Repeat, StaleRegistry
from hub.ports.first_occurrence import Occurrence
from hub.trust.merkle import leaf_hash
from schemas.headers import EventHeader, SealHeader, unpack
from tests.clock import ManualClock
from tests.faults.scripted import ScriptedIndex, ScriptedLog
from tests.faults.virtual import ListObserver
from tests.merkle_roots import root_from_path, root_from_range
from tests.unit.valid_events import NOW_US, PRINCIPAL, valid


class World:
    """One worker's lanes over a log in memory that does as it is told."""

    def __init__(self, *, partitions: int = 1, append_bytes_max: int = 8_388_608, **bounds: Any) -> None:
        self.clock = ManualClock(NOW_US)
        self.truth = MemoryEventLog(self.clock, append_bytes_max=append_bytes_max)
        self.log = ScriptedLog(self.truth)
        self.positions = MemoryPositions(self.clock)
        self.index = ScriptedIndex(MemoryFirstOccurrence(self.positions, slice_seconds=16 * 86_400))
        self.run_number: int | None = 1
        self.snapshot = Snapshot()
        self.snapshot.revision = 1  # What the events' permits were decided by.
        self.observer = ListObserver()
        self.acceptor = Acceptor(
            log=self.log,  # type: ignore[arg-type]
            index=self.index,  # type: ignore[arg-type]
            keys=MemoryKeyRing(),
            standing=lambda: self.run_number,
            snapshot=lambda: self.snapshot,
            clock=self.clock,
            entropy=SystemEntropy(),
            observer=self.observer,
            hub="hub",
            partitions=partitions,
            bounds=IntakeSettings(**bounds),
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[World]:
        await self.truth.declare(Stream(EVENTS, self.acceptor.partitions))
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(self.acceptor.run())
            yield self
            task.cancel()

    async def accept(self, *events: ValidEvent, partition: int = 0) -> Sequence[Outcome]:
        return await self.acceptor.accept(partition, events)

    def soon(self, *events: ValidEvent, partition: int = 0) -> asyncio.Task[Sequence[Outcome]]:
        return asyncio.create_task(self.acceptor.accept(partition, events))  # type: ignore[arg-type]

    async def judge(self, *events: ValidEvent) -> None:
        """As the judge would: these were first, at the offsets 0, 1, …"""
        lease = await self.positions.acquire("judge", "test", 60)
        assert lease is not None
        await self.index.judge(
            lease,
            [
                Occurrence(event.identity, event.canonical_digest, Position(1, 0, offset), NOW_US)
                for offset, event in enumerate(events)
            ],
        )

    def ids(self) -> list[list[str]]:
        """The ids of the events in each append, in log order."""
        headers = [[unpack(record.header) for record in each] for each in self.log.appends]
        return [[header.id for header in each if isinstance(header, EventHeader)] for each in headers]


async def settled() -> None:
    """Until every task that can go on has gone on."""
    for _ in range(20):
        await asyncio.sleep(0)


async def held(world: World) -> asyncio.Event:
    """The first append waits for this; what comes meanwhile shares the next one."""
    gate = asyncio.Event()
    world.log.script.append(gate)
    return gate


async def test_what_comes_before_the_stream_is_there_is_refused_for_now() -> None:
    async with World().running() as world:
        await world.truth.drop(EVENTS)
        [early] = await world.accept(valid("early"))
        await world.truth.declare(Stream(EVENTS, 1))

        assert isinstance(early, HubError)
        assert early.code == "STORAGE_UNAVAILABLE"
        assert isinstance((await world.accept(valid("early")))[0], Accepted)


async def test_requests_that_arrive_during_an_append_share_the_next_one() -> None:
    async with World().running() as world:
        gate = await held(world)
        requests = [world.soon(valid("a"))]
        await settled()
        requests += [world.soon(valid(each)) for each in "bcd"]
        await settled()
        gate.set()
        outcomes = [await request for request in requests]

    assert world.ids() == [["a"], ["b", "c", "d"]]
    assert all(isinstance(outcome, Accepted) for [outcome] in outcomes)


async def test_a_batch_ends_with_the_seal_that_covers_it_and_nothing_else() -> None:
    async with World().running() as world:
        await world.accept(valid("a"), valid("b"))

    *_, last = world.log.appends[0]
    seal = unpack(last.header)
    assert isinstance(seal, SealHeader)
    assert orjson.loads(seal.body)["size"] == 2
    assert len(last.value) == 64


async def test_each_request_is_answered_from_the_shared_batch_with_a_proof_of_its_own() -> None:
    async with World().running() as world:
        gate = await held(world)
        first = world.soon(valid("a"))
        await settled()
        one, three = world.soon(valid("b")), world.soon(valid("c"), valid("d"), valid("e"))
        await settled()
        gate.set()
        await first
        receipts = [outcome.receipt for outcome in (*await one, *await three) if isinstance(outcome, Accepted)]

    [alone, *together] = receipts
    body = orjson.loads(alone.seal.body)
    assert [receipt.leaf for receipt in receipts] == [0, 1, 2, 3]
    assert alone.path is not None
    assert root_from_path(leaf_hash(alone.statement), 0, 4, alone.path).hex() == body["root"]  # type: ignore[union-attr]
    leaves = [leaf_hash(receipt.statement) for receipt in together]
    assert root_from_range(leaves, 1, 4, together[0].seal.proof).hex() == body["root"]  # type: ignore[union-attr]
    assert all(receipt.path is None and receipt.seal is together[0].seal for receipt in together)


async def test_no_more_than_the_bounds_share_an_append() -> None:
    async with World(group_records_max=2).running() as world:
        gate = await held(world)
        requests = [world.soon(valid(each)) for each in "abcde"]
        await settled()
        gate.set()
        await asyncio.gather(*requests)

    assert world.ids() == [["a", "b"], ["c", "d"], ["e"]]


async def test_an_idle_lane_appends_at_once() -> None:
    async with World().running() as world:
        [outcome] = await world.accept(valid("a"))

    assert isinstance(outcome, Accepted)
    assert world.clock.now_us() == NOW_US


@pytest.mark.parametrize("answer", [Unknown("no acknowledgement"), StorageUnavailable("away"), StorageFull("full")])
async def test_nothing_of_an_append_that_is_not_clean_is_accepted_or_remembered(answer: Any) -> None:
    async with World().running() as world:
        gate = await held(world)
        before = world.soon(valid("x"))
        await settled()
        world.log.script.append(answer)
        one, two = world.soon(valid("a")), world.soon(valid("b"), valid("c"))
        await settled()
        gate.set()
        await before

        assert await one == [answer]
        assert await two == [answer, answer]
        assert all(isinstance(outcome, Accepted) for outcome in await world.accept(valid("a"), valid("b"), valid("c")))


async def test_an_append_that_does_not_answer_in_time_is_unknown() -> None:
    async with World(append_seconds_max=5).running() as world:
        await held(world)
        request = world.soon(valid("a"))
        await settled()
        world.clock.advance(5)

        [outcome] = await request

    assert isinstance(outcome, Unknown)
    assert world.observer.counts["appends_unknown", (("stream", EVENTS),)] == 1


async def test_rule_1_an_acknowledged_event_is_a_repeat_of_itself_without_the_index() -> None:
    async with World().running() as world:
        await world.accept(valid("other"), valid("a"))
        asked = len(world.index.asked)

        [again] = await world.accept(valid("a"))

    assert again == Repeat(Position(1, 0, 1))
    assert len(world.index.asked) == asked
    assert len(world.log.appends) == 1


async def test_rule_1_an_event_under_way_is_neither_a_repeat_nor_a_conflict() -> None:
    async with World().running() as world:
        gate = await held(world)
        first = world.soon(valid("x"))
        await settled()
        same = [world.soon(each) for each in (valid("a"), valid("a"), valid("a", empty=True))]
        await settled()
        gate.set()
        await first
        outcomes = [outcome for request in same for outcome in await request]

    assert [type(outcome) for outcome in outcomes] == [Accepted] * 3
    assert world.ids() == [["x"], ["a", "a", "a"]]


async def test_rule_1_an_event_whose_outcome_is_unknown_is_taken_again() -> None:
    async with World().running() as world:
        world.log.script.append(Unknown("no acknowledgement"))
        await world.accept(valid("a"))

        outcomes = [*await world.accept(valid("a")), *await world.accept(valid("a"))]

    assert [type(outcome) for outcome in outcomes] == [Accepted, Repeat]


async def test_rule_2_other_content_than_was_just_acknowledged_is_left_to_the_judge() -> None:
    async with World().running() as world:
        await world.accept(valid("a"))

        [outcome] = await world.accept(valid("a", empty=True))

    assert isinstance(outcome, Accepted)


async def test_rule_2_other_content_than_the_index_names_is_a_conflict_and_is_not_appended() -> None:
    async with World().running() as world:
        await world.judge(valid("a"), valid("b"))

        outcomes = await world.accept(valid("a", empty=True), valid("b"), valid("c"))

    assert outcomes[:2] == [Conflicting(), Repeat(Position(1, 0, 1))]
    assert isinstance(outcomes[2], Accepted)
    assert world.ids() == [["c"]]


async def test_a_group_without_anything_new_appends_nothing() -> None:
    async with World().running() as world:
        await world.judge(valid("a"))

        assert await world.accept(valid("a"), valid("a", empty=True)) == [Repeat(Position(1, 0, 0)), Conflicting()]
        assert world.log.appends == []


async def test_the_index_is_asked_once_a_group_and_only_for_what_the_worker_does_not_know() -> None:
    async with World().running() as world:
        await world.accept(valid("a"))
        await world.accept(valid("a"), valid("b"), valid("c"))

    assert [len(asked) for asked in world.index.asked] == [1, 2]


async def test_without_the_index_events_are_accepted_and_left_to_the_judge() -> None:
    async with World().running() as world:
        await world.judge(valid("a"))
        world.index.away = StorageUnavailable("away")

        [outcome] = await world.accept(valid("a", empty=True))

    assert isinstance(outcome, Accepted)


async def test_an_index_that_does_not_answer_holds_nobody_up_for_long() -> None:
    async with World().running() as world:
        world.index.away = asyncio.Event()
        request = world.soon(valid("a"))
        await settled()
        world.clock.advance(LOOK_UP_SECONDS_MAX)

        assert isinstance((await request)[0], Accepted)


async def test_rule_6_a_stale_worker_appends_nothing() -> None:
    async with World().running() as world:
        world.run_number = None

        [outcome] = await world.accept(valid("a"))

    assert isinstance(outcome, StaleRegistry)
    assert world.log.appends == []


@pytest.mark.parametrize("after", [None, 2], ids=["stale", "confirmed again"])
async def test_rule_6_a_standing_that_lapsed_during_the_append_makes_it_unknown(after: int | None) -> None:
    async with World().running() as world:
        gate = await held(world)
        request = world.soon(valid("a"))
        await settled()
        world.run_number = after
        gate.set()
        [outcome] = await request
        world.run_number = 2
        [again] = await world.accept(valid("a"))

    assert isinstance(outcome, Unknown)
    assert isinstance(again, Accepted)


async def test_events_of_one_request_keep_their_order() -> None:
    ids = [f"e{number}" for number in range(50)]

    async with World().running() as world:
        outcomes = await world.accept(*map(valid, ids))

    assert [orjson.loads(each.receipt.statement)["id"] for each in outcomes if isinstance(each, Accepted)] == ids
    assert world.ids() == [ids]


async def test_what_one_append_does_not_take_is_cut() -> None:
    async with World(append_bytes_max=8_000).running() as world:
        outcomes = await world.accept(*map(valid, "abcde"))

    assert len(outcomes) == 5
    assert [len(each) for each in world.ids()] == [2, 2, 1]
    assert all(sum(len(r.key) + len(r.header) + len(r.value) for r in each) <= 8_000 for each in world.log.appends)


async def test_after_a_cut_that_did_not_get_through_the_rest_is_not_attempted() -> None:
    async with World(append_bytes_max=8_000).running() as world:
        gate = asyncio.Event()
        gate.set()
        world.log.script.extend([gate, Unknown("no acknowledgement")])

        outcomes = await world.accept(*map(valid, "abcdef"))

    assert [type(outcome) for outcome in outcomes] == [Accepted, Accepted, Unknown, Unknown]
    assert world.ids() == [["a", "b"], ["c", "d"]]


async def test_what_waits_is_bounded_and_counted_down_again() -> None:
    async with World(waiting_records_max=4).running() as world:
        gate = await held(world)
        first, second = world.soon(valid("a")), world.soon(valid("b"), valid("c"))
        await settled()

        with pytest.raises(Overloaded):
            await world.accept(valid("d"))

        gate.set()
        await asyncio.gather(first, second)
        assert world.acceptor.waiting_records == 0
        assert isinstance((await world.accept(valid("d")))[0], Accepted)


async def test_what_waits_too_long_behind_an_append_that_hangs_is_turned_away_unstored() -> None:
    async with World().running() as world:
        gate = await held(world)
        first = world.soon(valid("a"))
        await settled()
        second = world.soon(valid("b"))
        await settled()

        for _ in range(8):
            world.clock.advance(0.25)
            await settled()
        [turned_away] = await second
        gate.set()
        await first

    assert isinstance(turned_away, Overloaded)
    assert world.ids() == [["a"]]


async def test_events_that_waited_while_their_publisher_came_to_a_full_stop_are_not_stored() -> None:
    async with World().running() as world:
        gate = await held(world)
        first = world.soon(valid("a"))
        await settled()
        second = world.soon(valid("b"))
        await settled()
        world.snapshot.apply(
            [Version(2, replace(PRINCIPAL.partner, state=PartnerState.SUSPENDED), "officer", "key lost", 0)]
        )
        gate.set()
        outcomes = [*await first, *await second]

    assert isinstance(outcomes[0], Accepted)
    assert outcomes[1] == Refusal("PARTNER_SUSPENDED")
    assert world.ids() == [["a"]]


async def test_an_event_that_nobody_foresaw_is_unknown_and_the_lane_goes_on() -> None:
    async with World().running() as world:
        [odd] = await world.accept(replace(valid("a"), traceparent="\udcff"))
        [good] = await world.accept(valid("b"))

    assert isinstance(odd, Unknown)
    assert isinstance(good, Accepted)


async def test_a_sender_that_gives_up_frees_its_place() -> None:
    async with World().running() as world:
        gate = await held(world)
        request = world.soon(valid("a"))
        await settled()
        request.cancel()
        await settled()

        assert world.acceptor.waiting_records == 0
        gate.set()
        assert await world.accept(valid("a")) == [Repeat(Position(1, 0, 0))]


async def test_what_waits_when_the_worker_stops_is_unknown_and_so_is_what_comes_after() -> None:
    async with World().running() as world:
        await held(world)
        first = world.soon(valid("a"))
        await settled()
        second = world.soon(valid("b"))
        await settled()

    outcomes = [*await first, *await second, *await world.accept(valid("c"))]
    assert all(isinstance(outcome, Unknown) for outcome in outcomes)


async def test_partitions_do_not_wait_for_each_other() -> None:
    async with World(partitions=2).running() as world:
        gate = await held(world)
        stuck = world.soon(valid("a"), partition=0)
        await settled()

        [outcome] = await world.accept(valid("b"), partition=1)

        assert isinstance(outcome, Accepted)
        assert not stuck.done()
        gate.set()
        await stuck


async def test_the_cache_forgets_the_oldest_identities_first() -> None:
    async with World(recent_ids_max=2).running() as world:
        for id_ in "abc":
            await world.accept(valid(id_))

        outcomes = [*await world.accept(valid("c")), *await world.accept(valid("a"))]

    assert [type(outcome) for outcome in outcomes] == [Repeat, Accepted]


async def test_of_two_events_of_one_request_that_contradict_each_other_the_second_is_a_conflict() -> None:
    async with World().running() as world:
        first = await world.accept(valid("a"), valid("a", empty=True), valid("a"))
        again = await world.accept(valid("a", empty=True), valid("a"))  # The index lags behind the log.

    assert [type(outcome) for outcome in first] == [Accepted, Conflicting, Accepted]
    assert [type(outcome) for outcome in again] == [Conflicting, Repeat]
    assert world.ids() == [["a", "a"]]


async def test_a_request_is_held_to_its_word_over_several_appends() -> None:
    async with World(append_bytes_max=6_000).running() as world:
        outcomes = await world.accept(valid("a"), valid("b"), valid("a", empty=True), valid("c"))

    assert [type(outcome) for outcome in outcomes] == [Accepted, Accepted, Conflicting, Accepted]
    assert world.ids() == [["a", "b"], ["c"]]


async def test_requests_that_contradict_each_other_are_left_to_the_judge() -> None:
    async with World().running() as world:
        await world.accept(valid("a"), valid("b"))

        [outcome, _] = await world.accept(valid("a", empty=True), valid("c"))

    assert isinstance(outcome, Accepted)


async def test_conflicts_are_foreseen_by_the_word_of_the_index_and_of_the_request() -> None:
    async with World().running() as world:
        await world.judge(valid("a"))

        events = [valid("a", empty=True), valid("a"), valid("b"), valid("b", empty=True), valid("b")]

        assert await world.acceptor.conflicts(events) == [True, False, False, True, False]
        assert world.ids() == []
