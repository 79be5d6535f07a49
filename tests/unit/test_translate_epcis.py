"""The rules of EPCIS 2.0 beyond its official schema: each refused at its place, and what is just allowed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.faults import Severity
from schemas.translate.epcis import EPCIS_CONTEXT, document, translate
from schemas.translate.item import Context, Item, Translation
from schemas.translate.native import EVENT_BYTES_MAX

CONTEXT = [EPCIS_CONTEXT, {"ex": "https://ns.example.com/"}]
TIMES = {"eventTime": "2026-11-20T10:00:00+01:00", "eventTimeZoneOffset": "+01:00"}
OBJECT = {"type": "ObjectEvent", **TIMES, "action": "OBSERVE", "epcList": ["urn:epc:id:sscc:4012345.0000000333"]}
GROUP = {"type": "AggregationEvent", **TIMES, "action": "ADD", "parentID": "urn:epc:id:sscc:4012345.0000000333",
         "childEPCs": ["urn:epc:id:sgtin:4012345.012345.12"]}  # fmt: skip
MADE = {"type": "TransformationEvent", **TIMES, "inputEPCList": ["urn:epc:id:sgtin:4012345.012345.12"],
        "outputEPCList": ["urn:epc:id:sgtin:4012345.012345.13"]}  # fmt: skip
TRANSACTION = {**OBJECT, "type": "TransactionEvent", "bizTransactionList": [{"bizTransaction": "urn:x:1"}]}
ASSOCIATION = {**GROUP, "type": "AssociationEvent"}


def capture(*events: Any, **members: Any) -> bytes:
    return json.dumps(
        {
            "@context": CONTEXT,
            "type": "EPCISDocument",
            "schemaVersion": "2.0",
            "creationDate": "2026-11-20T10:00:00+01:00",
            "epcisBody": {"eventList": list(events)},
        }
        | members
    ).encode()


def items(raw: bytes) -> list[Item]:
    translated = translate(raw, Context())
    assert isinstance(translated, Translation), translated
    return list(translated.items)


def errors(event: dict[str, Any]) -> list[tuple[str, str]]:
    """Code and place, within the event, of every error of an event in a document."""
    (item,) = items(capture(event))
    at = "/epcisBody/eventList/0"
    return [(each.code, each.place.removeprefix(at)) for each in item.faults if each.severity is Severity.ERROR]


def without(event: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name not in names}


REFUSED = {
    "a business step that is no word": (OBJECT | {"bizStep": "transforming"}, ("VALUE_NOT_ALLOWED", "/bizStep")),
    "a word that the CBV's URI does not have": (
        OBJECT | {"bizStep": "https://ref.gs1.org/cbv/BizStep-transforming"}, ("VALUE_NOT_ALLOWED", "/bizStep")),
    "a word that CBV 1 does not have": (
        OBJECT | {"bizStep": "urn:epcglobal:cbv:bizstep:transforming"}, ("VALUE_NOT_ALLOWED", "/bizStep")),
    "a compact URI of no declared prefix": (OBJECT | {"bizStep": "acme:weighing"}, ("VALUE_NOT_ALLOWED", "/bizStep")),
    "an empty business step": (OBJECT | {"bizStep": ""}, ("VALUE_NOT_ALLOWED", "/bizStep")),
    "a disposition that is no word": (OBJECT | {"disposition": "in_transport"}, ("VALUE_NOT_ALLOWED", "/disposition")),
    "a disposition that is set and no word": (
        OBJECT | {"persistentDisposition": {"set": ["in_transport"]}},
        ("VALUE_NOT_ALLOWED", "/persistentDisposition/set/0")),
    "persistent dispositions that say nothing": (
        OBJECT | {"persistentDisposition": {}}, ("MEMBER_MISSING", "/persistentDisposition")),
    "a transaction type that is no word": (
        OBJECT | {"bizTransactionList": [{"type": "order", "bizTransaction": "urn:x:1"}]},
        ("VALUE_NOT_ALLOWED", "/bizTransactionList/0/type")),
    "a source type that is no word": (
        OBJECT | {"sourceList": [{"type": "place", "source": "urn:x:1"}]}, ("VALUE_NOT_ALLOWED", "/sourceList/0/type")),
    "a destination without type": (
        OBJECT | {"destinationList": [{"destination": "urn:x:1"}]}, ("MEMBER_MISSING", "/destinationList/0/type")),
    "a reason that is no word": (
        OBJECT | {"errorDeclaration": {"declarationTime": TIMES["eventTime"], "reason": "typo"}},
        ("VALUE_NOT_ALLOWED", "/errorDeclaration/reason")),
    "an error declaration without time": (
        OBJECT | {"errorDeclaration": {}}, ("MEMBER_MISSING", "/errorDeclaration/declarationTime")),
    "a member without namespace": (OBJECT | {"temperature": 4}, ("NAMESPACE_MISSING", "/temperature")),
    "a member of a prefix that is not declared": (OBJECT | {"acme:t": 4}, ("NAMESPACE_MISSING", "/acme:t")),
    "master data without namespace": (
        OBJECT | {"action": "ADD", "ilmd": {"material": "soil"}}, ("NAMESPACE_MISSING", "/ilmd/material")),
    "master data of what is only observed": (OBJECT | {"ilmd": {"ex:a": "b"}}, ("VALUE_INVALID", "/ilmd")),
    "a location with a member without namespace": (
        OBJECT | {"readPoint": {"id": "urn:x:1", "name": "Dock"}}, ("NAMESPACE_MISSING", "/readPoint/name")),
    "a read point without id": (OBJECT | {"readPoint": {}}, ("MEMBER_MISSING", "/readPoint/id")),
    "a read point that is text": (OBJECT | {"readPoint": "urn:x:1"}, ("TYPE_WRONG", "/readPoint")),
    "a date alone": (OBJECT | {"eventTime": "2026-11-20"}, ("TIME_INVALID", "/eventTime")),
    "a day that does not exist": (OBJECT | {"eventTime": "2026-02-30T10:00:00Z"}, ("TIME_INVALID", "/eventTime")),
    "a time without offset": (OBJECT | {"eventTime": "2026-11-20T10:00:00"}, ("TIME_INVALID", "/eventTime")),
    "a time that is a number": (OBJECT | {"eventTime": 1795300000}, ("TYPE_WRONG", "/eventTime")),
    "no time": (without(OBJECT, "eventTime"), ("MEMBER_MISSING", "/eventTime")),
    "no offset": (without(OBJECT, "eventTimeZoneOffset"), ("MEMBER_MISSING", "/eventTimeZoneOffset")),
    "an offset beyond 14 hours": (
        OBJECT | {"eventTimeZoneOffset": "+14:30"}, ("VALUE_MALFORMED", "/eventTimeZoneOffset")),
    "an offset that is a letter": (OBJECT | {"eventTimeZoneOffset": "Z"}, ("VALUE_MALFORMED", "/eventTimeZoneOffset")),
    "no action": (without(OBJECT, "action"), ("MEMBER_MISSING", "/action")),
    "an action that is none": (OBJECT | {"action": "CREATE"}, ("VALUE_NOT_ALLOWED", "/action")),
    "a class that is none": (OBJECT | {"type": "ObjectEventInvalid"}, ("VALUE_NOT_ALLOWED", "/type")),
    "no class": (without(OBJECT, "type"), ("MEMBER_MISSING", "/type")),
    "an id that is no URI": (OBJECT | {"eventID": "4711"}, ("VALUE_MALFORMED", "/eventID")),
    "a certificate that is a number": (OBJECT | {"certificationInfo": 42}, ("TYPE_WRONG", "/certificationInfo")),
    "nothing observed": (without(OBJECT, "epcList"), ("MEMBER_MISSING", "/epcList")),
    "an object twice": (OBJECT | {"epcList": ["urn:x:1", "urn:x:1"]}, ("VALUE_INVALID", "/epcList/1")),
    "one object that is no list": (OBJECT | {"epcList": "urn:x:1"}, ("TYPE_WRONG", "/epcList")),
    "an EPC that is no URI": (OBJECT | {"epcList": ["4711"]}, ("VALUE_MALFORMED", "/epcList/0")),
    "an EPC with digits missing": (
        OBJECT | {"epcList": ["urn:epc:id:sgtin:0614141.1073.2017"]}, ("IDENTIFIER_MALFORMED", "/epcList/0")),
    "a class where an object is due": (
        OBJECT | {"epcList": ["urn:epc:class:lgtin:4012345.012345.L"]}, ("IDENTIFIER_MALFORMED", "/epcList/0")),
    "an object where a class is due": (
        OBJECT | {"quantityList": [{"epcClass": "urn:epc:id:sgtin:4012345.012345.12"}]},
        ("IDENTIFIER_MALFORMED", "/quantityList/0/epcClass")),
    "a quantity in text": (
        OBJECT | {"quantityList": [{"epcClass": "urn:x:1", "quantity": "5"}]},
        ("TYPE_WRONG", "/quantityList/0/quantity")),
    "a quantity of nothing": (
        OBJECT | {"quantityList": [{"epcClass": "urn:x:1", "quantity": 0}]},
        ("VALUE_RANGE", "/quantityList/0/quantity")),
    "half a piece": (
        OBJECT | {"quantityList": [{"epcClass": "urn:x:1", "quantity": 0.5}]},
        ("VALUE_INVALID", "/quantityList/0/quantity")),
    "a unit of no quantity": (
        OBJECT | {"quantityList": [{"epcClass": "urn:x:1", "uom": "KGM"}]},
        ("MEMBER_MISSING", "/quantityList/0/quantity")),
    "a unit in words": (
        OBJECT | {"quantityList": [{"epcClass": "urn:x:1", "quantity": 1, "uom": "kg"}]},
        ("VALUE_MALFORMED", "/quantityList/0/uom")),
    "a member too many in a quantity": (
        OBJECT | {"quantityList": [{"epcClass": "urn:x:1", "ex:a": 1}]}, ("VALUE_INVALID", "/quantityList/0/ex:a")),
    "no children": (without(GROUP, "childEPCs"), ("MEMBER_MISSING", "/childEPCs")),
    "no parent of what is added": (without(GROUP, "parentID"), ("MEMBER_MISSING", "/parentID")),
    "no parent of an association": (
        without(ASSOCIATION, "parentID") | {"action": "OBSERVE"}, ("MEMBER_MISSING", "/parentID")),
    "no transaction": (without(TRANSACTION, "bizTransactionList"), ("MEMBER_MISSING", "/bizTransactionList")),
    "nothing that belongs to a transaction": (without(TRANSACTION, "epcList"), ("MEMBER_MISSING", "/epcList")),
    "nothing made": (without(MADE, "outputEPCList"), ("MEMBER_MISSING", "/outputEPCList")),
    "nothing used up": (without(MADE, "inputEPCList"), ("MEMBER_MISSING", "/inputEPCList")),
    "an action of a transformation": (MADE | {"action": "ADD"}, ("NAMESPACE_MISSING", "/action")),
    "a sensor without report": (
        OBJECT | {"sensorElementList": [{}]}, ("MEMBER_MISSING", "/sensorElementList/0/sensorReport")),
    "a sensor with an empty report": (
        OBJECT | {"sensorElementList": [{"sensorReport": []}]}, ("COUNT_RANGE", "/sensorElementList/0/sensorReport")),
    "a report of no type": (
        OBJECT | {"sensorElementList": [{"sensorReport": [{"value": 4}]}]},
        ("MEMBER_MISSING", "/sensorElementList/0/sensorReport/0/type")),
    "a measured text": (
        OBJECT | {"sensorElementList": [{"sensorReport": [{"type": "Temperature", "value": "4"}]}]},
        ("TYPE_WRONG", "/sensorElementList/0/sensorReport/0/value")),
}  # fmt: skip


@pytest.mark.parametrize(("event", "expected"), REFUSED.values(), ids=REFUSED.keys())
def test_an_event_against_the_standard_is_refused_at_its_place(
    event: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert errors(event) == [expected]


TAKEN = {
    "a private business step": OBJECT | {"bizStep": "https://example.com/bizStep/weighing"},
    "a private business step by prefix": OBJECT | {"bizStep": "ex:weighing"},
    "a word by its URI": OBJECT | {"bizStep": "https://ref.gs1.org/cbv/BizStep-inspecting"},
    "a word by its compact URI": OBJECT | {"bizStep": "cbv:BizStep-inspecting"},
    "a word of CBV 1": OBJECT | {"disposition": "urn:epcglobal:cbv:disp:in_transit"},
    "an extension": OBJECT | {"ex:a": {"b": [1, {"c": None}]}},
    "an extension by its full name": OBJECT | {"https://ns.example.org/a": 1},
    "an extension of a prefix of the event's own": OBJECT | {"@context": {"own": "urn:own:"}, "own:a": 1},
    "master data of what is made": OBJECT | {"action": "ADD", "ilmd": {"cbvmda:lotNumber": "L", "ex:a": {"b": "c"}}},
    "a comment": OBJECT | {"rdfs:comment": "seen at the dock"},
    "a time in nanoseconds": OBJECT | {"eventTime": "2026-11-20T10:00:00.123456789Z"},
    "an offset other than that of the time": OBJECT | {"eventTimeZoneOffset": "-06:00"},
    "one certificate, or several": OBJECT | {"certificationInfo": ["urn:x:1", "urn:x:2"]},
    "a Digital Link of any domain": OBJECT | {"epcList": ["https://example.com/01/09506000134352/21/1"]},
    "a measurement by place alone": without(OBJECT, "epcList")
    | {"readPoint": {"id": "geo:52.1,4.2"}, "sensorElementList": [{"sensorReport": [{"type": "Temperature"}]}]},
    "children all taken out": without(GROUP, "childEPCs") | {"action": "DELETE"},
    "a group that is observed without parent": without(GROUP, "parentID") | {"action": "OBSERVE"},
    "half of a transformation": without(MADE, "outputEPCList") | {"transformationID": "urn:x:1"},
    "an event class of one's own": {"type": "ex:Weighing", **TIMES, "mass": 4},
    "a class named in an older way": without(OBJECT, "type") | {"isA": "ObjectEvent"},
    "a kilogram and a half": OBJECT | {"quantityList": [{"epcClass": "urn:x:1", "quantity": 1.5, "uom": "KGM"}]},
}  # fmt: skip


@pytest.mark.parametrize("event", TAKEN.values(), ids=TAKEN.keys())
def test_an_event_that_the_standard_allows_is_taken(event: dict[str, Any]) -> None:
    (item,) = items(capture(event))

    assert (item.faults, item.event is None) == ((), False)
    assert item.event is not None
    assert item.event["data"]["extensions"] == {"epcis": event, "epcis_context": CONTEXT}


def test_every_fault_of_an_event_is_told_at_once() -> None:
    assert errors(
        {"type": "ObjectEvent", "eventTime": "22-07-2026", "action": "CREATE", "bizStep": "transforming"}
    ) == [
        ("MEMBER_MISSING", "/eventTimeZoneOffset"),
        ("TIME_INVALID", "/eventTime"),
        ("VALUE_NOT_ALLOWED", "/action"),
        ("VALUE_NOT_ALLOWED", "/bizStep"),
        ("MEMBER_MISSING", "/epcList"),
    ]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"schemaVersion": "1.2"}, ("VALUE_MALFORMED", "/schemaVersion")),
        ({"schemaVersion": 2.0}, ("TYPE_WRONG", "/schemaVersion")),
        ({"creationDate": "2026-11-20"}, ("TIME_INVALID", "/creationDate")),
        ({"type": "EPCISDocuments"}, ("VALUE_NOT_ALLOWED", "/type")),
        ({"epcisBody": {}}, ("MEMBER_MISSING", "/epcisBody/eventList")),
        ({"epcisBody": {"eventList": {}}}, ("TYPE_WRONG", "/epcisBody/eventList")),
        ({"epcisBody": []}, ("TYPE_WRONG", "/epcisBody")),
        ({"epcisBody": {"eventList": []}}, ("EMPTY", "/epcisBody/eventList")),
        ({"epcisHeader": []}, ("TYPE_WRONG", "/epcisHeader")),
        ({"@context": None}, ("TYPE_WRONG", "/@context")),
        ({"@context": "EPCIS"}, ("VALUE_MALFORMED", "/@context")),
        ({"captured_by": "us"}, ("NAMESPACE_MISSING", "/captured_by")),
        ({"id": "_:"}, ("VALUE_MALFORMED", "/id")),
        ({"id": 1}, ("TYPE_WRONG", "/id")),
    ],
)
def test_a_document_against_the_standard_is_refused_at_its_place(
    members: dict[str, Any], expected: tuple[str, str]
) -> None:
    refused = translate(capture(OBJECT, **members), Context())

    assert isinstance(refused, list)
    assert [(each.code, each.place) for each in refused] == [expected]


@pytest.mark.parametrize("id_", ["_:document1", "https://id.example.com/document1", "urn:uuid:1"])
def test_a_document_is_named_by_a_uri_or_a_blank_node(id_: str) -> None:
    (item,) = items(capture(OBJECT, id=id_))

    assert (item.event is None, item.faults) == (False, ())


@pytest.mark.parametrize("name", ["@context", "schemaVersion", "creationDate", "epcisBody"])
def test_a_document_without_a_member_that_it_must_have_is_refused(name: str) -> None:
    refused = translate(json.dumps(without(json.loads(capture(OBJECT)), name)).encode(), Context())

    assert isinstance(refused, list)
    assert [(each.code, each.place) for each in refused] == [("MEMBER_MISSING", f"/{name}")]


def test_a_fault_of_the_document_is_told_with_those_of_its_events() -> None:
    refused = translate(capture(OBJECT, OBJECT | {"action": "CREATE"}, schemaVersion="1.2"), Context())

    assert isinstance(refused, list)
    assert [each.place for each in refused] == ["/schemaVersion", "/epcisBody/eventList/1/action"]


def test_a_query_document_is_taken_and_its_faults_have_their_places() -> None:
    body = {"queryResults": {"queryName": "q", "resultsBody": {"eventList": [OBJECT, OBJECT | {"type": "Event"}]}}}
    first, second = items(capture(type="EPCISQueryDocument", epcisBody=body))

    assert first.event is not None
    assert [each.place for each in second.faults] == ["/epcisBody/queryResults/resultsBody/eventList/1/type"]


def test_events_by_themselves_are_taken_alone_and_in_an_array() -> None:
    event = {"@context": CONTEXT, **OBJECT}

    alone, (first, second) = items(json.dumps(event).encode()), items(json.dumps([event, event]).encode())

    assert [alone[0].place, first.place, second.place] == ["", "/0", "/1"]
    assert alone[0].event == first.event


def test_an_event_by_itself_without_context_is_refused() -> None:
    (item,) = items(json.dumps(OBJECT).encode())

    assert [(each.code, each.place) for each in item.faults] == [("MEMBER_MISSING", "/@context")]


def test_a_byte_order_mark_changes_nothing() -> None:
    assert items(b"\xef\xbb\xbf" + capture(OBJECT)) == items(capture(OBJECT))


def test_a_context_of_others_is_not_fetched_and_what_it_may_declare_is_not_refused() -> None:
    context = [EPCIS_CONTEXT, "https://ref.example.com/context.jsonld"]
    (item,) = items(capture(OBJECT | {"acme:t": 4}, **{"@context": context}))

    assert item.event is not None
    assert [(each.code, each.place, each.severity) for each in item.faults] == [
        ("CONTEXT_NOT_FETCHED", "/@context/1", Severity.WARNING),
        ("NAMESPACE_MISSING", "/epcisBody/eventList/0/acme:t", Severity.WARNING),
    ]


def test_the_context_of_the_standard_alone_is_not_kept() -> None:
    (item,) = items(capture(OBJECT, **{"@context": EPCIS_CONTEXT}))

    assert item.event is not None
    assert item.event["data"]["extensions"] == {"epcis": OBJECT}


def test_a_measurement_that_the_list_does_not_have_is_warned_of() -> None:
    (item,) = items(capture(OBJECT | {"sensorElementList": [{"sensorReport": [{"type": "EffectiveDoseRate"}]}]}))

    assert item.event is not None
    assert [each.code for each in item.faults] == ["CODE_UNASSIGNED"]


def test_more_objects_than_there_is_room_for_are_cut_with_a_warning_and_kept_in_the_original() -> None:
    epcs = [f"urn:x:{number}" for number in range(101)]
    (item,) = items(capture(OBJECT | {"epcList": epcs}))

    assert item.event is not None
    assert [(each.code, each.place) for each in item.faults] == [("ENTRIES_LEFT_OUT", "/epcisBody/eventList/0/epcList")]
    assert len(item.event["data"]["subjects"]) == 100
    assert item.event["data"]["extensions"]["epcis"]["epcList"] == epcs


def test_too_many_events_are_refused_before_any_is_looked_at() -> None:
    refused = translate(capture(OBJECT, OBJECT, OBJECT), Context(items_max=2))

    assert isinstance(refused, list)
    assert [(each.code, each.place) for each in refused] == [("TOO_MANY_ITEMS", "/epcisBody/eventList")]


def test_an_event_that_fits_no_log_is_not_looked_into() -> None:
    (item,) = items(capture(OBJECT | {"ex:a": "x" * EVENT_BYTES_MAX}))

    assert [(each.code, each.place) for each in item.faults] == [("VALUE_LENGTH", "/epcisBody/eventList/0")]


def test_an_error_declaration_is_a_later_version_of_the_event_that_it_takes_back() -> None:
    declared = OBJECT | {"errorDeclaration": {"declarationTime": "2026-11-21T00:00:00Z", "reason": "did_not_occur"}}

    before, after = items(capture(OBJECT, declared))

    assert before.event is not None and after.event is not None
    assert before.id == after.id
    assert (after.event["type"], after.event["time"]) == ("customs.event.retracted", "2026-11-21T00:00:00Z")
    assert after.event["data"]["updated_at"] == "2026-11-21T00:00:00Z"
    assert after.event["data"]["reason"] == {"code": "did_not_occur", "code_list": "CBV"}
    assert after.event["data"]["subjects"] == [{"scheme": "event", "value": f"epcis {after.id}"}]


def test_an_error_declaration_with_corrective_events_is_a_correction() -> None:
    declaration = {"declarationTime": "2026-11-21T00:00:00Z", "correctiveEventIDs": ["urn:uuid:2"]}
    (item,) = items(capture(OBJECT | {"eventID": "urn:uuid:1", "errorDeclaration": declaration}))

    assert item.event is not None
    assert item.event["type"] == "customs.event.corrected"
    assert item.event["data"]["corrects"] == {"source": "epcis", "id": "urn:uuid:1"}
    assert item.event["data"]["corrected_by"] == [{"source": "epcis", "id": "urn:uuid:2"}]


def test_what_came_as_epcis_goes_out_as_it_came_and_comes_in_as_it_was() -> None:
    own = {"@context": [EPCIS_CONTEXT, {"ex": "https://other.example.com/"}]}
    came = [*items(capture(OBJECT, MADE)), *items(capture(OBJECT | {"ex:a": 1}, **own))]
    events = [each.event for each in came if each.event is not None]

    out = document(events, created="2026-11-22T00:00:00Z")

    listed = out["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    assert out["@context"] == [EPCIS_CONTEXT, CONTEXT[1]]
    assert [each.get("@context") for each in listed] == [None, None, own["@context"]]
    assert [each.id for each in items(json.dumps(out).encode())] == [each.id for each in came]


def test_an_event_that_did_not_come_as_epcis_is_passed_over_on_the_way_out() -> None:
    out = document([{"id": "1", "data": {}}], created="2026-11-22T00:00:00Z")

    assert out["epcisBody"]["queryResults"]["resultsBody"]["eventList"] == []


_MEMBERS = st.sampled_from(
    ["type", "eventTime", "action", "epcList", "quantityList", "bizStep", "readPoint", "id", "sensorElementList",
     "ex:a", "sensorReport", "errorDeclaration", "@context", "epcisBody", "eventList", "ilmd", "persistentDisposition",
     "set", "sourceList", "bizTransactionList", "parentID", "childEPCs", "value", "eventID"]
)  # fmt: skip
_VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=8),
    st.sampled_from(["ObjectEvent", "TransformationEvent", "EPCISDocument", "2026-11-20T10:00:00Z", "urn:x:1", "ADD",
                     "urn:epc:id:sgtin:4012345.012345.12", "geo:1,2", EPCIS_CONTEXT]),
)  # fmt: skip
_JSON = st.recursive(
    _VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_MEMBERS, inner, max_size=5), max_leaves=20
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(_JSON.map(lambda value: json.dumps(value).encode()), st.binary(max_size=200)))
def test_whatever_the_bytes_nothing_is_raised(raw: bytes) -> None:
    translated = translate(raw, Context())

    found = translated if isinstance(translated, list) else list(translated.items)
    assert found


_EVENTS = st.sampled_from([OBJECT, GROUP, MADE, TRANSACTION, ASSOCIATION])


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(_MEMBERS, _JSON, max_size=4), _EVENTS)
def test_an_event_becomes_canonical_or_has_an_error_with_its_place(
    changed: dict[str, Any], event: dict[str, Any]
) -> None:
    (item,) = items(capture(event | changed))

    assert (item.event is None) == any(each.severity is Severity.ERROR for each in item.faults)
    assert all(each.place.startswith("/epcisBody/eventList/0") for each in item.faults)
