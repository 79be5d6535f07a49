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
