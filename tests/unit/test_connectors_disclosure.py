"""Disclosing a withheld member: only what the record and its seal bear out is proved, and anything else is refused."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.cli import run
from connectors.disclosure import DisclosureInvalid, disclose, verify_disclosure
from connectors.feed_seal import SealedRecords, SealInvalid
from connectors.verify import KeyHistory
from tests.vectors.test_withheld import EVENT, GOLDEN, JWK, KEYS, VECTORS, page

RECEIPTS = VECTORS["receipts"]
RECORDS = [record["value"].encode() for record in GOLDEN["records"]]


def part(*records: bytes, seals: Any = ()) -> bytes:
    return b'{"items":[' + b",".join(records) + b'],"next":"x","seals":' + orjson.dumps([*seals]) + b"}"


def keys(**validity: str) -> KeyHistory:
    return KeyHistory.from_json(orjson.dumps({"hub": VECTORS["hub"], "keys": [JWK | validity]}))


def fault(told: dict[str, Any], *pages: bytes, known: KeyHistory = KEYS) -> str:
    checks = verify_disclosure(orjson.dumps(told), pages or (page(),), known)
    return next((check.claim for check in checks if not check.holds), "")


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("/data/weight_kg", "12500.50"),
        ("/data/subjects", '[{"scheme":"iso6346","value":"CSQU3054383"}]'),
        ("/data/updated_at", '"2026-11-22T10:00:00.500+01:00"'),
    ],
)
def test_any_withheld_member_is_proved_with_its_bytes_as_they_were_sent(member: str, value: str) -> None:
    made = disclose([RECEIPTS[0]], EVENT, member)

    assert made.value == value
    assert fault(orjson.loads(made.encoded())) == ""


@pytest.mark.parametrize(
    "changed",
    [
        {"value": "12500.5"},
        {"value": "99"},
        {"member": "/data/subjects"},
        {"member": "/data/weight_k"},
        {"salt": "0" * 64},
        {"leaf": GOLDEN["disclosure"]["leaf"][:-1] + "0"},
        {"leaf": orjson.loads(RECORDS[1])["hubleaf"]},
    ],
    ids=str,
)
def test_another_value_member_salt_or_event_is_refused(changed: dict[str, str]) -> None:
    assert fault(GOLDEN["disclosure"] | changed) != ""


def test_a_member_is_told_where_the_record_says_or_under_a_pseudonym_and_nowhere_else() -> None:
    told = orjson.loads(disclose([RECEIPTS[0]], EVENT, "/data/updated_at").encoded())
    moved = page().replace(b'"at":"/data/updated_at"', b'"at":"/data/place"')

    assert fault(told) == ""
    assert fault(told, moved) == "the member is one that the record withholds, with this value"


def test_a_pseudonym_stands_for_no_member_that_the_schema_knows() -> None:
    told = orjson.loads(disclose([RECEIPTS[0]], EVENT, "/data/updated_at").encoded())
    hidden = page().replace(b'"at":"/data/updated_at"', b'"at":"p-0123456789012345678901"')

    assert fault(told, hidden) == "the member is one that the record withholds, with this value"
    assert fault(GOLDEN["disclosure"]) == ""


def test_a_member_with_a_nul_in_its_name_is_not_disclosed_by_itself() -> None:
    with pytest.raises(DisclosureInvalid, match="U\\+0000"):
        disclose([RECEIPTS[0]], EVENT, "/data/weight\0kg")


@pytest.mark.parametrize("value", ["", "12 13", "{", '"a"\0', "NaN"])
def test_what_is_not_one_json_text_is_no_value(value: str) -> None:
    with pytest.raises(DisclosureInvalid, match="not one JSON text"):
        fault(GOLDEN["disclosure"] | {"value": value})


def changed_seal(change: Callable[[dict[str, Any]], object]) -> bytes:
    seal = orjson.loads(orjson.dumps(GOLDEN["page"]["seals"][0]))
    change(seal)
    return part(*RECORDS, seals=[seal])


@pytest.mark.parametrize(
    "change",
    [
        lambda seal: seal["body"].update(feed="other"),
        lambda seal: seal["body"].update(hub="other"),
        lambda seal: seal["body"].update(size=3),
        lambda seal: seal["body"].update(format="customs-hub-seal/1"),
        lambda seal: seal["body"].update(key="A" * 43),
        lambda seal: seal.update(signature="A" * 86),
        lambda seal: seal["leaves"].reverse(),
        lambda seal: seal["leaves"].append("0" * 64),
    ],
)
def test_a_seal_that_was_changed_anywhere_proves_nothing(change: Callable[[dict[str, Any]], object]) -> None:
    assert fault(GOLDEN["disclosure"], changed_seal(change)) != ""
    with pytest.raises(SealInvalid):
        SealedRecords(KEYS).take(changed_seal(change))


def test_a_record_that_was_changed_is_under_no_seal() -> None:
    changed = page().replace(b'"time_kind":"ACTUAL"', b'"time_kind":"PLANNED"')

    assert fault(GOLDEN["disclosure"], changed) == "the record is under a seal"
    assert fault(GOLDEN["disclosure"], part(*RECORDS)) == "the record is under a seal"


@pytest.mark.parametrize(
    "validity",
    [
        {"valid_to": "2026-11-22T09:00:00Z"},
        {"valid_from": "2026-11-22T09:00:01Z"},
        {"compromised_since": "2026-11-22T09:00:00Z"},
    ],
    ids=str,
)
def test_a_seal_by_a_key_that_was_revoked_or_not_in_force_proves_nothing(validity: dict[str, str]) -> None:
    assert fault(GOLDEN["disclosure"], known=keys(**validity)) != ""
    with pytest.raises(SealInvalid):
        SealedRecords(keys(**validity)).take(page())


def test_a_key_that_was_compromised_later_still_proves() -> None:
    assert fault(GOLDEN["disclosure"], known=keys(compromised_since="2026-11-22T09:00:01Z")) == ""


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"items":1}', orjson.dumps(GOLDEN["disclosure"] | {"x": 1})])
def test_what_is_no_disclosure_or_no_page_is_refused(content: bytes) -> None:
    with pytest.raises(DisclosureInvalid):
        verify_disclosure(content, [page()], KEYS)
    with pytest.raises(SealInvalid):
        verify_disclosure(orjson.dumps(GOLDEN["disclosure"]), [content], KEYS)


def test_only_the_events_own_receipt_discloses_and_only_members_that_it_has() -> None:
    with pytest.raises(DisclosureInvalid, match="no receipt here is of this event"):
        disclose([RECEIPTS[1]], EVENT, "/data/weight_kg")
    with pytest.raises(DisclosureInvalid, match="has no member /data/mass"):
        disclose([RECEIPTS[0]], EVENT, "/data/mass")
    with pytest.raises(DisclosureInvalid, match="with the leaf 00"):
        disclose([RECEIPTS[0]], EVENT, "/data/weight_kg", "00")


def test_of_several_receipts_the_earliest_or_the_one_with_the_leaf_is_taken() -> None:
    stated = RECEIPTS[0]["statement"]
    later = {"statement": stated | {"received": "2026-11-22T09:00:05Z", "salt": "ff" * 16}}

    first = disclose([later, RECEIPTS[0]], EVENT, "/data/weight_kg")
    assert orjson.loads(first.encoded()) == GOLDEN["disclosure"]
    alone = disclose([later], EVENT, "/data/weight_kg")
    assert disclose([later, RECEIPTS[0]], EVENT, "/data/weight_kg", alone.leaf) == alone
    assert fault(orjson.loads(alone.encoded())) == "the record is of the event that is disclosed"


def test_in_binary_mode_the_body_alone_discloses_its_members() -> None:
    body = b'{"occurred_at":"x", "empty": false}'
    statement = RECEIPTS[0]["statement"] | {"raw_sha256": sha256(body).hexdigest()}

    made = disclose([{"statement": statement}], body, "/data/empty")

    assert made.value == "false"
    with pytest.raises(DisclosureInvalid, match="sent as a header"):
        disclose([{"statement": statement}], body, "/subject")


def test_a_reader_is_given_cut_records_in_order_once_their_seal_has_come() -> None:
    records, whole = SealedRecords(KEYS), b'{"id":"whole"}'

    assert records.take(part(whole, RECORDS[0]))[0].record == whole
    assert records.take(part(RECORDS[1], whole)) == []
    assert records.waiting == 3
    given = records.take(part(seals=GOLDEN["page"]["seals"]))

    assert [each.record for each in given] == [*RECORDS, whole]
    assert [each.seal is None for each in given] == [False, False, True]
    assert records.waiting == 0


def test_the_commands_disclose_at_the_sender_and_verify_anywhere(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    published = orjson.dumps({"hub": VECTORS["hub"], "keys": [JWK]})
    contents = {"receipt": orjson.dumps(RECEIPTS[0]), "event": EVENT, "page": page(), "keys": published}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    receipt, event, kept, known, told = (str(tmp_path / each) for each in (*contents, "told"))

    assert run(["disclose", receipt, event, "--member", "/data/weight_kg"]) == 0
    (tmp_path / "told").write_bytes(capfdbinary.readouterr().out)

    assert run(["verify-disclosure", told, kept, "--keys", known, "--json"]) == 0
    assert orjson.loads(capfdbinary.readouterr().out)["valid"] is True
    (tmp_path / "told").write_bytes((tmp_path / "told").read_bytes().replace(b"12500.50", b"2500.50"))
    assert run(["verify-disclosure", told, kept, "--keys", known]) == 1
    assert b"proves nothing" in capfdbinary.readouterr().out
    assert run(["verify-disclosure", told, kept]) == 2
