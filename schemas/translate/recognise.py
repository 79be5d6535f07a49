"""Which translator takes a document: told by its first bytes, its media type and its shape, without reading it twice.

`TAKEN` and `REFUSED` are the whole of it: what is taken, how its events are told apart from others and what the sender
is answered; and what is recognised but not taken, with what to do instead. The README's table is made from `TAKEN`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import jiter
from msgspec import Struct

from schemas.faults import Fault, fault, pointer
from schemas.translate.document import read
from schemas.translate.item import Context, Translation

Translate = Callable[[bytes, Context], Translation | list[Fault]]

HEAD_BYTES = 65_536
"""How much of a document is looked at first; what tells its format stands there in all published ones."""

OBJECTS_MAX = 100
"""How many objects of an array are looked at for one that tells the format."""

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_JSON = ("application/json", "application/ld+json")


class Taken(Struct, frozen=True, kw_only=True):
    """A family of formats that the hub takes."""

    family: str
    name: str
    formats: tuple[str, ...]
    """As the record header names them."""
    media_types: tuple[str, ...]
    endings: tuple[str, ...]
    """Of file names."""
    routes: tuple[str, ...]
    shape: str
    """What tells it from others of its media type."""
    identity: str
    """What makes two events the same one."""
    answer: str
    module: str
    """The translator: `translate(document, context)` of this module, imported when first needed."""


TAKEN = (
    Taken(
        family="native",
        name="Canonical events (CloudEvents 1.0)",
        formats=("ce-json/1",),
        media_types=("application/cloudevents+json", "application/cloudevents-batch+json", "application/x-ndjson"),
        endings=(".json", ".ndjson", ".jsonl"),
        routes=("/v1/events",),
        shape="`specversion`; one object, an array, or one a line",
        identity="`source`, `id`, `data.updated_at`",
        answer="an item for each event",
        module="schemas.translate.native",
    ),
    Taken(
        family="epcis",
        name="GS1 EPCIS 2.0",
        formats=("epcis/2.0",),
        media_types=_JSON,
        endings=(".json", ".jsonld"),
        routes=("/v1/events", "/epcis/capture", "/epcis/events"),
        shape="`type`: `EPCISDocument`, `EPCISQueryDocument`, or that of an event",
        identity="`eventID`, else the CBV 2.0 event hash; `errorDeclaration.declarationTime`",
        answer="an item for each event; `/epcis/capture`: a capture job",
        module="schemas.translate.epcis",
    ),
    Taken(
        family="dcsa",
        name="DCSA Track & Trace",
        formats=("dcsa-tt/2.2", "dcsa-tt/3.0-beta1", "dcsa-tt/3.0"),
        media_types=("application/json",),
        endings=(".json",),
        routes=("/v1/events",),
        shape="`eventType` (2.2), `metadata` and `payload` (3.0 Beta 1), `events` (3.0)",
        identity="`eventID`, in 3.0 with the originating party; `eventUpdatedDateTime`",
        answer="an item for each event; `feedbackElements` on request",
        module="schemas.translate.dcsa",
    ),
    Taken(
        family="onerecord",
        name="IATA ONE Record",
        formats=("onerecord/3",),
        media_types=("application/ld+json", "application/json"),
        endings=(".json", ".jsonld"),
        routes=("/v1/events",),
        shape="`@type` `LogisticsEvent`; one, an array, or `@graph`",
        identity="`@id`, else the SHA-256 of the expanded event",
        answer="an item for each event",
        module="schemas.translate.onerecord",
    ),
    Taken(
        family="edifact",
        name="UN/EDIFACT",
        formats=("edifact/1",),
        media_types=("application/edifact",),
        endings=(".edi", ".edifact"),
        routes=("/v1/events", "/v1/interchanges"),
        shape="`UNA`, `UNB` or `UNH` first; IFTSTA, CODECO, COARRI, COPARN, and of IFTSAI and CUSCAR what they tell",
        identity="sender, interchange reference, message reference, number of the item",
        answer="an item for each container, status or call; CONTRL or APERAK on request; "
        "`/v1/interchanges`: a job, for more than 1,000 of them",
        module="schemas.translate.edifact",
    ),
    Taken(
        family="tabular",
        name="Tables",
        formats=("csv/1", "xlsx/1"),
        media_types=("text/csv", XLSX),
        endings=(".csv", ".xlsx"),
        routes=("/v1/tables",),
        shape="by media type",
        identity="the id column, else type, subjects and `occurred_at`; `updated_at`",
        answer="an item for each row, with its cells; the workbook marked, on request",
        module="schemas.translate.tabular",
    ),
)  # fmt: skip

FAMILIES: Mapping[str, Taken] = {row.family: row for row in TAKEN}
_BY_MEDIA_TYPE = {type_: row.family for row in reversed(TAKEN) for type_ in row.media_types if type_ not in _JSON}


class Refused(Struct, frozen=True):
    """A kind of document that is recognised and not taken."""

    name: str
    begins: re.Pattern[bytes] | None
    """What its first bytes match; None: it is JSON and `member` tells it."""
    member: str
    """Of the first object; empty: none."""
    instead: str


_EVENTS = "DCSA Track & Trace events"
_SHIPMENT = _EVENTS + ", SHIPMENT of a document "
_DOCUMENT = "the same to POST /v1/documents, or by customs-connect document push"
REFUSED = (
    Refused("EPCIS XML", re.compile(rb"<(?=[^\0]{0,4000}urn:epcglobal:epcis)"), "", "EPCIS 2.0 in JSON or JSON-LD"),
    Refused(
        "an HTML page", re.compile(rb"<(?i:!doctype\s+html|html)[\s>]"), "",
        "the page as PDF, to POST /v1/documents or by customs-connect document push",
    ),
    Refused("XML", re.compile(rb"<"), "", "the JSON form of the same standard, or a table"),
    Refused("ANSI X12", re.compile(rb"ISA([^A-Za-z0-9])[0-9]{2}\1"), "", "EDIFACT, DCSA Track & Trace, or a table"),
    Refused("an IATA Cargo-IMP message", re.compile(rb"F(?:SU|SA|WB|HL|FM|BL)/[0-9]"), "", "ONE Record, or a table"),
    Refused("PDF", re.compile(rb"%PDF-"), "", _DOCUMENT),
    Refused("an image", re.compile(rb"\xff\xd8\xff|\x89PNG\r\n"), "", _DOCUMENT),
    Refused("a credential as JWT", re.compile(rb"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]"), "", _DOCUMENT),
    Refused("an Excel workbook of before 2007 (.xls)", re.compile(rb"\xd0\xcf\x11\xe0"), "", "the workbook as .xlsx"),
    Refused("a DCSA VGM declaration", None, "VGMDeclarations", _EVENTS),
    Refused("a DCSA arrival notice", None, "arrivalNotices", _SHIPMENT + "ARN"),
    Refused("a DCSA free time request", None, "freeTimes", _EVENTS),
    Refused("a DCSA booking", None, "receiptTypeAtOrigin", _SHIPMENT + "BKG"),
    Refused("a DCSA booking", None, "carrierBookingRequestReference", _SHIPMENT + "BKG"),
    Refused("a DCSA bill of lading", None, "transportDocumentTypeCode", _SHIPMENT + "TRD"),
    Refused("a DCSA event subscription", None, "callbackUrl", "the events themselves: the hub subscribes to nobody"),
    Refused("an answer with DCSA feedback", None, "feedbackElements", "the events themselves"),
    Refused("a verifiable credential", None, "credentialSubject", _DOCUMENT),
    Refused("a verifiable presentation", None, "verifiableCredential", _DOCUMENT),
)  # fmt: skip

_EDIFACT = re.compile(rb"UNA[^A-Za-z0-9]|UN[BH]\+|UNB[^A-Za-z0-9\s]UNO[A-Z]|UNH[^A-Za-z0-9\s]")
_X12 = "application/edi-x12"
_BOM = b"\xef\xbb\xbf"
_ZIP = b"PK\x03\x04"
_EPCIS_TYPES = frozenset({
    "EPCISDocument", "EPCISQueryDocument", "ObjectEvent", "AggregationEvent", "TransactionEvent", "TransformationEvent",
    "AssociationEvent",
})  # fmt: skip
_EPCIS = frozenset({"epcisBody", "eventTimeZoneOffset"})
_DCSA = frozenset({"events", "metadata", "eventClassification", "eventClassifierCode", "eventCreatedDateTime"})
_DCSA_TYPES = frozenset({"SHIPMENT", "TRANSPORT", "EQUIPMENT"})


def open_document(document: bytes, media_type: str, context: Context) -> Translation | list[Fault]:
    """The items of a document of any format that is taken, or what is wrong with all of it. Raises nothing."""
    family = recognise(document, media_type)
    return [family] if isinstance(family, Fault) else translator(family)(document, context)


def translator(family: str) -> Translate:
    """The translator of a family, imported when it is first asked for."""
    translate: Translate = import_module(FAMILIES[family].module).translate
    return translate


def recognise(document: bytes, media_type: str) -> str | Fault:
    """The family of a document. `media_type` is without parameters, in lower case; empty: not known."""
    head = document[:HEAD_BYTES].removeprefix(_BOM).lstrip(b" \t\r\n")
    for kind in REFUSED:
        if kind.begins is not None and kind.begins.match(head):
            return _refused(kind, "")
    if _EDIFACT.match(head):
        return "edifact"
    if media_type == _X12:
        return _refused(next(kind for kind in REFUSED if kind.name == "ANSI X12"), "")
    if head.startswith(_ZIP):
        return "tabular"
    if media_type in _BY_MEDIA_TYPE:
        return _BY_MEDIA_TYPE[media_type]
    if media_type in _JSON or head.startswith((b"{", b"[")):
        return _recognise_json(document, head)
    return _unknown("neither JSON nor a workbook")


def recognise_file(name: str, document: bytes) -> str | Fault:
    """The family of a file, by its ending and what is in it; the first `HEAD_BYTES` of it are mostly enough."""
    ending = name[name.rfind(".") :].lower()
    return recognise(document, _MEDIA_TYPES.get(ending, ""))


_MEDIA_TYPES = {
    ".json": "application/json", ".jsonld": "application/ld+json", ".ndjson": "application/x-ndjson",
    ".jsonl": "application/x-ndjson", ".csv": "text/csv", ".tsv": "text/csv", ".txt": "text/csv", ".xlsx": XLSX,
    ".edi": "application/edifact", ".edifact": "application/edifact",
}  # fmt: skip
"""What files of these endings hold; what is in them decides where several formats share one."""


def _recognise_json(document: bytes, head: bytes) -> str | Fault:
    """By the members of the first objects. The whole document is parsed only where its head did not tell."""
    if (found := _shape(_parsed(head))) is not None:
        return found
    value, faults = read(document)
    return faults[0] if faults else _shape(value) or _unknown(value)


def _parsed(text: bytes) -> object:
    """What of a text that may be cut off, or be no JSON at all, can be read."""
    try:
        return jiter.from_json(text, partial_mode=True)
    except ValueError:
        return None


def _shape(value: object) -> str | Fault | None:
    """The family that an object tells, or the first of an array's that does; or the fault of one that is not taken."""
    if isinstance(value, list):
        objects = (each for each in value[:OBJECTS_MAX] if isinstance(each, dict))
        return next((found for each in objects if (found := _object_shape(each, in_array=True)) is not None), None)
    return _object_shape(value) if isinstance(value, dict) else None


def _object_shape(first: Mapping[str, Any], *, in_array: bool = False) -> str | Fault | None:
    if "specversion" in first:
        return "native"
    if _EPCIS & first.keys() or _types(first, "type") & _EPCIS_TYPES:
        return "epcis"
    # An answer of DCSA 3.0 holds events and feedback about them.
    kinds = (kind for kind in REFUSED if kind.member in first and "events" not in first)
    if (kind := next(kinds, None)) is not None:
        return _refused(kind, "" if in_array else pointer(kind.member))
    if "@graph" in first or "@type" in first or "LogisticsEvent" in _types(first, "type"):
        return "onerecord"
    return "dcsa" if _DCSA & first.keys() or _types(first, "eventType") & _DCSA_TYPES else None


def _types(first: Mapping[str, Any], member: str) -> frozenset[str]:
    named = first.get(member)
    return frozenset(each for each in (named if isinstance(named, list) else [named]) if isinstance(each, str))


def _refused(kind: Refused, place: str) -> Fault:
    return fault("FORMAT_NOT_TAKEN", place, kind.name, kind.instead)


def _unknown(value: object) -> Fault:
    """Not recognised; where events lie one step further inside, the fault says where."""
    outer = value[0] if isinstance(value, list) and value else value
    if isinstance(outer, dict):
        for name, inner in outer.items():
            family = _shape(inner) if isinstance(inner, list | dict) else None
            if isinstance(family, str):
                place = pointer(*((0, name) if isinstance(value, list) else (name,)))
                return fault(
                    "FORMAT_UNKNOWN", place, name, f"the {FAMILIES[family].name} document that is in here alone"
                )
    names = ", ".join(row.name for row in TAKEN)
    return fault("FORMAT_UNKNOWN", "", outer, f"a document of one of: {names}")
