"""Webhooks on a running hub, against a receiver that verifies them with the connectors' own code."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from connectors.webhook import Keys
from hub.core.access import offsets_of
from hub.core.endpoint import EndpointState
from hub.ports.access_journal import Query
from hub.trust.sealed_password import seal_password
from hub.trust.webhook import secret_text
from tests.endpoints import sealed_for
from tests.receiver import Came, Receiver, receiving
from tests.wire.conftest import ON_KAFKA_TOO
from tests.world import RISK, Caller, HubWorld, event


async def brought(hub: HubWorld, receiver: Receiver, name: str = "watch", **more: Any) -> Caller:
    """An authority whose feed is brought to the receiver by the endpoint `engine` (or `<name>-engine`)."""
    watch = await hub.reader(name, feed=False)
    await hub.act("feed.add", name=name, recipient=name, purpose=RISK, ways=["pull", "webhook"])
    await add(hub, receiver, feed=name, **more)
    return watch


async def add(hub: HubWorld, receiver: Receiver, *, id: str = "engine", feed: str = "watch", **more: Any) -> None:  # noqa: A002
    told = await hub.hub.registrar.looks.view("endpoint.next", {"id": id})
    assert isinstance(told, dict)
    request = {"id": id, "feed": feed, "url": receiver.url, "batch_ms": 1} | sealed_for(told) | more
    await hub.act("endpoint.add", **request)


async def state(hub: HubWorld, wanted: EndpointState, name: str = "engine") -> None:
    """Return once the endpoint is so."""
    while (endpoint := hub.hub.snapshot().endpoints.get(name)) is None or endpoint.state is not wanted:
        await asyncio.sleep(0.01)


@ON_KAFKA_TOO
async def test_an_endpoint_is_asked_first_and_then_gets_every_event_signed(hub: HubWorld, receiver: Receiver) -> None:
    delta = await hub.company()
    await brought(hub, receiver)
    await delta.post([event("a"), event("b")], "application/cloudevents-batch+json")

    assert await receiver.event_ids(2) == ["a", "b"]
    assert len(receiver.verified) == 1
    headers = receiver.came[0].headers
    assert headers["content-type"] == "application/cloudevents-batch+json"
    assert (headers["hub-endpoint"], headers["hub-feed"]) == ("engine", "watch")
    await state(hub, EndpointState.ACTIVE)


async def test_the_hub_s_public_key_verifies_as_well_as_the_secret(hub: HubWorld, receiver: Receiver) -> None:
    await brought(hub, receiver)
    await state(hub, EndpointState.ACTIVE)
    endpoint = hub.hub.snapshot().endpoints.get("engine")
    assert endpoint is not None
    receiver.keys = Keys(endpoint.keys[0].public)
    await (await hub.company()).post(event("a"))

    assert await receiver.event_ids(1) == ["a"]


async def test_whoever_does_not_know_the_secret_is_sent_nothing_but_the_question(
    hub: HubWorld, receiver: Receiver
) -> None:
    asked: list[bytes] = []

    async def parrot(request: web.Request) -> web.Response:
        asked.append(await request.read())
        return web.Response(body=asked[-1], content_type="application/json")

    async with receiving_by(parrot) as url:
        await brought(hub, receiver, url=url)
        await (await hub.company()).post(event("a"))
        for count in (1, 2):
            while len(asked) < count:
                await asyncio.sleep(0.01)
            await hub.act("endpoint.verify", id="engine")

    assert all(b"customs-hub.endpoint.verification" in body for body in asked)
    assert b'"a"' not in b"".join(asked)


@asynccontextmanager
async def receiving_by(handle: Callable[[web.Request], Awaitable[web.Response]]) -> AsyncIterator[str]:
    """Another server, by the URL of which it is reached."""
    app = web.Application()
    app.router.add_post("/{path:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


@ON_KAFKA_TOO
async def test_a_retry_has_the_same_id_and_another_signature(hub: HubWorld, receiver: Receiver) -> None:
    failed: list[Came] = []

    def answer(came: Came) -> int:
        failed.append(came)
        return 500 if len(failed) == 1 else 204

    receiver.answering = answer
    await brought(hub, receiver)
    await (await hub.company()).post(event("a"))
    first, again = await receiver.until(lambda came: len(came) == 2)

    assert first.id == again.id
    assert first.body == again.body
    assert first.headers["webhook-timestamp"] != again.headers["webhook-timestamp"]


async def test_single_messages_hold_one_record_each_in_order(hub: HubWorld, receiver: Receiver) -> None:
    await brought(hub, receiver, mode="single")
    batch = [event(f"{number}") for number in range(5)]
    await (await hub.company()).post(batch, "application/cloudevents-batch+json")

    assert await receiver.event_ids(5) == [str(number) for number in range(5)]
    assert {each.headers["content-type"] for each in receiver.came} == {"application/cloudevents+json"}
    assert len({each.id for each in receiver.came}) == 5


@ON_KAFKA_TOO
async def test_a_thin_message_shows_nothing_and_leads_to_what_is_pulled(hub: HubWorld, receiver: Receiver) -> None:
    watch = await brought(hub, receiver, mode="thin")
    await (await hub.company()).post(event("a"))
    [came] = await receiver.until(lambda came: len(came) == 1)
    told = came.json

    assert told["type"] == "customs-hub.feed.moved"
    assert set(told["data"]) == {"feed", "lane", "cursor"}
    page = (await watch.get("/v1/feeds/watch/records", cursor=told["data"]["cursor"])).json
    assert [record["id"] for record in page["items"]] == ["a"]
    accesses = await hub.hub.ports.accesses.entries(Query(), limit=10)
    assert {entry.access.way for entry in accesses} == {"pull"}


@ON_KAFKA_TOO
async def test_from_the_cursor_of_a_message_on_what_is_missing_is_pulled(hub: HubWorld, receiver: Receiver) -> None:
    watch = await brought(hub, receiver, mode="single")
    delta = await hub.company()
    await delta.post(event("a"))
    await receiver.event_ids(1)
    await delta.post(event("b"))
    came = await receiver.until(lambda came: len(came) == 2)

    page = (await watch.get("/v1/feeds/watch/records", cursor=came[1].headers["hub-cursor"])).json
    assert [record["id"] for record in page["items"]] == ["b"]


@ON_KAFKA_TOO
async def test_every_attempt_is_written_down_before_it_leaves(hub: HubWorld, receiver: Receiver) -> None:
    receiver.hanging = asyncio.Event()
    await brought(hub, receiver)
    await (await hub.company()).post(event("a"))
    await receiver.event_ids(1)

    [entry] = [each.access for each in await hub.hub.ports.accesses.entries(Query(), limit=10)]
    endpoint = hub.hub.snapshot().endpoints.get("engine")
    assert endpoint is not None
    assert (entry.way, entry.reader, entry.recipient) == ("webhook", "engine", "watch")
    assert entry.credential == endpoint.keys[0].public
    assert list(offsets_of(entry.runs)) == [0]
    receiver.hanging.set()


@ON_KAFKA_TOO
async def test_410_ends_it_for_good_and_its_recipient_is_told(hub: HubWorld, receiver: Receiver) -> None:
    receiver.answering = lambda _: 410
    watch = await brought(hub, receiver)
    await (await hub.company()).post(event("a"))
    await state(hub, EndpointState.GONE)

    answer = await watch.get("/v1/notices", wait=30)
    [told] = answer.json["items"]
    assert (told["code"], told["endpoint"], told["feed"]) == ("ENDPOINT_GONE", "engine", "watch")


async def test_while_keys_overlap_messages_verify_under_either(hub: HubWorld, receiver: Receiver) -> None:
    await brought(hub, receiver)
    await state(hub, EndpointState.ACTIVE)
    next_ = await hub.hub.registrar.looks.view("endpoint.next", {"id": "engine"})
    assert isinstance(next_, dict)
    await hub.act("endpoint.rotate", id="engine", **sealed_for(next_, bytes(32)))
    delta = await hub.company()

    await delta.post(event("a"))
    await receiver.event_ids(1)
    receiver.keys = Keys(secret_text(bytes(32)))
    await delta.post(event("b"))

    assert await receiver.event_ids(2) == ["a", "b"]
    assert len(receiver.came[0].headers["webhook-signature"].split(" ")) == 4


async def test_a_recipient_sees_its_own_endpoints_and_no_other(hub: HubWorld, receiver: Receiver) -> None:
    watch = await brought(hub, receiver)
    await state(hub, EndpointState.ACTIVE)
    stranger = await hub.reader("stranger", feed=False)

    [own] = (await watch.get("/v1/endpoints")).json["items"]
    assert (own["endpoint"], own["feed"], own["url"], own["state"]) == ("engine", "watch", receiver.url, "active")
    assert own["keys"][0].startswith("whpk_")
    assert (await stranger.get("/v1/endpoints")).json["items"] == []


@pytest.mark.parametrize("seconds", [1, 1.0, "1"])
async def test_a_token_for_the_receiver_is_fetched_anew_when_it_has_ended(
    hub: HubWorld, receiver: Receiver, *, seconds: object
) -> None:
    asked: list[tuple[str | None, dict[str, Any]]] = []

    async def token(request: web.Request) -> web.Response:
        asked.append((request.headers.get("Authorization"), dict(await request.post())))
        return web.json_response({"access_token": f"t{len(asked)}", "token_type": "Bearer", "expires_in": seconds})

    async with receiving_by(token) as url:
        told = await hub.hub.registrar.looks.view("endpoint.next", {"id": "engine"})
        assert isinstance(told, dict)
        secret = seal_password("s" * 26, told["client_secret_name"], told["key"])
        await brought(hub, receiver, token_url=url, client_id="hub", client_secret=secret, token_scope="events")
        await state(hub, EndpointState.ACTIVE)
        await (await hub.company()).post(event("a"))
        [came] = await receiver.until(lambda came: len(came) == 1)

    basic = b64encode(b"hub:" + b"s" * 26).decode()
    assert came.headers["authorization"] == "Bearer t2"
    assert asked == [(f"Basic {basic}", {"grant_type": "client_credentials", "scope": "events"})] * 2


@ON_KAFKA_TOO
async def test_one_that_hangs_and_one_that_fails_leave_the_others_and_the_pull_untouched(hub: HubWorld) -> None:
    async with receiving() as hung, receiving() as failing, receiving() as good:
        hung.hanging, failing.answering = asyncio.Event(), lambda _: 500
        watch = await brought(hub, good, id="good", mode="single")
        await add(hub, hung, id="hung", mode="single", concurrency=2)
        await add(hub, failing, id="failing", mode="single")
        delta = await hub.company()
        for number in range(40):
            assert (await delta.post(event(str(number), source=f"urn:example:{number % 10}"))).status == 201

        assert sorted(await good.event_ids(40), key=int) == [str(number) for number in range(40)]
        assert len(await watch.records("watch", 40)) == 40
        await hung.until(lambda came: len(came) >= 2)
        await failing.until(lambda came: len(came) >= 5)
        hung.hanging.set()
