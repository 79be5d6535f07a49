"""What a recipient sees: exactly the allowed part, to the letter, and what the hub adds (`formats/feed-record.md`)."""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from hub.core.event import Event
from hub.core.record import StoredRecord
from hub.trust.project import OF_THE_HUB, compile_projection, seen_whole
from schemas.headers import FLAG_LATE, FLAG_POSSIBLE_REPEAT, EventHeader, unpack
from tests.faults.fanout_world import event_record

SECRET = bytes(32)
RAW = b"""{ "specversion":"1.0","id":"e-1","source":"urn:tos","type":"customs.container.gate_in",
 "time":"2026-11-22T10:00:00+01:00", "dataschema":"urn:x:1.0", "subject":"MSCU1234566", "sequence":"7",
 "data":{"occurred_at":"2026-11-22T09:00:00Z","time_kind":"ACTUAL","mass":1.50000000000000000001,"big":9007199254740991,
 "subjects":[{"scheme":"iso6346","value":"MSCU1234566"},{"scheme":"un-locode","value":"NLRTM"}],
 "seals":[{"number":"A1","by":"carrier"},{"number":"B2","by":"customs"}],"a/b":{"m~n":1}} }
"""
PSEUDONYM = re.compile(r"p-[A-Za-z0-9_-]{22}")


def sent(value: bytes = RAW, **members: Any) -> Event:
    header = unpack(event_record("e-1").header)
    assert isinstance(header, EventHeader)
    header = replace(header, **({"dataschema": "urn:x:1.0"} | members))
    return Event(header, StoredRecord(0, 0, b"", b"", value))


def shown(event: Event, *fields: str, secret: bytes = SECRET) -> dict[str, Any]:
    value: dict[str, Any] = orjson.loads(compile_projection(fields, secret)(event)[1])
    return value


def test_where_everything_is_allowed_the_event_comes_to_the_letter_with_the_hubs_attributes_behind_it() -> None:
    _, value = compile_projection(("*",), SECRET)(sent())

    added = b',"publisher":"acme","receivedtime":"2026-11-22T09:00:00.000000Z","hubtier":"aeo"}'
    assert value == RAW.rstrip()[:-1] + added


@pytest.mark.parametrize("name", [*sorted(OF_THE_HUB), "publ\\u0069sher"])
def test_an_event_cannot_set_the_hubs_attributes(name: str) -> None:
    value = RAW.replace(b'"sequence"', f'"{name}"'.encode())

    _, out = compile_projection(("*",), SECRET)(sent(value))
    cut = shown(sent(value), "/publisher", "/receivedtime", "/hubflags", "/hubwarnings")

    assert out.count(b'"publisher"') == out.count(b'"receivedtime"') == 1
    assert (orjson.loads(out)["publisher"], cut["publisher"]) == ("acme", "acme")
    assert b'"7"' not in out
    assert "7" not in cut.values()


def test_the_schema_that_validated_an_event_is_named_where_the_event_names_none() -> None:
    value = RAW.replace(b'"dataschema":"urn:x:1.0",', b"")

    assert shown(sent(value), "*")["dataschema"] == "urn:x:1.0"
    assert shown(sent(value))["dataschema"] == "urn:x:1.0"


def test_where_nothing_is_allowed_only_kind_and_time_and_pseudonyms_are_seen() -> None:
    event = shown(sent())

    pseudonyms = {name: event.pop(name) for name in ("id", "source", "subject", "publisher")}
    assert event == {
        "specversion": "1.0",
        "type": "customs.container.gate_in",
        "time": "2026-11-22T10:00:00+01:00",
        "dataschema": "urn:x:1.0",
        "data": {"occurred_at": "2026-11-22T09:00:00Z", "time_kind": "ACTUAL"},
        "receivedtime": "2026-11-22T09:00:00.000000Z",
    }
    assert all(PSEUDONYM.fullmatch(pseudonym) for pseudonym in pseudonyms.values())
    assert len(set(pseudonyms.values())) == 4


def test_a_pseudonym_is_the_same_within_a_feed_and_another_in_every_other() -> None:
    code = hmac.digest(SECRET, b"id\x1fe-1", "sha256")[:16]

    assert shown(sent())["id"] == f"p-{urlsafe_b64encode(code).decode().rstrip('=')}"
    assert shown(sent())["id"] != shown(sent(), secret=b"\x01" * 32)["id"]


def test_allowed_fields_come_as_they_were_sent_and_no_digit_changes() -> None:
    _, value = compile_projection(("/id", "/data/mass", "/data/big"), SECRET)(sent())

    assert b'"mass":1.50000000000000000001' in value
    assert b'"big":9007199254740991' in value
    assert orjson.loads(value)["id"] == "e-1"
    assert b"MSCU" not in value


@pytest.mark.parametrize(
    ("fields", "data"),
    [
        (("/data/seals/1/number",), {"seals": [{"number": "B2"}]}),
        (("/data/seals/1", "/data/seals/0/by"), {"seals": [{"by": "carrier"}, {"number": "B2", "by": "customs"}]}),
        (("/data/seals/2",), {}),
        (("/data/seals/number",), {}),
        (("/data/a~1b/m~0n",), {"a/b": {"m~n": 1}}),
        (("/data/mass/kilograms",), {}),
        (("/data/absent/deeper",), {}),
    ],
    ids=str,
)
def test_a_pointer_reaches_exactly_what_it_names(fields: tuple[str, ...], data: dict[str, Any]) -> None:
    always = {"occurred_at": "2026-11-22T09:00:00Z", "time_kind": "ACTUAL"}

    assert shown(sent(), *fields)["data"] == always | data


def test_the_key_is_the_object_only_where_the_subjects_may_be_seen() -> None:
    assert compile_projection(("*",), SECRET)(sent())[0] == b"iso6346:MSCU1234566"
    assert compile_projection(("/data",), SECRET)(sent())[0] == b"iso6346:MSCU1234566"
    assert compile_projection(("/data/subjects",), SECRET)(sent())[0] == b"iso6346:MSCU1234566"
    assert PSEUDONYM.fullmatch(compile_projection(("/data/subjects/0",), SECRET)(sent())[0].decode())
    assert PSEUDONYM.fullmatch(compile_projection(("/id",), SECRET)(sent())[0].decode())


def test_flags_are_shown_and_warnings_only_where_they_are_allowed() -> None:
    event = sent(flags=FLAG_LATE | FLAG_POSSIBLE_REPEAT, warnings=("CHECK_DIGIT_WRONG",))

    assert shown(event, "*")["hubflags"] == shown(event)["hubflags"] == ["possible_repeat", "late"]
    assert shown(event, "*")["hubwarnings"] == shown(event, "/hubwarnings")["hubwarnings"] == ["CHECK_DIGIT_WRONG"]
    assert "hubwarnings" not in shown(event)


def test_tier_and_aeo_type_of_then_are_shown_only_where_they_are_allowed() -> None:
    event = sent(facts=("small", "NL", (), "S"))

    assert (shown(event, "*")["hubtier"], shown(event, "*")["hubaeo"]) == ("small", "S")
    assert {"hubtier", "hubaeo"} & shown(event, "/hubtier").keys() == {"hubtier"}
    assert {"hubtier", "hubaeo"} & shown(event, "/hubaeo").keys() == {"hubaeo"}
    assert {"hubtier", "hubaeo"} & shown(event, "/id", "/data").keys() == set()


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"flags": FLAG_LATE, "warnings": ("CHECK_DIGIT_WRONG",), "facts": ("aeo", "NL", (), "F")},
        {"attributes": {"id": "e-1", "type": "customs.container.gate_in", "hubaeo": "F"}},
    ],
    ids=str,
)
def test_a_filter_sees_of_a_whole_event_what_its_record_holds(members: dict[str, Any]) -> None:
    event = sent(RAW.replace(b'"sequence"', b'"hubwarnings"'), **members)

    assert seen_whole(event) == shown(event, "*")


@pytest.mark.parametrize("fields", [("*",), ("/id", "/source", "/subject", "/publisher", "/data", "/datacontenttype")])
def test_binary_mode_comes_out_as_a_structured_event(fields: tuple[str, ...]) -> None:
    attributes = {
        "id": "e-1",
        "source": "urn:tos",
        "type": "customs.container.gate_in",
        "time": "2026-11-22T10:00:00Z",
        "subject": 'a "quoted" one',
        "datacontenttype": "application/json",
    }
    event = sent(b'{"occurred_at":"2026-11-22T09:00:00Z","mass":1.0}', attributes=attributes, format="ce-binary/1")

    whole = {"hubtier": "aeo"} if fields == ("*",) else {}
    assert shown(event, *fields) == attributes | whole | {
        "specversion": "1.0",
        "dataschema": "urn:x:1.0",
        "data": {"occurred_at": "2026-11-22T09:00:00Z", "mass": 1.0},
        "publisher": "acme",
        "receivedtime": "2026-11-22T09:00:00.000000Z",
    }


@pytest.mark.parametrize("value", [b"", b"[]", b'{"id":', b"{} x", b"\xff"])
@pytest.mark.parametrize("fields", [("*",), ("/id",)])
def test_what_is_no_json_object_is_not_projected(value: bytes, fields: tuple[str, ...]) -> None:
    with pytest.raises(ValueError):
        compile_projection(fields, SECRET)(sent(value))


TAKEN_BACK = b"""{"specversion":"1.0","id":"r-1","source":"urn:tos","type":"customs.event.corrected",
 "time":"2026-11-22T10:00:00+01:00","data":{"occurred_at":"2026-11-22T09:00:00Z","time_kind":"ACTUAL",
 "subjects":[{"scheme":"event","value":"urn:tos e-1"},{"scheme":"iso6346","value":"MSCU1234566"}],
 "corrects":{"source":"urn:tos","id":"e-1","why":"x"},"corrected_by":[{"source":"urn:tos","id":"e-2"}],
 "reason":{"text":"private"}}}"""


def taken_back() -> Event:
    return sent(TAKEN_BACK, type="customs.event.corrected", id="r-1", source="urn:tos", key="event:urn:tos e-1")


def test_a_correction_names_what_it_corrects_by_the_pseudonyms_that_the_event_itself_has() -> None:
    original = shown(sent(RAW, id="e-1", source="urn:tos"), "/data/subjects")
    correction = shown(taken_back(), "/data/subjects")

    assert correction["data"]["corrects"] == {"source": original["source"], "id": original["id"]}
    assert correction["data"]["corrected_by"][0]["source"] == original["source"]
    assert correction["data"]["subjects"] == [{"scheme": "iso6346", "value": "MSCU1234566"}]
    assert "reason" not in correction["data"]
    assert b"urn:tos" not in compile_projection(("/data/subjects", "/data/corrects"), SECRET)(taken_back())[1]


def test_the_key_of_a_correction_tells_no_source_and_id_that_are_pseudonyms() -> None:
    hidden, _ = compile_projection(("/data/subjects",), SECRET)(taken_back())
    open_, value = compile_projection(("/data/subjects", "/source", "/id"), SECRET)(taken_back())

    assert PSEUDONYM.fullmatch(hidden.decode())
    assert open_ == b"event:urn:tos e-1"
    assert orjson.loads(value)["data"]["corrects"] == {"source": "urn:tos", "id": "e-1"}
