"""What every keeper of leases and positions promises. No test here asks which driver it has."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hub.core.errors import LeaseLost
from hub.ports.positions import FeedPosition, Lease, Positions
from tests.contracts.state_grounds import DURABLE_STATE_GROUNDS, STATE_GROUNDS, State, StateGround


@pytest.fixture
def positions(state: State) -> Positions:
    return state.positions


async def taken(positions: Positions, holder: str = "a", name: str = "judge/0") -> Lease:
    lease = await positions.acquire(name, holder, 10)
    assert lease is not None
    return lease


# Leases


async def test_a_free_lease_is_given_for_the_time_asked(positions: Positions, state_ground: StateGround) -> None:
    lease = await taken(positions)

    assert lease == Lease("judge/0", "a", 1, state_ground.clock.now_us() + 10_000_000)


async def test_a_lease_that_another_holds_is_not_given(positions: Positions) -> None:
    await taken(positions, "a")

    assert await positions.acquire("judge/0", "b", 10) is None


async def test_of_many_who_ask_at_once_one_gets_the_lease(positions: Positions) -> None:
    answers = await asyncio.gather(*[positions.acquire("judge/0", f"holder {n}", 10) for n in range(50)])

    assert sum(answer is not None for answer in answers) == 1


async def test_leases_of_different_names_are_held_apart(positions: Positions) -> None:
    assert (await taken(positions, "a", "judge/0")).epoch == (await taken(positions, "b", "judge/1")).epoch == 1


async def test_a_lease_can_be_taken_from_the_moment_it_expires(positions: Positions, state_ground: StateGround) -> None:
    await taken(positions, "a")

    state_ground.clock.advance(9.999999)
    assert await positions.acquire("judge/0", "b", 10) is None
    state_ground.clock.advance(0.000001)
    assert (await taken(positions, "b")).epoch == 2


async def test_the_epoch_rises_by_one_each_time_the_lease_is_taken(positions: Positions) -> None:
    first = await taken(positions, "a")
    again = await taken(positions, "a")
    await positions.release(again)
    other = await taken(positions, "b")

    assert [first.epoch, again.epoch, other.epoch] == [1, 2, 3]


async def test_a_renewed_lease_lasts_from_now_under_the_same_epoch(
    positions: Positions, state_ground: StateGround
) -> None:
    lease = await taken(positions)
    state_ground.clock.advance(8)

    renewed = await positions.renew(lease, 10)

    assert renewed == Lease("judge/0", "a", 1, state_ground.clock.now_us() + 10_000_000)
    state_ground.clock.advance(9)
    assert await positions.acquire("judge/0", "b", 10) is None


async def test_a_lease_that_expired_and_was_taken_cannot_be_renewed(
    positions: Positions, state_ground: StateGround
) -> None:
    lease = await taken(positions, "a")
    state_ground.clock.advance(10)
    await taken(positions, "b")

    with pytest.raises(LeaseLost):
        await positions.renew(lease, 10)


async def test_a_lease_that_expired_and_was_not_taken_can_be_renewed(
    positions: Positions, state_ground: StateGround
) -> None:
    lease = await taken(positions, "a")
    state_ground.clock.advance(10)

    await positions.renew(lease, 10)

    assert await positions.acquire("judge/0", "b", 10) is None


async def test_giving_a_lease_back_frees_it_and_ends_its_rights(positions: Positions) -> None:
    lease = await taken(positions, "a")

    await positions.release(lease)

    with pytest.raises(LeaseLost):
        await positions.renew(lease, 10)
    with pytest.raises(LeaseLost):
        await positions.store(lease, "feed", 1, 0, FeedPosition(1, 1))
    await taken(positions, "b")


async def test_giving_back_a_lease_that_was_lost_does_nothing(positions: Positions, state_ground: StateGround) -> None:
    lost = await taken(positions, "a")
    state_ground.clock.advance(10)
    await taken(positions, "b")

    await positions.release(lost)

    assert await positions.acquire("judge/0", "c", 10) is None


# Positions


async def test_a_position_that_was_never_stored_is_none(positions: Positions) -> None:
    assert await positions.load("feed", 1, 0) is None


async def test_a_stored_position_comes_back(positions: Positions) -> None:
    lease = await taken(positions)

    await positions.store(lease, "feed", 1, 0, FeedPosition(10, 3))

    assert await positions.load("feed", 1, 0) == FeedPosition(10, 3)


async def test_positions_are_kept_apart_by_output_generation_and_partition(positions: Positions) -> None:
    lease = await taken(positions)
    places = [("feed", 1, 0), ("feed", 1, 1), ("feed", 2, 0), ("other", 1, 0)]

    for number, place in enumerate(places):
        await positions.store(lease, *place, FeedPosition(number, 100 + number))

    assert [await positions.load(*place) for place in places] == [FeedPosition(n, 100 + n) for n in range(4)]


async def test_a_position_never_moves_backwards(positions: Positions) -> None:
    lease = await taken(positions)
    await positions.store(lease, "feed", 1, 0, FeedPosition(10, 5))

    await positions.store(lease, "feed", 1, 0, FeedPosition(9, 6))

    assert await positions.load("feed", 1, 0) == FeedPosition(10, 5)


async def test_the_tail_of_the_feed_may_be_corrected_at_the_same_source_offset(positions: Positions) -> None:
    lease = await taken(positions)
    await positions.store(lease, "feed", 1, 0, FeedPosition(10, 5))

    await positions.store(lease, "feed", 1, 0, FeedPosition(10, 7))

    assert await positions.load("feed", 1, 0) == FeedPosition(10, 7)


async def test_positions_of_many_outputs_are_stored_together_and_none_moves_backwards(positions: Positions) -> None:
    lease = await taken(positions)
    await positions.store(lease, "ahead", 1, 0, FeedPosition(10, 5))

    await positions.store_all(
        lease, 1, 0, {name: FeedPosition(number, 3) for number, name in enumerate(("ahead", "one", "two"))}
    )
    await positions.store_all(lease, 1, 0, {})

    found = [await positions.load(name, 1, 0) for name in ("ahead", "one", "two")]
    assert found == [FeedPosition(10, 5), FeedPosition(1, 3), FeedPosition(2, 3)]
    assert await positions.load("one", 1, 1) is None


async def test_who_lost_the_lease_stores_none_of_many(positions: Positions, state_ground: StateGround) -> None:
    lost = await taken(positions, "a")
    state_ground.clock.advance(10)
    await taken(positions, "b")

    with pytest.raises(LeaseLost):
        await positions.store_all(lost, 1, 0, {"one": FeedPosition(1, 1), "two": FeedPosition(1, 1)})

    assert [await positions.load(name, 1, 0) for name in ("one", "two")] == [None, None]


async def test_who_lost_the_lease_stores_nothing(positions: Positions, state_ground: StateGround) -> None:
    lost = await taken(positions, "a")
    state_ground.clock.advance(10)
    await taken(positions, "b")

    with pytest.raises(LeaseLost):
        await positions.store(lost, "feed", 1, 0, FeedPosition(1, 1))

    assert await positions.load("feed", 1, 0) is None


async def test_a_lease_that_was_never_given_stores_nothing(positions: Positions) -> None:
    with pytest.raises(LeaseLost):
        await positions.store(Lease("judge/0", "a", 1, 0), "feed", 1, 0, FeedPosition(1, 1))


# What readers have acknowledged


async def test_what_a_reader_acknowledged_last_is_remembered(positions: Positions) -> None:
    assert await positions.acknowledge("engine", "seals", b"first", was=None)
    assert await positions.acknowledge("engine", "seals", b"\x00second", was=b"first")

    assert await positions.acknowledged("engine", "seals") == b"\x00second"


async def test_of_two_who_move_a_place_on_from_where_it_was_one_is_told_that_it_came_late(positions: Positions) -> None:
    await positions.acknowledge("engine", "seals", b"first", was=None)
    assert await positions.acknowledge("engine", "seals", b"second", was=b"first")

    assert not await positions.acknowledge("engine", "seals", b"other", was=b"first")
    assert not await positions.acknowledge("engine", "seals", b"other", was=None)
    assert await positions.acknowledged("engine", "seals") == b"second"


async def test_readers_and_feeds_are_remembered_apart(positions: Positions) -> None:
    await positions.acknowledge("engine", "seals", b"one", was=None)

    assert await positions.acknowledged("engine", "gates") is None
    assert await positions.acknowledged("other", "seals") is None


async def test_what_a_holder_keeps_is_found_by_whoever_holds_the_lease_next(
    positions: Positions, state_ground: StateGround
) -> None:
    await positions.keep(await taken(positions, "a"), b"one")
    state_ground.clock.advance(10)
    await positions.keep(await taken(positions, "b"), b"\x00two")

    assert await positions.kept("judge/0") == b"\x00two"
    assert await positions.kept("judge/1") is None
    assert await positions.acknowledged("judge/0", "") is None


async def test_whoever_lost_the_lease_keeps_nothing(positions: Positions, state_ground: StateGround) -> None:
    lost = await taken(positions, "a")
    state_ground.clock.advance(10)
    await positions.keep(await taken(positions, "b"), b"newer")

    with pytest.raises(LeaseLost):
        await positions.keep(lost, b"older")

    assert await positions.kept("judge/0") == b"newer"


@pytest.mark.parametrize("name", DURABLE_STATE_GROUNDS)
async def test_leases_positions_and_acknowledgements_are_kept_over_a_restart(name: str, tmp_path: Path) -> None:
    ground = STATE_GROUNDS[name](tmp_path)
    async with ground.open() as state:
        lease = await taken(state.positions)
        await state.positions.store(lease, "feed", 1, 0, FeedPosition(10, 3))
        await state.positions.acknowledge("engine", "seals", b"cursor", was=None)

    async with ground.open() as state:
        assert await state.positions.acquire("judge/0", "b", 10) is None
        assert await state.positions.renew(lease, 10)
        assert await state.positions.load("feed", 1, 0) == FeedPosition(10, 3)
        assert await state.positions.acknowledged("engine", "seals") == b"cursor"
