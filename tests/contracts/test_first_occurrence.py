"""What every first-occurrence index promises. No test here asks which driver it has. Slices are 100 s long."""

from __future__ import annotations

import asyncio
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from hub.core.errors import LeaseLost
from hub.core.record import Position
from hub.ports.first_occurrence import FirstOccurrence, Occurrence
from hub.ports.positions import Lease
from tests.clock import START_US
from tests.contracts import keeper
from tests.contracts.state_grounds import DURABLE_STATE_GROUNDS, STATE_GROUNDS, State, StateGround

SLICE_US = 100_000_000


def identity(name: str) -> bytes:
    return sha256(name.encode()).digest()[:16]


def occurrence(name: str, offset: int, *, slices: int = 0, partition: int = 0, content: str = "") -> Occurrence:
    """An event called `name` at `offset`, appended in the slice so many after the first."""
    digest = sha256((content or name).encode()).digest()
    return Occurrence(identity(name), digest, Position(1, partition, offset), START_US + slices * SLICE_US + offset)


@pytest.fixture
def index(state: State) -> FirstOccurrence:
    return state.occurrences


@pytest.fixture
async def lease(state: State) -> Lease:
    lease = await state.positions.acquire("judge/0", "a", 10)
    assert lease is not None
    return lease


async def test_an_identity_that_was_never_judged_is_not_found(index: FirstOccurrence) -> None:
    assert list(await index.look_up([identity("a"), identity("b")])) == [None, None]
    assert list(await index.occurrences(identity("a"))) == []


async def test_no_identities_are_no_answers(index: FirstOccurrence, lease: Lease) -> None:
    assert list(await index.look_up([])) == []
    assert list(await index.judge(lease, [])) == []


async def test_what_comes_first_is_first(index: FirstOccurrence, lease: Lease) -> None:
    events = [occurrence(f"event {n}", n) for n in range(50)]

    assert list(await index.judge(lease, events)) == events


async def test_a_look_up_answers_in_the_order_asked(index: FirstOccurrence, lease: Lease) -> None:
    events = [occurrence(f"event {n}", n) for n in range(50)]
    await index.judge(lease, events)

    asked = [identity("absent"), *(event.identity for event in reversed(events)), identity("absent")]

    assert list(await index.look_up(asked)) == [None, *reversed(events), None]


async def test_a_later_one_of_the_same_identity_gets_the_first(index: FirstOccurrence, lease: Lease) -> None:
    first = occurrence("a", 1)
    await index.judge(lease, [first])

    verdicts = await index.judge(lease, [occurrence("b", 2), occurrence("a", 3), occurrence("a", 4, content="other")])

    assert list(verdicts) == [occurrence("b", 2), first, first]
    assert list(await index.look_up([identity("a")])) == [first]


async def test_within_one_call_the_order_of_the_log_decides(index: FirstOccurrence, lease: Lease) -> None:
    batch = [occurrence("a", 1), occurrence("b", 2), occurrence("a", 3), occurrence("b", 4), occurrence("a", 5)]

    verdicts = await index.judge(lease, batch)

    assert [verdict.position.offset for verdict in verdicts] == [1, 2, 1, 2, 1]


async def test_judging_again_changes_nothing(index: FirstOccurrence, lease: Lease) -> None:
    batch = [occurrence("a", 1), occurrence("b", 2), occurrence("a", 3)]
    once = list(await index.judge(lease, batch))
    known = list(await index.occurrences(identity("a")))

    again = list(await index.judge(lease, batch))

    assert again == once
    assert list(await index.occurrences(identity("a"))) == known


async def test_an_identity_is_recognised_across_slices(index: FirstOccurrence, lease: Lease) -> None:
    first = occurrence("a", 1)
    await index.judge(lease, [first])

    later = [occurrence("a", 2, slices=1), occurrence("b", 3, slices=1), occurrence("a", 4, slices=2)]

    assert list(await index.judge(lease, later)) == [first, later[1], first]


async def test_one_call_may_span_slices(index: FirstOccurrence, lease: Lease) -> None:
    batch = [occurrence("a", 1), occurrence("a", 2, slices=1), occurrence("b", 3, slices=1), occurrence("b", 4)]

    verdicts = await index.judge(lease, batch)

    assert [verdict.position.offset for verdict in verdicts] == [1, 1, 3, 3]


async def test_all_occurrences_are_told_first_one_first_then_by_time_and_position(
    index: FirstOccurrence, lease: Lease
) -> None:
    first = occurrence("a", 9)
    other_partition = Occurrence(first.identity, first.digest, Position(1, 1, 20), START_US + 20)
    repeats = [occurrence("a", 20), other_partition, occurrence("a", 3, slices=1)]

    await index.judge(lease, [first, *reversed(repeats)])

    assert list(await index.occurrences(identity("a"))) == [first, *repeats]


async def test_a_repeat_is_remembered_with_its_own_content_and_place(index: FirstOccurrence, lease: Lease) -> None:
    conflict = occurrence("a", 2, content="other")
    await index.judge(lease, [occurrence("a", 1)])

    await index.judge(lease, [conflict])

    assert (await index.occurrences(identity("a")))[1] == conflict


# Fencing and marks


async def test_a_judge_who_lost_the_lease_writes_nothing(
    state: State, index: FirstOccurrence, lease: Lease, state_ground: StateGround
) -> None:
    state_ground.clock.advance(10)
    await state.positions.acquire("judge/0", "b", 10)

    with pytest.raises(LeaseLost):
        await index.judge(lease, [occurrence("a", 1), occurrence("b", 2, slices=5)])
    with pytest.raises(LeaseLost):
        await index.set_mark(lease, Position(1, 0, 5))

    assert list(await index.look_up([identity("a"), identity("b")])) == [None, None]
    assert await index.mark(1, 0) == 0


async def test_a_lease_that_was_given_back_writes_nothing(state: State, index: FirstOccurrence, lease: Lease) -> None:
    await state.positions.release(lease)

    with pytest.raises(LeaseLost):
        await index.judge(lease, [occurrence("a", 1)])

    assert list(await index.look_up([identity("a")])) == [None]


async def test_the_mark_is_zero_before_the_first(index: FirstOccurrence) -> None:
    assert await index.mark(1, 0) == 0


async def test_a_mark_never_moves_backwards(index: FirstOccurrence, lease: Lease) -> None:
    for offset in (5, 3, 4):
        await index.set_mark(lease, Position(1, 0, offset))

    assert await index.mark(1, 0) == 5


async def test_marks_are_kept_apart_by_generation_and_partition(index: FirstOccurrence, lease: Lease) -> None:
    for position in (Position(1, 0, 5), Position(1, 1, 6), Position(2, 0, 7)):
        await index.set_mark(lease, position)

    assert [await index.mark(1, 0), await index.mark(1, 1), await index.mark(2, 0)] == [5, 6, 7]


# Forgetting


async def test_only_slices_whose_every_entry_is_older_are_dropped(index: FirstOccurrence, lease: Lease) -> None:
    kept = occurrence("kept", 2, slices=1)
    await index.judge(lease, [occurrence("old", 1), kept, occurrence("old", 3, slices=1)])

    assert await index.purge(before_us=START_US + SLICE_US - 1) == 0
    assert await index.purge(before_us=START_US + 2 * SLICE_US - 1) == 1

    assert list(await index.look_up([identity("old"), identity("kept")])) == [None, kept]


async def test_a_forgotten_identity_is_first_again(index: FirstOccurrence, lease: Lease) -> None:
    await index.judge(lease, [occurrence("a", 1)])
    await index.purge(before_us=START_US + SLICE_US)
    again = occurrence("a", 2, slices=3)

    assert list(await index.judge(lease, [again])) == [again]


async def test_purging_twice_drops_once(index: FirstOccurrence, lease: Lease) -> None:
    await index.judge(lease, [occurrence("a", 1)])

    assert [await index.purge(before_us=START_US + SLICE_US) for _ in range(2)] == [1, 0]


async def test_what_is_judged_and_looked_up_while_a_slice_goes_is_whole(index: FirstOccurrence, lease: Lease) -> None:
    kept, late = occurrence("kept", 2, slices=1), occurrence("late", 3)
    await index.judge(lease, [occurrence("old", 1), kept])

    _, found, judged, all_kept = await asyncio.gather(
        index.purge(before_us=START_US + SLICE_US),
        index.look_up([identity("kept")]),
        index.judge(lease, [late]),
        index.occurrences(identity("kept")),
    )

    assert [list(found), list(judged), list(all_kept)] == [[kept], [late], [kept]]
    assert list(await index.look_up([identity("old"), identity("kept"), identity("late")])) == [None, kept, late]
    assert list(await index.judge(lease, [occurrence("late", 4)])) == [late]


@pytest.mark.parametrize("name", DURABLE_STATE_GROUNDS)
async def test_index_repeats_and_marks_are_kept_over_a_restart(name: str, tmp_path: Path) -> None:
    ground = STATE_GROUNDS[name](tmp_path)
    batch = [occurrence("a", 1), occurrence("b", 2, slices=1), occurrence("a", 3, slices=1)]
    async with ground.open() as state:
        lease = await state.positions.acquire("judge/0", "a", 10)
        assert lease is not None
        await state.occurrences.judge(lease, batch)
        await state.occurrences.set_mark(lease, Position(1, 0, 4))

    async with ground.open() as state:
        assert list(await state.occurrences.look_up([identity("b"), identity("a")])) == [batch[1], batch[0]]
        assert list(await state.occurrences.occurrences(identity("a"))) == [batch[0], batch[2]]
        assert await state.occurrences.mark(1, 0) == 4


@pytest.mark.parametrize("name", DURABLE_STATE_GROUNDS)
async def test_an_index_goes_on_when_new_slices_get_another_length(name: str, tmp_path: Path) -> None:
    ground = STATE_GROUNDS[name](tmp_path)
    first, later = occurrence("a", 1), occurrence("a", 2, slices=1)
    async with ground.open(slice_seconds=100) as state:
        lease = await state.positions.acquire("judge/0", "a", 10)
        assert lease is not None
        await state.occurrences.judge(lease, [first])

    async with ground.open(slice_seconds=50) as state:
        assert list(await state.occurrences.judge(lease, [later, occurrence("b", 3)])) == [first, occurrence("b", 3)]


@pytest.mark.parametrize("name", DURABLE_STATE_GROUNDS)
async def test_what_was_judged_marked_and_stored_is_there_after_a_kill(name: str, tmp_path: Path) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.contracts.keeper", name, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    for _ in range(20):
        reached = int(await child.stdout.readline())
    child.kill()
    await child.wait()

    async with STATE_GROUNDS[name](tmp_path).open() as state:
        judged = [keeper.event(number) for number in range(reached)]
        assert list(await state.occurrences.look_up([each.identity for each in judged])) == judged
        assert await state.occurrences.mark(1, 0) >= reached
        stored = await state.positions.load(keeper.OUTPUT, 1, 0)
        assert stored is not None
        assert stored.source_offset >= reached
        assert await state.positions.acquire(keeper.OUTPUT, "other", 10) is None
