"""DCSA Track & Trace: what its events become, and what of them is refused, with the place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.catalogue import catalogue
from schemas.faults import Fault
from schemas.translate.dcsa import feedback, translate
from schemas.translate.dcsa.codes import ACTUAL_ONLY, DOCUMENTS, IOT, TIME_KINDS, TYPES, meaning
from schemas.translate.item import Context, Item, Translation
from schemas.verdict import Verdict, judge

NOW_US = 1_795_305_600_000_000
"""2026-11-22T00:00:00Z."""
ID = "3cecb101-7a1a-43a4-9d62-e88a131651e2"
CALL = {
    "transportCallID": "123e4567-e89b-12d3-a456-426614174000",
    "exportVoyageNumber": "2103S",
    "importVoyageNumber": "2103N",
    "UNLocationCode": "FRPAR",
    "facilityCode": "ADT",
    "facilityCodeListProvider": "SMDG",
    "modeOfTransport": "VESSEL",
    "vessel": {"vesselIMONumber": "9321483", "vesselName": "King of the Seas"},
}
REFERENCES = {
    "documentReferences": [
        {"documentReferenceType": "BKG", "documentReferenceValue": "ABC123123123"},
        {"documentReferenceType": "TRD", "documentReferenceValue": "reserved-HHL123"},
    ],
    "references": [
        {"referenceType": "FF", "referenceValue": "string"},
        {"referenceType": "EQ", "referenceValue": "APZU4812090"},
    ],
}


def transport(**changes: Any) -> dict[str, Any]:
    """A transport event of T&T 2.2; a change to None leaves the member out."""
    base = {"eventType": "TRANSPORT", "transportEventTypeCode": "ARRI", "transportCall": CALL}
    return _sent(**{**REFERENCES, **base, **changes})


def equipment(**changes: Any) -> dict[str, Any]:
    base = {"equipmentReference": "APZU4812090", "emptyIndicatorCode": "LADEN", "equipmentEventTypeCode": "LOAD"}
    return _sent(**{"eventType": "EQUIPMENT", "transportCall": CALL, **REFERENCES, **base, **changes})


def calling(**changes: Any) -> dict[str, Any]:
    return transport(transportCall={name: value for name, value in {**CALL, **changes}.items() if value is not None})


def shipment(document: str, code: str, **changes: Any) -> dict[str, Any]:
    base = {"documentTypeCode": document, "documentID": "HHL123", "shipmentEventTypeCode": code}
    return _sent(**{"eventType": "SHIPMENT", **base, **changes})


def _sent(**members: Any) -> dict[str, Any]:
    when = "2026-11-20T14:12:56+01:00"
    base = {"eventID": ID, "eventCreatedDateTime": when, "eventClassifierCode": "ACT", "eventDateTime": when}
    return {name: value for name, value in {**base, **members}.items() if value is not None}


def event3(event_type: str, code: str, **details: Any) -> dict[str, Any]:
    """An event of T&T 3.0."""
    member, _ = TYPES[event_type]
    return {
        "eventID": "evt-1",
        "eventDateTime": "2026-11-20T12:00:00Z",
        "eventUpdatedDateTime": "2026-11-20T12:30:00Z",
        "eventClassification": {"eventTypeCode": event_type, "eventClassifierCode": "ACT", member: code},
        **details,
    }


def items(document: object) -> list[Item]:
    opened = translate(json.dumps(document).encode(), Context())
    assert isinstance(opened, Translation), opened
    return list(opened.items)


def one(document: object) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The canonical event of a document of one, and codes and places of all its errors, the catalogue's among them."""
    (item,) = items(document)
    translation = Translation(format="dcsa-tt/2.2", items=[], time_stated=True)
    judged = judge(item, translation, catalogue(), now_us=NOW_US)
    return item.event or {}, [(each.code, each.place) for each in judged.faults if each.severity == "ERROR"]


def errors(document: object) -> list[tuple[str, str]]:
    return one(document)[1]


# The shapes.


@pytest.mark.parametrize(
    ("document", "name"),
    [
        (transport(), "dcsa-tt/2.2"),
        ([transport()], "dcsa-tt/2.2"),
        ({"metadata": {}, "payload": {}}, "dcsa-tt/3.0-beta1"),
        ([{"metadata": {}}], "dcsa-tt/3.0-beta1"),
        ({"events": [event3("SHIPMENT", "CONF")]}, "dcsa-tt/3.0"),
        (event3("SHIPMENT", "CONF"), "dcsa-tt/3.0"),
    ],
)
def test_versions_are_told_apart_by_their_shape(document: object, name: str) -> None:
    opened = translate(json.dumps(document).encode(), Context())

    assert isinstance(opened, Translation)
    assert opened.format == name


@pytest.mark.parametrize(
    ("document", "code", "place"),
    [
        (b"[]", "EMPTY", ""),
        (b'{"events":[]}', "EMPTY", "/events"),
        (b'{"events":5}', "TYPE_WRONG", "/events"),
        (json.dumps([{}] * 1001).encode(), "TOO_MANY_ITEMS", ""),
        (b'[{"eventID":1e999}]', "JSON_NUMBER_RANGE", "/0/eventID"),
        (b'[{"eventID":"1","eventID":"2"}]', "JSON_MEMBER_REPEATED", "line 1, column 27"),
    ],
)
def test_a_document_that_cannot_be_opened_says_why(document: bytes, code: str, place: str) -> None:
    refused = translate(document, Context())

    assert isinstance(refused, list)
    assert [(each.code, each.place) for each in refused] == [(code, place)]


# What events become.


def test_equipment_that_the_bic_does_not_know_is_taken_with_a_warning_that_says_so() -> None:
    (item,) = items(equipment(equipmentReference="GENSET-0042"))
    event, wrong = one(equipment(equipmentReference="GENSET-0042"))

    assert event["data"]["subjects"][0] == {"scheme": "equipment", "value": "GENSET-0042"}
    assert ("CODE_UNASSIGNED", "/equipmentReference") in {(each.code, each.place) for each in item.faults}
    assert wrong == []


def test_an_arrival_is_about_the_vessel_and_refers_to_what_it_carries() -> None:
    event, found = one(transport())

    assert found == []
    assert (event["source"], event["id"], event["type"]) == ("dcsa", ID, "customs.transport.arrived")
    assert event["data"]["subjects"] == [{"scheme": "imo", "value": "9321483"}]
    assert event["data"]["references"] == [
        {"scheme": "booking", "value": "ABC123123123"},
        {"scheme": "bill_of_lading", "value": "reserved-HHL123"},
        {"scheme": "iso6346", "value": "APZU4812090"},
    ]
    assert event["data"]["place"] == {"unlocode": "FRPAR", "facility_code": "ADT", "facility_list": "SMDG"}
    assert event["data"]["transport"]["voyage"] == "2103N"
    assert event["data"]["extensions"]["dcsa"] == transport()


def test_what_a_call_says_of_its_place_here_and_there_is_one_place_and_an_own_location_comes_first() -> None:
    located = {**CALL, "location": {"latitude": "48.85", "longitude": "2.29"}}
    called, _ = one(transport(transportCall=located))
    elsewhere, _ = one(equipment(transportCall=located, eventLocation={"UNLocationCode": "NLRTM"}))

    assert called["data"]["place"] == {
        "unlocode": "FRPAR", "facility_code": "ADT", "facility_list": "SMDG", "latitude": 48.85, "longitude": 2.29,
    }  # fmt: skip
    assert elsewhere["data"]["place"] == {"unlocode": "NLRTM"}


def test_a_departure_names_the_voyage_it_begins() -> None:
    event, _ = one(transport(transportEventTypeCode="DEPA"))

    assert event["data"]["transport"]["voyage"] == "2103S"


@pytest.mark.parametrize(
    ("classifier", "kind"), [("EST", "customs.transport.delayed"), ("ACT", "customs.transport.arrived")]
)
def test_an_expected_arrival_with_a_reason_is_a_delay_and_an_actual_one_is_none(classifier: str, kind: str) -> None:
    event, found = one(transport(eventClassifierCode=classifier, delayReasonCode="WEA", changeRemark="Bad weather"))

    assert found == []
    assert event["type"] == kind
    if classifier == "EST":
        assert event["data"]["reason"] == {"code": "WEA", "code_list": "SMDG", "text": "Bad weather"}
        assert event["data"]["movement"] == "ARRIVAL"


@pytest.mark.parametrize(
    ("document", "code", "kind", "subject"),
    [
        ("BKG", "CONF", "customs.booking.confirmed", "booking"),
        ("BKG", "CANC", "customs.booking.cancelled", "booking"),
        ("TRD", "ISSU", "customs.document.submitted", "bill_of_lading"),
        ("TRD", "SURR", "customs.document.withdrawn", "bill_of_lading"),
        ("SHI", "DRFT", "customs.document.submitted", "document"),
        ("SHI", "UPCF", "customs.document.amended", "document"),
        ("CUC", "SUBM", "customs.declaration.lodged", "lrn"),
        ("CUC", "RELS", "customs.control.released", "lrn"),
        ("AMF", "SUBM", "customs.filing.pre_loading", "iso6346"),
        ("CUS", "HOLD", "customs.control.held", "iso6346"),
    ],
)
def test_a_step_of_a_document_means_what_the_table_says(document: str, code: str, kind: str, subject: str) -> None:
    event, found = one(shipment(document, code, references=REFERENCES["references"]))

    assert found == []
    assert (event["type"], event["data"]["subjects"][0]["scheme"]) == (kind, subject)


def test_a_step_without_meaning_to_customs_is_valid_and_marked() -> None:
    (item,) = items(shipment("BKG", "PENU"))

    assert item.unmeant
    assert errors(shipment("BKG", "PENU")) == []
    assert errors(shipment("SHI", "PENU")) == []


def test_a_planned_release_is_no_release() -> None:
    (item,) = items(equipment(equipmentEventTypeCode="LOAD", eventClassifierCode="PLN"))
    (planned,) = items(shipment("CUC", "RELS", eventClassifierCode="PLN"))

    assert not item.unmeant
    assert planned.unmeant


@pytest.mark.parametrize("code", sorted(TYPES["EQUIPMENT"][1] - {"CUSR", "CUSI", "CUSS", "CROS", "AVDO", "AVPU"}))
def test_every_equipment_event_of_the_released_version_is_taken(code: str) -> None:
    event, found = one(equipment(equipmentEventTypeCode=code, seals=[{"sealNumber": "S1", "sealType": "BLT"}]))

    assert found == []
    assert event["data"]["subjects"] == [{"scheme": "iso6346", "value": "APZU4812090"}]


def test_seals_keep_their_source_and_kind_and_a_resealing_names_the_new_one() -> None:
    seals = [{"sealNumber": "133534", "sealSource": "CUS", "sealType": "WIR"}]

    loaded, resealed = one(equipment(seals=seals))[0], one(equipment(seals=seals, equipmentEventTypeCode="RSEA"))[0]

    assert loaded["data"]["seals"] == [{"number": "133534", "source": "CUS", "kind": "WIR"}]
    assert resealed["type"] == "customs.seal.changed"
    assert resealed["data"]["seal_after"] == loaded["data"]["seals"][0]


def test_a_seal_removed_for_inspection_is_the_one_before_and_not_a_broken_one() -> None:
    removed, found = one(equipment(seals=[{"sealNumber": "133534"}], equipmentEventTypeCode="RMVD"))

    assert (removed["type"], found) == ("customs.seal.changed", [])
    assert removed["data"]["seal_before"] == {"number": "133534"}
    assert {"seal_after", "seals"}.isdisjoint(removed["data"])


def test_a_classifier_of_other_interfaces_is_taken_with_a_warning_that_says_which_are_listed() -> None:
    (requested,) = items(equipment(eventClassifierCode="REQ"))
    (listed,) = items(equipment(eventClassifierCode="PLN"))

    warned = [(each.code, each.place, each.found, each.severity.value) for each in requested.faults]
    assert warned == [("CODE_UNASSIGNED", "/eventClassifierCode", "REQ", "WARNING")]
    assert requested.event is not None
    assert requested.event["data"]["time_kind"] == "REQUESTED"
    assert listed.faults == ()
    assert ("VALUE_NOT_ALLOWED", "/eventClassifierCode") in errors(equipment(eventClassifierCode="XXX"))


def test_doors_positions_and_temperatures_of_3_0_become_sensor_events() -> None:
    box = {"equipmentDetails": {"equipmentReference": "APZU4812090"}}
    where = {"eventLocation": {"geoCoordinate": {"latitude": "48.8566", "longitude": "-2.3522"}}}
    warm = {"temperatureUnit": "CEL", "temperatureProbeMeasurements": [{"measuredTemperatureValue": -14.9}]}

    opened, opened_errors = one({"events": [event3("IOT", "DETC", **box, iotDetails={"iotEventCode": "DRO"})]})
    moved, moved_errors = one({"events": [event3("IOT", "DETC", **box, **where, iotDetails={"iotEventCode": "LOC"})]})
    measured, measured_errors = one({"events": [event3("REEFER", "MEAS", **box, reeferDetails=warm)]})

    assert opened_errors == moved_errors == measured_errors == []
    assert opened["type"] == "customs.sensor.door_opened"
    assert moved["data"]["place"] == {"latitude": 48.8566, "longitude": -2.3522}
    assert measured["data"]["measurements"] == [{"value": -14.9, "kind": "CURRENT", "unit": "CEL"}]


def test_in_3_0_the_originating_party_is_part_of_the_id_and_the_update_is_the_version() -> None:
    party = {"partyCode": "EXCO", "codeListProvider": "SMDG", "codeListName": "LCL"}
    event, _ = one({"events": [event3("SHIPMENT", "CONF", **booking(), eventRouting={"originatingParty": party})]})

    assert event["id"] == "SMDG:LCL:EXCO:evt-1"
    assert event["data"]["updated_at"] == "2026-11-20T12:30:00Z"


def booking() -> dict[str, Any]:
    return {"shipmentDetails": {"documentReference": {"typeCode": "BKG", "reference": "ABC709951"}}}


def test_a_retraction_is_a_later_version_of_the_event_it_takes_back() -> None:
    beta = {
        "metadata": {
            "eventID": ID,
            "eventCreatedDateTime": "2026-11-20T07:41:00+08:30",
            "retractedEventID": "957e4966-dad0-4111-9f8f-fb7216c43907",
        }
    }
    final = {"events": [{**event3("SHIPMENT", "CONF"), "isRetracted": True}]}

    first, first_errors = one(beta)
    second, second_errors = one(final)

    assert first_errors == second_errors == []
    assert first["type"] == second["type"] == "customs.event.retracted"
    assert first["id"] == "957e4966-dad0-4111-9f8f-fb7216c43907"
    assert first["data"]["updated_at"] == "2026-11-20T07:41:00+08:30"
    assert second["data"]["subjects"] == [{"scheme": "event", "value": "dcsa evt-1"}]


def test_a_retraction_in_3_0_without_its_time_is_refused() -> None:
    found = errors({"events": [{"eventID": "evt-1", "isRetracted": True}]})

    assert found == [("MEMBER_MISSING", "/events/0/eventUpdatedDateTime")]


# What is refused.


REFUSED = [
    (transport(eventID=None), "MEMBER_MISSING", "/eventID"),
    (transport(eventID=123456789), "TYPE_WRONG", "/eventID"),
    (transport(eventID="incorrect"), "VALUE_MALFORMED", "/eventID"),
    (transport(eventCreatedDateTime=None), "MEMBER_MISSING", "/eventCreatedDateTime"),
    (transport(eventCreatedDateTime="2021 01 01 14:12:56"), "TIME_INVALID", "/eventCreatedDateTime"),
    (transport(eventCreatedDateTime="2099-01-01T14:12:56Z"), "TIME_IN_FUTURE", "/eventCreatedDateTime"),
    (transport(eventDateTime=None), "MEMBER_MISSING", "/eventDateTime"),
    (transport(eventDateTime="2019/11/12 07:41:00 +08:30"), "TIME_INVALID", "/eventDateTime"),
    (transport(eventDateTime="2026-11-20T10:00:00"), "TIME_INVALID", "/eventDateTime"),
    (transport(eventClassifierCode="ACTUAL"), "VALUE_NOT_ALLOWED", "/eventClassifierCode"),
    (transport(eventType="TRANSPRT"), "VALUE_NOT_ALLOWED", "/eventType"),
    (transport(transportEventTypeCode=None), "MEMBER_MISSING", "/transportEventTypeCode"),
    (transport(transportEventTypeCode="ARIV"), "VALUE_NOT_ALLOWED", "/transportEventTypeCode"),
    (transport(equipmentEventTypeCode="LOAD"), "VALUE_NOT_ALLOWED", "/equipmentEventTypeCode"),
    (transport(transportCall=None), "MEMBER_MISSING", "/transportCall"),
    (transport(transportCall="FE1"), "TYPE_WRONG", "/transportCall"),
    (calling(modeOfTransport="SHIP"), "VALUE_NOT_ALLOWED", "/transportCall/modeOfTransport"),
    (calling(modeOfTransport=None), "MEMBER_MISSING", "/transportCall/modeOfTransport"),
    (calling(UNLocationCode="PARIS!"), "IDENTIFIER_MALFORMED", "/transportCall/UNLocationCode"),
    (calling(facilityCodeListProvider=None), "MEMBER_MISSING", "/transportCall/facilityCodeListProvider"),
    (calling(facilityCodeListProvider="UN"), "VALUE_NOT_ALLOWED", "/transportCall/facilityCodeListProvider"),
    (calling(vessel={"vesselIMONumber": "93214"}), "IDENTIFIER_MALFORMED", "/transportCall/vessel/vesselIMONumber"),
    (equipment(equipmentReference=None), "MEMBER_MISSING", "/equipmentReference"),
    (equipment(equipmentReference="x" * 16), "IDENTIFIER_MALFORMED", "/equipmentReference"),
    (equipment(emptyIndicatorCode="FULL"), "VALUE_NOT_ALLOWED", "/emptyIndicatorCode"),
    (equipment(seals=[{"sealType": "BLT"}]), "MEMBER_MISSING", "/seals/0/sealNumber"),
    (equipment(seals=[{"sealNumber": "1", "sealSource": "XYZ"}]), "VALUE_NOT_ALLOWED", "/seals/0/sealSource"),
    (equipment(eventLocation={"latitude": "north", "longitude": "2.29"}), "VALUE_MALFORMED", "/eventLocation/latitude"),
    (shipment("XXX", "CONF"), "VALUE_NOT_ALLOWED", "/documentTypeCode"),
    (shipment("TRD", "DEPA"), "VALUE_NOT_ALLOWED", "/shipmentEventTypeCode"),
    (shipment("TRD", "ISSU", documentID=None), "MEMBER_MISSING", "/documentID"),
    (transport(references=REFERENCES["references"] * 51), "COUNT_RANGE", "/references"),
    (shipment("TRD", "ISSU", references=["EQ"]), "TYPE_WRONG", "/references/0"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "code", "place"), REFUSED)
def test_what_the_standard_or_the_hub_asks_for_is_refused_at_its_place(document: object, code: str, place: str) -> None:
    assert (code, place) in errors(document)


def test_each_event_of_an_array_is_judged_alone() -> None:
    good, bad = items([transport(), transport(eventType="X")])

    assert good.event is not None
    assert bad.event is None
    assert [each.place for each in bad.faults] == ["/1/eventType"]


def test_the_empty_event_that_the_3_0_schema_accepts_is_refused_for_all_it_lacks() -> None:
    found = errors({"events": [{}]})

    assert {place for _, place in found} == {
        "/events/0/eventID", "/events/0/eventDateTime", "/events/0/eventUpdatedDateTime",
        "/events/0/eventClassification/eventTypeCode", "/events/0/eventClassification/eventClassifierCode",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("event", "place"),
    [
        (event3("TRANSPORT", "ARRI"), "/transportDetails/transportCall"),
        (event3("EQUIPMENT", "LOAD"), "/equipmentDetails/equipmentReference"),
        (event3("REEFER", "MEAS", equipmentDetails={"equipmentReference": "APZU4812090"}), "/reeferDetails"),
        (event3("IOT", "DETC"), "/iotDetails/iotEventCode"),
        (event3("SHIPMENT", "CONF"), "/shipmentDetails/documentReference/typeCode"),
        (event3("SHIPMENT", "CONF", **booking(), eventRouting={"originatingParty": {"partyCode": "X"}}),
         "/eventRouting/originatingParty/codeListProvider"),
    ],
)  # fmt: skip
def test_in_3_0_the_details_of_the_type_must_be_there(event: object, place: str) -> None:
    assert ("MEMBER_MISSING", f"/events/0{place}") in errors({"events": [event]})


# Tables, answers, totality.


def test_every_known_code_has_a_type_of_the_catalogue_whatever_its_document_and_classifier() -> None:
    names = {each.name for each in catalogue().types}
    for event_type, (_, codes) in TYPES.items():
        details = {"SHIPMENT": DOCUMENTS, "IOT": IOT}.get(event_type, {"": None})
        for code in codes:
            for detail in details:
                for classifier in TIME_KINDS:
                    found = meaning(event_type, code, detail, classifier, delayed=True)

                    assert f"customs.{found.type}" in names
                    assert classifier == "ACT" or found.type not in ACTUAL_ONLY


def test_feedback_elements_say_severity_words_and_json_path() -> None:
    (missing,) = items({"events": [{}]})

    elements = feedback([each for each in missing.faults if each.place.endswith("eventTypeCode")])

    assert elements[0]["severity"] == "ERROR"
    assert elements[0]["propertyPath"] == "$.events[0].eventClassification.eventTypeCode"
    assert "EQUIPMENT" in elements[0]["message"]


def test_feedback_speaks_french_where_it_is_asked_to() -> None:
    (late,) = feedback([Fault("TIME_INVALID", "/events/0/eventDateTime", "now", "text")], "fr")

    assert late["message"].startswith("Ce n'est pas une date et heure existante avec décalage. Trouvé : now.")


@pytest.mark.parametrize(
    ("place", "path"),
    [("", "$"), ("/0/a~1b", "$[0]['a/b']"), ("/it's/é", "$['it\\'s']['é']"), ("row 5", None)],
)
def test_a_pointer_becomes_a_json_path(place: str, path: str | None) -> None:
    (element,) = feedback([Fault("TYPE_WRONG", place, "1", "text")])

    assert element.get("propertyPath") == path


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.text(max_size=4)
    | st.sampled_from(["ACT", "EQ", "BKG", "FRPAR"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
_BASES = [
    transport(delayReasonCode="WEA"),
    equipment(seals=[{"sealNumber": "1"}], eventLocation={"latitude": "1", "longitude": "2"}),
    shipment("TRD", "ISSU"),
    {"metadata": {"eventID": ID, "eventType": "TRANSPORT", "publisher": {"x": 1}}, "payload": transport()},
    event3("REEFER", "MEAS", equipmentDetails={"seals": [{}]}, reeferDetails={"temperatureProbeMeasurements": [{}]}),
    event3("TRANSPORT", "ARRI", transportDetails={"delayReasonCodes": ["WEA"], "transportCall": {"a": {}}}),
]  # fmt: skip


@given(st.sampled_from(_BASES), st.lists(st.tuples(st.integers(0, 50), _JSON), min_size=1, max_size=3))
def test_whatever_stands_in_any_member_the_event_is_judged(base: dict[str, Any], changes: list[Any]) -> None:
    event = json.loads(json.dumps(base))
    for number, value in changes:
        places = _places(event)
        holder, name = places[number % len(places)]
        holder[name] = value

    opened = translate(json.dumps({"events": [event]} if "eventClassification" in base else event).encode(), Context())

    assert isinstance(opened, Translation)
    for item in opened.items:
        assert judge(item, opened, catalogue(), now_us=NOW_US).verdict in Verdict


def _places(holder: Any) -> list[tuple[Any, Any]]:
    found = []
    for name, value in holder.items() if isinstance(holder, dict) else enumerate(holder):
        found.append((holder, name))
        if isinstance(value, dict | list):
            found.extend(_places(value))
    return found


@given(st.binary(max_size=300))
def test_bytes_that_are_anything_raise_nothing(document: bytes) -> None:
    assert translate(document, Context()) is not None
