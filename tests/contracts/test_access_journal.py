"""What every ground promises of the access journal. No test here asks which driver it has."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from hub.core.access import BLOCK_OFFSETS, Access, Step, offsets_of, runs_of
from hub.core.record import Position
from hub.drivers.memory.access_journal import MemoryAccessJournal
from hub.drivers.sqlite.access_journal import SQLiteAccessJournal
from hub.ports.access_journal import AccessJournal, Block, Entry, Owned, Query
from tests.contracts.grounds import marked
from tests.contracts.state_grounds import postgres_in


@pytest.fixture(params=marked(["memory", "sqlite", "postgres"]))
async def journal(request: Any, tmp_path: Path) -> AsyncIterator[AccessJournal]:
    match request.param:
        case "memory":
            yield MemoryAccessJournal()
        case "sqlite":
            async with SQLiteAccessJournal(tmp_path / "access.db") as opened:
                yield opened
        case _:
            async with postgres_in(tmp_path) as state:
                yield state.accesses


def given(offsets: Iterable[int], step: Step = Step.DELIVERED, **members: Any) -> Access:
    """One delivery of these offsets of partition 0."""
    members = {
        "time_us": 100, "recipient": "customs", "purpose": "admissibility", "feed": "risk", "lane": "", "way": "pull",
        "reader": "customs.engine", "credential": "key-1", "agreements": ("one",), "revision": 7, "generation": 1,
        "partition": 0, **members,
    }  # fmt: skip
    return Access(step=step, runs=runs_of(offsets), **members)


def owned(publisher: str, offsets: Iterable[int], *, partition: int = 0, received_us: int = 50) -> Owned:
    return Owned(publisher, received_us, 1, partition, runs_of(offsets))


def told(entries: Sequence[Entry]) -> list[Access]:
    return [entry.access for entry in entries]


async def test_an_entry_is_found_by_every_event_that_it_is_about_and_by_no_other(journal: AccessJournal) -> None:
    entry = given([3, 4, 9])
    await journal.add([entry])

    for offset in (3, 4, 9):
        assert told(await journal.about(Position(1, 0, offset))) == [entry]
    for position in (Position(1, 0, 5), Position(1, 1, 3), Position(2, 0, 3)):
        assert await journal.about(position) == []


async def test_an_entry_comes_back_with_everything_that_it_says(journal: AccessJournal) -> None:
    entry = given([3], Step.REPLAYED, lane="urgent", agreements=("é", "b"), signature="a..b", restriction="r-1")

    await journal.add([entry])

    assert told(await journal.entries(Query(), limit=9)) == [entry]


async def test_an_entry_that_goes_beyond_a_block_is_kept_in_pieces_that_say_the_same(journal: AccessJournal) -> None:
    offsets = [BLOCK_OFFSETS - 2, BLOCK_OFFSETS - 1, BLOCK_OFFSETS, 5 * BLOCK_OFFSETS]

    await journal.add([given(offsets)])

    pieces = told(await journal.entries(Query(), limit=9))
    assert sorted(offset for piece in pieces for offset in offsets_of(piece.runs)) == offsets
    assert len(pieces) == 3
    for offset in offsets:
        assert len(await journal.about(Position(1, 0, offset))) == 1


async def test_of_acknowledgements_the_first_that_reaches_an_event_is_told(journal: AccessJournal) -> None:
    short, first, later = (
        given(range(begin, end), Step.PROCESSED, time_us=end) for begin, end in ((0, 5), (5, 5_000), (5_000, 9_000))
    )
    elsewhere = given(range(9_000), Step.PROCESSED, feed="other")
    await journal.add([given([7]), short, elsewhere, first, later])

    assert told(await journal.about(Position(1, 0, 7))) == [given([7]), first]
    assert told(await journal.about(Position(1, 0, 8))) == []


async def test_an_acknowledgement_is_kept_whole_however_far_it_goes(journal: AccessJournal) -> None:
    entry = given(range(5 * BLOCK_OFFSETS), Step.PROCESSED)

    await journal.add([entry])

    assert told(await journal.entries(Query(), limit=9)) == [entry]
    assert await journal.in_block(Block(1, 0, 0), before=None, limit=9) == []


@pytest.mark.parametrize(
    ("query", "times"),
    [
        (Query(), [4, 3, 2, 1]),
        (Query(recipient="police"), [3]),
        (Query(feed="duty"), [2]),
        (Query(credential="key-9"), [4]),
        (Query(time_us=(2, 4)), [3, 2]),
        (Query(recipient="customs", time_us=(2, 4)), [2]),
    ],
)
async def test_entries_are_asked_for_by_every_condition(
    journal: AccessJournal, query: Query, times: Sequence[int]
) -> None:
    await journal.add([given([1], time_us=1), given([1], time_us=2, feed="duty")])
    await journal.add([given([1], time_us=3, recipient="police"), given([1], time_us=4, credential="key-9")])

    assert [entry.access.time_us for entry in await journal.entries(query, limit=9)] == times


async def test_pages_of_entries_follow_each_other_without_gap_or_repeat(journal: AccessJournal) -> None:
    await journal.add([given([1], time_us=time) for time in range(10)])

    seen: list[Entry] = []
    while page := await journal.entries(Query(before=seen[-1].number if seen else None), limit=3):
        seen += page

    assert [entry.access.time_us for entry in seen] == list(range(9, -1, -1))


async def test_the_blocks_of_a_publisher_are_told_from_the_largest_on_and_no_others(journal: AccessJournal) -> None:
    await journal.attribute([owned("acme", [1, 2]), owned("acme", [9]), owned("acme", [2_000]), owned("borg", [3])])
    await journal.attribute([owned("acme", [1], partition=1)])

    blocks = await journal.blocks_of("acme", below=None, limit=9)

    assert [block for block, _ in blocks] == [Block(1, 1, 0), Block(1, 0, 1), Block(1, 0, 0)]
    assert {offset for runs in blocks[2][1] for offset in offsets_of(runs)} == {1, 2, 9}
    assert await journal.blocks_of("nobody", below=None, limit=9) == []


async def test_the_blocks_of_a_publisher_are_paged(journal: AccessJournal) -> None:
    await journal.attribute([owned("acme", [number * BLOCK_OFFSETS]) for number in range(5)])

    [(first, _), (second, _)] = await journal.blocks_of("acme", below=None, limit=2)
    rest = await journal.blocks_of("acme", below=second, limit=9)

    assert (first.number, second.number) == (4, 3)
    assert [block.number for block, _ in rest] == [2, 1, 0]


async def test_whose_an_event_is_may_be_said_again(journal: AccessJournal) -> None:
    for _ in range(3):
        await journal.attribute([owned("acme", [1, 2])])

    assert await journal.blocks_of("acme", below=None, limit=9) == [(Block(1, 0, 0), [runs_of([1, 2])])]


async def test_entries_of_a_block_are_paged_newest_first(journal: AccessJournal) -> None:
    await journal.add([given([1], time_us=time) for time in range(5)])
    await journal.add([given([1], partition=1), given([BLOCK_OFFSETS])])

    newest = await journal.in_block(Block(1, 0, 0), before=None, limit=2)
    rest = await journal.in_block(Block(1, 0, 0), before=newest[-1].number, limit=9)

    assert [access.time_us for access in told([*newest, *rest])] == [4, 3, 2, 1, 0]


async def test_what_is_older_is_forgotten_and_whose_it_was_only_where_nothing_tells_of_it(
    journal: AccessJournal,
) -> None:
    await journal.attribute([owned("acme", [1]), owned("acme", [2_000]), owned("acme", [9_000], received_us=500)])
    await journal.add([given([1], time_us=99), given([2_000], time_us=99), given([2_000], time_us=100)])

    assert await journal.purge(100) == 2

    assert told(await journal.entries(Query(), limit=9)) == [given([2_000], time_us=100)]
    blocks = await journal.blocks_of("acme", below=None, limit=9)
    assert [block.number for block, _ in blocks] == [9_000 // BLOCK_OFFSETS, 2_000 // BLOCK_OFFSETS]


async def test_nothing_may_be_added_and_attributed(journal: AccessJournal) -> None:
    await journal.add([])
    await journal.attribute([])

    assert await journal.entries(Query(), limit=9) == []
