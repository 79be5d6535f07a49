"""What an operator decides is in force for the next request, for one under way, and for what is open."""

from __future__ import annotations

from math import inf

import orjson
import pytest

from connectors.keys import generate
from hub.core.errors import StorageUnavailable
from tests.world import RISK, SOURCE, Caller, HubWorld, Wire, event


async def asked_to_go_on(caller: Caller, body: bytes) -> Wire:
    """A post that was admitted; its body is still to come."""
    wire = await caller.world.wire()
    await wire.send(caller.head(Content_Length=str(len(body)), Expect="100-continue") + b"\r\n")
    assert (await wire.answer(bodiless=True)).status == 100
    return wire


async def test_a_suspended_partner_gets_no_token_and_its_live_one_is_refused_until_it_is_resumed(delta: Caller) -> None:
    token = delta.token
    await delta.world.act("partner.suspend", id="delta")

    refused = await delta.post(event("a"))
    signed_in = await delta.sign_in()
    delta.token = token
    await delta.world.act("partner.resume", id="delta")

    assert (refused.status, refused.code) == (403, "PARTNER_SUSPENDED")
    assert (signed_in.status, signed_in.json["error"]) == (401, "invalid_client")
    assert (await delta.post(event("a"))).status == 201


async def test_a_partner_that_is_suspended_while_its_body_comes_is_refused(delta: Caller) -> None:
    body = orjson.dumps(event("a"))
    wire = await asked_to_go_on(delta, body)

    await delta.world.act("partner.suspend", id="delta")
    answer = await (await wire.send(body)).answer()

    assert answer.code == "PARTNER_SUSPENDED"


async def test_a_key_that_is_revoked_while_the_body_comes_is_refused(delta: Caller) -> None:
    body = orjson.dumps(event("a"))
    wire = await asked_to_go_on(delta, body)

    await delta.world.act("key.revoke", key=delta.key.id)
    answer = await (await wire.send(body)).answer()

    assert answer.code == "UNAUTHENTICATED"


async def test_a_change_of_others_while_the_body_comes_is_no_hindrance(delta: Caller) -> None:
    body = orjson.dumps(event("a"))
    wire = await asked_to_go_on(delta, body)

    await delta.world.company("echo")
    answer = await (await wire.send(body)).answer()

    assert answer.status == 201


async def test_a_revoked_key_ends_its_token_and_a_rotated_one_does_not(delta: Caller) -> None:
    old, token = delta.key, delta.token
    delta.key = generate("ES256")
    await delta.world.add_key(delta, act="key.rotate")

    assert (await delta.post(event("a"))).status == 201
    assert (await delta.sign_in()).status == 200
    await delta.world.act("key.revoke", key=old.id)
    assert (await delta.post(event("b"))).status == 201
    delta.token = token
    assert (await delta.post(event("c"))).code == "UNAUTHENTICATED"


async def test_an_agreement_counts_from_the_request_after_it_until_it_is_ended(world: HubWorld) -> None:
    delta = await world.company()

    before = await delta.post(event("a"))
    await world.reader(feed=False)
    during = await delta.post(event("a"))
    await world.act("agreement.end", id="watch-all")
    after = await delta.post(event("b"))

    assert [answer.status for answer in (before, during, after)] == [403, 201, 403]


async def test_a_new_feed_brings_what_came_before_it_and_ends_at_once(world: HubWorld) -> None:
    watch, delta = await world.reader(feed=False), await world.company()
    await delta.post(event("a"))
    await delta.judged("a")

    await world.act("feed.add", name="late", recipient="watch", purpose=RISK)
    records = await watch.records("late", 1)
    await world.act("feed.end", name="late")

    assert [record["id"] for record in records] == ["a"]
    assert (await watch.get("/v1/feeds/late/records")).code == "FEED_GONE"
    assert (await watch.get("/v1/feeds")).json["items"] == []


async def test_what_lies_in_a_feed_is_given_to_nobody_once_its_agreement_has_ended(world: HubWorld) -> None:
    watch, delta = await world.reader(), await world.company()
    other = {"provider": {"tier": "aeo"}, "types": ["*"], "fields": ["*"], "purpose": RISK}
    await world.act("agreement.add", id="keeps-the-feed", recipient="watch", **other)
    await delta.post(event("a"))
    assert [record["id"] for record in await watch.records("watch", 1)] == ["a"]

    await world.act("agreement.end", id="watch-all")

    assert (await watch.get("/v1/feeds/watch/records")).json["items"] == []


async def test_with_its_last_agreement_a_feed_is_gone(world: HubWorld) -> None:
    watch, delta = await world.reader(), await world.company()
    await delta.post(event("a"))
    await watch.records("watch", 1)

    await world.act("agreement.end", id="watch-all")

    assert (await watch.get("/v1/feeds/watch/records")).code == "FEED_GONE"


@pytest.mark.parametrize(
    ("act", "request_"),
    [("partner.suspend", {"id": "watch"}), ("feed.end", {"name": "watch"}), ("key.revoke", {})],
)
async def test_an_open_stream_ends_when_its_reader_may_no_longer_have_it(
    world: HubWorld, act: str, request_: dict[str, str]
) -> None:
    watch, delta = await world.reader(), await world.company()
    await delta.post(event("a"))
    url = f"{world.hub.url}/v1/feeds/watch/stream"
    async with world.http.get(url, headers={"Authorization": f"Bearer {watch.token}"}) as stream:
        assert await stream.content.readline() == b"event: record\n"

        await world.act(act, **(request_ or {"key": watch.key.id}))

        rest = await stream.content.read()
    assert rest.count(b"event: record") == 0


async def test_a_long_poll_ends_when_its_reader_is_suspended(world: HubWorld) -> None:
    watch = await world.reader()
    wire = await world.wire()
    await wire.send(watch.head("GET", "/v1/feeds/watch/records?wait=30", Content_Type="") + b"\r\n")
    await watch.get("/v1/feeds")  # Asked later, answered sooner: the poll waits.

    await world.act("partner.suspend", id="watch")

    assert (await wire.answer()).code == "PARTNER_SUSPENDED"


def lose_the_registry(world: HubWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """It answers no more, and its last confirmation is too old."""

    async def away() -> int:
        raise StorageUnavailable("away")

    monkeypatch.setattr(world.hub.ports.registry, "head", away)
    monkeypatch.setattr(world.hub.live, "_confirmed", -inf)


async def test_while_the_registry_is_not_confirmed_nothing_is_granted_and_nothing_is_given(
    world: HubWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch, delta = await world.reader(), await world.company()
    await delta.post(event("a"))
    await watch.records("watch", 1)

    lose_the_registry(world, monkeypatch)
    answers = [
        await delta.post(event("b")),
        await delta.get("/v1/events", source=SOURCE, id="a"),
        await delta.get("/v1/receipts", source=SOURCE, id="a"),
        await delta.get("/v1/notices"),
        await watch.get("/v1/feeds"),
        await watch.get("/v1/feeds/watch/records"),
        await watch.get("/v1/feeds/watch/stream"),
        await watch.ask("POST", "/v1/feeds/watch/ack", json={"cursor": "x"}),
        await delta.sign_in(),
    ]

    assert {(answer.status, answer.code) for answer in answers} == {(503, "REGISTRY_STALE")}


async def test_a_stream_ends_when_the_registry_is_no_longer_confirmed(
    world: HubWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch, delta = await world.reader(), await world.company()
    await delta.post(event("a"))
    headers = {"Authorization": f"Bearer {watch.token}"}

    async with world.http.get(f"{world.hub.url}/v1/feeds/watch/stream", headers=headers) as response:
        await response.content.readuntil(b"\n\n")
        lose_the_registry(world, monkeypatch)
        world.hub.tails.ring()
        assert await response.content.read() == b""
