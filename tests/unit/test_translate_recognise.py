"""Which translator takes a document, and what is said of one that none takes."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.catalogue import catalogue
from schemas.faults import Fault
from schemas.translate.item import Context
from schemas.translate.recognise import HEAD_BYTES, OBJECTS_MAX, TAKEN, XLSX, open_document, recognise, recognise_file
from tests.samples import sample, samples

SHAPES = [
    ({"specversion": "1.0"}, "native"),
    ({"type": "EPCISDocument"}, "epcis"),
    ({"@context": "https://ref.gs1.org/x", "type": "ex:Extended", "eventTimeZoneOffset": "+01:00"}, "epcis"),
    ([{"eventType": "SHIPMENT", "eventID": "1"}], "dcsa"),
    ({"metadata": {}, "payload": {}}, "dcsa"),
    ({"events": []}, "dcsa"),
    ({"events": [], "feedbackElements": []}, "dcsa"),
    ([3, {"note": "no event"}, {"events": []}], "dcsa"),
    ({"@type": "cargo:LogisticsEvent"}, "onerecord"),
    ({"@context": {}, "@graph": []}, "onerecord"),
    ([{"@type": ["https://onerecord.iata.org/ns/cargo#LogisticsEvent"]}], "onerecord"),
]


@pytest.mark.parametrize(("document", "family"), SHAPES)
def test_a_json_document_is_told_by_the_members_of_its_first_objects(document: object, family: str) -> None:
    assert recognise(json.dumps(document).encode(), "application/json") == family


BEGINNINGS = [
    (b"ISA*00*          *00*", "ANSI X12"),
    (b"<?xml version='1.0'?><a/>", "XML"),
    (b"<epcis:EPCISDocument xmlns:epcis='urn:epcglobal:epcis:xsd:2'>", "EPCIS XML"),
    (b"%PDF-1.7", "PDF"),
    (b"\xff\xd8\xff\xe0", "an image"),
    (b"\x89PNG\r\n\x1a\n", "an image"),
    (b"<!DOCTYPE html><title>Invoice</title>", "an HTML page"),
    (b"<html lang='en'>", "an HTML page"),
    (b"eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJ4In0.AAAA", "a credential as JWT"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook of before 2007 (.xls)"),
    (b"FSU/15\n074-12345675", "an IATA Cargo-IMP message"),
]


@pytest.mark.parametrize("media_type", ["application/json", "text/csv", ""])
@pytest.mark.parametrize(("document", "name"), BEGINNINGS)
def test_what_is_not_taken_is_refused_by_name_with_what_to_send_instead(
    document: bytes, name: str, media_type: str
) -> None:
    refused = recognise(document, media_type)

    assert isinstance(refused, Fault)
    assert (refused.code, refused.found) == ("FORMAT_NOT_TAKEN", name)
    assert refused.expected


@pytest.mark.parametrize(
    "document", [b"%PDF-1.7", b"\x89PNG\r\n", b"eyJhbGciOiJFZERTQSJ9.eyJ9.AA", b"<html>",
                 b'{"credentialSubject": {}}', b'{"verifiableCredential": []}'],
)  # fmt: skip
def test_what_is_a_document_is_sent_where_documents_are_taken(document: bytes) -> None:
    refused = recognise(document, "application/json")

    assert isinstance(refused, Fault)
    assert "POST /v1/documents" in refused.expected
    assert "customs-connect document push" in refused.expected


@pytest.mark.parametrize("media_type", ["application/json", "text/csv", "application/edifact", ""])
@pytest.mark.parametrize(
    "document", [b"UNA:+.? 'UNB+UNOC:3+A+B'", b"UNB+UNOA:1+A+B+1'", b"UNB\x1dUNOB\x1f1", b"\r\nUNH+1+IFTSTA:D:00B:UN'"]
)
def test_edifact_is_told_by_its_first_segment_whatever_its_media_type(document: bytes, media_type: str) -> None:
    assert recognise(document, media_type) == "edifact"


def test_x12_is_refused_by_name_also_by_its_media_type() -> None:
    refused = recognise(b"GS*IO*SOURCE*TARGET", "application/edi-x12")

    assert isinstance(refused, Fault)
    assert (refused.code, refused.found) == ("FORMAT_NOT_TAKEN", "ANSI X12")


def test_media_types_of_one_format_decide_without_a_look_at_the_members() -> None:
    assert recognise(b'{"events": []}', "application/cloudevents+json") == "native"
    assert recognise(b"{}", "text/csv") == "tabular"
    assert recognise(b"", XLSX) == "tabular"


def test_a_workbook_is_told_by_its_first_bytes_whatever_its_media_type() -> None:
    assert recognise(b"PK\x03\x04...", "application/json") == "tabular"


def test_an_object_inside_of_which_events_lie_is_refused_with_the_way_to_them() -> None:
    refused = recognise(b'[{"someEvents": [{"eventType": "SHIPMENT"}]}]', "application/json")

    assert isinstance(refused, Fault)
    assert (refused.code, refused.place) == ("FORMAT_UNKNOWN", "/0/someEvents")
    assert "DCSA" in refused.expected


def test_what_tells_the_format_is_found_beyond_the_head_as_well() -> None:
    long = json.dumps({"note": "x" * (HEAD_BYTES + 10), "events": []}).encode()

    assert recognise(long, "application/json") == "dcsa"
    assert recognise(long[:-1], "application/json") != "dcsa"


def test_only_so_many_objects_of_an_array_are_asked() -> None:
    strangers = [{"a": 1}] * OBJECTS_MAX

    assert recognise(json.dumps([*strangers[1:], {"events": []}]).encode(), "application/json") == "dcsa"
    refused = recognise(json.dumps([*strangers, {"events": []}]).encode(), "application/json")
    assert isinstance(refused, Fault)
    assert refused.code == "FORMAT_UNKNOWN"


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b"", "JSON_EMPTY"),
        (b"{", "JSON_TRUNCATED"),
        (b'{"a":1,"a":2}', "JSON_MEMBER_REPEATED"),
        (b"[" * 300, "JSON_TOO_DEEP"),
        (b"[" + b"{}," * 100_000 + b"{}]", "JSON_TOO_MANY_PARTS"),
        (b"3", "JSON_NOT_AN_OBJECT"),
        (b"{}", "FORMAT_UNKNOWN"),
    ],
)
def test_text_that_is_no_document_says_what_is_wrong_with_it(document: bytes, code: str) -> None:
    opened = open_document(document, "application/json", Context())

    assert isinstance(opened, list)
    assert [each.code for each in opened] == [code]


def test_a_file_is_told_by_its_ending_and_by_what_is_in_it() -> None:
    assert recognise_file("events.NDJSON", b'{"specversion": "1.0"}\n') == "native"
    assert recognise_file("moves.csv", b"type;container\n") == "tabular"
    assert recognise_file("response.json", b'{"events": []}') == "dcsa"
    assert recognise_file("no ending", b'{"events": []}') == "dcsa"
    assert isinstance(recognise_file("readme.md", b"# Hello"), Fault)


@given(st.binary(max_size=200), st.sampled_from(["", "application/json", "text/csv", "image/png"]))
def test_whatever_the_bytes_there_is_an_answer(document: bytes, media_type: str) -> None:
    answer = recognise(document, media_type)

    assert isinstance(answer, Fault) or answer in {row.family for row in TAKEN}


@pytest.mark.parametrize("path", [each for each in samples("dcsa/valid/*") if "/tnt-" not in each])
def test_published_documents_of_dcsa_that_hold_no_events_are_refused_by_name(path: str) -> None:
    refused = recognise(sample(path), "application/json")

    assert isinstance(refused, Fault)
    assert (refused.code, refused.found[:7]) == ("FORMAT_NOT_TAKEN", "a DCSA ")
    assert "DCSA Track & Trace events" in refused.expected


@pytest.mark.parametrize("path", samples("epcis/xml/*/*"))
def test_published_documents_of_formats_that_are_not_taken_are_refused_by_name(path: str) -> None:
    refused = recognise(sample(path), "application/octet-stream")

    assert isinstance(refused, Fault)
    assert refused.found == "EPCIS XML"


_HALF = 1 << 19
_TRANSPORT = '{"eventType":"TRANSPORT","transportEventTypeCode":"ARRI","eventClassifierCode":"ACT","transportCall":{},'
_EVENT = '{"@type":"cargo:LogisticsEvent","cargo:eventCode":"DEP",'


@pytest.mark.parametrize(
    ("start", "part", "end"),
    [
        ("[", "{ },", "0]"),
        ('["', 'éa","', '"]'),
        (_TRANSPORT + '"documentReferences":[', "5,", "5]}"),
        (_TRANSPORT + '"references":[', '{"referenceType":"EQ","referenceValue":"A"},', "5]}"),
        (_EVENT + '"cargo:eventFor":[', '{"@id":"urn:a"},', "5]}"),
        ('{"@context":{"a":"b"},"@graph":[', '{"@context":{"c":"d"},"@type":"cargo:LogisticsEvent"},', "5]}"),
        (_EVENT, '"cargo:x":{"@id":"cargo:a"},'.replace("x", "{}"), '"a":1}'),
    ],
)
def test_memory_stays_within_twenty_times_the_document(start: str, part: str, end: str) -> None:
    count = _HALF // len(part)
    document = (start + "".join(part.replace("{}", str(n)) for n in range(count)) + end).encode()
    catalogue()

    tracemalloc.start()
    opened = open_document(document, "application/json", Context(items_max=10_000))
    for item in [] if isinstance(opened, list) else opened.items:
        assert item.event is not None or item.faults
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 20 * len(document)
