"""What was set aside in quarantine is seen, tried out, and settled by a decision that the hub carries out once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from hub.core.dead_letter import Run
from hub.core.errors import Refusal, StorageUnavailable
from tests.faults.scripted import ScriptedIndex
from tests.mandates import principal
from tests.wire.conftest import ON_KAFKA_TOO, MakeWorld, without_look_ups
from tests.world import Caller, HubWorld, event

BROKERS = ("broker", "rival")


async def look(world: HubWorld, name: str, **asked: Any) -> dict[str, Any]:
    answer = await world.hub.registrar.looks.view(f"quarantine.{name}", asked)
    assert not isinstance(answer, Refusal), answer
    return answer


async def refused(world: HubWorld, name: str, **asked: Any) -> dict[str, str]:
    outcome = await world.hub.registrar.perform(f"quarantine.{name}", asked, actor="ada")
    assert isinstance(outcome, Refusal), outcome
    return {fault.place: fault.code for fault in outcome.faults}


async def unseen(world: HubWorld, name: str, **asked: Any) -> Refusal:
    outcome = await world.hub.registrar.looks.view(f"quarantine.{name}", asked)
    assert isinstance(outcome, Refusal), outcome
    return outcome


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


async def conflict(
    caller: Caller, id_: str = "e1", *, sends_first: Caller | None = None, **headers: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two events of one identity with different contents, one after the other, that intake knows nothing of."""
    index = caller.world.hub.ports.index
    assert isinstance(index, ScriptedIndex)
    index.away = StorageUnavailable("away")
    first = event(id_)
    second = {**first, "data": {**first["data"], "empty": True}}
    assert (await (sends_first or caller).post(first, **({} if sends_first else headers))).status == 201
    assert (await caller.post(second, **headers)).status == 201
    index.away = None
    return first, second


@ON_KAFKA_TOO
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
    assert (mark, shown[1]["id"]) == ({"outcome": "released"}, first["id"])
    assert [each["id"] for each in await in_state(world, "released")] == [letter["id"]]


async def test_what_was_found_is_shown_against_what_was_expected_member_by_member(
    world: HubWorld, delta: Caller
) -> None:
    await conflict(delta)
    [letter] = await waiting(world, cause="CONFLICT", partner="delta")

    shown = await look(world, "show", letter=letter["id"])

    assert shown["differences"] == [{"at": "/data/empty", "found": True, "expected": False}]
    assert (shown["event"], shown["agent"], shown["first_received"] is not None) == ("e1", "", True)


async def test_letters_are_grouped_by_cause_and_partner_with_count_oldest_and_newest(
    world: HubWorld, delta: Caller
) -> None:
    for number in range(3):
        await conflict(delta, f"e{number}")
    items = await waiting(world, 3)

    [group] = (await look(world, "list"))["groups"]

    assert (group["cause"], group["partner"], group["state"], group["count"]) == ("CONFLICT", "delta", "waiting", 3)
    assert (group["oldest"], group["newest"]) == (items[0]["since"], items[-1]["since"])
    assert (await look(world, "list"))["items"] == []


async def test_a_dry_run_says_what_would_happen_and_does_nothing(world: HubWorld, watch: Caller, delta: Caller) -> None:
    await conflict(delta)
    [letter] = await waiting(world)

    said = await look(world, "foresee", cause="CONFLICT", partner="delta")
    wrong = await look(world, "foresee", letters=[letter["id"]], data={"time_kind": "ACTUAL"})

    assert [(each["id"], each["outcome"]) for each in said["items"]] == [(letter["id"], "done")]
    assert [(each["outcome"], each["code"]) for each in wrong["items"]] == [("refused", "EVENT_INVALID")]
    assert len(await watch.records("watch", 1)) == 1
    assert [each["id"] for each in await waiting(world)] == [letter["id"]]


async def test_a_repair_whose_data_would_be_refused_is_refused_at_once_with_their_faults(
    world: HubWorld, watch: Caller, delta: Caller
) -> None:
    await conflict(delta)
    [letter] = await waiting(world)
    data = {"time_kind": "ACTUAL"}

    refusal = await unseen(world, "lay-down", letter=letter["id"], data=data)
    faults = {each.place for each in refusal.faults}
    [foreseen] = (await look(world, "foresee", letters=[letter["id"]], data=data))["items"]

    assert faults
    assert {each["at"] for each in foreseen["faults"]} == faults
    assert all(place.startswith("/data") for place in faults)
    assert not len(world.hub.live.snapshot.settlements)


async def test_a_repair_that_the_hub_does_not_take_now_is_refused_with_the_code_that_says_why(
    world: HubWorld, delta: Caller
) -> None:
    _, second = await conflict(delta)
    [letter] = await waiting(world)
    await world.act("partner.suspend", id="delta", reason="Looked into.")
    data = {**second["data"], "place": {"unlocode": "NLAMS"}}

    outcome = await unseen(world, "lay-down", letter=letter["id"], data=data)

    assert [(each.place, each.found.partition(":")[0]) for each in outcome.faults] == [("/letter", "PARTNER_SUSPENDED")]


@ON_KAFKA_TOO
async def test_a_repair_keeps_both_versions_is_receipted_as_the_hubs_and_its_publisher_is_told(
    world: HubWorld, watch: Caller, delta: Caller
) -> None:
    first, second = await conflict(delta)
    [letter] = await waiting(world)
    data = {**second["data"], "place": {"unlocode": "NLAMS"}}

    laid_down = await look(world, "lay-down", letter=letter["id"], data=data)
    await world.act("quarantine.repair", **laid_down, reason="The place was wrong.")

    shown = (await watch.records("watch", 2))[1]
    assert (shown["id"], shown["publisher"], shown["data"]["place"]) == (first["id"], "delta", {"unlocode": "NLAMS"})
    assert shown["data"]["extensions"]["quarantine"]["outcome"] == "repaired"
    version = shown["data"]["updated_at"]
    [receipt] = (await delta.get("/v1/receipts", source=first["source"], id="e1", version=version)).json["items"]
    assert receipt["statement"]["submitted_by"] == "operator.quarantine"
    [notice] = [each for each in await notices(delta, 2) if each["code"] != "CONFLICT"]
    assert (notice["code"], notice["id"], "reason" in notice) == ("QUARANTINE_REPAIRED", "e1", False)
    [kept] = await in_state(world, "repaired")
    assert (await look(world, "show", letter=kept["id"]))["content"]["data"]["empty"] is True


async def test_a_discard_takes_the_content_and_keeps_who_why_when_and_the_digest(
    world: HubWorld, watch: Caller, delta: Caller
) -> None:
    await conflict(delta)
    [letter] = await waiting(world)
    before = await look(world, "show", letter=letter["id"])

    await world.act("quarantine.discard", letters=[letter["id"]], reason="Sent by mistake.")

    [gone] = await in_state(world, "discarded")
    after = await look(world, "show", letter=gone["id"])
    assert (after["content"], after["differences"], after["sha256"]) == (None, [], before["sha256"])
    assert (after["by"], after["why"], after["settled"] is not None) == ("test", "Sent by mistake.", True)
    assert len(await watch.records("watch", 1)) == 1


@ON_KAFKA_TOO
async def test_two_letters_of_one_identity_become_two_versions(world: HubWorld, watch: Caller, delta: Caller) -> None:
    first, _ = await conflict(delta)
    index = world.hub.ports.index
    assert isinstance(index, ScriptedIndex)
    index.away = StorageUnavailable("away")
    await delta.post({**first, "data": {**first["data"], "place": {"unlocode": "DEHAM"}}})
    index.away = None
    await waiting(world, 2)

    await world.act("quarantine.release", cause="CONFLICT", partner="delta", reason="All.", per_second=1_000)

    shown = await watch.records("watch", 3)
    assert len({each["data"].get("updated_at") for each in shown}) == 3
    assert await in_state(world, "released", 2)


@ON_KAFKA_TOO
async def test_a_release_stops_by_itself_when_failures_repeat_and_what_is_left_waits(
    world: HubWorld, delta: Caller
) -> None:
    for number in range(4):
        await conflict(delta, f"e{number}")
    await waiting(world, 4)
    await world.act("partner.suspend", id="delta", reason="Looked into.")

    await world.act(
        "quarantine.release", cause="CONFLICT", partner="delta", reason="x", failures_max=2, per_second=1_000
    )

    while not any(run.state == "stopped" for run in await runs(world)):
        await world.hub.clock.sleep(0.02)
    failures = [each["failure"] for each in await waiting(world, 4)]
    assert [failure.partition(":")[0] for failure in failures] == ["PARTNER_SUSPENDED", "PARTNER_SUSPENDED", "", ""]


@pytest.mark.parametrize(
    ("act", "asked", "place"),
    [
        ("release", {"letters": ["0" * 32], "reason": "x"}, "/letters/0"),
        ("release", {"reason": "x"}, "/letters"),
        ("release", {"cause": "CONFLICT", "partner": "delta"}, "/reason"),
        ("release", {"cause": "INTERNAL", "partner": "delta", "reason": "x"}, "/cause"),
        ("discard", {"letters": ["0" * 32], "cause": "CONFLICT", "partner": "delta", "reason": "x"}, "/letters"),
        ("repair", {"letter": "0" * 32, "corrected": "0" * 64, "reason": "x"}, "/letter"),
    ],
)
async def test_a_decision_about_nothing_that_waits_or_without_a_reason_is_refused(
    world: HubWorld, delta: Caller, act: str, asked: dict[str, Any], place: str
) -> None:
    await conflict(delta)
    await waiting(world)

    assert place in await refused(world, act, **asked)


async def test_what_was_settled_is_not_settled_again(world: HubWorld, delta: Caller) -> None:
    await conflict(delta)
    [letter] = await waiting(world)
    await world.act("quarantine.discard", letters=[letter["id"]], reason="x")
    await in_state(world, "discarded")

    assert await refused(world, "release", letters=[letter["id"]], reason="x") == {"/letters": "ACT_VALUE_INVALID"}


async def test_a_company_sees_its_own_letters_with_what_it_had_sent_first_and_nobody_elses(
    world: HubWorld, watch: Caller, delta: Caller
) -> None:
    acme = await world.company("acme")
    await conflict(delta)
    [letter] = await waiting(world)

    [own] = (await delta.get("/v1/dead-letters")).json["items"]
    opened = (await delta.get(f"/v1/dead-letters/{own['id']}")).json

    assert (own["id"], own["code"], own["state"], own["remedy"]) == (
        letter["id"],
        "CONFLICT",
        "waiting",
        "send-version",
    )
    assert opened["differences"] == [{"at": "/data/empty", "found": True, "expected": False}]
    for other in (acme, watch):
        assert (await other.get("/v1/dead-letters")).json["items"] == []
        foreign = await other.get(f"/v1/dead-letters/{own['id']}")
        unknown = await other.get(f"/v1/dead-letters/{'0' * 32}")
        assert (foreign.status, foreign.code, unknown.code) == (404, "NOT_FOUND", "NOT_FOUND")


async def test_pages_of_a_company_go_on_where_they_ended(world: HubWorld, delta: Caller) -> None:
    for number in range(3):
        await conflict(delta, f"e{number}")
    await waiting(world, 3)

    first = (await delta.get("/v1/dead-letters", limit=2)).json
    rest = (await delta.get("/v1/dead-letters", limit=2, cursor=first["next"])).json

    assert {each["event"]["id"] for each in (*first["items"], *rest["items"])} == {"e0", "e1", "e2"}
    assert (len(first["items"]), len(rest["items"])) == (2, 1)
    assert rest["next"] is None
    assert (await delta.get("/v1/dead-letters", cursor="x")).code == "CURSOR_INVALID"
    assert (await delta.get("/v1/dead-letters", state="lost")).code == "BAD_REQUEST"
    assert (await delta.get("/v1/dead-letters", state="released")).json["items"] == []


async def test_an_agent_sees_what_it_sent_itself_and_of_what_another_sent_first_nothing(world: HubWorld) -> None:
    await world.reader()
    delta, broker, rival = await principal(world), *[await world.company(name, roles=["broker"]) for name in BROKERS]
    for number, name in enumerate(BROKERS):
        assert (await delta.grant(name, f"m{number}")).status == 201
    await conflict(broker, Hub_On_Behalf_Of="delta", sends_first=delta.caller)
    [letter] = await waiting(world)

    own = (await broker.get("/v1/dead-letters", on_behalf_of="delta")).json["items"]
    opened = (await broker.get(f"/v1/dead-letters/{letter['id']}", on_behalf_of="delta")).json
    whole = (await delta.caller.get(f"/v1/dead-letters/{letter['id']}")).json

    assert ([each["id"] for each in own], opened["differences"], "first_received" in opened) == (
        [letter["id"]],
        [],
        False,
    )
    assert [each["at"] for each in whole["differences"]] == ["/data/empty"]
    assert (await rival.get("/v1/dead-letters", on_behalf_of="delta")).json["items"] == []
    assert (await rival.get(f"/v1/dead-letters/{letter['id']}", on_behalf_of="delta")).status == 404
    assert (await broker.get("/v1/dead-letters")).json["items"] == []


async def runs(world: HubWorld) -> list[Run]:
    found = [await world.hub.ports.dead_letters.run(each.key) for each in world.hub.snapshot().settlements]
    return [run for run in found if run is not None]


async def notices(caller: Caller, count: int) -> list[dict[str, Any]]:
    """All of the caller's, once there are so many."""
    items: list[dict[str, Any]] = []
    while len(items) < count:
        items = (await caller.get("/v1/notices", wait=1)).json["items"]
    return items
