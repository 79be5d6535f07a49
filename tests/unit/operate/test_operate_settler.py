"""The settler carries a decision out at its pace, once for each version, and not before all was taken in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any

import pytest
from msgspec.structs import replace

from hub.core.dead_letter import UNDELIVERED, DeadLetter, LetterState, Outcome, RunState, Settlement
from hub.core.errors import LeaseLost, Refusal, StorageUnavailable
from hub.core.evidence import Item, Verdict
from hub.core.partner import Partner
from hub.core.proposal import Proposal
from hub.core.record import EVENTS, NOTICES, QUARANTINE, LogRecord, Position, Stream
from hub.drivers.memory.event_log import MemoryEventLog
from hub.drivers.memory.positions import MemoryPositions
from hub.operate.letter_desk import SUPERSEDED
from hub.operate.settler import Means, Settler
from hub.ports.dead_letters import Which
from schemas.headers import pack
from tests.contracts.dead_letter_grounds import letter
from tests.faults import virtual
from tests.faults.virtual import ListObserver, VirtualClock
from tests.unit.operate.conftest import Desk
from tests.unit.operate.test_operate_dead_letters import HEADER

VALUE = b'{"id":"e1","data":{"empty":true}}'


class Settled:
    """A settler over a desk, and what it submitted."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.submitted: list[Mapping[str, Any]] = []
        self.refuses: list[Refusal | StorageUnavailable | None] = []
        self.delivered: list[str] = []
        self.clock = VirtualClock()
        self.log = MemoryEventLog(self.clock)
        self.observer = ListObserver()
        self.positions = MemoryPositions(self.clock)
        self.settler = self.another("test")

    def another(self, holder: str) -> Settler:
        """The settler of another hub over the same storage."""
        return Settler(
            Means(
                letters=self.desk.letters,
                submit=self.submit,
                deliver=self.deliver,
                corrected=self.desk.letter_desk.corrected,
                log=self.log,
                positions=self.positions,
                snapshot=lambda: self.desk.live.snapshot,
                clock=self.clock,
                observer=self.observer,
                partitions=1,
                holder=holder,
            )
        )

    async def submit(self, partner: Partner, event: Mapping[str, Any], dry: bool) -> Item | Refusal:
        self.submitted.append(event)
        outcome = self.refuses.pop(0) if self.refuses else None
        if isinstance(outcome, StorageUnavailable):
            raise outcome
        return outcome or Item(0, "e1", "s", Verdict.ACCEPTED)

    async def deliver(self, kept: DeadLetter, dry: bool) -> str:
        """A receiver that takes longer than a lease is there for."""
        self.delivered.append(kept.output)
        await self.clock.sleep(39)
        return ""

    async def give_up(self, count: int) -> None:
        """So many deliveries to one endpoint."""
        given_up = [
            letter(100 + n, cause=UNDELIVERED, partner="slow", output=f"msg_{n}", value=b"") for n in range(count)
        ]
        await self.desk.letters.take(given_up, Position(self.log.generation, 0, 0))

    @asynccontextmanager
    async def running(self, *others: Settler) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(each.run()) for each in (self.settler, *others)]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def states(self) -> list[LetterState]:
        return [each.state for each in await self.desk.letters.page(Which(), after=None, limit=100)]

    async def release(self, **more: Any) -> None:
        await self.desk.do("quarantine.release", cause="CONFLICT", partner="delta", reason="x", **more)


async def four_letters() -> Settled:
    """Four letters of one partner, all taken in."""
    desk = Desk()
    settled = Settled(desk)
    for stream in (QUARANTINE, NOTICES):
        await settled.log.declare(Stream(stream, 1))
    await desk.enrol("delta")
    letters = [letter(n, header=pack(replace(HEADER, id=f"e{n}")), value=VALUE) for n in range(4)]
    await desk.letters.take(letters, Position(settled.log.generation, 0, 0))
    return settled


def in_virtual_time(test: Callable[[Settled], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """What is waited for is there at once: an hour costs nothing."""

    async def with_four_letters() -> None:
        await test(await four_letters())

    return lambda: virtual.run(with_four_letters())


@in_virtual_time
async def test_a_release_keeps_to_its_pace(settled: Settled) -> None:
    await settled.release(per_second=2)

    async with settled.running():
        await settled.clock.sleep(1.25)

        assert len(settled.submitted) == 3
        await settled.clock.sleep(2)
    assert await settled.states() == [LetterState.RELEASED] * 4


@in_virtual_time
async def test_it_is_carried_out_once_and_again_only_when_it_is_decided_again(settled: Settled) -> None:
    refusal = Refusal("NOT_PERMITTED", "no agreement")
    settled.refuses = [None, refusal, refusal]
    await settled.release(failures_max=2)
    for _ in range(3):
        await settled.settler.look()

    assert (len(settled.submitted), settled.observer.alarms()) == (3, {"release_stopped"})
    [made] = settled.desk.live.snapshot.settlements
    run = await settled.desk.letters.run(made.key)
    assert run is not None
    assert (run.state, run.settled, run.failed) == (RunState.STOPPED, 1, 2)

    settled.desk.clock.seconds += 1
    await settled.release(failures_max=2)
    await settled.settler.look()
    assert await settled.states() == [LetterState.RELEASED] * 4


@in_virtual_time
async def test_a_letter_whose_content_is_in_the_log_alone_is_released_with_it_and_fails_once_that_is_gone(
    settled: Settled,
) -> None:
    await settled.log.declare(Stream(EVENTS, 1))
    await settled.log.append(EVENTS, 0, [LogRecord(b"", pack(HEADER), VALUE)])
    short = {"header": pack(HEADER), "value": b"", "digest": sha256(VALUE).digest(), "partner": "delta", "cause": "X"}
    there, gone = (replace(letter(0, **short), position=Position(settled.log.generation, 0, n)) for n in range(2))
    await settled.desk.letters.take([there, gone], Position(settled.log.generation, 0, 0))
    await settled.desk.do("quarantine.release", letters=[there.id, gone.id], reason="x")

    await settled.settler.look()

    released, left = [await settled.desk.letters.get(each.id) for each in (there, gone)]
    assert released is not None
    assert left is not None
    assert (released.state, left.state, left.failure[:9]) == (LetterState.RELEASED, LetterState.WAITING, "NOT_FOUND")


@in_virtual_time
async def test_a_release_passes_over_a_letter_whose_event_was_repaired_after_it_came_and_says_so_of_it(
    settled: Settled,
) -> None:
    await settled.desk.letters.take(
        [letter(9, header=pack(replace(HEADER, id="e0")), value=VALUE)], Position(settled.log.generation, 0, 0)
    )
    laid_down = await settled.desk.show("quarantine.lay-down", letter=letter(9).id, data={"empty": False})
    await settled.desk.do("quarantine.repair", **laid_down, reason="x")
    await settled.release()

    await settled.settler.look()
    await settled.settler.look()

    assert await settled.states() == ["waiting", "released", "released", "released", "repaired"]
    left = await settled.desk.letters.get(letter(0).id)
    assert left is not None
    assert left.failure == SUPERSEDED


@in_virtual_time
async def test_a_repair_without_the_place_of_its_data_fails_and_passes_nothing_on(settled: Settled) -> None:
    named = letter(0).id
    decided = settled.desk.clock.now_us() // 1_000_000
    made = Settlement(outcome=Outcome.REPAIR, letters=(named,), decided=decided, actor="ann", reason="x")
    live = settled.desk.live
    await live.write(Proposal(live.snapshot.revision, (made,), "ann", "quarantine.repair"))

    await settled.settler.look()

    left, run = await settled.desk.letters.get(named), await settled.desk.letters.run(made.key)
    assert left is not None
    assert run is not None
    assert (left.state, left.failure[:9], settled.submitted) == (LetterState.WAITING, "NOT_FOUND", [])
    assert (run.settled, run.failed) == (0, 1)


@in_virtual_time
async def test_letters_of_one_event_that_one_release_means_are_all_released(settled: Settled) -> None:
    twin = letter(9, header=pack(replace(HEADER, id="e0")), value=VALUE)
    await settled.desk.letters.take([twin], Position(settled.log.generation, 0, 0))
    await settled.release()

    await settled.settler.look()

    assert await settled.states() == [LetterState.RELEASED] * 5


@in_virtual_time
async def test_single_failures_do_not_end_it(settled: Settled) -> None:
    refusal = Refusal("NOT_PERMITTED")
    settled.refuses = [refusal, None, refusal, None]
    await settled.release(failures_max=2)

    await settled.settler.look()

    assert sorted(await settled.states()) == ["released", "released", "waiting", "waiting"]
    assert settled.observer.alarms() == set()


@in_virtual_time
async def test_what_cannot_be_told_is_tried_again_with_the_same_event(settled: Settled) -> None:
    settled.refuses = [None, StorageUnavailable("away")]
    await settled.release()

    await settled.settler.look()

    assert settled.submitted[1] == settled.submitted[2]
    assert len(settled.submitted) == 5
    assert await settled.states() == [LetterState.RELEASED] * 4


@in_virtual_time
async def test_nothing_is_carried_out_before_all_that_lies_in_quarantine_was_taken_in(settled: Settled) -> None:
    await settled.log.append(QUARANTINE, 0, [LogRecord(b"", b"", b"")])
    await settled.release()

    await settled.settler.look()

    assert settled.submitted == []


@in_virtual_time
async def test_what_came_after_the_decision_waits_for_another(settled: Settled) -> None:
    later_us = (settled.desk.clock.now_us() // 1_000_000 + 5) * 1_000_000
    late = letter(9, header=pack(HEADER), value=VALUE, since_us=later_us)
    await settled.release()
    await settled.desk.letters.take([late], Position(settled.log.generation, 0, 0))

    await settled.settler.look()

    assert (await settled.states())[-1] is LetterState.WAITING
    assert len(settled.submitted) == 4


@in_virtual_time
async def test_a_letter_that_takes_longer_than_the_lease_is_released_by_one_hub_alone(settled: Settled) -> None:
    await settled.give_up(3)
    await settled.desk.do("quarantine.release", cause=UNDELIVERED, partner="slow", reason="x")

    async with settled.running(settled.another("other")):
        await settled.clock.sleep(300)

    assert settled.delivered == ["msg_0", "msg_1", "msg_2"]


@in_virtual_time
async def test_a_hub_that_lost_its_lease_while_it_tried_a_letter_marks_nothing(settled: Settled) -> None:
    await settled.give_up(1)
    await settled.desk.do("quarantine.release", cause=UNDELIVERED, partner="slow", reason="x")

    looking = asyncio.create_task(settled.settler.look())
    await settled.clock.sleep(5)
    await settled.positions.acquire("quarantine/settlements", "test", 1_000)

    with pytest.raises(LeaseLost):
        await looking
    await settled.clock.sleep(60)
    assert (settled.delivered, (await settled.states())[-1]) == (["msg_0"], LetterState.WAITING)


@in_virtual_time
async def test_a_release_that_takes_hours_holds_up_no_other_decision(settled: Settled) -> None:
    await settled.give_up(500)
    await settled.desk.do("quarantine.release", cause=UNDELIVERED, partner="slow", reason="x")

    async with settled.running():
        await settled.clock.sleep(10)
        await settled.desk.do("quarantine.discard", cause="CONFLICT", partner="delta", reason="x")
        await settled.clock.sleep(5)

        assert (await settled.states())[:4] == [LetterState.DISCARDED] * 4


@in_virtual_time
async def test_a_discard_ends_a_release_of_the_same_letters_after_the_one_under_way(settled: Settled) -> None:
    await settled.give_up(5)
    await settled.desk.do("quarantine.release", cause=UNDELIVERED, partner="slow", reason="x")

    async with settled.running():
        await settled.clock.sleep(10)
        await settled.desk.do("quarantine.discard", cause=UNDELIVERED, partner="slow", reason="x")
        await settled.clock.sleep(300)

    assert settled.delivered == ["msg_0"]
    assert (await settled.states())[4:] == [LetterState.RELEASED, *[LetterState.DISCARDED] * 4]


@in_virtual_time
async def test_a_release_that_is_stopped_ends_after_the_letter_under_way_and_can_be_decided_anew(
    settled: Settled,
) -> None:
    await settled.give_up(3)
    asked = {"cause": UNDELIVERED, "partner": "slow", "reason": "x"}
    await settled.desk.do("quarantine.release", **asked)

    async with settled.running():
        await settled.clock.sleep(10)
        await settled.desk.do("quarantine.stop", **asked)
        await settled.clock.sleep(300)
        assert settled.delivered == ["msg_0"]

        settled.desk.clock.seconds += 300
        await settled.desk.do("quarantine.release", **asked)
        await settled.clock.sleep(300)
    assert settled.delivered == ["msg_0", "msg_1", "msg_2"]


@in_virtual_time
async def test_a_decision_waits_for_what_lay_in_quarantine_when_it_was_made_and_not_for_what_keeps_coming(
    settled: Settled,
) -> None:
    generation = settled.log.generation
    await settled.log.append(QUARANTINE, 0, [LogRecord(b"", b"", b"")])
    await settled.release()
    await settled.settler.look()
    await settled.log.append(QUARANTINE, 0, [LogRecord(b"", b"", b"")])

    await settled.desk.letters.take([], Position(generation, 0, 1))
    await settled.settler.look()

    assert await settled.states() == [LetterState.RELEASED] * 4
