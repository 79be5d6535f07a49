"""The event classes of EPCIS 2.0 (§7.4): their members, what each must have, and what must stand together.

`check_event` finds every fault of one event, `check_document` those of what is around the events (§10.1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from schemas.faults import Fault
from schemas.place import Place
from schemas.translate.epcis import vocabulary as cbv
from schemas.translate.epcis.checks import (
    HEXADECIMAL,
    OFFSET,
    UNIT,
    VERSION,
    Check,
    Look,
    action,
    anything,
    array,
    boolean,
    epc,
    epc_class,
    extension,
    extensions,
    instant,
    missing,
    node,
    number,
    one_or_more,
    quantity,
    record,
    text,
    uri,
    word,
)
from schemas.translate.epcis.namespaces import Namespaces

_ERROR = record(
    {"declarationTime": instant, "reason": word(cbv.ERROR_REASON), "correctiveEventIDs": array(uri)},
    required=("declarationTime",),
)
COMMON: dict[str, Check] = {
    "type": anything, "isA": anything, "@type": anything, "@context": anything, "eventTime": instant,
    "recordTime": instant, "eventTimeZoneOffset": OFFSET, "eventID": uri, "certificationInfo": one_or_more(uri),
    "errorDeclaration": _ERROR,
}  # fmt: skip

_EPCS = array(epc)
_QUANTITIES = array(
    record(
        {"epcClass": epc_class, "quantity": number, "uom": UNIT},
        required=("epcClass",), extensible=False, further=quantity,
    )
)  # fmt: skip
_LOCATION = record({"id": epc}, required=("id",))
_TRANSACTION = record(
    {"type": word(cbv.TRANSACTION_TYPE), "bizTransaction": uri}, required=("bizTransaction",), extensible=False
)
_SOURCE = record({"type": word(cbv.PARTY_TYPE), "source": uri}, required=("type", "source"), extensible=False)
_DESTINATION = record(
    {"type": word(cbv.PARTY_TYPE), "destination": uri}, required=("type", "destination"), extensible=False
)

_DEVICE: dict[str, Check] = {
    "time": instant, "deviceID": uri, "deviceMetadata": uri, "rawData": uri, "dataProcessingMethod": uri,
    "bizRules": uri,
}  # fmt: skip
_REPORT = record(
    {
        **_DEVICE, "type": word(cbv.MEASUREMENT), "exception": word(cbv.ALERT), "microorganism": uri,
        "chemicalSubstance": uri, "coordinateReferenceSystem": uri, "value": number, "component": word(cbv.COMPONENT),
        "stringValue": text, "booleanValue": boolean, "hexBinaryValue": HEXADECIMAL, "uriValue": uri,
        "minValue": number, "maxValue": number, "meanValue": number, "sDev": number, "percRank": number,
        "percValue": number, "uom": text,
    },
    required=("type",),
)  # fmt: skip
_SENSOR = record(
    {
        "sensorMetadata": record({**_DEVICE, "startTime": instant, "endTime": instant}),
        "sensorReport": array(_REPORT, least=1),
    },
    required=("sensorReport",),
)


def _dispositions(value: dict[str, Any], place: Place, look: Look) -> None:
    if "set" not in value and "unset" not in value:
        look.wrong("MEMBER_MISSING", place, value, "set or unset")


_DISPOSITIONS = array(word(cbv.DISPOSITION), least=1, once=True)
_PERSISTENT = record({"set": _DISPOSITIONS, "unset": _DISPOSITIONS}, extensible=False, further=_dispositions)


def _misplaced(value: Any, place: Place, look: Look) -> None:
    """EPCIS 2.0 §7.3.6.2.2 has it for objects and transformations alone; examples published with it elsewhere are many,
    because its first drafts and schemas allowed that."""
    _PERSISTENT(value, place, look)
    look.wrong("MEMBER_UNKNOWN", place, value, "in ObjectEvent and TransformationEvent only")


_BUSINESS: dict[str, Check] = {
    **COMMON, "bizStep": word(cbv.BUSINESS_STEP), "disposition": word(cbv.DISPOSITION),
    "persistentDisposition": _misplaced, "readPoint": _LOCATION, "bizLocation": _LOCATION,
    "bizTransactionList": array(_TRANSACTION), "sourceList": array(_SOURCE), "destinationList": array(_DESTINATION),
    "sensorElementList": array(_SENSOR),
}  # fmt: skip
_ACTED = {**_BUSINESS, "action": action}
_GROUPED = {**_ACTED, "parentID": epc, "childEPCs": _EPCS, "childQuantityList": _QUANTITIES}

Rules = Callable[[dict[str, Any], Place, Look], None]


class EventClass(NamedTuple):
    members: Mapping[str, Check]
    required: tuple[str, ...]
    together: Rules
    """What no member can say by itself."""


_TIMES = ("eventTime", "eventTimeZoneOffset")


def _one_of(event: dict[str, Any], names: tuple[str, ...], place: Place, look: Look) -> None:
    """At least one of these lists holds something; the fault stands at the first."""
    if not any(event.get(name) for name in names):
        look.wrong(
            "MEMBER_MISSING", (place, names[0]), event.get(names[0], "nothing"), f"at least {', or '.join(names)}"
        )


def _object(event: dict[str, Any], place: Place, look: Look) -> None:
    """§7.4.2: it names objects, or measures at a place; master data of instances only where they begin."""
    measured = event.get("sensorElementList") and ("readPoint" in event or "bizLocation" in event)
    if not measured:
        _one_of(event, ("epcList", "quantityList"), place, look)
    if "ilmd" in event and event.get("action") in ("OBSERVE", "DELETE"):
        look.wrong("VALUE_INVALID", (place, "ilmd"), event["ilmd"], "ilmd with action ADD only")


def _aggregation(event: dict[str, Any], place: Place, look: Look) -> None:
    """§7.4.3: children, unless all are taken out; a parent, unless it is only observed."""
    if event.get("action") != "DELETE":
        _one_of(event, ("childEPCs", "childQuantityList"), place, look)
    if event.get("action") != "OBSERVE" and "parentID" not in event:
        look.wrong("MEMBER_MISSING", (place, "parentID"), "nothing", "parentID, for action ADD and DELETE")


def _association(event: dict[str, Any], place: Place, look: Look) -> None:
    """§7.4.6: as an aggregation, with the parent always named."""
    if event.get("action") != "DELETE":
        _one_of(event, ("childEPCs", "childQuantityList"), place, look)


def _transaction(event: dict[str, Any], place: Place, look: Look) -> None:
    """§7.4.4: a transaction, and what belongs to it unless the whole of it is taken away."""
    _one_of(event, ("bizTransactionList",), place, look)
    if event.get("action") != "DELETE" and "epcList" not in event:
        _one_of(event, ("epcList", "quantityList"), place, look)


def _transformation(event: dict[str, Any], place: Place, look: Look) -> None:
    """§7.4.5: inputs and outputs; with a transformationID they may come in several events."""
    inputs, outputs = ("inputEPCList", "inputQuantityList"), ("outputEPCList", "outputQuantityList")
    if "transformationID" in event:
        _one_of(event, inputs + outputs, place, look)
    else:
        _one_of(event, inputs, place, look)
        _one_of(event, outputs, place, look)


_ONCE = array(epc, once=True)
CLASSES = {
    "ObjectEvent": EventClass(
        {**_ACTED, "persistentDisposition": _PERSISTENT, "epcList": _ONCE, "quantityList": _QUANTITIES,
         "ilmd": extensions},
        (*_TIMES, "action"), _object,
    ),
    "AggregationEvent": EventClass(_GROUPED, (*_TIMES, "action"), _aggregation),
    "AssociationEvent": EventClass(_GROUPED, (*_TIMES, "action", "parentID"), _association),
    "TransactionEvent": EventClass(
        {**_ACTED, "parentID": epc, "epcList": _EPCS, "quantityList": _QUANTITIES},
        (*_TIMES, "action"), _transaction,
    ),
    "TransformationEvent": EventClass(
        {**_BUSINESS, "persistentDisposition": _PERSISTENT, "inputEPCList": _ONCE, "inputQuantityList": _QUANTITIES,
         "outputEPCList": _ONCE, "outputQuantityList": _QUANTITIES, "transformationID": uri, "ilmd": extensions},
        _TIMES, _transformation,
    ),
}  # fmt: skip
"""The classes of the standard by name."""


def class_of(event: Mapping[str, Any]) -> object:
    """The class that an event says it is of; `isA` stood for `type` in drafts, `@type` does in JSON-LD."""
    for name in ("type", "isA", "@type"):
        if name in event:
            return event[name]
    return None


def check_event(event: dict[str, Any], place: Place, names: Namespaces, faults: list[Fault]) -> str:
    """Every fault of one event; the class of the standard that it is of, or nothing. One of a class of somebody else's
    (EPCIS 2.0 §9.1) is only looked at for what all events have in common."""
    look = Look(names, faults)
    named = class_of(event)
    kind = names.expanded(named).removeprefix(_EPCIS) if isinstance(named, str) else ""
    standard = CLASSES.get(kind)
    if standard is None:
        if named is None:
            look.wrong("MEMBER_MISSING", (place, "type"), "nothing", _CLASS)
        elif not isinstance(named, str) or not names.names(named) or names.expanded(named).startswith(_EPCIS):
            look.wrong("VALUE_NOT_ALLOWED", (place, "type"), named, _CLASS)
        for name in COMMON.keys() & event.keys():
            COMMON[name](event[name], (place, name), look)
        missing(event, _TIMES, place, look)
        return ""
    members = standard.members
    missing(event, standard.required, place, look)
    for name, value in event.items():
        if (member := members.get(name)) is not None:
            member(value, (place, name), look)
        else:
            extension(name, value, place, look)
    standard.together(event, place, look)
    return kind


_EPCIS = "https://ref.gs1.org/epcis/"
_CLASS = f"{', '.join(CLASSES)}, or a class of yours as a full URI"

_HEADER = record({"epcisMasterData": record({"vocabularyList": array(record({"vocabularyElementList": anything,
                                                                             "type": uri, "isA": uri}))})})  # fmt: skip
_ENVELOPE: dict[str, Check] = {
    "@context": anything, "type": anything, "isA": anything, "@type": anything, "id": node, "@id": node,
    "schemaVersion": VERSION, "creationDate": instant, "epcisBody": anything,
}  # fmt: skip


class DocumentClass(NamedTuple):
    check: Check
    inside: Mapping[str, Check]
    """The objects from the document down to the one that holds `eventList`, each with its check."""


_EVENTS = record({"eventList": anything, "vocabularyList": anything})
DOCUMENTS = {
    "EPCISDocument": DocumentClass(
        record(
            {**_ENVELOPE, "sender": text, "receiver": text, "instanceIdentifier": text, "epcisHeader": _HEADER},
            required=("@context", "schemaVersion", "creationDate", "epcisBody"),
        ),
        {"epcisBody": _EVENTS},
    ),
    "EPCISQueryDocument": DocumentClass(
        record(_ENVELOPE, required=("@context", "epcisBody")),
        {
            "epcisBody": record({"queryResults": anything}),
            "queryResults": record(
                {"queryName": text, "subscriptionID": text, "resultsBody": anything}, required=("queryName",)
            ),
            "resultsBody": _EVENTS,
        },
    ),
}


def check_document(
    document: dict[str, Any], kind: DocumentClass, names: Namespaces, faults: list[Fault]
) -> tuple[list[Any], Place] | None:
    """What is wrong around the events, and the list of them with its place, or None where there is none."""
    look = Look(names, faults)
    kind.check(document, None, look)
    inner: Any = document
    place: Place = None
    for name in (*kind.inside, "eventList"):
        if name not in inner:
            if place is not None:  # What the document itself lacks has been said.
                look.wrong("MEMBER_MISSING", (place, name), "nothing", name)
            return None
        inner, place = inner[name], (place, name)
        if (check := kind.inside.get(name)) is not None:
            check(inner, place, look)
            if not isinstance(inner, dict):
                return None
    if not isinstance(inner, list):
        look.wrong("TYPE_WRONG", place, inner, "array")
        return None
    return inner, place
