"""The partner's side of the golden vectors: the offline verifier, which shares no code with the hub."""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from connectors.keys import signing_key
from connectors.partner import mandates
from connectors.partner.notices import signed
from connectors.proof import ProofError, RangeTree, leaf_hash, node_hash, root_of_path
from connectors.verify import SAME, STATED, KeyHistory, ReceiptInvalid, canonical_digest, publisher_fault, split, verify

VECTORS: dict[str, Any] = orjson.loads((files("schemas") / "formats" / "vectors.json").read_bytes())
EVENTS = [event["raw"].encode() for event in VECTORS["events"]]
RECEIPTS = VECTORS["receipts"]
JWK = {"kty": "OKP", "crv": "Ed25519", "x": VECTORS["key"]["x"], "kid": VECTORS["key"]["kid"], "use": "sig"}


def history(**validity: str) -> KeyHistory:
    return KeyHistory.from_json(orjson.dumps({"hub": VECTORS["hub"], "keys": [JWK | validity]}))


KEYS = history(valid_from="2026-11-01T00:00:00Z")


def batch_answer() -> dict[str, Any]:
    """The answer to a batch of the second and third event; the first was another request's, under the same seal."""
    items = [
        {"index": i, "verdict": "ACCEPTED", "receipt": {"statement": r["statement"], "leaf": i + 1, "seal": 0}}
        for i, r in enumerate(RECEIPTS[1:])
    ]
    return {"items": items, "seals": [RECEIPTS[0]["seal"] | {"range": VECTORS["range"]}]}


@pytest.mark.parametrize("index", range(len(EVENTS)))
def test_a_golden_receipt_verifies_against_the_bytes_that_were_sent(index: int) -> None:
    verdict = verify(orjson.dumps(RECEIPTS[index]), EVENTS[index], KEYS)

    assert verdict.valid, verdict.fault
    assert verdict.proves == (STATED, SAME["raw_sha256"])
    assert verdict.does_not_prove


@pytest.mark.parametrize("event", VECTORS["events"])
def test_the_canonical_digest_is_the_hubs(event: dict[str, Any]) -> None:
    assert canonical_digest(event["raw"].encode()) == event["canonical_sha256"]


def test_a_receipt_holds_for_the_same_content_in_other_bytes_and_says_so() -> None:
    respaced = orjson.dumps(orjson.loads(EVENTS[0]), option=orjson.OPT_INDENT_2)

    verdict = verify(RECEIPTS[0], respaced, KEYS)

    assert verdict.valid
    assert "other bytes" in verdict.checks[2].seen
    assert verdict.proves == (STATED, SAME["canonical_sha256"])


def test_another_events_receipt_proves_nothing() -> None:
    verdict = verify(RECEIPTS[0], EVENTS[1], KEYS)

    assert not verdict.valid
    assert verdict.proves == ()
    assert verdict.fault.startswith("the statement is about this event")


def tamper(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    def act(receipt: dict[str, Any]) -> None:
        *parents, last = path.split("/")
        place = receipt
        for parent in parents:
            place = place[parent]
        place[last] = value

    return act


FORGED_SIGNATURE = "A" * 86
TAMPERED = {
    "the publisher": tamper("statement/publisher", "other"),
    "the verdict": tamper("statement/verdict", "REJECTED"),
    "the statement's format": tamper("statement/format", "customs-hub-statement/2"),
    "the time": tamper("seal/body/time", "2026-11-22T09:00:01.200000Z"),
    "the hub of the seal": tamper("seal/body/hub", "other"),
    "the size": tamper("seal/body/size", 4),
    "the place": tamper("leaf/index", 1),
    "a place outside the tree": tamper("leaf/index", 3),
    "the path": tamper("leaf/path", RECEIPTS[0]["leaf"]["path"][:1]),
    "the root": tamper("seal/body/root", "00" * 32),
    "the key": tamper("seal/body/key", "other"),
    "the signature": tamper("seal/signature", FORGED_SIGNATURE),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_a_receipt_does_not_hold_once_one_thing_in_it_is_changed(what: str) -> None:
    receipt = copy.deepcopy(RECEIPTS[0])
    TAMPERED[what](receipt)

    verdict = verify(receipt, EVENTS[0], KEYS)

    assert not verdict.valid
    assert verdict.proves == ()


BROKEN = {
    "not JSON": b"{",
    "no object": b"[]",
    "no receipt": b"{}",
    "a name twice": b'{"statement":{},' + orjson.dumps(RECEIPTS[0])[1:],
    "a number stated": orjson.dumps(RECEIPTS[0] | {"statement": {"id": 1}}),
    "a short hash": orjson.dumps(RECEIPTS[0] | {"leaf": {"index": 0, "path": ["00"]}}),
    "a place that is no count": orjson.dumps(RECEIPTS[0] | {"leaf": {"index": True, "path": []}}),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_no_receipt_is_said_to_be_none(what: str) -> None:
    with pytest.raises(ReceiptInvalid):
        verify(BROKEN[what], EVENTS[0], KEYS)


def test_a_seal_counts_only_within_its_keys_validity() -> None:
    rotated = {"valid_from": "2026-11-01T00:00:00Z", "valid_to": "2026-11-22T09:00:00.200000Z"}

    assert verify(RECEIPTS[0], EVENTS[0], history(**rotated)).valid
    assert not verify(RECEIPTS[0], EVENTS[0], history(**rotated | {"valid_to": "2026-11-22T09:00:00.199999Z"})).valid
    assert not verify(RECEIPTS[0], EVENTS[0], history(valid_from="2026-11-22T09:00:00.200001Z")).valid


def test_a_key_is_known_by_its_thumbprint_and_not_by_the_name_written_beside_it() -> None:
    impostor = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    document = {"hub": VECTORS["hub"], "keys": [JWK | {"x": _text(impostor)}]}

    verdict = verify(RECEIPTS[0], EVENTS[0], KeyHistory.from_json(orjson.dumps(document)))

    assert "is not among the keys given" in verdict.fault


def test_another_hubs_keys_do_not_verify_this_hubs_receipt() -> None:
    document = {"hub": "another-hub", "keys": [JWK]}

    assert not verify(RECEIPTS[0], EVENTS[0], KeyHistory.from_json(orjson.dumps(document))).valid


def test_the_hubs_public_key_alone_is_enough() -> None:
    public = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(VECTORS["key"]["seed"])).public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    assert verify(RECEIPTS[2], EVENTS[2], KeyHistory.from_pem(pem)).valid


def test_a_batch_answer_splits_into_the_receipts_that_stand_alone() -> None:
    assert split(orjson.dumps(batch_answer())) == RECEIPTS[1:]


def test_an_events_receipt_is_found_in_the_answer_to_its_batch() -> None:
    assert verify(orjson.dumps(batch_answer()), EVENTS[2], KEYS).valid
    with pytest.raises(ReceiptInvalid, match="no receipt of this event"):
        verify(batch_answer(), EVENTS[0], KEYS)


def test_an_events_receipt_is_found_among_the_receipts_that_the_hub_gives_again() -> None:
    answer = orjson.dumps({"items": RECEIPTS[:2], "next": None})
    respaced = orjson.dumps(orjson.loads(EVENTS[1]), option=orjson.OPT_INDENT_2)

    assert split(answer) == RECEIPTS[:2]
    assert verify(answer, EVENTS[1], KEYS).proves == (STATED, SAME["raw_sha256"])
    assert verify(answer, respaced, KEYS).proves == (STATED, SAME["canonical_sha256"])
    with pytest.raises(ReceiptInvalid, match="no receipt of this event"):
        verify(answer, EVENTS[2], KEYS)


def test_a_batch_answer_whose_statements_do_not_fill_its_range_is_refused() -> None:
    answer = batch_answer()
    del answer["items"][0]

    with pytest.raises(ReceiptInvalid, match="does not hold"):
        split(answer)


def test_every_path_from_every_range_leads_to_the_root() -> None:
    for size in range(1, 20):
        leaves = [leaf_hash(bytes([i])) for i in range(size)]
        root = _root(leaves)
        for first in range(size):
            for end in range(first + 1, size + 1):
                tree = RangeTree(dict(enumerate(leaves[first:end], first)), size, _outside(leaves, first, end))
                assert tree.root == root
                for index in range(first, end):
                    path = tree.path(index)
                    assert root_of_path(leaves[index], index, size, path) == root
                    with pytest.raises(ProofError):
                        root_of_path(leaves[index], index, size, [*path, root])


def test_a_range_proof_that_is_too_long_or_too_short_is_refused() -> None:
    leaf = leaf_hash(b"")
    with pytest.raises(ProofError, match="shorter"):
        RangeTree({0: leaf}, 4, [leaf])
    with pytest.raises(ProofError, match="longer"):
        RangeTree({0: leaf}, 2, [leaf, leaf])
    with pytest.raises(ProofError, match="side by side"):
        RangeTree({0: leaf, 2: leaf}, 4, [])


def _root(leaves: list[bytes]) -> bytes:
    """RFC 9162 §2.1.1, as it is written there."""
    if len(leaves) == 1:
        return leaves[0]
    k = max(1 << i for i in range(8) if 1 << i < len(leaves))
    return node_hash(_root(leaves[:k]), _root(leaves[k:]))


def _outside(leaves: list[bytes], first: int, end: int) -> list[bytes]:
    """The roots of the largest subtrees outside [first, end), left to right."""
    if end <= 0 or first >= len(leaves):
        return [_root(leaves)]
    if first <= 0 and end >= len(leaves):
        return []
    k = max(1 << i for i in range(8) if 1 << i < len(leaves))
    return _outside(leaves[:k], first, end) + _outside(leaves[k:], first - k, end - k)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.mark.parametrize("name", ["mandate", "withdrawal"])
def test_what_a_principal_signs_is_signed_over_its_canonical_form(name: str) -> None:
    key = signing_key(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(VECTORS["key"]["seed"])))
    unsigned = {name: orjson.loads(VECTORS[name]["text"]), "signatures": []}

    assert mandates.sign(unsigned, key)["signatures"] == [VECTORS[name]["signature"]]


def test_a_statement_about_another_publisher_is_found() -> None:
    statement = orjson.loads(VECTORS["submitted_by"]["statement"])

    assert [publisher_fault(statement, name) for name in ("", "acme")] == ["", ""]
    assert publisher_fault(statement, "other") == "the statement is of acme, not of other"


def test_the_acknowledgement_of_a_notice_is_signed_over_just_what_was_read() -> None:
    vector = VECTORS["notice_ack"]
    key = signing_key(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(VECTORS["key"]["seed"])))

    body = signed(vector["notice"], VECTORS["hub"], key, now=vector["time"])

    assert body == {"time": vector["time"], "signature": vector["signature"]}
