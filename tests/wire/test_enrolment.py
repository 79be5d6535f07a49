"""A company enrols a system over HTTP, and sees its checklist turn green."""

from __future__ import annotations

import asyncio
import time
from hashlib import sha256
from typing import Any

import pytest

from connectors.enrolment import enrolment_proof
from connectors.keys import SigningKey, generate, public_jwk
from hub.core.codes import INVITATION, digest_of, make_code
from hub.core.credential import KeyState
from tests.world import Answer, Caller, HubWorld, event

CODE = make_code(INVITATION, bytes(range(17)))
UNKNOWN = make_code(INVITATION, bytes(17))


async def invite(world: HubWorld, code: str = CODE) -> None:
    """Of a company that was looked at, and may try everything."""
    if world.hub.snapshot().partners.get("delta") is None:
        await world.act("partner.apply", id="delta", name="Delta", country="NL", roles=["terminal", "carrier"])
        await world.act("partner.vet", id="delta")
    scopes = ["events:write", "receipts:read"]
    await world.act("invitation.make", id=digest_of(code), partner="delta", system="sys", scopes=scopes)


async def challenged(world: HubWorld, code: str = CODE) -> Answer:
    asked = {"code_sha256": sha256(code.encode()).hexdigest()}
    return await world.ask("POST", "/v1/enrolment/challenge", json=asked)


async def proof(world: HubWorld, key: SigningKey, code: str = CODE, **changes: Any) -> str:
    nonce = (await challenged(world, code)).json["nonce"]
    claims = {"hub": world.hub.url, "code": code, "nonce": nonce, "time": int(time.time())} | changes
    return enrolment_proof(key, **claims)


async def brought(world: HubWorld, made: str) -> Answer:
    return await world.ask("POST", "/v1/enrolment", json={"proof": made})


async def enrolled(world: HubWorld) -> tuple[Caller, Answer]:
    await invite(world)
    key = generate("EdDSA")
    return Caller(world, "delta.sys", key), await brought(world, await proof(world, key))


async def green(caller: Caller, *names: str) -> dict[str, bool]:
    """The checklist, once these items are done."""
    while True:
        items = (await caller.get("/v1/enrolment/checklist")).json["items"]
        found = {item["name"]: item["done"] for item in items}
        if all(found[name] for name in names):
            return found
        await asyncio.sleep(0.01)


async def test_a_key_that_was_brought_gets_no_token_before_it_is_approved(world: HubWorld) -> None:
    caller, answer = await enrolled(world)

    before = await caller.sign_in()
    await world.act("key.approve", key=answer.json["read_out"])
    after = await caller.sign_in()

    assert (answer.status, answer.json["state"], answer.json["key"]) == (201, "requested", caller.key.id)
    assert (before.status, after.status) == (401, 200)


async def test_the_checklist_turns_green_by_itself(world: HubWorld) -> None:
    caller, answer = await enrolled(world)
    await world.act("key.approve", key=answer.json["read_out"])
    await world.reader(provider={"tier": "sandbox"})
    await caller.sign_in()
    first = await green(caller, "clock")

    accepted = await caller.post(event())
    told = await caller.ask("POST", "/v1/enrolment/receipt-verified", json={"receipt": accepted.json["receipt"]})
    await green(caller, "event_accepted")
    await world.act("partner.approve", id="delta")

    assert not first["event_accepted"]
    assert (accepted.status, told.status) == (201, 200)
    assert all((await green(caller, "partner_active")).values())
    assert (await caller.get("/v1/enrolment/checklist")).json["complete"]


async def test_a_receipt_of_another_hub_or_company_or_with_anything_changed_is_refused(world: HubWorld) -> None:
    caller, answer = await enrolled(world)
    await world.act("key.approve", key=answer.json["read_out"])
    await world.reader(provider={"tier": "sandbox"})
    other = await world.company("echo", tier="sandbox")
    await caller.sign_in()
    good = (await caller.post(event())).json["receipt"]
    theirs = (await other.post(event())).json["receipt"]
    body = good["seal"]["body"]
    bad: list[Any] = [
        {},
        theirs,
        good | {"statement": good["statement"] | {"id": "another"}},
        good | {"leaf": {"index": 1, "path": good["leaf"]["path"]}},
        good | {"leaf": {"index": 0, "path": ["00" * 32]}},
        good | {"seal": good["seal"] | {"signature": "AA"}},
        good | {"seal": good["seal"] | {"body": body | {"key": "unknown"}}},
    ]

    answers = [await caller.ask("POST", "/v1/enrolment/receipt-verified", json={"receipt": each}) for each in bad]

    assert {(each.status, each.code) for each in answers} == {(422, "RECEIPT_NOT_OURS")}
    assert not (await green(caller))["receipt_verified"]


async def test_an_unknown_code_is_answered_like_a_good_one_until_a_proof_is_shown(world: HubWorld) -> None:
    await invite(world)

    known, unknown = await challenged(world), await challenged(world, UNKNOWN)

    assert known.status == unknown.status == 200
    assert known.json.keys() == unknown.json.keys()
    assert len(known.json["nonce"]) == len(unknown.json["nonce"])


async def test_whatever_is_wrong_with_code_or_proof_gets_one_answer_and_uses_nothing_up(world: HubWorld) -> None:
    await invite(world)
    key, now = generate("ES256"), int(time.time())
    other_nonce = (await challenged(world, UNKNOWN)).json["nonce"]
    good = (await proof(world, key)).split(".")
    wrong = [
        await proof(world, key, UNKNOWN),
        await proof(world, key, code=CODE.lower()),
        await proof(world, key, nonce=other_nonce),
        await proof(world, key, nonce=""),
        await proof(world, key, hub="https://other.example"),
        await proof(world, key, time=now - 3_600),
        await proof(world, key, time=now + 3_600),
        ".".join([(await proof(world, generate("ES256"))).split(".")[0], *good[1:]]),
        "", "a.b.c",
    ]  # fmt: skip

    answers = [await brought(world, each) for each in wrong]

    assert {each.body for each in answers} == {answers[0].body}
    assert {(each.status, each.code) for each in answers} == {(403, "ENROLMENT_REFUSED")}
    assert (await brought(world, ".".join(good))).status == 201


@pytest.mark.parametrize("act", ["invitation.end", "partner.suspend"])
async def test_an_ended_code_and_one_of_a_stopped_company_get_the_same_answer(world: HubWorld, act: str) -> None:
    await invite(world)
    made = await proof(world, generate("ES256"))
    await world.act(act, id=digest_of(CODE) if act == "invitation.end" else "delta")

    answer = await brought(world, made)

    assert (answer.status, answer.code) == (403, "ENROLMENT_REFUSED")


async def test_of_many_keys_at_once_one_uses_the_code_up(world: HubWorld) -> None:
    await invite(world)
    proofs = [await proof(world, generate("ES256")) for _ in range(10)]

    answers = await asyncio.gather(*(brought(world, each) for each in proofs))

    assert sorted(each.status for each in answers) == [201] + [403] * 9
    assert len(world.hub.snapshot().keys) == 1


async def test_the_same_key_gets_the_same_answer_again_until_it_is_approved(world: HubWorld) -> None:
    caller, first = await enrolled(world)

    again = await brought(world, await proof(world, caller.key))
    await world.act("key.approve", key=caller.key.id)
    late = await brought(world, await proof(world, caller.key))

    assert again.body == first.body
    assert late.code == "ENROLMENT_REFUSED"


async def test_a_key_that_is_registered_elsewhere_is_told_so_and_the_code_stays_good(world: HubWorld) -> None:
    other = await world.company("echo")
    await invite(world)

    known = await brought(world, await proof(world, other.key))
    fresh = await brought(world, await proof(world, generate("ES256")))

    assert (known.status, known.code) == (409, "ENROLMENT_KEY_KNOWN")
    assert fresh.status == 201


async def test_the_offline_code_of_the_answer_ends_the_key(world: HubWorld) -> None:
    caller, answer = await enrolled(world)
    await world.act("key.approve", key=caller.key.id)

    ended = await world.ask("POST", "/v1/credentials/revoke", json={"code": answer.json["revocation_code"]})

    assert ended.status == 204
    assert world.hub.snapshot().keys.get(caller.key.id).state is KeyState.REVOKED  # type: ignore[union-attr]


async def test_neither_code_is_kept_anywhere(world: HubWorld) -> None:
    _, answer = await enrolled(world)

    events = b"".join(await world.hub.live.audit(0, 1_000))

    assert digest_of(CODE).encode() in events
    assert CODE.encode() not in events
    assert answer.json["revocation_code"].encode() not in events


async def test_who_tries_too_often_over_one_code_waits(world: HubWorld) -> None:
    answers = [await challenged(world) for _ in range(25)]

    codes = [each.status for each in answers]
    assert codes[:20] == [200] * 20
    assert codes[-1] == 429
    assert (await challenged(world, UNKNOWN)).status == 200


@pytest.mark.parametrize("body", [b"", b"{}", b'{"proof": 1}', b'{"proof": "", "proof": ""}', b"[" * 99, b'{"a": "b"}'])
@pytest.mark.parametrize("path", ["/v1/enrolment", "/v1/enrolment/challenge"])
async def test_a_body_of_another_form_is_refused(world: HubWorld, path: str, body: bytes) -> None:
    answer = await world.ask("POST", path, data=body, headers={"Content-Type": "application/json"})

    assert (answer.status, answer.code) == (400, "BODY_MALFORMED")


async def test_a_system_that_never_enrolled_has_no_checklist(world: HubWorld) -> None:
    delta = await world.company()

    assert (await delta.get("/v1/enrolment/checklist")).code == "NOT_FOUND"
    assert (await world.ask("GET", "/v1/enrolment/checklist")).status == 401


async def test_a_key_with_a_private_half_in_its_header_is_refused(world: HubWorld) -> None:
    import jwt

    await invite(world)
    key = generate("EdDSA")
    nonce = (await challenged(world)).json["nonce"]
    claims = {"hub": world.hub.url, "system": "", "code": CODE, "nonce": nonce, "time": int(time.time())}
    header = {"typ": "customs-hub-enrolment+jws", "jwk": public_jwk(key) | {"d": "AAAA"}}

    answer = await brought(world, jwt.encode(claims, key.private, algorithm="EdDSA", headers=header))

    assert answer.code == "ENROLMENT_REFUSED"
