"""What was set aside in quarantine is seen, tried out, and settled by a decision that the hub carries out once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from hub.core.errors import Refusal, StorageUnavailable
from hub.operate.registrar import Done
from tests.faults.scripted import ScriptedIndex
from tests.wire.conftest import MakeWorld, without_look_ups
from tests.world import Caller, HubWorld, event


async def look(world: HubWorld, name: str, **asked: Any) -> dict[str, Any]:
    answer = await world.hub.registrar.looks.view(f"quarantine.{name}", asked)
    assert not isinstance(answer, Refusal), answer
    return answer


async def refused(world: HubWorld, name: str, **asked: Any) -> dict[str, str]:
    outcome = await world.hub.registrar.perform(f"quarantine.{name}", asked, actor="ada")
    assert isinstance(outcome, Refusal), outcome
    return {fault.place: fault.code for fault in outcome.faults}


async def waiting(world: HubWorld, count: int = 1, **asked: str) -> list[dict[str, Any]]:
    return await in_state(world, "waiting", count, **asked)


async def in_state(world: HubWorld, state: str, count: int = 1, **asked: str) -> list[dict[str, Any]]:
    """The letters in this state, once there are so many of them."""
    while True:
        items: list[dict[str, Any]] = (await look(world, "list", state=state, **asked))["items"]
        if len(items) >= count:
            return items
        await world.hub.clock.sleep(0.02)


@pytest.fixture
async def world(make_world: MakeWorld) -> AsyncIterator[HubWorld]:
    """Its intake knows no conflicts: the judge finds them."""
    async with make_world(without_look_ups) as world:
        yield world


@pytest.fixture
async def watch(world: HubWorld) -> Caller:
    return await world.reader()


@pytest.fixture
async def delta(world: HubWorld, watch: Caller) -> Caller:
    return await world.company()


async def conflict(caller: Caller, id_: str = "e1", **members: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two events of one identity with different contents, one after the other, that intake knows nothing of."""
    index = caller.world.hub.ports.index
    assert isinstance(index, ScriptedIndex)
    index.away = StorageUnavailable("away")
    first = event(id_, **members)
    second = {**first, "data": {**first["data"], "empty": True}}
    for each in (first, second):
        assert (await caller.post(each)).status == 201
    index.away = None
    return first, second


async def test_a_conflict_released_comes_to_the_feed_as_a_new_version_marked_as_released(
    world: HubWorld, watch: Caller, delta: Caller
) -> None:
    first, _ = await conflict(delta)
    [letter] = await waiting(world)

    await world.act("quarantine.release", letters=[letter["id"]], reason="The later one is right.")

    shown = await watch.records("watch", 2)
    assert [each["data"]["empty"] for each in shown] == [False, True]
    assert [each["publisher"] for each in shown] == ["delta", "delta"]
    assert "updated_at" not in shown[0]["data"]
    mark = shown[1]["data"]["extensions"]["quarantine"]
    assert (mark["outcome"], mark["why"], shown[1]["id"]) == ("released", "The later one is right.", first["id"])
    assert [each["id"] for each in await in_state(world, "released")] == [letter["id"]]
