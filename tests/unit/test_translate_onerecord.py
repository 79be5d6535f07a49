"""IATA ONE Record: what its events become in each of their spellings, and what of them is refused, with the place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.catalogue import catalogue
from schemas.translate.item import Context, Item, Translation
from schemas.translate.onerecord import translate
from schemas.translate.onerecord.codes import ACTUAL_ONLY, MILESTONES, TIME_KINDS, meaning
from schemas.verdict import Verdict, judge

NOW_US = 1_795_305_600_000_000
"""2026-11-22T00:00:00Z."""
CARGO = "https://onerecord.iata.org/ns/cargo#"
STATUS = "https://onerecord.iata.org/ns/code-lists/StatusCode#"
XSD = "http://www.w3.org/2001/XMLSchema#dateTime"
LO = "https://1r.example.com/logistics-objects/"
DATE = "2026-11-20T10:38:01.000Z"


def event(code: str = "DEP", **changes: Any) -> dict[str, Any]:
    """A compact event as published; a change to None leaves the member out."""
    members = {
        "@context": {"cargo": CARGO},
        "@type": "cargo:LogisticsEvent",
        "creationDate": {"@type": XSD, "@value": DATE},
        "eventDate": {"@type": XSD, "@value": DATE},
        "eventCode": {"@id": STATUS + code},
        "eventTimeType": {"@id": "cargo:ACTUAL", "@type": "cargo:EventTimeType"},
        "partialEventIndicator": False,
        "eventFor": [{"@type": "cargo:Shipment", "@id": LO + "78fee8e2"}],
        "recordingOrganization": {"@type": "cargo:Company", "@id": LO + "957e2622"},
    }
    return {
        name if name.startswith("@") else f"cargo:{name}": value
        for name, value in {**members, **changes}.items()
        if value is not None
    }


EXPANDED = {
    "@type": [CARGO + "LogisticsEvent"],
    CARGO + "creationDate": [{"@type": XSD, "@value": DATE}],
    CARGO + "eventDate": [{"@type": XSD, "@value": DATE}],
    CARGO + "eventCode": [{"@id": STATUS + "DEP"}],
    CARGO + "eventTimeType": [{"@id": CARGO + "ACTUAL", "@type": [CARGO + "EventTimeType"]}],
    CARGO + "partialEventIndicator": [{"@value": False}],
    CARGO + "eventFor": [{"@type": [CARGO + "Shipment"], "@id": LO + "78fee8e2"}],
    CARGO + "recordingOrganization": [{"@type": [CARGO + "Company"], "@id": LO + "957e2622"}],
}


def opened(document: object) -> Translation:
    found = translate(json.dumps(document).encode(), Context())
    assert isinstance(found, Translation), found
    return found


def items(document: object) -> list[Item]:
    return list(opened(document).items)


def one(document: object) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The canonical event of a document of one, and codes and places of all its errors, the catalogue's among them."""
    translation = opened(document)
    (item,) = translation.items
    judged = judge(item, translation, catalogue(), now_us=NOW_US)
    return item.event or {}, [(each.code, each.place) for each in judged.faults if each.severity == "ERROR"]


def errors(document: object) -> list[tuple[str, str]]:
    return one(document)[1]


# Spellings.


def test_compact_and_expanded_are_one_event_with_one_id() -> None:
    compact, compact_errors = one(event())
    expanded, expanded_errors = one([EXPANDED])

    assert compact_errors == expanded_errors == []
    assert compact["id"] == expanded["id"]
    compact["data"].pop("extensions"), expanded["data"].pop("extensions")
    assert compact == expanded


def test_names_without_a_prefix_and_contexts_that_are_not_fetched_are_understood() -> None:
    plain = {name.removeprefix("cargo:"): value for name, value in event().items()}
    plain["@type"], plain["@context"] = "LogisticsEvent", "https://onerecord.iata.org/ns/cargo"
    renamed = json.loads(json.dumps(event()).replace('"cargo:', '"c:').replace('"cargo"', '"c"'))

    assert one(plain)[1] == one(renamed)[1] == []
    assert one(renamed)[0]["id"] == one(event())[0]["id"]


def test_one_an_array_a_graph_and_a_list_of_a_server_hold_the_same_events() -> None:
    bare = {name: value for name, value in event().items() if name != "@context"}
    graph = {"@context": {"cargo": CARGO}, "@graph": [bare, {"@id": LO + "957e2622", "@type": "cargo:Company"}]}
    listed = {"@type": "api:Collection", "api:hasTotalItems": 1, "api:hasItem": bare}

    ids = [[each.id for each in items(document)] for document in (event(), [event()], graph, listed)]

    assert ids == [ids[0]] * 4
    assert [each.place for each in items(graph)] == ["/@graph/0"]
    assert [each.place for each in items(listed)] == ["/api:hasItem"]


def test_the_id_of_an_event_is_its_iri() -> None:
    canonical, found = one(event(**{"@id": LO + "1a8d/logistics-events/afb4", "eventFor": None}))

    assert found == []
    assert canonical["id"] == LO + "1a8d/logistics-events/afb4"
    assert canonical["data"]["subjects"] == [{"scheme": "uri", "value": LO + "1a8d"}]


def test_a_blank_node_is_no_name_and_a_changed_event_has_another_derived_one() -> None:
    first, second = one(event(**{"@id": "_:b0"}))[0], one(event("ARR"))[0]

    assert first["id"].startswith("sha256:")
    assert first["id"] != second["id"]


@pytest.mark.parametrize(
    "code",
    [
        "DEP",
        {"@id": STATUS + "DEP"},
        {"@value": "DEP"},
        {"@type": "cargo:CodeListElement", "cargo:code": "DEP", "cargo:codeListName": "Departure"},
        {"@id": "https://onerecord.iata.org/ns/coreCodeLists#StatusCode_DEP"},
        {"@id": "internal:f7d5", "@type": "cargo:CodeListElement", "cargo:code": "DEP"},
    ],
)
def test_a_code_is_read_in_every_form_that_was_published(code: object) -> None:
    assert one(event(eventCode=code))[0]["type"] == "customs.transport.departed"


@pytest.mark.parametrize(
    ("written", "kind"),
    [("Actual", "ACTUAL"), ("cargo:ESTIMATED", "ESTIMATED"), ({"@id": CARGO + "PLANNED"}, "PLANNED"), (None, "ACTUAL")],
)
def test_the_kind_of_time_is_read_in_every_form(written: object, kind: str) -> None:
    assert one(event(eventTimeType=written))[0]["data"]["time_kind"] == kind


# Meaning.


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (LO + "mawb160-22223333", "160-22223333"),
        ("https://tk.example.com/logistics-objects/23524062023", "235-24062023"),
    ],
)
def test_an_air_waybill_number_in_an_iri_becomes_the_subject(name: str, value: str) -> None:
    canonical, _ = one(event(eventFor={"@type": "cargo:Shipment", "@id": name}))

    assert canonical["data"]["subjects"] == [{"scheme": "awb", "value": value}]


def test_a_waybill_in_the_graph_gives_its_number_and_a_flight_its_designator() -> None:
    bare = {name: value for name, value in event(eventFor=["urn:x:1", {"@id": "urn:x:2"}]).items() if name[0] != "@"}
    graph = [
        {**bare, "@type": "cargo:LogisticsEvent"},
        {"@id": "urn:x:1", "@type": "cargo:Waybill", "cargo:waybillPrefix": "074", "cargo:waybillNumber": "12345675"},
        {"@id": "urn:x:2", "@type": "cargo:TransportMovement", "cargo:transportIdentifier": "KL0835"},
    ]

    canonical, found = one({"@context": {"cargo": CARGO}, "@graph": graph})

    assert found == []
    assert canonical["data"]["subjects"] == [
        {"scheme": "awb", "value": "074-12345675"},
        {"scheme": "flight", "value": "KL0835"},
    ]
    assert canonical["data"]["transport"] == {"mode": "AIR", "means": {"scheme": "flight", "value": "KL0835"}}


def test_a_place_that_is_told_is_kept_and_one_that_is_only_referred_to_is_missing() -> None:
    told = {"@type": "cargo:Location", "cargo:locationCode": "NLAMS", "cargo:locationName": "Schiphol"}

    assert one(event(eventLocation=told))[0]["data"]["place"] == {"unlocode": "NLAMS", "name": "Schiphol"}
    assert "place" not in one(event(eventLocation={"@id": LO + "ams"}))[0]["data"]


@pytest.mark.parametrize("code", sorted(MILESTONES))
def test_every_milestone_of_the_list_is_taken(code: str) -> None:
    canonical, found = one(event(code))

    assert found == []
    assert canonical["type"] == f"customs.{MILESTONES[code].type}"


def test_every_milestone_has_a_type_of_the_catalogue_whatever_its_kind_of_time() -> None:
    names = {each.name for each in catalogue().types}
    for code in MILESTONES:
        for kind in TIME_KINDS:
            found = meaning(code, kind)

            assert f"customs.{found.type}" in names
            assert kind == "ACTUAL" or found.type not in ACTUAL_ONLY


def test_a_milestone_without_meaning_to_customs_and_a_code_of_another_list_are_marked() -> None:
    (notified,) = items(event("NFD"))
    (other,) = items(event(eventCode={"@id": "https://airline.example.com/codes#CHILLED"}))

    assert notified.unmeant
    assert other.unmeant


def test_who_recorded_a_reception_has_the_goods() -> None:
    received, given_away = one(event("RCS"))[0], one(event("DLV"))[0]

    recorder = {"identifiers": [{"scheme": "uri", "value": LO + "957e2622"}]}
    assert received["data"]["to_party"] == recorder
    assert given_away["data"]["from_party"] == recorder


# Refused.


@pytest.mark.parametrize(
    ("document", "code", "place"),
    [
        (event(eventDate=None, creationDate=None), "MEMBER_MISSING", "/cargo:eventDate"),
        (event(eventDate={"@type": XSD, "@value": "2023-04-01"}), "TIME_INVALID", "/cargo:eventDate/@value"),
        (event(eventDate="2026-11-20 10:00"), "TIME_INVALID", "/cargo:eventDate"),
        (event(eventDate=5), "TYPE_WRONG", "/cargo:eventDate"),
        (event(eventCode=None), "MEMBER_MISSING", "/cargo:eventCode"),
        (event("DEPARTED"), "VALUE_NOT_ALLOWED", "/cargo:eventCode"),
        (event(eventCode=["XYZ"]), "VALUE_NOT_ALLOWED", "/cargo:eventCode/0"),
        (event(eventCode=7), "TYPE_WRONG", "/cargo:eventCode"),
        (event(eventTimeType="Sometimes"), "VALUE_NOT_ALLOWED", "/cargo:eventTimeType"),
        (event(eventFor=None), "MEMBER_MISSING", "/cargo:eventFor"),
        (event(eventFor={"@type": "cargo:Piece"}), "MEMBER_MISSING", "/cargo:eventFor/@id"),
        (event(eventFor=[{"@id": "shipment-1"}]), "IDENTIFIER_MALFORMED", "/cargo:eventFor/0/@id"),
        (event(eventFor=[{"@id": f"urn:x:{n}"} for n in range(200)]), "COUNT_RANGE", "/cargo:eventFor/100"),
        ([{"@type": CARGO + "LogisticsEvent"}], "MEMBER_MISSING", "/0/cargo:eventCode"),
    ],
)
def test_what_the_data_model_asks_for_is_refused_at_its_place(document: object, code: str, place: str) -> None:
    assert (code, place) in errors(document)


@pytest.mark.parametrize(
    ("document", "code", "found"),
    [
        ({"@type": "api:Change"}, "FORMAT_NOT_TAKEN", "api:Change"),
        ({"@type": [CARGO + "Piece"]}, "FORMAT_NOT_TAKEN", "cargo:Piece"),
        ({"@type": "https://example.com/Other"}, "FORMAT_NOT_TAKEN", "https://example.com/Other"),
        ({"@type": "api:Collection", "api:hasTotalItems": 0}, "EMPTY", "no events"),
        ({"@graph": []}, "EMPTY", "no events"),
        ({"@graph": [event()] * 1001}, "TOO_MANY_ITEMS", "1001 events"),
    ],
)
def test_a_document_without_events_is_refused_by_name(document: object, code: str, found: str) -> None:
    refused = translate(json.dumps(document).encode(), Context())

    assert isinstance(refused, list)
    assert [(each.code, each.found) for each in refused] == [(code, found)]


def test_other_objects_of_an_array_are_refused_one_by_one() -> None:
    first, second, third = items([event(), {"@type": "cargo:Piece"}, 5])

    assert first.event is not None
    assert [each.code for each in (*second.faults, *third.faults)] == ["FORMAT_NOT_TAKEN", "JSON_NOT_AN_OBJECT"]


def test_an_event_without_id_that_is_too_large_to_derive_one_from_is_refused() -> None:
    large = event(remarks=[{"@value": str(number)} for number in range(20_000)])

    assert errors(large) == [("MEMBER_MISSING", "/@id")]
    assert ("MEMBER_MISSING", "/@id") not in errors({**large, "@id": "urn:x:event"})


def test_a_context_cannot_make_a_small_document_large() -> None:
    bomb = {**event(), "@context": {"cargo": CARGO, "x": "https://example.com/" + "x" * 100_000}, "x:a": 1}

    (item,) = items(bomb)

    assert len(json.dumps(item.event)) < 2 * len(json.dumps(bomb))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4) | st.sampled_from(["DEP", "@id", "cargo:x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["@id", "@type", "@value", "@context", "cargo:code", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.sampled_from([event(), EXPANDED]), st.dictionaries(st.integers(0, 9), _JSON, max_size=3))
def test_whatever_stands_in_any_member_the_event_is_judged(base: dict[str, Any], changes: dict[int, Any]) -> None:
    names = [*base, "@id", "@context"]
    changed = {**base, **{names[number % len(names)]: value for number, value in changes.items()}}

    translation = opened([changed])

    for item in translation.items:
        assert judge(item, translation, catalogue(), now_us=NOW_US).verdict in Verdict


@given(
    st.recursive(
        _JSON, lambda inner: st.fixed_dictionaries({"@graph": inner}) | st.fixed_dictionaries({"api:hasItem": inner})
    )
)
def test_any_document_has_an_answer(document: object) -> None:
    found = translate(json.dumps(document).encode(), Context())

    assert isinstance(found, list) or list(found.items) is not None
