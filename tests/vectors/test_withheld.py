"""The golden vectors of what is withheld, on both sides: the hub marks and seals, connectors disclose and verify."""

from __future__ import annotations

from hashlib import sha256
from importlib.resources import files
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from connectors.disclosure import Disclosure, DisclosureInvalid, disclose, verify_disclosure
from connectors.feed_seal import Page, page_of_webhook
from connectors.verify import KeyHistory
from hub.core.event import Event
from hub.core.record import LogRecord, StoredRecord
from hub.trust.feed_seal import FeedSealer
from hub.trust.project import Cut
from schemas.headers import EventHeader, FeedSealHeader, unpack

VECTORS: dict[str, Any] = orjson.loads((files("schemas") / "formats" / "vectors.json").read_bytes())
GOLDEN = VECTORS["withheld"]
JWK = {"kty": "OKP", "crv": "Ed25519", "x": VECTORS["key"]["x"], "kid": VECTORS["key"]["kid"], "use": "sig"}
KEYS = KeyHistory.from_json(orjson.dumps({"hub": VECTORS["hub"], "keys": [JWK]}))
EVENT = VECTORS["events"][0]["raw"].encode()


def page() -> bytes:
    seals = orjson.dumps(GOLDEN["page"]["seals"]).decode()
    records = ",".join(record["value"] for record in GOLDEN["records"])
    return f'{{"items":[{records}],"next":"x","seals":{seals}}}'.encode()


def cut_records() -> list[LogRecord]:
    cut, records = Cut(GOLDEN["fields"], bytes.fromhex(GOLDEN["secret"])), []
    for each in VECTORS["events"][:2]:
        header = unpack(bytes.fromhex(each["header"]))
        assert isinstance(header, EventHeader)
        event = Event(header, StoredRecord(0, 0, b"", b"", each["raw"].encode()))
        key, value, left = cut.parts(event)
        records.append(LogRecord(key, b"", cut.proven(event, value, left, VECTORS["hub"])))
    return records


def test_the_hub_marks_what_a_record_withholds_to_the_byte() -> None:
    assert [{"key": each.key.decode(), "value": each.value.decode()} for each in cut_records()] == GOLDEN["records"]


def test_the_hub_seals_the_cut_records_of_a_batch_to_the_byte() -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(VECTORS["key"]["seed"]))
    sealer = FeedSealer(VECTORS["hub"], lambda: VECTORS["key"]["kid"], key.sign, lambda: 1_795_338_000_300_000)

    *records, seal = sealer.sealed(GOLDEN["feed"], cut_records())

    assert records == cut_records()
    assert (seal.header.hex(), seal.value.hex()) == (GOLDEN["record_header"], GOLDEN["record_value"])
    assert isinstance(unpack(seal.header), FeedSealHeader)


def test_a_webhook_with_the_golden_records_has_the_golden_seal_and_proves_them() -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(VECTORS["key"]["seed"]))
    sealer = FeedSealer(VECTORS["hub"], lambda: VECTORS["key"]["kid"], key.sign, lambda: 1_795_338_000_300_000)
    records = [each.value for each in cut_records()]

    made = sealer.given(GOLDEN["feed"], [*records, b'{"id":"whole"}'])
    brought = page_of_webhook(b"[" + b", ".join(records) + b"]", GOLDEN["hub_seal"])

    assert made is not None
    assert made.header == GOLDEN["hub_seal"]
    assert all(check.holds for check in verify_disclosure(orjson.dumps(GOLDEN["disclosure"]), [brought], KEYS))


def test_a_golden_disclosure_is_made_from_the_receipt_and_proved_by_record_and_seal() -> None:
    made = disclose([VECTORS["receipts"][0]], EVENT, GOLDEN["disclosure"]["member"])

    assert orjson.loads(made.encoded()) == GOLDEN["disclosure"]
    assert made.digest == GOLDEN["digest"]
    assert all(check.holds for check in verify_disclosure(orjson.dumps(GOLDEN["disclosure"]), [page()], KEYS))


def test_the_leaves_of_a_golden_seal_are_those_of_the_records_to_the_letter() -> None:
    read = Page.of(page())

    assert [sha256(b"\x00" + record).digest() for record in read.records] == list(read.seals[0].leaves)
    assert all(check.holds for check in read.seals[0].checks(KEYS))


def test_a_digest_that_has_two_readings_is_proved_by_neither_of_them() -> None:
    both = [Disclosure(**each) for each in GOLDEN["two_readings"]["refused"]]

    assert {each.digest for each in both} == {GOLDEN["two_readings"]["digest"]}
    for each in both:
        with pytest.raises(DisclosureInvalid):
            verify_disclosure(each.encoded(), [page()], KEYS)
