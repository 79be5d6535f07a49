"""Wrapped trade documents over HTTP: whose word they are said to be, by the keys that operators put into the book."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hub.core.jwk import public_jwk
from hub.core.settings import DocumentsSettings
from tests.wire.test_copies import JSON, at, exporter, post
from tests.world import Answer, Caller, HubWorld

ISSUER = "did:web:carrier.example"
KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
VC, VP = "application/vc+jwt", "application/vp+jwt"


@pytest.fixture
async def delta(world: HubWorld) -> Caller:
    await world.reader(feed=False)
    return await exporter(world)


def credential(reference: str = "B1", issuer: str = ISSUER, **subject: Any) -> dict[str, Any]:
    return {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiableCredential", "BillOfLadingCredential"],
        "issuer": issuer,
        "credentialSubject": {"type": ["BillOfLading"], "billOfLadingNumber": reference, **subject},
    }


def signed(payload: dict[str, Any], key: Ed25519PrivateKey = KEY, *, kid: str = "key-1", typ: str = "vc+jwt") -> bytes:
    return jwt.api_jws.encode(json.dumps(payload).encode(), key, "EdDSA", {"typ": typ, "kid": kid}).encode()


async def know(world: HubWorld, **more: Any) -> None:
    jwk = json.dumps(public_jwk(KEY.public_key()))
    request = {"issuer": ISSUER, "key": jwk, "kid": "key-1", "name": "Carrier Lines", **more}
    await world.act("issuer-key.add", **request)


def told(answer: Answer) -> tuple[Any, ...]:
    """Standing, key, and codes of what was found."""
    [one] = answer.json["event"]["data"]["extensions"]["credentials"]
    return one["standing"], one.get("key"), [each["code"] for each in answer.json["document"]["faults"]]


async def test_a_credential_is_verified_from_the_moment_its_issuers_key_is_in_the_book(
    world: HubWorld, delta: Caller
) -> None:
    before = await post(delta, signed(credential("B1")), VC, kind="705", reference="B1")
    await know(world)
    after = await post(delta, signed(credential("B2")), VC, kind="705", reference="B2")
    await world.act("issuer-key.remove", id=f"{ISSUER}#key-1")
    removed = await post(delta, signed(credential("B3")), VC, kind="705", reference="B3")

    assert told(before) == ("issuer_unknown", None, ["CREDENTIAL_NOT_PROVEN"])
    assert told(after) == ("verified", f"{ISSUER}#key-1", [])
    assert told(removed) == ("issuer_unknown", None, ["CREDENTIAL_NOT_PROVEN"])


async def test_what_was_found_of_a_copy_stays_what_it_was(world: HubWorld, delta: Caller) -> None:
    await know(world)
    first = await post(delta, signed(credential()), VC, kind="705")
    await world.act("issuer-key.remove", id=f"{ISSUER}#key-1")

    again = await post(delta, signed(credential()), VC, kind="705")

    assert (first.status, again.status) == (201, 200)
    assert told(again) == told(first)


@pytest.mark.parametrize(
    "forged",
    [
        signed(credential(), OTHER),
        signed(credential()).replace(b"a", b"b", 1),
        signed(credential()).rpartition(b".")[0] + b".",
        jwt.api_jws.encode(json.dumps(credential()).encode(), "", "none", {"typ": "vc+jwt", "kid": "key-1"}).encode(),
    ],
    ids=["another's key", "changed", "without signature", "none"],
)
async def test_a_wrong_signature_in_the_name_of_a_known_issuer_is_refused(
    world: HubWorld, delta: Caller, forged: bytes
) -> None:
    await know(world)

    answer = await post(delta, forged, VC, kind="705")

    assert answer.status == 422
    assert (await delta.get(at(forged))).status == 404


@pytest.mark.parametrize(
    ("times", "stands"),
    [({"valid_until": "2020-01-01"}, "key_not_in_force"), ({"valid_from": "2020-01-01"}, "verified")],
    ids=["expired", "in force"],
)
async def test_a_key_is_believed_in_its_time_only(
    world: HubWorld, delta: Caller, times: dict[str, str], stands: str
) -> None:
    await know(world, **times)

    assert told(await post(delta, signed(credential()), VC, kind="705"))[0] == stands


async def test_a_token_comes_back_as_it_was_with_its_own_media_type(delta: Caller) -> None:
    sent = signed(credential())

    answer = await post(delta, sent, "application/octet-stream", kind="705")
    copy = await delta.get(at(sent, "/content"))

    assert answer.json["event"]["data"]["document"]["media_type"] == VC
    assert {"scheme": "bill_of_lading", "value": "B1"} in answer.json["event"]["data"]["references"]
    assert (copy.body, copy.headers["Content-Type"]) == (sent, VC)
    assert copy.headers["Content-Disposition"].endswith('.jwt"')


async def test_a_presentation_holds_credentials_each_of_its_own_standing(world: HubWorld, delta: Caller) -> None:
    await know(world)
    inside = [signed(credential("B1")), signed(credential("B2", "did:web:c.example"))]
    presentation = {"type": ["VerifiablePresentation"], "verifiableCredential": [each.decode() for each in inside]}

    answer = await post(delta, signed(presentation, OTHER, typ="vp+jwt"), VP, kind="705")

    stands = [each["standing"] for each in answer.json["event"]["data"]["extensions"]["credentials"]]
    assert (answer.status, stands) == (201, ["verified", "issuer_unknown"])


@pytest.mark.parametrize(
    ("sent", "claimed", "code"),
    [
        (signed(credential()), JSON, "DOCUMENT_TYPE_DIFFERS"),
        (signed(credential()), VP, "DOCUMENT_TYPE_DIFFERS"),
        (orjson.dumps(credential()), VC, "DOCUMENT_TYPE_DIFFERS"),
        (signed(credential(), typ="at+jwt"), VC, "DOCUMENT_BROKEN"),
        (signed(credential()) + b".AAAA", VC, "DOCUMENT_BROKEN"),
        (b"no token", VC, "DOCUMENT_TYPE_UNKNOWN"),
    ],
    ids=["as JSON", "as a presentation", "JSON as a token", "an access token", "four segments", "words"],
)
async def test_a_token_is_what_its_bytes_say(delta: Caller, sent: bytes, claimed: str, code: str) -> None:
    answer = await post(delta, sent, claimed, kind="705")

    assert (answer.status, [each["code"] for each in answer.json["faults"]]) == (422, [code])


@pytest.mark.parametrize("media_type", [JSON, VC])
async def test_a_manifest_of_ten_megabytes_is_opened_and_verified(
    world: HubWorld, delta: Caller, media_type: str
) -> None:
    await know(world)
    most = DocumentsSettings().body_bytes_max
    filling = "x" * (most * 7 // 10)
    document = credential("B1", transportEquipment=[{"equipmentReference": "CSQU3054383"}], remarks=filling)
    token = signed(document)
    envelope = {"@context": document["@context"], "type": "EnvelopedVerifiableCredential"}
    sent = token if media_type == VC else orjson.dumps({**envelope, "id": f"data:{VC},{token.decode()}"})

    answer = await post(delta, BytesIO(sent), media_type, kind="705")

    assert 0.9 * most < len(sent) <= most
    assert (answer.status, told(answer)[0]) == (201, "verified")
    assert {"scheme": "iso6346", "value": "CSQU3054383"} in answer.json["event"]["data"]["references"]


VALIDITIES = {
    "an end behind": ({"validUntil": "2020-01-01T00:00:00Z"}, "expired", "CREDENTIAL_EXPIRED"),
    "the end of the token behind": ({"exp": 1}, "expired", "CREDENTIAL_EXPIRED"),
    "a beginning ahead": ({"validFrom": "2999-01-01T00:00:00Z"}, "not_yet_valid", "CREDENTIAL_NOT_YET_VALID"),
}


@pytest.mark.parametrize(("times", "validity", "code"), VALIDITIES.values(), ids=VALIDITIES)
async def test_a_verified_credential_that_does_not_count_today_waits_for_an_officer(
    world: HubWorld, delta: Caller, times: dict[str, Any], validity: str, code: str
) -> None:
    await know(world)

    answer = await post(delta, signed({**credential(), **times}), VC, kind="705", reference="B1")

    [one] = answer.json["event"]["data"]["extensions"]["credentials"]
    assert (one["standing"], one["validity"]) == ("verified", validity)
    assert told(answer)[2] == [code]
    assert answer.json["document"]["quarantined"] is True


@pytest.mark.parametrize("payload", [b"{}", b"[]"])
async def test_a_token_without_a_credential_waits_for_an_officer(delta: Caller, payload: bytes) -> None:
    sent = jwt.api_jws.encode(payload, KEY, "EdDSA", {"typ": "vc+jwt"}).encode()

    answer = await post(delta, sent, VC, kind="705")

    assert {each["code"] for each in answer.json["document"]["faults"]} >= {"CREDENTIAL_MALFORMED"}
    assert answer.json["document"]["quarantined"] is True


@pytest.mark.parametrize(
    ("asked", "codes"),
    [
        ({"kind": "705", "reference": "B1"}, []),
        ({"kind": "380", "reference": "INV-1"}, ["CREDENTIAL_DIFFERS"]),
        ({"kind": "705", "reference": "B2"}, ["CREDENTIAL_DIFFERS"]),
    ],
    ids=["the same", "another kind", "another reference"],
)
async def test_what_is_said_of_a_document_is_held_against_what_its_credential_says(
    world: HubWorld, delta: Caller, asked: dict[str, str], codes: list[str]
) -> None:
    await know(world)

    answer = await post(delta, signed(credential()), VC, **asked)

    assert (answer.status, told(answer)[2], answer.json["document"]["quarantined"]) == (201, codes, False)


@pytest.mark.parametrize("fields", [["/data/document"], ["*"], ["/data/document/sha256"]])
async def test_whoever_may_have_a_credential_sees_whose_word_it_is(
    world: HubWorld, delta: Caller, fields: list[str]
) -> None:
    await know(world)
    customs = await world.reader("risk", feed=False, fields=fields)
    sent = signed(credential())
    await post(delta, sent, VC, kind="705", reference="B1")

    own, other = [(await caller.get(at(sent))).json for caller in (delta, customs)]

    [one] = own["credentials"]
    assert (one["issuer"], one["standing"], one["key"]) == (ISSUER, "verified", f"{ISSUER}#key-1")
    assert other.get("credentials") == (None if "sha256" in fields[0] else own["credentials"])


async def test_whose_word_a_credential_is_is_not_shown_to_others_while_its_copy_waits(
    world: HubWorld, delta: Caller
) -> None:
    customs = await world.reader("risk", feed=False, fields=["/data/document"])
    sent = signed({**credential(), "exp": 1})
    await post(delta, sent, VC, kind="705", reference="B1")

    own, other = [(await caller.get(at(sent))).json for caller in (delta, customs)]

    assert [each["validity"] for each in own["credentials"]] == ["expired"]
    assert (other["copy"], "credentials" in other) == ("quarantined", False)


async def test_json_in_which_two_readers_see_two_documents_waits_for_an_officer(delta: Caller) -> None:
    answer = await post(delta, b'{"amount": 1, "amount": 2}', JSON, kind="380")

    assert [each["code"] for each in answer.json["document"]["faults"]] == ["JSON_MEMBER_REPEATED"]
    assert answer.json["document"]["quarantined"] is True
