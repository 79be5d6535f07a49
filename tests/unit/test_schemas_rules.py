"""The rules of the trade: times, subjects, keys, flags; and that nothing wrong hides behind many faults."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import schemas
from schemas import rules
from schemas.catalogue import EventType, catalogue
from schemas.faults import Severity
from schemas.headers import FLAG_LATE, FLAG_POSSIBLE_REPEAT
from schemas.identity import instant_us
from schemas.rules import STRICT, Regard
from schemas.words import words

EXAMPLES = Path(schemas.__file__).parent / "events"
GATE_IN = json.loads((EXAMPLES / "customs.container.gate_in/examples/valid-weighed.json").read_text())
FILING = json.loads((EXAMPLES / "customs.filing.pre_loading/examples/valid-maritime.json").read_text())
NOW_US = instant_us("2026-11-22T10:00:00Z") or 0


def kind(event: dict[str, Any]) -> EventType:
    found = catalogue().find(event["type"])
    assert isinstance(found, EventType)
    return found


def changed(event: dict[str, Any], /, **data: object) -> dict[str, Any]:
    event = copy.deepcopy(event)
    event["data"] |= data
    return event


def codes(event: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each.code, each.place) for each in rules.check(event, kind(GATE_IN), now_us=NOW_US)]


def test_a_fact_may_be_ten_minutes_ahead_of_the_hub_and_no_more() -> None:
    assert codes(changed(GATE_IN, occurred_at="2026-11-22T10:10:00Z") | {"time": "2026-11-22T10:10:00Z"}) == []
    assert codes(changed(GATE_IN, occurred_at="2026-11-22T10:10:00.000001Z") | {"time": "2026-11-22T10:10:00Z"}) == [
        ("TIME_IN_FUTURE", "/data/occurred_at")
    ]


@pytest.mark.parametrize("member", ["time", "updated_at"])
def test_an_event_or_a_version_made_in_the_future_is_refused(member: str) -> None:
    event = GATE_IN | {"time": "2026-11-22T10:11:00Z"}
    if member == "updated_at":
        event = changed(GATE_IN, updated_at="2026-11-22T10:11:00Z")

    assert [code for code, _ in codes(event)] == ["TIME_IN_FUTURE"]


def test_a_plan_may_lie_in_the_future() -> None:
    assert codes(changed(GATE_IN, time_kind="PLANNED", occurred_at="2026-12-24T10:00:00Z")) == []


@pytest.mark.parametrize("occurred_at", ["2024-11-01T10:00:00Z", "1970-01-01T00:00:00Z"])
def test_a_time_years_away_is_warned_about(occurred_at: str) -> None:
    assert codes(changed(GATE_IN, occurred_at=occurred_at)) == [("TIME_IMPLAUSIBLE", "/data/occurred_at")]


def test_an_event_made_before_its_fact_is_warned_about() -> None:
    assert codes(GATE_IN | {"time": "2026-11-22T08:00:00Z"}) == [("TIME_BEFORE_FACT", "/time")]


@pytest.mark.parametrize(
    "text", ["2026-11-22T23:59:60Z", "2026-02-30T10:00:00Z", "2026-11-22T10:00:00", "2026-11-22", "soon", ""]
)
def test_a_time_that_does_not_exist_is_one_fault(text: str) -> None:
    assert codes(GATE_IN | {"time": text}) == [("TIME_INVALID", "/time")]


def test_every_time_of_an_event_is_one_that_exists() -> None:
    transport = GATE_IN["data"]["transport"] | {"loading_cut_off_at": "2026-11-22T23:59:60Z"}

    assert codes(changed(GATE_IN, transport=transport)) == [("TIME_INVALID", "/data/transport/loading_cut_off_at")]


def test_a_version_that_has_no_instant_in_utc_is_refused() -> None:
    assert codes(changed(GATE_IN, updated_at="0001-01-01T00:00:00+01:00")) == [("TIME_INVALID", "/data/updated_at")]


def test_late_events_are_taken_and_marked() -> None:
    event = changed(GATE_IN, occurred_at="2026-11-21T09:59:59Z")

    assert codes(event) == []
    assert rules.flags(event, NOW_US) == FLAG_LATE
    assert rules.flags(GATE_IN, NOW_US) == 0


def test_a_plan_is_never_late() -> None:
    event = changed(GATE_IN, occurred_at="2026-11-20T10:00:00Z", time_kind="PLANNED")

    assert rules.flags(event, NOW_US) == 0


def test_an_event_made_before_the_hub_remembers_may_be_a_repeat() -> None:
    old = GATE_IN | {"time": "2026-10-23T09:59:59Z"}
    within = GATE_IN | {"time": "2026-10-23T10:00:00Z"}

    assert rules.flags(old, NOW_US) == FLAG_POSSIBLE_REPEAT
    assert rules.flags(within, NOW_US) == 0


def test_the_object_key_is_the_first_subject_by_the_types_order() -> None:
    box, bill = {"scheme": "iso6346", "value": "MSKU1234565"}, {"scheme": "bill_of_lading", "value": "EXLI1"}
    other = {"scheme": "mrn", "value": "26NL00000000000010"}

    assert kind(FILING).object_key(changed(FILING, subjects=[other, box, bill])) == "bill_of_lading:EXLI1"
    assert kind(GATE_IN).object_key(changed(GATE_IN, subjects=[bill, box])) == "iso6346:MSKU1234565"


def test_subjects_that_the_type_is_not_about_may_stand_beside_one_that_it_is() -> None:
    assert codes(changed(GATE_IN, subjects=[{"scheme": "ucr", "value": "X"}])) == [
        ("SUBJECT_MISSING", "/data/subjects")
    ]


@pytest.mark.parametrize(("language", "asked"), [("en", "at least 1 character"), ("fr", "au moins 1 caractère")])
def test_one_character_is_asked_for_in_the_singular(language: str, asked: str) -> None:
    [wrong] = rules.check(GATE_IN | {"id": ""}, kind(GATE_IN), now_us=NOW_US)

    assert words().fault(wrong, language)["expected"].partition(":")[0].strip() == asked


@pytest.mark.parametrize("length", [256, 257])
def test_identity_is_bounded_in_bytes_not_in_characters(length: int) -> None:
    ascii_id, wide_id = GATE_IN | {"id": "x" * length}, GATE_IN | {"id": "é" * (length // 2) + "x" * (length % 2)}

    expected = [] if length == 256 else [("VALUE_LENGTH", "/id")]
    assert codes(ascii_id) == codes(wide_id) == expected


@pytest.mark.parametrize(("name", "value"), [("id", "a\x1fb"), ("id", "a\x85"), ("source", "urn:a b"), ("source", "ü")])
def test_identity_holds_no_control_character_and_source_is_a_uri_reference(name: str, value: str) -> None:
    assert codes(GATE_IN | {name: value}) == [("VALUE_MALFORMED", f"/{name}")]


def test_a_code_with_a_usual_mistake_is_answered_with_what_was_meant() -> None:
    event = copy.deepcopy(FILING)
    event["data"]["goods"][0]["hs"] = "8703.23"

    [fault] = rules.check(event, kind(event), now_us=NOW_US)

    assert (fault.code, fault.place) == ("VALUE_MALFORMED", "/data/goods/0/hs")
    assert fault.expected.endswith("; perhaps 870323: without blanks, dots or dashes")


def test_a_size_and_type_that_the_standard_does_not_have_is_warned_about() -> None:
    [fault] = rules.check(changed(GATE_IN, size_type="2X00"), kind(GATE_IN), now_us=NOW_US)

    assert (fault.code, fault.place, fault.severity) == ("CODE_UNASSIGNED", "/data/size_type", Severity.WARNING)


def test_a_misspelt_member_is_a_warning_with_a_guess() -> None:
    event = changed(GATE_IN, size_typ="22G1")

    (found,) = rules.check(event, kind(event), now_us=NOW_US)

    assert (found.code, found.place, found.expected) == ("MEMBER_UNKNOWN", "/data/size_typ", "perhaps size_type")
    assert found.severity is Severity.WARNING


def test_what_stands_under_extensions_is_nobodys_business() -> None:
    assert codes(changed(GATE_IN, extensions={"anything": [{"at": "all"}]})) == []


def test_an_error_is_told_however_many_warnings_there_are() -> None:
    event = changed(GATE_IN, empty="no", **{f"unknown_{n}": n for n in range(500)})

    found = rules.check(event, kind(event), now_us=NOW_US)

    assert (found[0].code, found[0].place) == ("TYPE_WRONG", "/data/empty")
    assert len(found) == 100
    assert found[-1].code == "TOO_MANY_FAULTS"


def test_an_array_that_is_far_too_long_is_judged_by_its_beginning() -> None:
    event = changed(GATE_IN, references=[{}] * 50_000)

    found = rules.check(event, kind(event), now_us=NOW_US)

    assert (found[0].code, found[0].place) == ("COUNT_RANGE", "/data/references")
    assert len(found) == 100


FOREIGN = Regard(absent_ok=True, time_stated=False)


def severities(event: dict[str, Any], regard: Regard) -> dict[tuple[str, str], str]:
    found = rules.check(event, kind(event), now_us=NOW_US, regard=regard)
    return {(each.code, each.place): each.severity.value for each in found}


def without(event: dict[str, Any], *places: str) -> dict[str, Any]:
    event = copy.deepcopy(event)
    for place in places:
        *path, name = place.split("/")[1:]
        holder = event
        for step in path:
            holder = holder[int(step)] if isinstance(holder, list) else holder[step]
        del holder[name]
    return event


def test_what_a_format_cannot_carry_is_a_warning_at_every_depth() -> None:
    event = without(FILING, "/data/filing/reference", "/data/goods/1/hs", "/data/consignee")
    event["data"]["consignor"] = {"country": "GB"}

    assert severities(event, FOREIGN) == {
        ("FACT_NOT_CARRIED", "/data/filing/reference"): "WARNING",
        ("FACT_NOT_CARRIED", "/data/goods/1/hs"): "WARNING",
        ("FACT_NOT_CARRIED", "/data/consignee"): "WARNING",
        ("FACT_NOT_CARRIED", "/data/consignor"): "WARNING",
    }
    assert set(severities(event, STRICT).values()) == {"ERROR"}


@pytest.mark.parametrize(
    "place",
    ["/id", "/data", "/data/occurred_at", "/data/time_kind", "/data/subjects", "/data/subjects/0/value"],
)
def test_what_every_format_carries_stays_an_error(place: str) -> None:
    assert severities(without(FILING, place), FOREIGN)["MEMBER_MISSING", place] == "ERROR"


def test_half_of_a_pair_is_a_warning_too_and_what_is_wrong_stays_wrong() -> None:
    event = changed(GATE_IN, place={"facility_code": "DELTA"}, empty="no", size_typ="22G1")

    assert severities(event, FOREIGN) == {
        ("TYPE_WRONG", "/data/empty"): "ERROR",
        ("FACT_NOT_CARRIED", "/data/place"): "WARNING",
        ("MEMBER_UNKNOWN", "/data/size_typ"): "WARNING",
    }


def test_no_number_of_missing_members_hides_what_is_wrong() -> None:
    event = changed(FILING, goods=[{}] * 998 + [{"pieces": "many"}])

    found = rules.check(event, kind(event), now_us=NOW_US, regard=FOREIGN)

    assert (found[0].code, found[0].place) == ("TYPE_WRONG", "/data/goods/998/pieces")
    assert len(found) == 100


def test_a_warning_that_a_setting_raises_refuses_the_event() -> None:
    event = changed(GATE_IN, subjects=[{"scheme": "iso6346", "value": "MSKU1234566"}], size_typ="22G1")

    assert severities(event, Regard(raised=frozenset({"CHECK_DIGIT_WRONG"}))) == {
        ("CHECK_DIGIT_WRONG", "/data/subjects/0/value"): "ERROR",
        ("MEMBER_UNKNOWN", "/data/size_typ"): "WARNING",
    }


def test_a_setting_may_ask_of_others_formats_what_they_can_carry() -> None:
    event = without(GATE_IN, "/data/empty")

    strict = Regard(absent_ok=True, raised=frozenset({"FACT_NOT_CARRIED"}))
    assert severities(event, strict) == {("FACT_NOT_CARRIED", "/data/empty"): "ERROR"}


@pytest.mark.parametrize("time", ["2026-11-22T08:00:00Z", "2026-11-23T10:00:00Z"])
def test_a_time_that_was_not_stated_is_not_judged(time: str) -> None:
    event = GATE_IN | {"time": time}

    assert severities(event, STRICT) != {}
    assert severities(event, Regard(time_stated=False)) == {}
    assert severities(event | {"time": "soon"}, Regard(time_stated=False)) == {("TIME_INVALID", "/time"): "ERROR"}


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["iso6346", "ACTUAL", "1.0"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["scheme", "value", "unlocode", "mode", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(
    st.dictionaries(st.sampled_from([*GATE_IN, "x"]), anything),
    st.dictionaries(st.sampled_from([*GATE_IN["data"], "x/~"]), anything),
)
@settings(max_examples=200)
def test_check_never_raises_and_refuses_whatever_the_schema_refuses(
    envelope: dict[str, object], data: dict[str, object]
) -> None:
    event = changed(GATE_IN, **data) | envelope

    found = rules.check(event, kind(GATE_IN), now_us=NOW_US)

    if not kind(GATE_IN).schema.open.is_valid(event):
        assert found[0].severity is Severity.ERROR
    assert all(each.found is not None and len(each.found) <= 64 for each in found)
    errors = [
        each for each in rules.check(event, kind(GATE_IN), now_us=NOW_US, regard=FOREIGN) if each.severity == "ERROR"
    ]
    assert errors or kind(GATE_IN).schema.sparse.open.is_valid(event)
