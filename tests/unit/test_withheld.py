"""What a cut record says of what it does not show (`formats/feed-record.md`): marks and digests, and no word more."""

from __future__ import annotations

import hmac
import re
from hashlib import sha256
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.core.event import Event
from hub.core.pointer import is_pointer, tokens
from hub.core.record import LogRecord
from hub.trust import withheld
from hub.trust.merkle import leaf_hash
from hub.trust.project import Cut
from hub.trust.pseudonym import KEPT_CHARACTERS_MAX, PSEUDONYMS_KEPT_MAX, pseudonym, pseudonyms_kept
from hub.trust.statement import statement_bytes
from hub.trust.withheld import WITHHELD_MAX, is_cut
from tests.faults.fanout_world import SEALER
from tests.unit.test_fanout_project import RAW, SECRET, sent, shown, taken_back

PSEUDONYM = re.compile(r"p-[A-Za-z0-9_-]{22}")


def record(event: Event, *fields: str, secret: bytes = SECRET) -> dict[str, Any]:
    return dict(orjson.loads(value_of(event, *fields, secret=secret)))


def value_of(event: Event, *fields: str, secret: bytes = SECRET) -> bytes:
    cut = Cut(fields, secret)
    _, value, left = cut.parts(event)
    return cut.proven(event, value, left, "hub")


def digest(event: Event, pointer: str, member: bytes) -> str:
    salt = hmac.digest(event.header.salt, b"customs-hub-member/1\0" + pointer.encode(), "sha256")
    return sha256(b"\2" + salt + pointer.encode() + b"\0" + member).hexdigest()


def places(event: Event, *fields: str) -> list[str]:
    return [each["at"] for each in record(event, *fields).get("hubwithheld", [])]


def test_every_topmost_member_that_is_not_shown_as_it_was_sent_is_marked_with_its_digest() -> None:
    event = sent()

    told = record(event, "/id", "/data/subjects", "/sequence")

    known = {each["at"]: each["sha256"] for each in told["hubwithheld"] if each["at"].startswith("/")}
    assert known == {
        "/source": digest(event, "/source", b'"urn:tos"'),
        "/subject": digest(event, "/subject", b'"MSCU1234566"'),
        "/data/seals": digest(event, "/data/seals", b'[{"number":"A1","by":"carrier"},{"number":"B2","by":"customs"}]'),
    }
    assert told["hubleaf"] == leaf_hash(statement_bytes("hub", event.header)).hex()


def test_a_name_that_no_schema_knows_is_not_told_but_its_digest_is() -> None:
    event = sent()

    entries = record(event, "/data/seals", "/subject")["hubwithheld"]

    hidden = {each["sha256"] for each in entries if PSEUDONYM.fullmatch(each["at"])}
    assert hidden == {
        digest(event, "/data/mass", b"1.50000000000000000001"),
        digest(event, "/data/big", b"9007199254740991"),
        digest(event, "/data/a~1b", b'{"m~n":1}'),
    }
    assert b"mass" not in value_of(event)


def test_a_record_that_leaves_nothing_out_has_neither_mark_nor_leaf() -> None:
    everything = ("/id", "/source", "/subject", "/sequence", "/data")

    value = value_of(sent(), *everything)

    assert b"hubwithheld" not in value
    assert b"hubleaf" not in value
    assert not is_cut(value)
    assert is_cut(value_of(sent(), *everything[1:]))


def test_an_array_of_which_a_part_is_shown_is_one_entry_so_that_its_length_is_not_told() -> None:
    event = sent()
    everything = ("/id", "/source", "/subject", "/sequence", "/data/subjects", "/data/mass", "/data/big", "/data/a~1b")

    [entry] = record(event, *everything, "/data/seals/1/number")["hubwithheld"]

    assert entry["at"] == "/data/seals"
    assert entry["sha256"] == digest(event, "/data/seals", bytes(event_member(event, "seals")))


def event_member(event: Event, name: str) -> bytes:
    start = RAW.index(b'"' + name.encode() + b'":') + len(name) + 3
    return RAW[start : RAW.index(b"]", start) + 1]


@pytest.mark.parametrize("name", ["hubwithheld", "hubleaf"])
def test_an_event_cannot_bring_marks_of_its_own(name: str) -> None:
    forged = sent(RAW.replace(b'"sequence":"7"', f'"{name}":"forged"'.encode()))

    assert b"forged" not in value_of(forged, f"/{name}", "/data")
    assert shown(forged, "*").get(name) is None


def test_what_takes_an_event_back_tells_of_the_named_one_in_one_entry_each() -> None:
    event = taken_back()
    naming = {"/data/corrects", "/data/corrected_by", "/data/subjects"}

    assert naming <= set(places(event, "/data/subjects", "/data/corrects"))
    assert "/data/corrects/why" not in places(event, "/source", "/id", "/data/subjects")
    assert "/data/corrected_by" not in places(event, "/source", "/id", "/data/subjects")
    assert "/data/subjects" not in places(event, "/source", "/id", "/data/subjects")
    assert len(places(event)) == len(set(places(event)))


def test_in_binary_mode_an_attribute_is_digested_as_a_json_string() -> None:
    attributes = {"id": "e-1", "source": "urn:tos", "type": "customs.container.gate_in", "subject": 'a "q"'}
    event = sent(b'{ "occurred_at":"2026-11-22T09:00:00Z" , "empty":false }', attributes=attributes)

    entries = {each["at"]: each["sha256"] for each in record(event, "/id")["hubwithheld"]}

    assert entries["/subject"] == digest(event, "/subject", rb'"a \"q\""')
    assert entries["/data/empty"] == digest(event, "/data/empty", b"false")


def many(count: int, *, beside: int = 0) -> Event:
    data = b"".join(b',"m%d":%d' % (number, number) for number in range(count))
    attributes = b"".join(b'"x%d":"1",' % number for number in range(beside))
    raw = b'{%b"specversion":"1.0","data":{"occurred_at":"x"%b}}' % (attributes, data)
    return sent(raw)


def test_the_list_is_bounded_whatever_a_sender_makes_up() -> None:
    event, wide = many(40_000), many(1, beside=9_000)

    [data] = record(event)["hubwithheld"]
    [whole] = record(wide)["hubwithheld"]

    assert len(places(many(WITHHELD_MAX))) == WITHHELD_MAX
    assert data == {"at": "/data", "sha256": digest(event, "/data", bytes(event.members["data"]))}
    assert whole == {"at": "", "sha256": digest(wide, "", wide.record.value)}


def test_two_feeds_have_the_same_digests_and_other_pseudonyms_for_names() -> None:
    one, other = record(sent(), "/id"), record(sent(), "/id", secret=b"\1" * 32)

    assert [each["sha256"] for each in one["hubwithheld"]] == [each["sha256"] for each in other["hubwithheld"]]
    assert {each["at"] for each in one["hubwithheld"]} != {each["at"] for each in other["hubwithheld"]}


def test_the_same_value_in_another_event_has_another_digest() -> None:
    one, other = record(sent(), "/id"), record(sent(salt=b"\1" * 16), "/id")

    assert not {each["sha256"] for each in one["hubwithheld"]} & {each["sha256"] for each in other["hubwithheld"]}
    assert one["hubleaf"] != other["hubleaf"]


CANARY = "canary-"
NAMES = st.sampled_from(["seals", "place", "remarks", "subjects", "transport", "made_up", "a/b", "m~n", "retracts"])
SCALARS = st.integers(0, 10**6).map(lambda number: f"{CANARY}{number}") | st.booleans() | st.integers(0, 99)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)
POINTERS = (
    "/id",
    "/source",
    "/subject",
    "/publisher",
    "/sequence",
    "/data/place",
    "/data/seals/0",
    "/data/made_up/a~1b",
)


@given(
    data=st.dictionaries(NAMES, VALUES, max_size=6),
    allowed=st.sets(st.sampled_from(POINTERS)),
    retracts=st.booleans(),
)
def test_no_canary_of_a_withheld_member_is_in_record_key_header_or_seal(
    data: dict[str, Any], allowed: set[str], *, retracts: bool
) -> None:
    named = {"retracts": {"source": f"{CANARY}s", "id": f"{CANARY}i"}} if retracts else {}
    data = {name: value for name, value in data.items() if name != "retracts"} | named
    sequence = {f"{CANARY}name": 1, "sequence": f"{CANARY}seq"}
    whole = {"specversion": "1.0", "id": f"{CANARY}id", "source": f"{CANARY}src", "subject": f"{CANARY}sub", **sequence}
    whole["data"] = data | {"occurred_at": "2026-11-22T09:00:00Z"}
    event_type = "customs.event.retracted" if retracts else "customs.container.gate_in"
    identity = {"id": f"{CANARY}id", "source": f"{CANARY}src", "publisher": f"{CANARY}pub", "key": f"x:{CANARY}key"}
    event = sent(orjson.dumps(whole), type=event_type, **identity)
    cut = Cut(tuple(allowed), SECRET)

    key, value, left = cut.parts(event)
    value = cut.proven(event, value, left, "hub")
    *_, seal = SEALER.sealed("risk", [LogRecord(key, b"", value)])

    out = b"\n".join((key, value, seal.key, seal.header, seal.value)).decode(errors="replace")
    permitted = orjson.dumps([_at(whole, pointer) for pointer in allowed]).decode()
    permitted += f" {CANARY}pub " if "/publisher" in allowed else ""
    if retracts:  # The named one is shown as the event's own source and id are.
        permitted += (f"{CANARY}s " if "/source" in allowed else "") + (f"{CANARY}i " if "/id" in allowed else "")
    assert set(re.findall(rf"{CANARY}\w+", out)) <= {*re.findall(rf"{CANARY}\w+", permitted)}


def _at(value: Any, pointer: str) -> Any:
    for token in tokens(pointer):
        inside = isinstance(value, list) and token.isdigit() and int(token) < len(value)
        value = value[int(token)] if inside else value.get(token) if isinstance(value, dict) else None
    return value


def test_of_names_that_never_come_again_no_pseudonym_is_kept() -> None:
    cut = Cut((), SECRET)
    cut.parts(sent())
    kept = pseudonyms_kept().currsize

    for number in range(100):
        subject = RAW.replace(b'"subject":"MSCU1234566"', b'"subject":"S%d"' % number)
        cut.parts(sent(subject, id=f"e-{number}", key=f"iso6346:{number}"))

    assert pseudonyms_kept().currsize == kept


def test_feeds_keep_their_pseudonyms_in_one_place_of_bounded_size() -> None:
    one, other = Cut((), b"1" * 32), Cut((), b"1" * 32)
    one.parts(sent())
    kept = pseudonyms_kept().currsize

    other.parts(sent())

    assert pseudonyms_kept().currsize == kept
    assert pseudonyms_kept().maxsize == PSEUDONYMS_KEPT_MAX


def test_of_a_name_longer_than_names_are_nothing_is_kept_and_its_mark_is_the_same() -> None:
    cut, made = Cut(("/data/subjects",), SECRET), list[tuple[int, int]]()
    for length in (KEPT_CHARACTERS_MAX, KEPT_CHARACTERS_MAX + 1, 100_000):
        at = "/data/".ljust(length, "x")
        event = sent(RAW.replace(b'"data":{', b'"data":{"%b":1,' % at.removeprefix("/data/").encode()))
        _, value, left = cut.parts(event)
        proven = cut.proven(event, value, left, "hub").decode()
        made.append((pseudonyms_kept().misses, withheld._kept_pointer.cache_info().misses))

        assert f'"{pseudonym(SECRET, "member", at)}"' in proven

    assert made[0] == made[1] == made[2]


@pytest.mark.parametrize("text", ["/data/\0x", "/data/x\0", "/data/a\nb", "/data/\x1f"])
def test_no_agreement_names_a_member_by_control_characters(text: str) -> None:
    assert not is_pointer(text)
    assert is_pointer("/data/a b")
