"""What every store of dead letters promises. No test here asks which driver it has."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from hub.core.dead_letter import DeadLetter, LetterState, Run, RunState
from hub.drivers.sqlite.dead_letters import SQLiteDeadLetters
from hub.ports.dead_letters import DeadLetters, Group, Which
from tests.contracts.dead_letter_grounds import DURABLE_LETTER_GROUNDS, LETTER_GROUNDS, WITHOUT_FEEDS, behind, letter
from tests.contracts.grounds import marked

ALL = Which()


@pytest.fixture(params=marked(LETTER_GROUNDS))
async def letters(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[DeadLetters]:
    async with LETTER_GROUNDS[request.param](tmp_path) as opened:
        yield opened


def settled(held: DeadLetter, at_us: int) -> DeadLetter:
    return replace(held, state=LetterState.DISCARDED, settled_us=at_us)


async def ids(letters: DeadLetters, **which: Any) -> list[int]:
    """The offsets of those that it means."""
    return [each.position.offset for each in await letters.page(Which(**which), after=None, limit=100)]


async def test_a_letter_comes_back_as_it_was_taken_with_the_mark_behind_it(letters: DeadLetters) -> None:
    full = letter(3, agent="bolt", said={"feed": "risk"}, digest=b"d" * 32)

    before = await letters.mark(1, 0)
    await letters.take([full], behind(4))

    assert (before, await letters.mark(1, 0), await letters.mark(2, 0)) == (None, 4, None)
    assert await letters.get(full.id) == full
    assert await letters.get("0" * 32) is None


async def test_a_letter_that_was_settled_stays_so_when_it_is_taken_again(letters: DeadLetters) -> None:
    await letters.take([letter(1)], behind(2))
    await letters.store(settled(letter(1), 9))

    await letters.take([letter(1), letter(2)], behind(3))

    assert (await ids(letters, state=LetterState.WAITING), await ids(letters)) == ([2], [1, 2])


async def test_the_same_record_under_two_causes_or_outputs_is_as_many_letters(letters: DeadLetters) -> None:
    each = [letter(1), letter(1, cause="INTERNAL", output="risk"), letter(1, cause="INTERNAL", output="duty")]

    await letters.take(each, behind(2))

    assert len(await letters.page(ALL, after=None, limit=100)) == 3


async def test_pages_go_from_the_oldest_on_without_gaps_also_among_equals(letters: DeadLetters) -> None:
    await letters.take([letter(n, since_us=5) for n in range(4)] + [letter(9, since_us=1)], behind(10))

    first = await letters.page(ALL, after=None, limit=3)
    rest = await letters.page(ALL, after=(first[-1].since_us, first[-1].id), limit=3)

    found = [*first, *rest]
    assert len(found) == len({each.id for each in found}) == 5
    assert found == sorted(found, key=lambda each: (each.since_us, each.id))


async def test_a_page_shows_what_it_is_asked_for_alone(letters: DeadLetters) -> None:
    others = [letter(2, partner="acme"), letter(3, agent="bolt"), letter(4, cause="INTERNAL")]
    await letters.take([letter(1), *others], behind(5))

    assert await ids(letters, partner="acme") == [2]
    assert await ids(letters, partner="delta", agent="bolt") == [3]
    assert await ids(letters, cause="INTERNAL", partner="delta") == [4]
    assert await ids(letters, state=LetterState.RELEASED) == []


async def test_a_page_of_a_feed_s_lane_holds_the_letters_about_it_alone(letters: DeadLetters) -> None:
    about = {1: {}, 2: {"feed": "risk"}, 3: {"feed": "risk/urgent"}, 4: {"feed": "risk"}}
    await letters.take([letter(n, said=said) for n, said in about.items()], behind(5))
    await letters.store(settled(letter(4, said={"feed": "risk"}), 9))

    assert await ids(letters, feed="risk") == [2, 4]
    assert await ids(letters, feed="risk", state=LetterState.WAITING) == [2]
    assert await ids(letters, feed="risk/urgent", cause="INTERNAL") == []


async def test_groups_count_by_cause_partner_and_state(letters: DeadLetters) -> None:
    await letters.take([letter(1), letter(2), letter(3), letter(4, partner="acme")], behind(5))
    await letters.store(settled(letter(3), 9))

    assert await letters.groups() == [
        Group("CONFLICT", "acme", LetterState.WAITING, 1, 4_000_000, 4_000_000),
        Group("CONFLICT", "delta", LetterState.DISCARDED, 1, 3_000_000, 3_000_000),
        Group("CONFLICT", "delta", LetterState.WAITING, 2, 1_000_000, 2_000_000),
    ]


async def test_a_letter_and_the_run_that_settled_it_are_kept_together(letters: DeadLetters) -> None:
    await letters.take([letter(1)], behind(2))

    await letters.store(settled(letter(1), 9), Run(key="r@1", settled=1))
    await letters.keep(Run(key="r@2", state=RunState.STOPPED, failed=3))

    assert await letters.run("r@1") == Run(key="r@1", settled=1)
    assert await letters.run("r@2") == Run(key="r@2", state=RunState.STOPPED, failed=3)
    assert await letters.run("r@3") is None


async def test_a_letter_that_is_not_known_is_not_made_by_storing_it(letters: DeadLetters) -> None:
    await letters.store(settled(letter(1), 9))

    assert await letters.get(letter(1).id) is None


async def test_forgotten_marks_leave_the_letters(letters: DeadLetters) -> None:
    await letters.take([letter(1)], behind(2))

    await letters.forget_marks()

    assert (await letters.mark(1, 0), await ids(letters)) == (None, [1])


async def test_a_purge_takes_what_was_settled_before_then(letters: DeadLetters) -> None:
    await letters.take([letter(1), letter(2), letter(3)], behind(4))
    await letters.store(settled(letter(1), 10))
    await letters.store(settled(letter(2), 20))

    assert await letters.purge(before_us=20, kept_max=100) == 1
    assert await ids(letters) == [2, 3]


async def test_beyond_the_bound_of_a_partner_those_settled_longest_ago_go_and_none_that_waits(
    letters: DeadLetters,
) -> None:
    await letters.take([*map(letter, range(6)), letter(7, partner="acme")], behind(8))
    for offset, at_us in ((4, 10), (2, 20), (3, 30)):
        await letters.store(settled(letter(offset), at_us))

    assert await letters.purge(before_us=0, kept_max=4) == 2
    assert await ids(letters) == [0, 1, 3, 5, 7]
    assert await letters.purge(before_us=0, kept_max=1) == 1
    assert await ids(letters) == [0, 1, 5, 7]


@pytest.mark.parametrize("ground", DURABLE_LETTER_GROUNDS)
async def test_letters_marks_and_runs_are_there_after_a_restart(ground: str, tmp_path: Path) -> None:
    async with LETTER_GROUNDS[ground](tmp_path) as letters:
        await letters.take([letter(1)], behind(2))
        await letters.keep(Run(key="r@1"))

    async with LETTER_GROUNDS[ground](tmp_path) as letters:
        assert (await letters.get(letter(1).id), await letters.mark(1, 0)) == (letter(1), 2)
        assert await letters.run("r@1") == Run(key="r@1")


async def test_letters_of_the_layout_that_knew_no_feeds_are_found_by_their_feed(tmp_path: Path) -> None:
    path, told = tmp_path / "dead-letters.db", letter(1, said={"feed": "risk/urgent"})
    async with SQLiteDeadLetters(path) as letters:
        await letters.take([told, letter(2)], behind(3))
    with closing(sqlite3.connect(path)) as connection:
        for statement in (*WITHOUT_FEEDS, "PRAGMA user_version=1"):
            connection.execute(statement)

    for _ in range(2):
        async with SQLiteDeadLetters(path) as letters:
            await letters.take([letter(4, said={"feed": "risk/urgent"})], behind(5))
            assert (await ids(letters, feed="risk/urgent"), await ids(letters)) == ([1, 4], [1, 2, 4])
            assert (await letters.get(told.id), await letters.mark(1, 0)) == (told, 5)
