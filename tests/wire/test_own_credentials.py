"""A company rotates its own key, and ends one with the code that it keeps offline."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from connectors.keys import generate, rotation_proof
from hub.core.codes import REVOCATION, digest_of, make_code
from hub.core.credential import KeyState
from hub.core.proposal import Proposal
from tests.wire.conftest import MakeWorld
from tests.world import Answer, Caller, event

CODE = make_code(REVOCATION, bytes(17))


async def rotate(caller: Caller, proof: str) -> Answer:
    return await caller.ask("POST", "/v1/credentials/rotate", json={"proof": proof})


def proof_for(caller: Caller, key: Any, **changes: Any) -> str:
    claims = {"hub": caller.world.hub.url, "system": caller.id, "time": int(time.time())} | changes
    return rotation_proof(key, **claims)


async def with_a_code(caller: Caller) -> None:
    """As if its key had come by enrolment."""
    live = caller.world.hub.live
    key = replace(live.snapshot.keys.get(caller.key.id), revocation=digest_of(CODE))
    await live.write(Proposal(live.snapshot.revision, (key,), "test", "test"))


async def revoke(caller: Caller, body: object) -> Answer:
    return await caller.world.ask("POST", "/v1/credentials/revoke", json=body)


def states(caller: Caller) -> dict[str, KeyState]:
    now = caller.world.hub.clock.now_us() // 1_000_000
    return {key.id: key.state_at(now) for key in caller.world.hub.snapshot().keys_of(caller.id)}


async def test_a_rotated_key_takes_over_and_the_one_before_goes_on_for_its_grace(delta: Caller) -> None:
    old, new = delta.key, generate("EdDSA")

    answer = await rotate(delta, proof_for(delta, new))
    under_old = await delta.post(event("a"))
    delta.key = new
    signed_in = await delta.sign_in()

    assert (answer.status, answer.json["key"], answer.json["replaces"]["key"]) == (201, new.id, old.id)
    assert states(delta) == {old.id: KeyState.GRACE, new.id: KeyState.ACTIVE}
    assert (under_old.status, signed_in.status, (await delta.post(event("b"))).status) == (201, 200, 201)


async def test_the_audit_trail_says_that_the_company_did_it_itself(delta: Caller) -> None:
    await rotate(delta, proof_for(delta, generate("EdDSA")))

    live = delta.world.hub.live
    [said] = [orjson.loads(each) for each in await live.audit(live.snapshot.revision - 1, 1)]
    assert (said["act"], said["actor"], said["authority"]) == ("key.succeed", delta.id, "partner")


@pytest.mark.parametrize(
    "changes", [{"hub": "https://other.example"}, {"system": "echo.sys"}, {"time": 0}, {"time": 1 << 40}]
)
async def test_a_proof_for_another_hub_system_or_time_puts_no_key_in_place(
    delta: Caller, changes: dict[str, Any]
) -> None:
    refused = await rotate(delta, proof_for(delta, generate("EdDSA"), **changes))

    assert (refused.status, refused.code) == (422, "ACT_REFUSED")
    assert list(states(delta)) == [delta.key.id]


async def test_a_key_that_its_bringer_does_not_hold_is_not_put_in_place(delta: Caller) -> None:
    mine, theirs = generate("EdDSA"), generate("EdDSA")
    good = proof_for(delta, mine).split(".")
    forged = ".".join([proof_for(delta, theirs).split(".")[0], *good[1:]])

    refused = await rotate(delta, forged)

    assert [fault["code"] for fault in refused.json["faults"]] == ["ACT_PROOF_REFUSED"]
    assert list(states(delta)) == [delta.key.id]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"proof": 1}', b'{"proof": "x", "more": 1}'])
async def test_what_is_no_rotation_is_refused(delta: Caller, body: bytes) -> None:
    answer = await delta.ask("POST", "/v1/credentials/rotate", data=body, headers={"Content-Type": "application/json"})

    assert answer.code == "BODY_MALFORMED"


async def test_a_key_that_was_registered_before_or_a_third_one_is_refused(delta: Caller) -> None:
    second = generate("EdDSA")
    again = await rotate(delta, proof_for(delta, delta.key))
    await rotate(delta, proof_for(delta, second))
    delta.key = second
    await delta.sign_in()

    third = await rotate(delta, proof_for(delta, generate("EdDSA")))

    assert [fault["code"] for fault in again.json["faults"]] == ["ACT_KEY_KNOWN"]
    assert [fault["code"] for fault in third.json["faults"]] == ["ACT_KEYS_TOO_MANY"]


async def test_a_key_in_its_grace_has_been_followed_already(delta: Caller) -> None:
    await rotate(delta, proof_for(delta, generate("EdDSA")))

    refused = await rotate(delta, proof_for(delta, generate("EdDSA")))

    assert "/key" in [fault["place"] for fault in refused.json["faults"]]


async def test_a_break_glass_key_puts_no_longer_lived_key_in_its_place(delta: Caller) -> None:
    hasty = generate("EdDSA")
    request = {"partner": "delta", "system": "sys", "key": hasty.public_pem().decode(), "reason": "disk lost"}
    await delta.world.act("key.break-glass", **request)
    await delta.world.act("key.revoke", key=delta.key.id)
    delta.key = hasty
    await delta.sign_in()

    refused = await rotate(delta, proof_for(delta, generate("EdDSA")))

    assert (refused.status, [fault["place"] for fault in refused.json["faults"]]) == (422, ["/key"])
    assert states(delta)[hasty.id] is KeyState.ACTIVE
    assert len(states(delta)) == 2
    assert [key.id for key in delta.world.hub.snapshot().keys if key.break_glass] == [hasty.id]


async def test_nobody_rotates_without_a_token(delta: Caller) -> None:
    proof = proof_for(delta, generate("EdDSA"))

    answer = await delta.world.ask("POST", "/v1/credentials/rotate", json={"proof": proof})

    assert answer.code == "UNAUTHENTICATED"


async def test_whoever_has_the_offline_code_ends_the_key_and_its_successor_without_any_other_proof(
    delta: Caller,
) -> None:
    await with_a_code(delta)
    old, new = delta.key, generate("EdDSA")
    await rotate(delta, proof_for(delta, new))

    answer = await revoke(delta, {"code": CODE})

    assert (answer.status, answer.body) == (204, b"")
    assert states(delta) == {old.id: KeyState.REVOKED, new.id: KeyState.REVOKED}
    assert (await delta.post(event("a"))).code == "UNAUTHENTICATED"


async def test_a_code_that_nobody_has_is_answered_the_same_and_changes_nothing(delta: Caller) -> None:
    await with_a_code(delta)
    revision = delta.world.hub.snapshot().revision

    answers = [await revoke(delta, {"code": code}) for code in (CODE[:-1] + "1", "", "\u00e9", "chr_")]

    assert {(answer.status, answer.body) for answer in answers} == {(204, b"")}
    assert delta.world.hub.snapshot().revision == revision
    assert (await delta.post(event("a"))).status == 201


async def test_whoever_tries_many_codes_is_held_up_like_whoever_fails_to_authenticate(make_world: MakeWorld) -> None:
    async with make_world(quotas={"failures_per_second": 1}) as world:
        delta = await world.company()

        answers = await asyncio.gather(*(revoke(delta, {"code": "chr_guess"}) for _ in range(3)))

        assert sorted(answer.status for answer in answers) == [204, 204, 429]


@pytest.mark.parametrize("body", [{}, {"code": 1}, {"code": CODE, "more": 1}, []])
async def test_what_is_no_revocation_is_refused(delta: Caller, body: object) -> None:
    assert (await revoke(delta, body)).code == "BODY_MALFORMED"
