"""A decision about dead letters is carried out once, wherever the hub ends; and the letters can be taken in anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from hub.assembly.grounds import Ports
from hub.core.dead_letter import DeadLetter, Run
from hub.core.errors import StorageUnavailable
from hub.ports.dead_letters import DeadLetters
from tests.wire.conftest import MakeWorld, without_look_ups
from tests.wire.test_dead_letters import conflict, in_state, look, notices, waiting
from tests.world import Caller, HubWorld, event, hub_world, settings_in

STATES = {"release": "released", "repair": "repaired"}


class Forgetful:
    """A `DeadLetters` that keeps no mark of what was settled while it is `failing`."""

    def __init__(self, letters: DeadLetters) -> None:
        self._letters = letters
        self.failing = True
        self.attempts = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._letters, name)

    async def store(self, letter: DeadLetter, run: Run | None = None) -> None:
        self.attempts += 1
        if self.failing:
            raise StorageUnavailable("it ended here")
        await self._letters.store(letter, run)


def forgetful(ports: Ports) -> Ports:
    return replace(without_look_ups(ports), dead_letters=Forgetful(ports.dead_letters))


async def attempts(world: HubWorld, count: int) -> Forgetful:
    """The store, once so many marks were lost."""
    letters = world.hub.ports.dead_letters
    assert isinstance(letters, Forgetful)
    while letters.attempts < count:
        await world.hub.clock.sleep(0.02)
    return letters


async def decided(world: HubWorld, delta: Caller, act: str) -> None:
    _, second = await conflict(delta)
    [letter] = await waiting(world)
    about: dict[str, Any] = {"letters": [letter["id"]]}
    if act == "repair":
        data = {**second["data"], "place": {"unlocode": "NLAMS"}}
        about = await look(world, "lay-down", letter=letter["id"], data=data)
    await world.act(f"quarantine.{act}", **about, reason="Looked at.")


async def shown_once(world: HubWorld, watch: Caller, delta: Caller) -> None:
    """The feed holds the new version once: what is sent behind it comes right behind it."""
    assert (await delta.post(event("last"))).status == 201
    assert [each["id"] for each in await watch.records("watch", 3)] == ["e1", "e1", "last"]


@pytest.mark.parametrize("act", ["release", "repair"])
async def test_what_ends_between_the_append_and_its_mark_is_once_in_the_feed_and_told_under_one_id(
    make_world: MakeWorld, act: str
) -> None:
    async with make_world(forgetful) as world:
        watch, delta = await world.reader(), await world.company()
        await decided(world, delta, act)

        (await attempts(world, 2)).failing = False

        await in_state(world, STATES[act])
        await shown_once(world, watch, delta)
        told = [each for each in await notices(delta, 3) if each["code"] != "CONFLICT"]
        assert (len(told) > 1, len({each["notice"] for each in told})) == (True, 1)


@pytest.mark.parametrize("act", ["release", "repair"])
async def test_a_hub_that_ends_before_the_mark_carries_it_out_after_its_restart_and_the_feed_shows_it_once(
    tmp_path: Path, act: str
) -> None:
    settings = settings_in(tmp_path, ground="sqlite")
    async with hub_world(settings, forgetful) as world:
        watch, delta = await world.reader(), await world.company()
        await decided(world, delta, act)
        await attempts(world, 1)

    async with hub_world(settings) as world:
        for caller in (watch, delta):
            caller.world = world
            await caller.sign_in()
        await in_state(world, STATES[act])
        await shown_once(world, watch, delta)


async def test_letters_that_were_lost_are_taken_in_anew_and_find_what_was_decided_of_them(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, ground="sqlite")
    async with hub_world(settings, without_look_ups) as world:
        watch, delta = await world.reader(), await world.company()
        await decided(world, delta, "release")
        await in_state(world, "released")
        await conflict(delta, "e2")
        await waiting(world)

    (tmp_path / "dead-letters.db").unlink()
    async with hub_world(settings) as world:
        for caller in (watch, delta):
            caller.world = world
            await caller.sign_in()

        [released] = await in_state(world, "released")
        [left] = await waiting(world)

        assert (released["event"], left["event"]) == ("e1", "e2")
        assert len(await watch.records("watch", 3)) == 3
