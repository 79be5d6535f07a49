"""Replays that operators begin for a recipient: by stamps, noted in the audit trail, read by the recipient."""

from __future__ import annotations

from typing import Any

import pytest

from hub.core.errors import Refusal
from tests.world import Caller, HubWorld


@pytest.fixture
async def watch(world: HubWorld) -> Caller:
    """Has read three events from its feed; they are at offsets 0, 2 and 4."""
    return await world.reader_of("a", "b", "c")


async def started(world: HubWorld, **asked: Any) -> Any:
    return await world.hub.replay("replay.start", {"feed": "watch", **asked}, None, "root")


async def ids(caller: Caller, replay: str) -> list[str]:
    return [each["id"] for each in (await caller.get(f"/v1/replays/{replay}/records")).json["items"]]


async def test_an_operator_begins_a_replay_by_stamps_and_its_recipient_reads_it_without_a_name(
    world: HubWorld, watch: Caller
) -> None:
    begun = await started(world, stamps=[[1, 0, 2, 3], [1, 0, 0, 3]])

    [listed] = (await watch.get("/v1/replays")).json["items"]

    assert listed == {**begun, "by": "operator"}
    assert (begun["asked"], begun["by"]) == ("stamps", "operator.root")
    assert await ids(watch, begun["id"]) == ["a", "b"]


async def test_that_an_operator_began_a_replay_is_in_the_audit_trail(world: HubWorld, watch: Caller) -> None:
    await started(world, **{"from": "2020-01-01T00:00:00Z"}, reason="the engine lost its disk")

    told = await world.hub.registrar.looks.audit(0, 100, user="root")

    assert not isinstance(told, Refusal)
    [noted] = [each for each in told["items"] if each["act"] == "replay.start"]
    assert (noted["actor"], "lost its disk" in noted["reason"]) == ("root", True)


async def test_an_operator_sees_all_replays_and_ends_one(world: HubWorld, watch: Caller) -> None:
    begun = await started(world, failed=True)

    before: Any = await world.hub.replay("replay.list", {}, None, "root")
    given = {"id": begun["id"], "recipient": "watch"}
    ended = await world.hub.replay("replay.end", given, None, "root")
    again = await world.hub.replay("replay.end", given, None, "root")

    assert [(each["id"], each["recipient"]) for each in before["items"]] == [(begun["id"], "watch")]
    assert (ended, again) == ({"id": begun["id"], "state": "ended"}, Refusal("NOT_FOUND"))
    assert (await watch.get("/v1/replays")).json["items"] == []


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"failed": True, "from": "2020-01-01T00:00:00Z"},
        {"from": "yesterday"},
        {"stamps": [[1, 0, 5, 5]]},
        {"failed": True, "lane": "slow"},
        {"failed": True, "feed": "unknown"},
        {"stamps": [[1, 0, -1, 5]]},
    ],
)
async def test_what_cannot_be_replayed_is_refused_and_begins_nothing(
    world: HubWorld, watch: Caller, asked: dict[str, Any]
) -> None:
    refusal = await started(world, **asked)

    assert isinstance(refusal, Refusal)
    assert refusal.code in ("ACT_REFUSED", "BODY_MALFORMED")
    assert (await watch.get("/v1/replays")).json["items"] == []
