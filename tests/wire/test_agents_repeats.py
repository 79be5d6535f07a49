"""What is repeated for a principal: an agent is told that the hub has it, and not by whom, when or in which bytes."""

from __future__ import annotations

import orjson
import pytest

from connectors.partner.client import connect
from connectors.partner.outcome import Verdict
from tests.mandates import Principal, principal
from tests.world import Answer, Caller, HubWorld, event

BATCH = "application/cloudevents-batch+json"


@pytest.fixture
async def delta(world: HubWorld) -> Principal:
    await world.reader("watch")
    return await principal(world)


@pytest.fixture
async def broker(world: HubWorld, delta: Principal) -> Caller:
    """It may report for delta."""
    broker = await world.company("broker", roles=["broker"])
    assert (await delta.grant("broker")).status == 201
    return broker


def statement_in(answer: Answer) -> dict[str, str]:
    return dict(answer.json["receipt"]["statement"])


@pytest.mark.parametrize("mode", ["alone", "in a batch"])
async def test_what_the_principal_sent_before_is_a_duplicate_without_its_receipt(
    delta: Principal, broker: Caller, mode: str
) -> None:
    sent = event("a")
    first = await delta.caller.post(sent)

    if mode == "alone":
        answer = await broker.post(sent, Hub_On_Behalf_Of="delta")
        item = answer.json
    else:
        answer = await broker.post([sent], BATCH, Hub_On_Behalf_Of="delta")
        [item] = answer.json["items"]

    assert (answer.status, item["verdict"], item.get("receipt")) == (200, "DUPLICATE", None)
    stated = statement_in(first)
    for member in ("salt", "received", "raw_sha256"):
        assert stated[member].encode() not in answer.body


async def test_what_another_agent_sent_before_is_a_duplicate_that_does_not_name_it(
    world: HubWorld, delta: Principal, broker: Caller
) -> None:
    rival = await world.company("rival", roles=["broker"])
    assert (await delta.grant("rival", "m2")).status == 201
    sent = event("a")
    assert (await rival.post(sent, Hub_On_Behalf_Of="delta")).status == 201

    answer = await broker.post(sent, Hub_On_Behalf_Of="delta")

    assert (answer.json["verdict"], b"rival" in answer.body) == ("DUPLICATE", False)


async def test_what_an_agent_repeats_of_its_own_comes_with_its_receipt(delta: Principal, broker: Caller) -> None:
    sent = event("a")
    first = await broker.post(sent, Hub_On_Behalf_Of="delta")

    again = await broker.post(sent, Hub_On_Behalf_Of="delta")

    assert again.json["verdict"] == "DUPLICATE"
    assert statement_in(again) == statement_in(first)


async def test_a_principal_is_given_the_receipt_of_what_its_agent_sent_before(delta: Principal, broker: Caller) -> None:
    sent = event("a")
    await broker.post(sent, Hub_On_Behalf_Of="delta")

    again = await delta.caller.post(sent)

    assert again.json["verdict"] == "DUPLICATE"
    assert statement_in(again)["submitted_by"] == "broker.sys"


async def test_the_connector_takes_it_for_sent(world: HubWorld, delta: Principal, broker: Caller) -> None:
    sent = event("a")
    await delta.caller.post(sent)

    async with connect(world.hub.url, client_id=broker.id, key=broker.key, on_behalf_of="delta") as client:
        [outcome] = await client.send([orjson.dumps(sent)])

    assert (outcome.verdict, outcome.taken, outcome.refused) == (Verdict.DUPLICATE, True, False)
