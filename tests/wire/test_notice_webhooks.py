"""Notices brought to a company's own address: signed, in order, once, and nobody else's."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from hub.core.dead_letter import UNDELIVERED
from hub.core.endpoint import EndpointState
from hub.delivery import outbox
from hub.operate.registrar import Done
from hub.ports.access_journal import Query
from tests.receiver import Came, Receiver, receiving
from tests.wire.test_answering import CONTAINER, acknowledge, by_broker, engine, hold, send, sent, shown
from tests.wire.test_notice_streams import held
from tests.wire.test_webhooks import add, state
from tests.world import Caller, HubWorld

NOTICES = "hub.notices"


@pytest.fixture
async def world(hub: HubWorld) -> HubWorld:
    return hub


@pytest.fixture
async def watch(world: HubWorld) -> Caller:
    return await engine(world)


@pytest.fixture
async def delta(watch: Caller, receiver: Receiver) -> Caller:
    """A company whose notices are brought to the receiver."""
    delta = await watch.world.company()
    await bring(delta, receiver)
    return delta


async def bring(to: Caller, receiver: Receiver, **more: Any) -> None:
    await add(to.world, receiver, feed=NOTICES, recipient=to.partner, **{"id": "desk"} | more)


async def brought(receiver: Receiver, count: int) -> list[dict[str, Any]]:
    """The notices of all messages, once there are so many."""
    came = await receiver.until(lambda came: sum(len(each.records) for each in came) >= count)
    return [notice for each in came for notice in each.records]


async def test_notices_are_brought_as_they_are_pulled_signed_and_after_a_question(
    watch: Caller, delta: Caller, receiver: Receiver
) -> None:
    await held(watch, delta)
    await held(watch, delta)

    found = await brought(receiver, 2)

    assert len(receiver.verified) == 1
    assert found == (await delta.get("/v1/notices")).json["items"]
    headers = receiver.came[0].headers
    assert (headers["content-type"], headers["hub-endpoint"], headers["hub-feed"]) == (
        "application/json",
        "desk",
        NOTICES,
    )
    assert (await delta.get("/v1/notices", cursor=receiver.came[-1].headers["hub-cursor"])).status == 200


async def test_what_was_taken_counts_as_read_and_is_acknowledged_as_any_notice(
    watch: Caller, delta: Caller, receiver: Receiver
) -> None:
    await held(watch, delta, acknowledge=True)
    [notice] = await brought(receiver, 1)

    assert (await sent(watch, lambda each: each["state"] == "read"))["read"]
    assert (await acknowledge(delta, notice["notice"])).status == 200
    assert (await sent(watch, lambda each: each["state"] == "acknowledged"))["acknowledged"]


async def test_what_hangs_there_is_not_read_and_holds_back_its_source_alone(
    watch: Caller, delta: Caller, receiver: Receiver
) -> None:
    receiver.hanging = asyncio.Event()
    first = await shown(watch, delta)
    await send(watch, hold(first))
    await receiver.until(lambda came: len(came) == 1)
    await send(watch, hold(first, kind="release"))
    elsewhere = await shown(watch, delta, source="urn:example:delta:yard")
    await send(watch, hold(elsewhere, kind="recall"))

    came = await receiver.until(lambda came: len(came) == 2)
    assert [[each["code"] for each in one.records] for one in came] == [["CUSTOMS_HOLD"], ["CUSTOMS_RECALL"]]
    assert {each["state"] for each in (await watch.get("/v1/notices/sent")).json["items"]} == {"written"}
    receiver.hanging.set()
    assert [each["code"] for each in await brought(receiver, 3)] == [
        "CUSTOMS_HOLD",
        "CUSTOMS_RECALL",
        "CUSTOMS_RELEASE",
    ]


async def test_a_repeat_has_the_same_id_and_body_and_the_order_stands(
    watch: Caller, delta: Caller, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "LADDER_SECONDS", (0.01,))
    refused: list[Came] = []

    def answer(came: Came) -> int:
        refused.append(came)
        return 500 if len(refused) < 3 else 204

    receiver.answering = answer
    record = await shown(watch, delta)
    await send(watch, hold(record))
    await receiver.until(lambda came: len(came) == 1)
    await send(watch, hold(record, kind="release"))
    first, again, third, release = await receiver.until(lambda came: len(came) == 4)

    assert len({(each.id, each.body) for each in (first, again, third)}) == 1
    assert [each["code"] for each in release.records] == ["CUSTOMS_RELEASE"]
    assert release.id != first.id


async def test_notices_about_one_object_keep_their_order(watch: Caller, delta: Caller, receiver: Receiver) -> None:
    receiver.hanging = asyncio.Event()
    await shown(watch, delta, subjects=[CONTAINER])
    for kind in ("hold", "release"):
        assert (await send(watch, hold(None, object=CONTAINER, kind=kind))).status == 201
    await receiver.until(lambda came: len(came) == 1)
    assert len(receiver.came) == 1
    receiver.hanging.set()

    assert [each["code"] for each in await brought(receiver, 2)] == ["CUSTOMS_HOLD", "CUSTOMS_RELEASE"]


@pytest.mark.parametrize("mode", ["single", "thin"])
async def test_single_messages_hold_one_notice_and_thin_ones_a_cursor_to_pull_from(
    watch: Caller, receiver: Receiver, mode: str
) -> None:
    delta = await watch.world.company()
    await bring(delta, receiver, mode=mode)
    notice = await held(watch, delta)
    [came] = await receiver.until(lambda came: len(came) == 1)

    assert came.headers["content-type"] == "application/json"
    if mode == "single":
        assert came.json["notice"] == notice
        return
    assert (came.json["type"], list(came.json["data"])) == ("customs-hub.notices.moved", ["cursor"])
    page = (await delta.get("/v1/notices", cursor=came.json["data"]["cursor"])).json
    assert [each["notice"] for each in page["items"]] == [notice]


async def test_an_address_is_brought_its_own_company_s_notices_and_no_other(
    watch: Caller, delta: Caller, receiver: Receiver
) -> None:
    async with receiving() as elsewhere:
        echo = await watch.world.company("echo")
        await bring(echo, elsewhere, id="echo-desk")
        theirs = [await held(watch, echo), await held(watch, echo)]
        own = await held(watch, delta)

        assert [each["notice"] for each in await brought(receiver, 1)] == [own]
        assert [each["notice"] for each in await brought(elsewhere, 2)] == theirs
        assert len(receiver.came) == 1
        cursor = elsewhere.came[-1].headers["hub-cursor"]
        assert (await delta.get("/v1/notices", cursor=cursor)).code == "CURSOR_INVALID"


async def test_to_a_suspended_company_nothing_is_brought_until_it_is_let_in_again(
    watch: Caller, delta: Caller, receiver: Receiver
) -> None:
    await state(watch.world, EndpointState.ACTIVE, "desk")
    record = await shown(watch, delta)
    await watch.world.act("partner.suspend", id="delta", reason="under suspicion")
    assert (await send(watch, hold(record))).status == 201
    await sent(watch, lambda each: each["state"] == "written")
    assert receiver.came == []

    await watch.world.act("partner.resume", id="delta", reason="cleared")

    assert [each["code"] for each in await brought(receiver, 1)] == ["CUSTOMS_HOLD"]


async def test_nothing_is_journalled_as_if_it_were_somebody_s_data(
    watch: Caller, delta: Caller, receiver: Receiver
) -> None:
    await held(watch, delta)
    await brought(receiver, 1)

    accesses = await watch.world.hub.ports.accesses.entries(Query(), limit=10)
    assert {entry.access.way for entry in accesses} == {"pull"}


async def test_what_was_given_up_is_a_dead_letter_of_the_company_and_is_brought_once_released(
    watch: Caller, delta: Caller, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "GIVEN_UP_SECONDS", 0)
    receiver.answering = lambda _: 422
    notice = await held(watch, delta)
    letter: dict[str, Any] = {}
    while not letter:
        letter = next(iter((await delta.get("/v1/dead-letters")).json["items"]), {})
    assert (letter["code"], letter["delivery"]["feed"]) == (UNDELIVERED, NOTICES)

    receiver.answering = lambda _: 204
    registrar = watch.world.hub.registrar
    request = {"letters": [letter["id"]], "reason": "it works again"}
    assert isinstance(await registrar.perform("quarantine.release", request, actor="op"), Done)
    came = await receiver.until(lambda came: len(came) == 2)

    assert [each["notice"] for one in came for each in one.records] == [notice, notice]
    assert (await sent(watch, lambda each: each["state"] == "read"))["read"]


async def test_an_endpoint_that_has_gone_is_told_of_where_notices_are_pulled(
    watch: Caller, delta: Caller, receiver: Receiver
) -> None:
    receiver.answering = lambda _: 410
    await held(watch, delta)
    await state(watch.world, EndpointState.GONE, "desk")

    told: dict[str, Any] = {}
    while not told:
        items = (await delta.get("/v1/notices", wait=1)).json["items"]
        told = next((each for each in items if each["code"] == "ENDPOINT_GONE"), {})
    assert (told["endpoint"], told["feed"]) == ("desk", NOTICES)


async def test_a_company_sees_its_address_and_nobody_else_s(watch: Caller, delta: Caller, receiver: Receiver) -> None:
    await state(watch.world, EndpointState.ACTIVE, "desk")
    echo = await watch.world.company("echo")

    [own] = (await delta.get("/v1/endpoints")).json["items"]

    assert (own["endpoint"], own["feed"], own["url"], own["state"]) == ("desk", NOTICES, receiver.url, "active")
    assert (await echo.get("/v1/endpoints")).json["items"] == (await watch.get("/v1/endpoints")).json["items"] == []
    assert orjson.dumps(own).find(b"sealed") == -1


async def test_an_agent_is_brought_nothing_of_what_it_may_no_longer_stand_in_for(
    watch: Caller, receiver: Receiver
) -> None:
    broker = await watch.world.company("broker", roles=["broker", "terminal"])
    owner, record = await by_broker(watch, broker)
    receiver.answering = lambda _: 500
    await bring(broker, receiver)
    assert (await send(watch, hold(record))).status == 201
    await receiver.until(lambda came: len(came) == 1)

    await owner.withdraw()
    receiver.answering = lambda _: 204
    own = await held(watch, broker)

    came = await receiver.until(lambda came: own in [each.records[0]["notice"] for each in came])
    assert [[each["notice"] for each in one.records] for one in came[1:]] == [[own]]
