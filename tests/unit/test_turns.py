"""Turns are shared between accounts, kept in order within each, and never lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from hub.intake.turns import Turns


async def played(turns: Turns, asking: Sequence[str]) -> list[str]:
    """Who came when, where all ask while one place is taken."""
    came: list[str] = []

    async def play(account: str) -> None:
        async with turns.turn(account):
            came.append(account)
            await asyncio.sleep(0)

    async with turns.turn("first"):
        tasks = [asyncio.create_task(play(account)) for account in asking]
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    return came


async def test_whoever_asks_for_much_waits_for_the_others_turns() -> None:
    assert await played(Turns(1), ["a", "a", "a", "b"]) == ["a", "b", "a", "a"]


async def test_no_more_are_at_it_than_there_are_places() -> None:
    turns, at_it, most = Turns(2), 0, 0

    async def play(account: str) -> None:
        nonlocal at_it, most
        async with turns.turn(account):
            at_it += 1
            most = max(most, at_it)
            await asyncio.sleep(0)
            at_it -= 1

    await asyncio.gather(*(play(name) for name in "abcabc"))

    assert most == 2


@pytest.mark.parametrize("given", [False, True], ids=["while it waits", "as its turn comes"])
async def test_a_turn_that_nobody_takes_goes_to_the_next(given: bool) -> None:
    turns = Turns(1)
    holder = turns.turn("first")
    await holder.__aenter__()
    gone = asyncio.create_task(played(turns, []))
    await asyncio.sleep(0)

    if given:
        await holder.__aexit__(None, None, None)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    if not given:
        await holder.__aexit__(None, None, None)

    assert await played(turns, ["b"]) == ["b"]
