"""What EPCIS events mean to customs: the ordered table, and the members that go with each meaning."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest

from schemas.catalogue import catalogue
from schemas.faults import Severity
from schemas.translate.epcis import EPCIS_CONTEXT, translate
from schemas.translate.epcis.events import CLASSES
from schemas.translate.epcis.meaning import OBSERVED, RULES, SETS, TABLE, Facts, meaning
from schemas.translate.item import Context, Item, Translation
from schemas.verdict import judge
from schemas.vocabularies import words

NOW_US = 1_795_300_000_000_000
STEPS = [*words("cbv_business_steps"), "-"]
DISPOSITIONS = [*words("cbv_dispositions"), "-"]
BOX = "urn:epc:id:bic:MSKU1234565"
PALLET = "urn:epc:id:sscc:4012345.0000000333"
SHIP = "urn:epc:id:imovn:9074729"
DOCK = {"readPoint": {"id": "urn:epc:id:sgln:4012345.00001.0"}}
PARTIES = {
    "sourceList": [{"type": "possessing_party", "source": "urn:epc:id:pgln:4012345.00000"}],
    "destinationList": [{"type": "possessing_party", "destination": "urn:epc:id:pgln:0614141.00000"}],
}


def translated(class_: str, action: str | None, **members: Any) -> tuple[Translation, Item]:
    event = {
        "@context": EPCIS_CONTEXT,
        "type": f"{class_}Event",
        "eventTime": "2026-11-20T10:00:00+01:00",
        "eventTimeZoneOffset": "+01:00",
        **({"action": action} if action else {}),
        **members,
    }
    opened = translate(json.dumps(event).encode(), Context())
    assert isinstance(opened, Translation)
    (item,) = opened.items
    return opened, item


def event_of(class_: str, action: str | None, **members: Any) -> dict[str, Any]:
    """The canonical event, which passes the rules of its type."""
    opened, item = translated(class_, action, **members)
    assert item.event is not None, item.faults
    judged = judge(item, opened, catalogue(), now_us=NOW_US)
    assert [each for each in judged.faults if each.severity is Severity.ERROR] == []
    return item.event


def test_the_table_gives_every_event_a_type_of_the_catalogue() -> None:
    kinds = {each.name for each in catalogue().types}
    seen = [frozenset(), frozenset({"inside", "temperature", "position", "handover", "declaration"})]

    for class_, action, step, disposition, about, facts in product(
        [*CLASSES, ""], ("ADD", "OBSERVE", "DELETE", "-"), STEPS, DISPOSITIONS,
        ("container", "transport", "goods", "nothing"), seen,
    ):  # fmt: skip
        assert meaning(Facts(class_, action, step, frozenset({disposition}), about, facts)) in kinds


def test_every_word_of_the_table_is_one_that_an_event_can_have() -> None:
    known = {*STEPS, *DISPOSITIONS, "ADD", "OBSERVE", "DELETE", "container", "transport", "goods", "nothing",
             "inside", "temperature", "position", "handover", "declaration"}  # fmt: skip

    for rule in RULES:
        assert rule.classes <= CLASSES.keys()
        assert rule.actions | rule.steps | rule.dispositions | rule.about | rule.seen <= known
    assert {name for name in SETS if name in TABLE} == set(SETS)


def test_every_row_of_the_table_decides_some_event() -> None:
    """A row that nothing reaches would say what is not so."""
    reached = set()
    for class_, action, step, disposition, about in product(
        [*CLASSES, ""],
        ("ADD", "OBSERVE", "DELETE"),
        STEPS,
        DISPOSITIONS,
        ("container", "transport", "goods", "nothing"),
    ):
        for seen in ((), ("inside",), ("temperature",), ("position",), ("handover",), ("declaration",)):
            facts = Facts(class_, action, step, frozenset({disposition}), about, frozenset(seen))
            reached.add(next(index for index, rule in enumerate(RULES) if rule.fits(facts)))

    assert reached == set(range(len(RULES)))


OBJECTS = [
    ("arriving", BOX, {}, "container.gate_in"),
    ("receiving", BOX, {}, "container.gate_in"),
    ("departing", BOX, {"disposition": "in_transit"}, "container.gate_out"),
    ("loading", BOX, {"disposition": "in_transit"}, "container.loaded"),
    ("unloading", BOX, {}, "container.discharged"),
    ("collecting", BOX, {}, "container.picked_up"),
    ("accepting", BOX, {}, "container.dropped_off"),
    ("transporting", BOX, {}, "position.updated"),
    ("holding", BOX, {}, "control.held"),
    ("holding", PALLET, {"disposition": "available"}, "control.released"),
    ("inspecting", BOX, {}, "control.inspection_selected"),
    ("inspecting", PALLET, {"disposition": "conformant"}, "security.screened"),
    ("receiving", PALLET, {"disposition": "mismatch_quantity"}, "discrepancy.reported"),
    ("receiving", PALLET, {"persistentDisposition": {"set": ["damaged"]}}, "discrepancy.reported"),
    ("sensor_reporting", BOX, {"disposition": "container_open"}, "sensor.door_opened"),
    ("sensor_reporting", BOX, {"disposition": "container_closed"}, "sensor.door_closed"),
    ("packing", BOX, {"disposition": "container_closed"}, "container.stuffed"),
    ("arriving", SHIP, {}, "transport.arrived"),
    ("departing", SHIP, {}, "transport.departed"),
    ("arriving", PALLET, {}, "position.updated"),
    ("shipping", PALLET, PARTIES, "custody.transferred"),
    ("shipping", PALLET, {}, "position.updated"),
    ("packing", PALLET, {}, "goods.packed"),
    ("retail_selling", PALLET, {"disposition": "retail_sold"}, "goods.observed"),
    ("https://example.com/steps/weighing", PALLET, {}, "goods.observed"),
]


@pytest.mark.parametrize(("step", "epc", "members", "expected"), OBJECTS)
def test_objects_observed_mean(step: str, epc: str, members: dict[str, Any], expected: str) -> None:
    event = event_of("Object", "OBSERVE", epcList=[epc], bizStep=step, **DOCK, **members)

    assert event["type"] == f"customs.{expected}"


def test_only_what_has_no_customs_meaning_is_unmeant() -> None:
    _, sold = translated("Object", "OBSERVE", epcList=[PALLET], bizStep="retail_selling", disposition="retail_sold")
    _, shipped = translated("Object", "OBSERVE", epcList=[PALLET], bizStep="shipping")

    assert (sold.unmeant, shipped.unmeant) == (True, False)
    assert sold.event is not None
    assert sold.event["type"] == OBSERVED
    assert (sold.event["data"]["business_step"], sold.event["data"]["disposition"]) == ("retail_selling", "retail_sold")


@pytest.mark.parametrize(
    "epc", ["https://example.com/boxes/MSKU1234565", "urn:acme:MSKU1234565", "urn:epc:id:bic:MSKU1234565"]
)
def test_a_uri_that_ends_in_a_container_number_is_a_container(epc: str) -> None:
    event = event_of("Object", "OBSERVE", epcList=[PALLET, epc], bizStep="arriving", **DOCK)

    assert event["data"]["subjects"][0] == {"scheme": "iso6346", "value": "MSKU1234565"}


def test_filling_and_emptying_a_container_name_what_is_inside() -> None:
    inside = {"childEPCs": [PALLET], "childQuantityList": [{"epcClass": "urn:x:cls", "quantity": 5.5, "uom": "KGM"}]}

    stuffed = event_of("Aggregation", "ADD", parentID=BOX, bizStep="packing", **inside, **DOCK)
    stripped = event_of("Aggregation", "DELETE", parentID=BOX, bizStep="unpacking", **inside, **DOCK)

    assert (stuffed["type"], stripped["type"]) == ("customs.container.stuffed", "customs.container.stripped")
    assert stuffed["data"]["contents"] == [
        {"identifier": {"scheme": "sscc", "value": "040123450000003338"}},
        {"identifier": {"scheme": "uri", "value": "urn:x:cls"}, "quantity": 5.5, "unit": "KGM"},
    ]


def test_containers_put_onto_a_ship_are_loaded_onto_it() -> None:
    event = event_of("Aggregation", "ADD", parentID=SHIP, childEPCs=[BOX], bizStep="loading", **DOCK)

    assert event["type"] == "customs.container.loaded"
    assert event["data"]["subjects"] == [{"scheme": "iso6346", "value": "MSKU1234565"}]
    assert event["data"]["transport"] == {"mode": "MARITIME", "means": {"scheme": "imo", "value": "9074729"}}


@pytest.mark.parametrize(
    ("action", "step", "disposition", "expected", "member"),
    [
        ("ADD", "installing", {}, "seal.applied", "seal"),
        ("DELETE", "removing", {"disposition": "damaged"}, "seal.broken", "seal"),
        ("DELETE", "removing", {}, "seal.changed", "seal_before"),
        ("ADD", "replacing", {}, "seal.changed", "seal_after"),
    ],
)
def test_a_seal_is_the_child_of_an_association(
    action: str, step: str, disposition: dict[str, str], expected: str, member: str
) -> None:
    seal = "https://example.com/seals/NL0012345"
    event = event_of("Association", action, parentID=BOX, childEPCs=[seal], bizStep=step, **disposition)

    assert event["type"] == f"customs.{expected}"
    assert event["data"][member] == {"number": "NL0012345"}


def test_goods_made_from_others_name_both() -> None:
    event = event_of("Transformation", None, inputEPCList=["urn:x:in"], outputEPCList=["urn:x:out", BOX])

    assert event["type"] == "customs.goods.transformed"
    assert event["data"]["inputs"] == [{"identifier": {"scheme": "uri", "value": "urn:x:in"}}]
    assert [each["value"] for each in event["data"]["subjects"]] == ["urn:x:out", BOX]


@pytest.mark.parametrize(
    ("action", "step", "expected"),
    [("ADD", "consigning", "booking.confirmed"), ("DELETE", "void_shipping", "booking.cancelled")],
)
def test_a_consignment_that_is_booked_or_given_up_is_known_by_its_transaction(
    action: str, step: str, expected: str
) -> None:
    booking = {"bizTransaction": "urn:epcglobal:cbv:bt:4012345000009:BK2026112201"}
    event = event_of("Transaction", action, bizStep=step, epcList=[PALLET], bizTransactionList=[booking])

    assert event["type"] == f"customs.{expected}"
    assert event["data"]["subjects"] == [{"scheme": "booking", "value": "BK2026112201"}]


def test_a_transaction_with_an_mrn_is_a_declaration() -> None:
    mrn = {"type": "cert", "bizTransaction": "https://customs.example.com/mrn/26NL00000000000010"}
    event = event_of("Transaction", "ADD", epcList=[PALLET], bizTransactionList=[mrn])

    assert event["type"] == "customs.declaration.lodged"
    assert event["data"]["declaration"] == {"country": "NL", "reference": "26NL00000000000010"}


def test_temperatures_are_measured_with_their_time_and_device() -> None:
    report = {"type": "gs1:Temperature", "minValue": -18.5, "maxValue": -17, "uom": "CEL"}
    about = {"time": "2026-11-20T09:00:00Z", "deviceID": "urn:x:probe"}
    sensors = [{"sensorMetadata": about, "sensorReport": [report, {"type": "Speed", "value": 3, "uom": "KMH"}]}]

    event = event_of("Object", "OBSERVE", epcList=[BOX], bizStep="sensor_reporting", sensorElementList=sensors)

    shared = {"unit": "CEL", "measured_at": "2026-11-20T09:00:00Z", "device": "urn:x:probe"}
    assert event["type"] == "customs.sensor.temperature"
    assert event["data"]["measurements"] == [
        {"value": -18.5, "kind": "MINIMUM", **shared},
        {"value": -17, "kind": "MAXIMUM", **shared},
    ]


@pytest.mark.parametrize(
    ("id_", "expected"),
    [
        ("urn:epc:id:sgln:4012345.00001.7", {"gln": "4012345000016"}),
        ("https://example.com/414/4012345000016", {"gln": "4012345000016"}),
        ("geo:52.1,-4.25;crs=wgs84", {"latitude": 52.1, "longitude": -4.25}),
        ("https://vocabulary.uncefact.org/unlocode#NLRTM", {"unlocode": "NLRTM"}),
        ("urn:acme:dock-7", {"name": "urn:acme:dock-7"}),
    ],
)
def test_the_read_point_says_where(id_: str, expected: dict[str, Any]) -> None:
    event = event_of("Object", "OBSERVE", epcList=[BOX], bizStep="transporting", readPoint={"id": id_})

    assert event["data"]["place"] == expected


@pytest.mark.parametrize(
    ("kind", "transaction", "expected"),
    [
        ("bol", "urn:epcglobal:cbv:bt:0614141073467:1152", ("bill_of_lading", "1152")),
        ("po", "urn:epcglobal:cbv:bt:0614141073467:1152", ("document", "1152")),
        ("po", "http://transaction.acme.com/po/12345678", ("uri", "http://transaction.acme.com/po/12345678")),
        ("po", "urn:epc:id:gdti:0614141.00001.16", ("digital_link", "https://id.gs1.org/253/061414100001216")),
    ],
)
def test_transactions_are_references(kind: str, transaction: str, expected: tuple[str, str]) -> None:
    listed = [{"type": kind, "bizTransaction": transaction}]
    event = event_of("Object", "OBSERVE", epcList=[BOX], bizStep="arriving", bizTransactionList=listed)

    assert [(each["scheme"], each["value"]) for each in event["data"]["references"]] == [expected]


def test_an_event_that_names_nothing_is_about_its_place_or_itself() -> None:
    sensors = {"sensorElementList": [{"sensorReport": [{"type": "Temperature", "value": 4, "uom": "CEL"}]}]}

    placed = event_of("Object", "OBSERVE", epcList=[], bizStep="inspecting", **sensors, **DOCK)
    lost = event_of("Object", "OBSERVE", readPoint={"id": "urn:x:1"}, eventID="urn:uuid:1", **sensors)

    assert placed["data"]["subjects"] == [{"scheme": "gln", "value": "4012345000016"}]
    assert lost["data"]["subjects"] == [{"scheme": "uri", "value": "urn:uuid:1"}]


def test_a_wrong_check_digit_is_found_where_the_sender_wrote_it() -> None:
    opened, item = translated(
        "Object", "OBSERVE", epcList=["urn:x:1", "urn:epc:id:bic:MSKU1234560"], bizStep="arriving"
    )

    faults = judge(item, opened, catalogue(), now_us=NOW_US).faults

    assert [each.place for each in faults if each.code == "CHECK_DIGIT_WRONG"] == ["/epcList/1"]
