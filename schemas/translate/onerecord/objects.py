"""What a `LogisticsEvent` refers to: its objects, its place, the organisation that recorded it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from schemas.faults import Fault, fault
from schemas.identifiers import SCHEMES
from schemas.translate.onerecord.linked import Node, Terms, local

Origins = dict[str, str]
Identifier = dict[str, str]
Placed = tuple[Any, str, Terms]
"""A value of the document, its place, and the terms in force around it."""
Known = Mapping[str, Placed]
"""Other objects of the document by their IRI, which an event may refer to."""

SUBJECTS_MAX = 100
_AWB = re.compile(r"(?:[a-z]*awb[-_]?)?([0-9]{3})-?([0-9]{8})", re.IGNORECASE)
"""An air waybill number (IATA Resolution 600a), as such or as the last step of an object's IRI."""
_OF_EVENTS = re.compile(r"(.+/logistics-objects/[^/]+)/logistics-events/[^/]+")
"""The IRI of an event under the object that it is about (ONE Record API, Logistics Events URI)."""
_DEGREES = re.compile(r"[+-]?[0-9]{1,3}(?:\.[0-9]{1,18})?")


def told(reference: Node, known: Known) -> Node:
    """The object that is referred to, where the document tells more of it; else the reference."""
    return Node(*known[reference.id]) if reference.id is not None and reference.id in known else reference


def add_subjects(node: Node, known: Known, origins: Origins, faults: list[Fault]) -> list[Identifier]:
    """What the event is about: air waybills by their number, flights by theirs, everything else by its IRI."""
    found: list[Identifier] = []
    for each in node.nodes("eventFor", "linkedObject"):
        identifier, place = _identified(told(each, known), each)
        if identifier is None:
            faults.append(fault("MEMBER_MISSING", f"{each.base}/@id", "nothing", "the IRI of the object"))
        elif len(found) == SUBJECTS_MAX:
            faults.append(fault("COUNT_RANGE", each.base, "one more", f"at most {SUBJECTS_MAX} objects"))
        elif identifier not in found:
            origins[f"/data/subjects/{len(found)}/value"] = place
            found.append(identifier)
    if not found and node.id is not None and (under := _OF_EVENTS.fullmatch(node.id)) is not None:
        found.append({"scheme": "uri", "value": under[1]})
        origins["/data/subjects/0/value"] = node.id_place
    if not found:
        place = node.place("eventFor", "linkedObject")
        faults.append(fault("MEMBER_MISSING", place, "nothing", "the object that the event is about"))
    origins["/data/subjects"] = node.place("eventFor", "linkedObject")
    return found


def _identified(node: Node, reference: Node) -> tuple[Identifier | None, str]:
    bill = next(iter(node.nodes("waybill", "masterWaybill")), node)
    prefix, number = bill.text("waybillPrefix"), bill.text("waybillNumber")
    if prefix is not None and number is not None and _AWB.fullmatch(f"{prefix}-{number}"):
        return {"scheme": "awb", "value": f"{prefix}-{number}"}, bill.place("waybillNumber")
    flight = node.text("transportIdentifier")
    if flight is not None and SCHEMES["flight"].fits(flight):
        return {"scheme": "flight", "value": flight}, node.place("transportIdentifier")
    if (iri := reference.id) is None:
        return None, reference.base
    if (matched := _AWB.fullmatch(local(iri))) is not None:
        return {"scheme": "awb", "value": f"{matched[1]}-{matched[2]}"}, reference.id_place
    return {"scheme": "uri", "value": iri}, reference.id_place


def place_of(node: Node) -> dict[str, Any]:
    """A location by UN/LOCODE, position, and name or IATA code; nothing where it is only referred to."""
    place: dict[str, Any] = {}
    codes = [node.text("locationCode"), node.text("code"), *(each.text("code") for each in node.nodes("locationCodes"))]
    known = [each for each in codes if each is not None]
    if (unlocode := next((each for each in known if SCHEMES["unlocode"].fits(each)), None)) is not None:
        place["unlocode"] = unlocode
    name = node.text("locationName") or next(iter(known), None)
    if name is not None:
        place["name"] = name[:256]
    for position in node.nodes("geolocation"):
        degrees = [_degrees(position.literal(term)[0]) for term in ("latitude", "longitude")]
        if None not in degrees:
            place["latitude"], place["longitude"] = degrees
    return place


def _degrees(value: object) -> float | None:
    if isinstance(value, str) and _DEGREES.fullmatch(value):
        return float(value)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def recorder_of(node: Node, known: Known) -> dict[str, Any]:
    """The organisation that recorded the event, by its name and its IRI."""
    for each in node.nodes("recordingOrganization", "recordedBy"):
        name = told(each, known).text("name")
        party: dict[str, Any] = {} if name is None else {"name": name[:256]}
        if each.id is not None and SCHEMES["uri"].fits(each.id):
            party["identifiers"] = [{"scheme": "uri", "value": each.id}]
        if party:
            return party
    return {}
