"""The settler carries a decision out at its pace, once for each version, and not before all was taken in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from hub.core.dead_letter import LetterState, RunState
from hub.core.errors import Refusal, StorageUnavailable
from hub.core.evidence import Item, Verdict
from hub.core.partner import Partner
from hub.core.record import NOTICES, QUARANTINE, LogRecord, Position, Stream
from hub.drivers.memory.event_log import MemoryEventLog
from hub.drivers.memory.positions import MemoryPositions
from hub.operate.settler import Means, Settler
from hub.ports.dead_letters import Which
from schemas.headers import pack
from tests.contracts.dead_letter_grounds import letter
from tests.faults.virtual import ListObserver
from tests.unit.operate.conftest import Desk
from tests.unit.operate.test_operate_dead_letters import HEADER

VALUE = b'{"id":"e1","data":{"empty":true}}'


class Settled:
    """A settler over a desk, and what it submitted."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.submitted: list[Mapping[str, Any]] = []
        self.refuses: list[Refusal | StorageUnavailable | None] = []
        self.log = MemoryEventLog(desk.clock)
        self.observer = ListObserver()
        self.settler = Settler(
            Means(
                letters=desk.letters,
                submit=self.submit,
                deliver=self.deliver,
                log=self.log,
                positions=MemoryPositions(desk.clock),
                snapshot=lambda: desk.live.snapshot,
                clock=desk.clock,
                observer=self.observer,
                partitions=1,
                holder="test",
            )
        )

    async def submit(self, partner: Partner, event: Mapping[str, Any], dry: bool) -> Item | Refusal:
        self.submitted.append(event)
        outcome = self.refuses.pop(0) if self.refuses else None
        if isinstance(outcome, StorageUnavailable):
            raise outcome
        return outcome or Item(0, "e1", "s", Verdict.ACCEPTED)

    async def deliver(self, kept: object, dry: bool) -> str:
        return "not now"

    async def states(self) -> list[LetterState]:
        return [each.state for each in await self.desk.letters.page(Which(), after=None, limit=100)]

    async def release(self, **more: Any) -> None:
        await self.desk.do("quarantine.release", cause="CONFLICT", partner="delta", reason="x", **more)


@pytest.fixture
async def settled() -> Settled:
    """Four letters of one partner, all taken in."""
    desk = Desk()
    settled = Settled(desk)
    for stream in (QUARANTINE, NOTICES):
        await settled.log.declare(Stream(stream, 1))
    await desk.enrol("delta")
    letters = [letter(n, header=pack(HEADER), value=VALUE) for n in range(4)]
    await desk.letters.take(letters, Position(settled.log.generation, 0, 0))
    return settled


async def test_a_release_keeps_to_its_pace(settled: Settled) -> None:
    await settled.release(per_second=2)
    before = settled.desk.clock.seconds

    await settled.settler.look()

    assert settled.desk.clock.seconds - before == 4 / 2
    assert await settled.states() == [LetterState.RELEASED] * 4


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


async def test_single_failures_do_not_end_it(settled: Settled) -> None:
    refusal = Refusal("NOT_PERMITTED")
    settled.refuses = [refusal, None, refusal, None]
    await settled.release(failures_max=2)

    await settled.settler.look()

    assert sorted(await settled.states()) == ["released", "released", "waiting", "waiting"]
    assert settled.observer.alarms() == set()


async def test_what_cannot_be_told_is_tried_again_with_the_same_event(settled: Settled) -> None:
    settled.refuses = [None, StorageUnavailable("away")]
    await settled.release()

    with pytest.raises(StorageUnavailable):
        await settled.settler.look()
    await settled.settler.look()

    assert settled.submitted[1] == settled.submitted[2]
    assert len(settled.submitted) == 5
    assert await settled.states() == [LetterState.RELEASED] * 4


async def test_nothing_is_carried_out_before_all_that_lies_in_quarantine_was_taken_in(settled: Settled) -> None:
    await settled.log.append(QUARANTINE, 0, [LogRecord(b"", b"", b"")])
    await settled.release()

    await settled.settler.look()

    assert settled.submitted == []


async def test_what_came_after_the_decision_waits_for_another(settled: Settled) -> None:
    later_us = (settled.desk.clock.now_us() // 1_000_000 + 5) * 1_000_000
    late = letter(9, header=pack(HEADER), value=VALUE, since_us=later_us)
    await settled.release()
    await settled.desk.letters.take([late], Position(settled.log.generation, 0, 0))

    await settled.settler.look()

    assert (await settled.states())[-1] is LetterState.WAITING
    assert len(settled.submitted) == 4
