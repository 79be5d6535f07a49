"""The access journal: runs of offsets, entries of blocks, and the writing that many readers share."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given as generated
from hypothesis import strategies as st
from msgspec.structs import replace

from hub.core.access import BLOCK_OFFSETS, Access, Step, block_of, offsets_of, pieces, runs_of
from hub.core.errors import StorageUnavailable
from hub.core.record import Position
from hub.core.registry import Snapshot, Version
from hub.core.restriction import Restriction, Telling
from hub.delivery.journal import Journal
from hub.drivers.memory.access_journal import MemoryAccessJournal
from hub.ports.access_journal import Query
from hub.views.accesses import Accesses
from tests.clock import ManualClock
from tests.faults import virtual
from tests.unit.test_delivery import CountingEntropy, desk, passed_on

offsets = st.sets(st.integers(0, 5 * BLOCK_OFFSETS), min_size=1)


def entry(numbers: Sequence[int] = (7,), step: Step = Step.DELIVERED, reader: str = "customs.engine") -> Access:
    return Access(
        step, 0, "customs", "admissibility", "risk", "", "pull", reader, "k", ("a",), 3, 1, 0, runs_of(numbers)
    )


@generated(offsets)
def test_runs_say_each_offset_once_and_no_other(numbers: set[int]) -> None:
    assert list(offsets_of(runs_of([*numbers, *numbers]))) == sorted(numbers)


@generated(offsets)
def test_pieces_say_the_same_and_lie_in_a_block_each(numbers: set[int]) -> None:
    parts = list(pieces(entry(sorted(numbers))))

    assert [offset for part in parts for offset in offsets_of(part.runs)] == sorted(numbers)
    assert all({offset // BLOCK_OFFSETS for offset in offsets_of(part.runs)} == {block_of(part)} for part in parts)


class SlowJournal(MemoryAccessJournal):
    """Counts the writes, and takes each once it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0
        self.go = asyncio.Event()
        self.fails = False

    async def add(self, entries: Sequence[Access]) -> None:
        self.writes += 1
        await self.go.wait()
        if self.fails:
            raise StorageUnavailable("away")
        await super().add(entries)


def journal_on(kept: MemoryAccessJournal, *restrictions: Restriction) -> Journal:
    snapshot = Snapshot()
    snapshot.apply(Version(1, each, "test", "", 0) for each in restrictions)
    return Journal(kept, snapshot=lambda: snapshot, clock=ManualClock())


async def until_written(kept: SlowJournal) -> None:
    while not kept.writes:
        await asyncio.sleep(0)


async def test_what_comes_while_one_is_written_shares_the_next_write() -> None:
    kept = SlowJournal()
    journal = journal_on(kept)

    async with asyncio.TaskGroup() as group:
        for number in range(500):
            group.create_task(journal.add([entry([number])]))
        await until_written(kept)
        kept.go.set()

    assert kept.writes == 2
    assert len(await kept.entries(Query(), limit=1_000)) == 500


async def test_streams_of_one_system_that_are_given_the_same_make_one_entry_and_those_of_another_their_own() -> None:
    kept = MemoryAccessJournal()
    journal = journal_on(kept)

    await journal.add([entry(), entry(), entry(reader="customs.other"), entry()])

    readers = [each.access.reader for each in await kept.entries(Query(), limit=9)]
    assert sorted(readers) == ["customs.engine", "customs.other"]


async def test_nobody_of_a_group_goes_on_where_it_could_not_be_written() -> None:
    kept = SlowJournal()
    kept.fails = True
    journal = journal_on(kept)
    tasks = [asyncio.create_task(journal.add([entry([number])])) for number in range(3)]
    await until_written(kept)
    kept.go.set()

    outcomes = await asyncio.gather(*tasks, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [StorageUnavailable] * 3


async def test_whoever_goes_away_while_writing_leaves_it_to_the_next_one() -> None:
    kept = SlowJournal()
    journal = journal_on(kept)
    first = asyncio.create_task(journal.add([entry([1])]))
    await until_written(kept)
    second, third = (asyncio.create_task(journal.add([entry([number])])) for number in (2, 3))
    await asyncio.sleep(0)

    first.cancel()
    kept.go.set()
    await asyncio.gather(second, third)

    assert first.cancelled()
    written = {number for each in await kept.entries(Query(), limit=9) for number in offsets_of(each.access.runs)}
    assert written >= {2, 3}


async def test_an_entry_has_the_time_of_its_writing() -> None:
    kept, clock = MemoryAccessJournal(), ManualClock()

    await Journal(kept, snapshot=Snapshot, clock=clock).add([entry()])

    [written] = await kept.entries(Query(), limit=9)
    assert written.access == replace(entry(), time_us=clock.now_us())


NOW = ManualClock().now_us() // 1_000_000
BINDING = Restriction("r-1", "Art. 12", NOW, NOW + 60, NOW + 30, recipient="customs")


@pytest.mark.parametrize(
    ("restriction", "noted"),
    [
        (BINDING, "r-1"),
        (replace(BINDING, recipient=""), "r-1"),
        (replace(BINDING, steps=(Step.DELIVERED,)), "r-1"),
        (replace(BINDING, steps=(Step.VIEWED,)), ""),
        (replace(BINDING, recipient="police"), ""),
        (replace(BINDING, begins=NOW + 1), ""),
        (replace(BINDING, ends=NOW), ""),
        (replace(BINDING, lifted=True), ""),
    ],
)
async def test_a_lawful_restriction_is_noted_where_it_binds_and_nowhere_else(
    restriction: Restriction, noted: str
) -> None:
    kept = MemoryAccessJournal()

    await journal_on(kept, restriction).add([entry()])

    assert [each.access.restriction for each in await kept.entries(Query(), limit=9)] == [noted]


async def test_every_restriction_that_binds_is_noted() -> None:
    kept = MemoryAccessJournal()

    await journal_on(kept, BINDING, replace(BINDING, id="r-2", tells=Telling.NOTHING)).add([entry()])

    assert [each.access.restriction for each in await kept.entries(Query(), limit=9)] == [f"{BINDING.id} r-2"]


def test_a_restriction_hides_until_its_embargo_or_until_it_is_lifted() -> None:
    embargoed = replace(BINDING, embargo=NOW + 90)

    assert embargoed.hides(NOW + 89)
    assert not embargoed.hides(NOW + 90)
    assert BINDING.hides(NOW + 10**9)
    assert not replace(BINDING, lifted=True).hides(NOW)


def test_an_event_that_was_given_many_times_is_looked_up_once() -> None:
    async def main() -> None:
        at = await desk()
        await passed_on(at, "a")
        for _ in range(20):
            await at.page()
        accesses = Accesses(
            at.accesses,
            log=at.world.log,
            snapshot=lambda: at.world.snapshot,
            secret=bytes(32),
            clock=at.world.clock,
            entropy=CountingEntropy(),
        )
        reader, opened = at.world.log.reader, 0

        def counted(stream: str) -> Any:
            nonlocal opened
            opened += 1
            return reader(stream)

        at.world.log.reader = counted  # type: ignore[method-assign]
        given = await accesses.of_one(Position(1, 0, 0), span=None)

        assert [[event.id for event in each.events] for each in given] == [["a"]] * 20
        assert opened == 1

    virtual.run(main())
