"""What published EPCIS documents become, bound by golden files, and the published vectors of the event hash."""

from __future__ import annotations

import json

import pytest

from schemas.catalogue import catalogue
from schemas.faults import Severity
from schemas.translate.epcis import event_hash, translate
from schemas.translate.item import Context, Translation
from schemas.verdict import Verdict, judge
from tests.golden import check_golden
from tests.samples import sample, samples

NOW_US = 1_795_300_000_000_000
VALID = [*samples("epcis/valid/*"), *samples("epcis/bom_valid/*")]
INVALID = {
    "openepcis__Capture__ObjectEvent_with_ilmd_field_without_namespace.json": (
        "NAMESPACE_MISSING",
        "/epcisBody/eventList/0/ilmd/materialType",
    ),
    "openepcis__Capture__ObjectEvent_with_invalid_eventTime_format.json": (
        "TIME_INVALID",
        "/epcisBody/eventList/0/eventTime",
    ),
    "openepcis__Capture__ObjectEvent_with_non_standard_bizStep_in_second_event.json": (
        "VALUE_NOT_ALLOWED",
        "/epcisBody/eventList/1/bizStep",
    ),
}
HASHED = samples("epcis/eventhash/*.jsonld")


@pytest.mark.parametrize("path", [*VALID, *HASHED])
def test_every_event_of_a_valid_document_passes_the_rules_of_its_type(path: str) -> None:
    translated = translate(sample(path), Context())

    assert isinstance(translated, Translation)
    verdicts = {judge(each, translated, catalogue(), now_us=NOW_US).verdict for each in translated.items}
    assert verdicts <= {Verdict.ACCEPTED, Verdict.NOT_SHARED}


@pytest.mark.parametrize("path", VALID)
def test_a_valid_document_becomes_the_events_that_a_person_would_expect(path: str) -> None:
    check_golden("epcis", path, translate(sample(path), Context()))


@pytest.mark.parametrize(("name", "expected"), INVALID.items())
def test_an_invalid_document_is_refused_at_the_right_place(name: str, expected: tuple[str, str]) -> None:
    translated = translate(sample(f"epcis/invalid/{name}"), Context())

    assert isinstance(translated, Translation)
    faults = [fault for item in translated.items for fault in item.faults]
    assert [(fault.code, fault.place) for fault in faults if fault.severity is Severity.ERROR] == [expected]


@pytest.mark.parametrize("path", samples("epcis/xml/*/*.xml"))
def test_epcis_in_xml_is_refused_by_name(path: str) -> None:
    refused = translate(sample(path), Context())

    assert isinstance(refused, list)
    assert [(fault.code, fault.found) for fault in refused] == [("FORMAT_NOT_TAKEN", "EPCIS XML")]


@pytest.mark.parametrize(
    "path", [path for path in HASHED if path.replace(".jsonld", ".hashes") in samples("epcis/eventhash/*")]
)
def test_the_event_hash_is_that_of_the_published_vector(path: str) -> None:
    document = json.loads(sample(path))

    hashes = [event_hash(event, document["@context"]) for event in document["epcisBody"]["eventList"]]

    assert hashes == sample(path.replace(".jsonld", ".hashes")).decode().split()


_ALL_KEYS = {
    "type": "ObjectEvent", "eventTime": "2023-03-27T11:30:00.0Z", "eventTimeZoneOffset": "+01:00",
    "epcList": [
        "urn:epc:id:sgtin:4012345.012345.12", "urn:epc:id:sscc:4012345.0000000333",
        "https://id.gs1.org/00/040123450000003338", "urn:epc:id:grai:4012345.66666.87", "urn:epc:id:giai:4012345.AAbb",
        "urn:epc:id:gsrn:4012345.9876540000", "urn:epc:id:gsrnp:4012345.0000098765", "urn:epc:id:gdti:4012345.55555.98",
        "urn:epc:id:cpi:4012345.ABC.123", "urn:epc:id:sgcn:4012345.99999.44", "urn:epc:id:ginc:4012345.333",
        "urn:epc:id:gsin:4012345.999987654", "urn:epc:id:itip:4012345.012345.01.02.999",
        "urn:epc:id:upui:4012345.012345.AB12",
    ],
    "quantityList": [
        {"epcClass": f"urn:epc:{each}"}
        for each in (
            "class:lgtin:4054739.099914.20160711", "idpat:sgtin:4054739.099914.*", "idpat:grai:4012345.66666.*",
            "idpat:gdti:4012345.55555.*", "idpat:sgcn:4012345.99999.*", "idpat:cpi:4012345.ABC.*",
            "idpat:itip:4012345.012345.01.02.*",
        )
    ],
    "action": "OBSERVE", "bizStep": "other", "readPoint": {"id": "urn:epc:id:sgln:4012345.00011.987"},
}  # fmt: skip
_CURIES = {
    "type": "ObjectEvent", "eventTime": "2023-01-11T12:00:00+01:00", "eventTimeZoneOffset": "+01:00",
    "epcList": ["https://id.gs1.de/01/04012345999990/21/XYZ-1234"], "action": "OBSERVE", "bizStep": "receiving",
    "disposition": "in_progress", "readPoint": {"id": "https://id.gs1.de/414/4012345000115"},
    "bizTransactionList": [{"type": "desadv", "bizTransaction": "urn:epcglobal:cbv:bt:4012345000009:ASN1099"}],
}  # fmt: skip
_SHIPPED = {
    "type": "ObjectEvent", "eventTime": "2023-02-02T11:04:03.1415Z", "eventTimeZoneOffset": "+01:00",
    "epcList": ["https://id.gs1.de/00/040123451111111110"], "action": "OBSERVE", "bizStep": "shipping",
    "disposition": "in_transit", "readPoint": {"id": "https://id.gs1.de/414/4012345000115"},
}  # fmt: skip
_TRANSPORTED = _SHIPPED | {
    "eventTime": "2023-02-02T11:04:03.1414Z", "bizStep": "transporting", "disposition": None,
    "readPoint": {"id": "geo:50.947573340894124,6.922120147375441"},
}  # fmt: skip
_CERTIFIED = {
    name: text for name, text in _CURIES.items() if name != "bizTransactionList"
} | {
    "eventTime": "2023-02-12T11:04:03.1415Z",
    "certificationInfo": "https://accreditation-council.example.org/certificate/ABC12345",
    "sensorElementList": [{
        "sensorReport": [{
            "coordinateReferenceSystem": "http://www.opengis.net/def/crs/EPSG/0/27700",
            "exception": "ALARM_CONDITION", "type": "Dimensionless",
        }],
        "sensorMetadata": {
            "bizRules": "https://id.example.com/253/4012345000054987", "time": "2023-02-12T11:04:03.1007Z",
        },
    }],
}  # fmt: skip
_DEVICE = {"deviceID": "urn:epc:id:giai:4000001.111", "deviceMetadata": "https://id.gs1.org/8004/4000001111"}
_INSPECTED = {
    "type": "ObjectEvent", "eventTime": "2020-04-01T14:00:00Z", "eventTimeZoneOffset": "+01:00", "action": "OBSERVE",
    "epcList": ["urn:epc:id:sgtin:4012345.011111.9876"], "bizStep": "inspecting",
    "readPoint": {"id": "urn:epc:id:sgln:4012345.00005.0"},
    "sensorElementList": [{"sensorMetadata": _DEVICE, "sensorReport": [
        {"type": "Dimensionless", "value": 0.18, "uom": "C35",
         "chemicalSubstance": "https://identifiers.org/inchikey:CZMRCDWAGMRECN-UGDNZRGBSA-N"},
        {"type": "Dimensionless", "value": 0.05, "uom": "C35",
         "microorganism": "https://www.ncbi.nlm.nih.gov/taxonomy/1126011"},
        {"type": "AbsoluteHumidity", "value": 12.1, "uom": "A93"},
        {"type": "gs1:Temperature", "value": 26.0, "uom": "CEL", "sDev": 0.1},
    ]}],
}  # fmt: skip
_RAW = _DEVICE | {"rawData": "https://id.example.org/8004/401234599999"}
_MEASURED = _INSPECTED | {
    "eventTime": "2022-02-16T15:00:00+01:00",
    "sensorElementList": [
        {
            "sensorMetadata": _RAW | {"time": f"2022-02-16T13:{minute}:00Z"},
            "sensorReport": [
                {"type": kind, "value": value, "uom": unit}
                for kind, value, unit in zip(
                    ("Temperature", "AbsoluteHumidity", "Speed", "Illuminance"), values, ("CEL", "A93", "KMH", "LUX"),
                    strict=True,
                )
            ],
        }
        for minute, values in (
            ("55", (26.2, 12.2, 162, 802)), ("05", (26, 12.1, 160, 800)), ("35", (26.1, 12.2, 161, 801)),
        )
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("event", "name", "index"),
    [
        (_ALL_KEYS, "epcisDocWithAllGS1Keys", 0),
        (_CURIES, "epcisEventWithCURIEs", 0),
        (_SHIPPED, "TimeStampRoundOff", 0),
        (_TRANSPORTED, "TimeStampRoundOff", 1),
        (_CERTIFIED, "TimeStampRoundOff", 2),
        (_INSPECTED, "ReferenceEventHashAlgorithm2", 0),
        (_MEASURED, "epcisDocWithSensorDataObjectEvent", 0),
    ],
)
def test_the_event_hash_is_that_of_a_vector_whose_event_is_written_here(
    event: dict[str, object], name: str, index: int
) -> None:
    assert event_hash(event) == sample(f"epcis/eventhash/{name}.hashes").decode().split()[index]


_COMPUTED = {
    "CertificationInfoAndSensorReportWithCRS": ["765891c0478707141565408cefb87841b7531936188edd0ff0e63e91789b7c09"],
    "ReferenceEventHashAlgorithm": ["6ae96341e0acc6d7a261364751f60e68278a81cdf51da0abb6b4e617014e39d7"],
    "ReferenceEventHashAlgorithm3": ["a13cbe6c8bb6df3710b3edaeff760a1365ec8fd69ca1f4d7e0c10eb5189a883a"],
    "epcisDocWithSensorComponent": ["bb12b0e4a573819c15796579560efbe6bd5e337f5c8c5cdf81f983a39947f629"],
    "epcisDocWithShippingAndTransportingEvent": [
        "7a82a68b0f9c78bebb1c729d950edbf1fd40c56f3351906020d2d67d5dffbc72",
        "1d2ec4174d8f0b5988a44795b31a636e8bc7f88ebc4bdc0d35c14f215a842e80",
    ],
    "persistentDisposition": [
        "f6a9d89f2cd8d7931daa3d4c3d48399c2173b88417932f8cc04d021671e7d01e",
        "4dbb5d87794987ec4a7c519cff1260d00163e78bf44144d09aee135294d39d10",
    ],
}
"""What the reference implementation, 1.9.3, computes of the published documents that have no hashes beside them."""


@pytest.mark.parametrize(("name", "expected"), _COMPUTED.items())
def test_the_event_hash_is_that_of_the_reference_implementation(name: str, expected: list[str]) -> None:
    document = json.loads(sample(f"epcis/eventhash/{name}.jsonld"))

    hashes = [event_hash(event, document["@context"]) for event in document["epcisBody"]["eventList"]]

    assert hashes == [f"ni:///sha-256;{each}?ver=CBV2.0" for each in expected]


def test_however_an_event_is_written_its_hash_is_the_same() -> None:
    context = [{"ex": "https://ns.example.com/epcis/"}]
    event = _CURIES | {"ex:a": {"ex:b": ["2", 1.50]}, "recordTime": "2026-01-01T00:00:00Z", "eventID": "urn:x:1"}
    other = {
        "ns:a": {"ns:b": ["1.5", 2]},
        "@context": {"ns": "https://ns.example.com/epcis/"},
        **dict(reversed(_CURIES.items())),
        "eventTime": "2023-01-11T11:00:00.0004Z",
        "epcList": ["https://example.com/gtin/01/04012345999990/21/XYZ-1234?x=1"],
        "bizStep": "urn:epcglobal:cbv:bizstep:receiving",
        "disposition": "cbv:Disp-in_progress",
        "bizTransactionList": [
            {"bizTransaction": "urn:epcglobal:cbv:bt:4012345000009:ASN1099", "type": "urn:epcglobal:cbv:btt:desadv"}
        ],
        "rdfs:comment": "the same",
        "errorDeclaration": {"declarationTime": "2026-01-01T00:00:00Z"},
    }

    assert event_hash(event, context) == event_hash(other)


@pytest.mark.parametrize(
    "changed",
    [
        {"ex:a": "12345678901234567891"},
        {"action": "ADD"},
        {"epcList": []},
        {"eventTime": "2023-01-11T12:00:00.001+01:00"},
        {"ilmd": {"ex:a": 1}},
        {"eventTimeZoneOffset": "+02:00"},
    ],
)
def test_whatever_is_changed_changes_the_hash(changed: dict[str, object]) -> None:
    context = [{"ex": "https://ns.example.com/epcis/"}]
    event = _CURIES | {"ex:a": "12345678901234567890"}

    assert event_hash(event | changed, context) != event_hash(event, context)


def _followed(document: object, place: str) -> bool:
    """Whether a pointer leads to something in the document."""
    for token in place.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        try:
            document = document[int(name)] if isinstance(document, list) else document[name]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            return False
    return True


@pytest.mark.parametrize("path", VALID)
def test_every_way_back_leads_to_something_in_the_document(path: str) -> None:
    document = json.loads(sample(path).removeprefix(b"\xef\xbb\xbf"))
    translated = translate(sample(path), Context())

    assert isinstance(translated, Translation)
    lost = [origin for item in translated.items for origin in item.origins.values() if not _followed(document, origin)]
    assert lost == []
