"""Acknowledgements: signed or not, by cursors or by the marks of a Kafka reader; and what the journal keeps of them."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest

from connectors.keys import SigningKey, generate
from hub.core.access import Access, Step, mark_of
from hub.ports.access_journal import Query
from hub.trust.ack import ack_text
from tests.world import Answer, Caller, HubWorld, event


@pytest.fixture
async def watch(world: HubWorld) -> Caller:
    return await world.reader()


@pytest.fixture
async def delta(watch: Caller) -> Caller:
    return await watch.world.company()


async def cursor_after_one(watch: Caller, delta: Caller) -> str:
    assert (await delta.post(event())).status == 201
    page = await watch.get("/v1/feeds/watch/records", wait=30)
    assert len(page.json["items"]) == 1
    return str(page.json["next"])


def sign(key: SigningKey, text: bytes, *, typ: str = "customs-hub-ack+jws", detached: bool = False) -> str:
    headers = {"typ": typ, "kid": key.id}
    compact = jwt.api_jws.encode(text, key.private, algorithm=key.algorithm, headers=headers)
    head, _, tail = compact.split(".")
    return f"{head}..{tail}" if detached else compact


async def acknowledge(watch: Caller, **body: Any) -> Answer:
    return await watch.ask("POST", "/v1/feeds/watch/ack", json=body)


async def processed(world: HubWorld) -> list[Access]:
    entries = await world.hub.ports.accesses.entries(Query(), limit=99)
    return [entry.access for entry in entries if entry.access.step is Step.PROCESSED]


@pytest.mark.parametrize("detached", [True, False])
async def test_a_signed_acknowledgement_is_kept_with_its_signature(
    world: HubWorld, watch: Caller, delta: Caller, detached: bool
) -> None:
    cursor, now = await cursor_after_one(watch, delta), int(time.time())
    text = ack_text("customs-hub", "watch", "", cursor, now)

    answer = await acknowledge(watch, cursor=cursor, time=now, signature=sign(watch.key, text, detached=detached))

    assert answer.status == 204
    [entry] = await processed(world)
    assert (entry.reader, entry.credential, entry.recipient) == (watch.id, watch.key.id, "watch")
    assert jwt.api_jws.decode(entry.signature, watch.key.private.public_key(), ["EdDSA"]) == text


async def test_an_unsigned_one_is_kept_once_and_one_that_moves_nothing_is_not(
    world: HubWorld, watch: Caller, delta: Caller
) -> None:
    cursor = await cursor_after_one(watch, delta)

    for _ in range(2):
        assert (await acknowledge(watch, cursor=cursor)).status == 204

    [entry] = await processed(world)
    assert (entry.signature, entry.way, mark_of(entry)) == ("", "pull", 0)


async def test_a_signature_that_does_not_hold_is_refused_and_acknowledges_nothing(
    world: HubWorld, watch: Caller, delta: Caller
) -> None:
    cursor, now = await cursor_after_one(watch, delta), int(time.time())
    right = ("customs-hub", "watch", "", cursor, now)
    wrong = {
        "by another's key": (now, sign(generate("EdDSA"), ack_text(*right))),
        "for another hub": (now, sign(watch.key, ack_text("other", *right[1:]))),
        "of another feed": (now, sign(watch.key, ack_text("customs-hub", "other", *right[2:]))),
        "of another cursor": (now, sign(watch.key, ack_text(*right[:3], "x", now))),
        "of another type": (now, sign(watch.key, ack_text(*right), typ="JWT")),
        "of another time": (now - 1, sign(watch.key, ack_text(*right))),
        "too old": (now - 400, sign(watch.key, ack_text(*right[:4], now - 400))),
        "too early": (now + 400, sign(watch.key, ack_text(*right[:4], now + 400))),
        "no JWS": (now, "x"),
        "detached of another": (now, sign(watch.key, ack_text(*right[:3], "x", now), detached=True)),
    }

    for said, (moment, signature) in wrong.items():
        answer = await acknowledge(watch, cursor=cursor, time=moment, signature=signature)
        assert answer.code == "ACK_SIGNATURE_INVALID", said

    assert await processed(world) == []
    assert len((await watch.get("/v1/feeds/watch/records")).json["items"]) == 1


async def test_another_system_of_the_recipient_cannot_sign_for_the_one_that_sends(
    world: HubWorld, watch: Caller, delta: Caller
) -> None:
    cursor, now = await cursor_after_one(watch, delta), int(time.time())
    key = generate("EdDSA")
    public = key.public_pem().decode()
    await world.act("key.add", partner="watch", system="second", key=public, scopes=["feeds:read"])

    signature = sign(key, ack_text("customs-hub", "watch", "", cursor, now))
    answer = await acknowledge(watch, cursor=cursor, time=now, signature=signature)

    assert answer.code == "ACK_SIGNATURE_INVALID"


@pytest.mark.parametrize("body", [{}, {"cursor": "x", "marks": [[1, 0, 0]]}, {"marks": []}, {"marks": [[1, 0]]}])
async def test_it_is_a_cursor_or_else_marks(watch: Caller, body: dict[str, Any]) -> None:
    assert (await acknowledge(watch, **body)).code in ("BODY_MALFORMED", "CURSOR_INVALID")


async def test_marks_are_of_a_feed_that_is_read_from_kafka(watch: Caller, delta: Caller) -> None:
    await cursor_after_one(watch, delta)

    assert (await acknowledge(watch, marks=[[1, 0, 0]])).code == "CURSOR_INVALID"
