"""Every published document through a whole hub: taken with a receipt, or refused with the right code and place.

The tables are reviewed against the standards, not against the folders: what a folder calls valid and the hub refuses
is told in `tests/vectors/translated/exceptions.md`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from tests.samples import sample, samples
from tests.wire.test_epcis import capture
from tests.world import RISK, Answer, Caller, HubWorld

pytestmark = pytest.mark.skipif(not samples("*"), reason="the folder of published documents is not here")

FOLDERS = {
    "epcis": ("application/ld+json", ("epcis/valid/*", "epcis/bom_valid/*", "epcis/invalid/*", "epcis/xml/*/*")),
    "dcsa": ("application/json", ("dcsa/valid/*", "dcsa/invalid/*")),
    "onerecord": ("application/ld+json", ("onerecord/*",)),
    "edifact": ("application/edifact", ("edifact/*",)),
    "trade-documents": ("application/json", ("trade-documents/*",)),
}
"""The media type that a folder's documents are sent as, and where they lie."""
ROLES = (
    "exporter", "importer", "carrier", "forwarder", "broker", "terminal", "warehouse", "manufacturer", "authority",
)  # fmt: skip
AEO = {"number": "NLAEOF0001", "type": "F", "issuer": "NL", "valid_from": "2020-01-01"}
EXCEPTIONS = Path(__file__).parents[1] / "vectors" / "translated" / "exceptions.md"

Faults = Collection[tuple[str, str]]
"""Codes of errors, and their places in the document."""

# fmt: off
UNOPENED: dict[str, tuple[str, str]] = {
    "epcis/xml/*/*.xml": ("FORMAT_NOT_TAKEN", ""),
    "dcsa/valid/arrivalnotice-*.json": ("FORMAT_NOT_TAKEN", "/arrivalNotices"),
    "dcsa/valid/booking-*.json": ("FORMAT_NOT_TAKEN", "/receiptTypeAtOrigin"),
    "dcsa/valid/ebl-*.json": ("FORMAT_NOT_TAKEN", "/transportDocumentTypeCode"),
    "dcsa/valid/vgm-*.json": ("FORMAT_NOT_TAKEN", "/VGMDeclarations"),
    # The events are in a member `someEvents` of an array's item: no version has that.
    "dcsa/invalid/tnt-220-response-wrong-structure.json": ("FORMAT_UNKNOWN", "/0/someEvents"),
    "onerecord/Change*.json": ("FORMAT_NOT_TAKEN", "/@type"),
    "onerecord/CustomsInformation.json": ("FORMAT_NOT_TAKEN", "/@type"),
    "onerecord/Error_404.json": ("FORMAT_NOT_TAKEN", "/@type"),
    "onerecord/Notification_example3.json": ("FORMAT_NOT_TAKEN", "/@type"),
    "onerecord/Piece_with_id.rev3.json": ("FORMAT_NOT_TAKEN", "/@type"),
    "onerecord/Sensor.compacted.json": ("FORMAT_NOT_TAKEN", "/@type"),
    "onerecord/Subscriptions_*.json": ("FORMAT_NOT_TAKEN", "/@type"),
    "onerecord/dm__code-lists-code-list-element.json": ("FORMAT_NOT_TAKEN", "/@type"),
    "trade-documents/traceability-vocab-common__*.json": ("FORMAT_UNKNOWN", ""),
    "trade-documents/traceability-vocab__*.json": ("FORMAT_NOT_TAKEN", "/credentialSubject"),
    "trade-documents/untp-0.6.0__Digital*.json": ("FORMAT_NOT_TAKEN", "/credentialSubject"),
}
"""Documents in which nothing is looked at, and what is said of them."""

_UNTP = {("MEMBER_MISSING", "/@context"), ("VALUE_NOT_ALLOWED", "/type"), ("MEMBER_MISSING", "/eventTimeZoneOffset")}
REFUSED: dict[str, Faults] = {
    # EPCIS 2.0: `ilmd` holds extensions alone, which have namespaces; a time is an xsd:dateTimeStamp; a business step
    # without a namespace is one of the CBV.
    "epcis/invalid/*ilmd_field_without_namespace.json": {
        ("NAMESPACE_MISSING", "/epcisBody/eventList/0/ilmd/materialType"),
    },
    "epcis/invalid/*invalid_eventTime_format.json": {("TIME_INVALID", "/epcisBody/eventList/0/eventTime")},
    "epcis/invalid/*non_standard_bizStep_in_second_event.json": {
        ("VALUE_NOT_ALLOWED", "/epcisBody/eventList/1/bizStep"),
    },
    # T&T 2.2.0, baseEventBody: eventDateTime is required; `eventID` is what an event is known by.
    "dcsa/invalid/tnt-220-response-wrong-date-times.json": {
        *(("MEMBER_MISSING", f"/{number}/eventID") for number in range(7)),
        ("MEMBER_MISSING", "/1/eventCreatedDateTime"),
        ("MEMBER_MISSING", "/2/eventDateTime"),
        ("TIME_INVALID", "/3/eventCreatedDateTime"),
        ("TIME_INVALID", "/4/eventDateTime"),
        ("TIME_IN_FUTURE", "/6/eventCreatedDateTime"),
    },
    # As it is posted below the object that it is of; by itself it does not say which.
    "onerecord/MultipleEvents_example3.json": {("MEMBER_MISSING", "/cargo:eventFor")},
    # ISO 9735-1: UNT 0074 counts UNH and UNT too, and 0062 repeats that of UNH.
    "edifact/apimeister__d04b_baplie.edi": {
        ("TEST_INTERCHANGE", "interchange 1 (UNB), element 11"),
        ("UNSUPPORTED_MESSAGE", "message 1, segment 1 (UNH), element 2.1"),
    },
    "edifact/apimeister__d95b_coprar.edi": {
        ("SEGMENT_COUNT_WRONG", "message 1, segment 29 (UNT), element 1"),
        ("UNSUPPORTED_MESSAGE", "message 1, segment 1 (UNH), element 2.1"),
    },
    "edifact/cuscar-tools__simple_CUSCAR_D95B.edi": {
        ("SEGMENT_COUNT_WRONG", "message 1, segment 30 (UNT), element 1"),
        ("TRAILER_REFERENCE_WRONG", "message 1, segment 30 (UNT), element 2"),
    },
    "edifact/edidom__IFTSTA_D99B_vessel_departure.edi": {
        ("TIME_IN_FUTURE", "message 1, segment 9 (DTM), element 1.2"),
    },
    "edifact/omniparser__bench_IFTSTA_D04A_5msgs.edi": {
        ("DTM_INVALID", f"message {number}, segment 3 (DTM), element 1.2") for number in range(1, 6)
    },
    "edifact/pydifact__*aperak*.edi": {
        ("SEGMENT_COUNT_WRONG", "message 1, segment 7 (UNT), element 1"),
        ("UNSUPPORTED_MESSAGE", "message 1, segment 1 (UNH), element 2.1"),
    },
    "edifact/pydifact__wikipedia_de_ORDERS.edi": {
        ("UNSUPPORTED_MESSAGE", "message 1, segment 1 (UNH), element 2.1"),
    },
    "trade-documents/untp-0.6.0__*Event-instance.json": _UNTP,
}
"""Documents with items that are refused, and all errors of these; the items beside them are taken."""
# fmt: on

CONFLICTS = {"dcsa/valid/tnt-300-beta1__dropPickExample.json": "/1"}
"""Documents in which one id has two contents, and the event that is second."""


def documents(folder: str) -> list[str]:
    return [path for pattern in FOLDERS[folder][1] for path in samples(pattern)]


def refused(path: str) -> Faults:
    """The errors that a document's items have; none where all of them are to be taken."""
    return next((faults for pattern, faults in REFUSED.items() if fnmatchcase(path, pattern)), ())


def unopened(path: str) -> tuple[str, str] | None:
    return next((said for pattern, said in UNOPENED.items() if fnmatchcase(path, pattern)), None)


def errors(item: dict[str, Any]) -> set[tuple[str, str]]:
    return {(fault["code"], fault["place"]) for fault in item.get("faults", ()) if fault["severity"] == "ERROR"}


@pytest.fixture
async def sender(world: HubWorld) -> Caller:
    """An authorised economic operator of every role, all of whose events are asked for."""
    await world.reader(feed=False)
    goods = {"recipient": "watch", "purpose": RISK, "types": ["customs.goods.observed"], "fields": ["*"]}
    await world.act("agreement.add", id="goods", provider={"all": True}, **goods)
    caller = await world.company("sender", roles=list(ROLES), time_zone="Europe/Amsterdam")
    await world.act("partner.aeo", id="sender", **AEO)
    return caller


async def post(sender: Caller, folder: str, path: str) -> Answer:
    """Each document has a source of its own: different ones use the same ids."""
    return await sender.post(sample(path), FOLDERS[folder][0], Hub_Source=f"urn:{path}")


def check(path: str, answer: Answer, taken: str) -> None:
    """Whether the answer is what the tables say; `taken` is the verdict on what is taken."""
    if (said := unopened(path)) is not None:
        foreign = said[0] in ("FORMAT_NOT_TAKEN", "FORMAT_UNKNOWN")
        told = (422, "DOCUMENT_NOT_TAKEN") if foreign else (400, "BODY_MALFORMED")
        assert (answer.status, answer.code) == told, path
        assert errors(answer.json) == {said}, path
        return
    items = answer.json["items"]
    conflicts = [item["place"] for item in items if item["verdict"] == "CONFLICT"]
    assert conflicts == ([CONFLICTS[path]] if path in CONFLICTS else []), path
    wrong = [item for item in items if item["verdict"] not in (taken, "CONFLICT")]
    assert {(item["verdict"], item["code"]) for item in wrong} <= {("REJECTED", "EVENT_INVALID")}, (path, wrong)
    assert set().union(*map(errors, wrong)) == set(refused(path)), path
    assert all(errors(item) for item in wrong), path
    assert items, path


@pytest.mark.parametrize("folder", FOLDERS)
async def test_every_document_of_a_folder_is_taken_or_refused_at_its_place_and_again_alike(
    sender: Caller, folder: str
) -> None:
    for path in documents(folder):
        for taken in ("ACCEPTED", "DUPLICATE"):
            check(path, await post(sender, folder, path), taken)


async def test_every_epcis_document_is_captured_and_is_the_same_at_the_other_door(sender: Caller) -> None:
    for path in documents("epcis"):
        if unopened(path) is None:
            source = {"Hub_Source": f"urn:{path}", "GS1_Capture_Error_Behaviour": "proceed"}
            jobs = [await capture(sender, sample(path), **source) for _ in range(2)]

            for job, taken in zip(jobs, ("ACCEPTED", "DUPLICATE"), strict=True):
                assert set(job["counts"]) <= {taken, "REJECTED"}, path
                assert set().union(*map(errors, job["errors"])) == set(refused(path)), path
                assert job["success"] == (not refused(path)), path
            check(path, await post(sender, "epcis", path), "DUPLICATE")


def named() -> list[str]:
    """The documents that the page of exceptions names, as patterns."""
    rows = re.findall(r"^\| (`.*?) \|", EXCEPTIONS.read_text(), re.M)
    names = [name for row in rows for name in re.findall(r"`([^`]+)`", row)]
    return [name for name in names if name.startswith(tuple(f"{folder}/" for folder in FOLDERS))]


def test_the_page_of_exceptions_names_whatever_is_refused_of_folders_that_are_not_of_invalid_documents() -> None:
    everything = [path for folder in FOLDERS for path in documents(folder)]
    exceptions = {path for path in everything if refused(path) or unopened(path) or path in CONFLICTS}
    invalid = {path for path in everything if path.startswith(("epcis/invalid/", "dcsa/invalid/"))}

    assert {path for path in everything if any(fnmatchcase(path, each) for each in named())} == exceptions - invalid


def test_every_pattern_of_the_tables_and_the_page_is_that_of_a_document() -> None:
    everything = [path for folder in FOLDERS for path in documents(folder)]

    for pattern in (*UNOPENED, *REFUSED, *CONFLICTS, *named()):
        assert any(fnmatchcase(path, pattern) for path in everything), pattern
