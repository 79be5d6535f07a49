"""A signed request (RFC 9421) is kept as its sender's own proof, and verifies without the hub."""

from __future__ import annotations

import time
from typing import Any

import orjson
import pytest

from connectors.signing import ProofWrong, SignedRequest, read_proof, signature_headers
from connectors.verify import verify
from tests.world import SOURCE, Answer, Caller, HubWorld, event

STRUCTURED = {"Content-Type": "application/cloudevents+json"}


async def signed(caller: Caller, body: bytes, path: str = "/v1/events", **changed: Any) -> Answer:
    url = changed.pop("url", caller.world.hub.url + path)
    headers = signature_headers(caller.key, "POST", url, body, now=int(time.time()))
    return await caller.ask("POST", path, data=body, headers=STRUCTURED | headers | changed)


async def test_a_signed_event_is_kept_as_it_was_sent_and_verifies_without_the_hub(delta: Caller) -> None:
    body = orjson.dumps(event("a"))

    answer = await signed(delta, body)
    kept = await delta.get(f"/v1/proofs/{answer.headers['Hub-Proof']}")

    assert answer.status == 201
    proof = read_proof(kept.body)
    assert (proof.body, proof.key_id) == (body, delta.key.id)
    assert f'"@target-uri": {delta.world.hub.url}/v1/events' in proof.base


async def test_a_query_is_part_of_what_is_signed(delta: Caller) -> None:
    body = orjson.dumps(event("a"))

    good = await signed(delta, body, "/v1/events?x-note=%C3%A9")
    other = await signed(delta, orjson.dumps(event("b")), "/v1/events?x-note=b", url=delta.world.hub.url + "/v1/events")

    assert good.status == 201
    assert other.code == "REQUEST_SIGNATURE_INVALID"


async def test_a_document_of_another_format_is_signed_as_well(delta: Caller) -> None:
    body = b'{"@context": [], "type": "EPCISDocument", "schemaVersion": "2.0", "epcisBody": {"eventList": []}}'

    answer = await signed(delta, body, **{"Content-Type": "application/json", "Signature": "customs=:AA==:"})

    assert answer.code == "REQUEST_SIGNATURE_INVALID"


@pytest.mark.parametrize(
    "changed",
    [
        {"Signature": "customs=:AA==:"},
        {"Signature": ""},
        {"Signature-Input": 'customs=("@method");created=1;keyid="x"'},
        {"Content-Digest": "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"},
    ],
)
async def test_a_signature_that_does_not_hold_refuses_the_request_and_nothing_is_stored(
    delta: Caller, changed: dict[str, str]
) -> None:
    body = orjson.dumps(event("a"))

    answer = await signed(delta, body, **changed)

    assert (answer.status, answer.code) == (400, "REQUEST_SIGNATURE_INVALID")
    assert (await delta.post(body)).json["verdict"] == "ACCEPTED"


async def test_the_key_of_another_client_signs_nothing(world: HubWorld, delta: Caller) -> None:
    other = await world.company("other")
    body = orjson.dumps(event("a"))
    headers = signature_headers(other.key, "POST", world.hub.url + "/v1/events", body, now=int(time.time()))

    answer = await delta.ask("POST", "/v1/events", data=body, headers=STRUCTURED | headers)

    assert answer.code == "REQUEST_SIGNATURE_INVALID"


async def test_a_proof_is_handed_to_its_sender_alone(world: HubWorld, delta: Caller) -> None:
    answer = await signed(delta, orjson.dumps(event("a")))
    other = await world.company("other")
    path = f"/v1/proofs/{answer.headers['Hub-Proof']}"

    assert (await other.get(path)).code == "NOT_FOUND"
    assert (await delta.get("/v1/proofs/" + "0" * 64)).code == "NOT_FOUND"
    assert (await delta.get("/v1/proofs/..")).code == "NOT_FOUND"


@pytest.mark.parametrize("place", [0, 40, -1])
async def test_a_proof_that_was_changed_proves_nothing(delta: Caller, place: int) -> None:
    answer = await signed(delta, orjson.dumps(event("a")))
    kept = bytearray((await delta.get(f"/v1/proofs/{answer.headers['Hub-Proof']}")).body)
    assert isinstance(read_proof(bytes(kept)), SignedRequest)

    kept[place] ^= 1

    with pytest.raises(ProofWrong):
        read_proof(bytes(kept))


async def test_a_receipt_given_again_names_the_signed_request_and_one_of_an_unsigned_event_does_not(
    delta: Caller,
) -> None:
    body = orjson.dumps(event("signed"))
    proof = (await signed(delta, body)).headers["Hub-Proof"]
    await delta.post(event("unsigned"))
    await delta.judged("unsigned")

    found = {
        each: (await delta.get("/v1/receipts", source=SOURCE, id=each)).json["items"] for each in ("signed", "unsigned")
    }

    assert [each.get("proof") for each in found["signed"]] == [proof]
    assert ["proof" in each for each in found["unsigned"]] == [False]
    assert verify(found["signed"][0], body, await delta.world.keys()).valid
