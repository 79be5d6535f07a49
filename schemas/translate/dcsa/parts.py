"""The parts that events of several types share: where, with what, sealed how; each with the way back to its source."""

from __future__ import annotations

import re
from typing import Any

from schemas.faults import fault
from schemas.identifiers import SCHEMES
from schemas.translate.dcsa.codes import FACILITY_LISTS, MODES, SEAL_SOURCES, SEAL_TYPES
from schemas.translate.dcsa.sent import V2, Sent

Origins = dict[str, str]

CODE = re.compile(r"[!-~](?:[ -~]{0,33}[!-~])?")
"""`code` of the common schema: what is longer or of other characters is kept with the event as sent only."""
_DEGREES = re.compile(r"[+-]?[0-9]{1,3}(?:\.[0-9]{1,18})?")


def text_in(sent: Sent, holder: dict[str, Any], base: str, name: str) -> str | None:
    """A text member of an object inside the event; of another JSON type it is a fault."""
    value = holder.get(name)
    if value is None or type(value) is str:
        return value or None
    sent.faults.append(fault("TYPE_WRONG", f"{base}/{name}", value, "text"))
    return None


def code_in(sent: Sent, holder: dict[str, Any], base: str, name: str, known: frozenset[str]) -> str | None:
    """A code of a list, inside an object of the event; one that the list does not hold is a fault."""
    value = text_in(sent, holder, base, name)
    if value is None or value in known:
        return value
    sent.faults.append(fault("VALUE_NOT_ALLOWED", f"{base}/{name}", value, "one of " + ", ".join(sorted(known))))
    return None


def place_of(sent: Sent, origins: Origins) -> dict[str, Any]:
    """Where the event took place: its own location, else that of its transport call. Every location is checked."""
    chosen: dict[str, Any] = {}
    origin = ""
    for name in ("place", "other_place", "call_place", "call"):
        if (holder := sent.group(name)) is not None:
            backs: Origins = {}
            place = _location(sent, holder, sent.place(name), backs)
            if chosen and not (name == "call" and origin == "call_place"):
                continue
            # A call of 2.2 says of one place some things here, and some in its location.
            for member in [each for each in place if each not in chosen]:
                chosen[member], origins[f"/data/place/{member}"] = place[member], backs[member]
            origin = name if place else ""
    return chosen


def _location(sent: Sent, holder: dict[str, Any], base: str, backs: Origins) -> dict[str, Any]:
    place: dict[str, Any] = {}
    unlocode = text_in(sent, holder, base, "UNLocationCode")
    if unlocode is not None:
        if SCHEMES["unlocode"].fits(unlocode):
            place["unlocode"], backs["unlocode"] = unlocode, f"{base}/UNLocationCode"
        else:
            sent.faults.append(
                fault("IDENTIFIER_MALFORMED", f"{base}/UNLocationCode", unlocode, "as NLRTM (UN/LOCODE)")
            )
    _facility(sent, *_nested(holder, base, "facility"), place, backs)
    _position(sent, *_nested(holder, base, "geoCoordinate"), place, backs)
    for name in ("locationName", "otherFacility"):
        if (words := text_in(sent, holder, base, name)) is not None and "name" not in place:
            place["name"], backs["name"] = words, f"{base}/{name}"
    return place


def _nested(holder: dict[str, Any], base: str, name: str) -> tuple[dict[str, Any], str]:
    """3.0 keeps the facility and the position of a location in objects of their own."""
    nested = holder.get(name)
    return (nested, f"{base}/{name}") if type(nested) is dict else (holder, base)


def _facility(sent: Sent, holder: dict[str, Any], base: str, place: dict[str, Any], backs: Origins) -> None:
    code = text_in(sent, holder, base, "facilityCode")
    provider = code_in(sent, holder, base, "facilityCodeListProvider", FACILITY_LISTS)
    if code is not None and provider is not None:
        place["facility_code"], backs["facility_code"] = code, f"{base}/facilityCode"
        place["facility_list"], backs["facility_list"] = provider, f"{base}/facilityCodeListProvider"
    elif code is not None and holder.get("facilityCodeListProvider") is None:
        expected = "the list that facilityCode is from: SMDG or BIC"
        sent.faults.append(fault("MEMBER_MISSING", f"{base}/facilityCodeListProvider", "nothing", expected))


def _position(sent: Sent, holder: dict[str, Any], base: str, place: dict[str, Any], backs: Origins) -> None:
    degrees: dict[str, float] = {}
    for name in ("latitude", "longitude"):
        value = holder.get(name)
        if isinstance(value, int | float) or (isinstance(value, str) and _DEGREES.fullmatch(value)):
            degrees[name] = float(value)
        elif value is not None:
            sent.faults.append(fault("VALUE_MALFORMED", f"{base}/{name}", value, "decimal degrees, such as 48.8566"))
    if len(degrees) == 2:
        place.update(degrees)
        backs.update({name: f"{base}/{name}" for name in degrees})


def transport_of(sent: Sent, origins: Origins, *, inbound: bool) -> dict[str, Any]:
    """The means of transport and its call; empty where the event has no transport call."""
    origins["/data/transport"] = sent.place("call")
    if sent.group("call") is None:
        return {}
    transport: dict[str, Any] = {}
    origins["/data/transport/mode"] = sent.place("mode")
    origins["/data/transport/means"] = sent.place("imo")
    if mode := MODES.get(sent.code("mode", MODES) or "", ""):
        transport["mode"] = mode
    if (means := means_of(sent)) is not None:
        transport["means"], origins["/data/transport/means/value"] = means
    if (name := sent.text("vessel_name")) is not None:
        transport["name"], origins["/data/transport/name"] = name, sent.place("vessel_name")
    first, second = ("import_voyage", "export_voyage") if inbound else ("export_voyage", "import_voyage")
    for member, names in (("voyage", (first, second, "voyage")), ("call_reference", ("call_reference",))):
        for each in names:
            if (value := sent.text(each)) is not None and CODE.fullmatch(value):
                transport[member], origins[f"/data/transport/{member}"] = value, sent.place(each)
                break
    return transport


def means_of(sent: Sent) -> tuple[dict[str, str], str] | None:
    """The vessel, vehicle or train, as an identifier, and its place; else the voyage, where only that is known.

    What a scheme does not take is passed over, save for a vessel: a wrong IMO number is to be told.
    """
    for name, scheme in (
        ("imo", "imo"), ("plate", "vehicle_plate"), ("train", "train"), ("export_voyage", "voyage"),
        ("import_voyage", "voyage"), ("voyage", "voyage"),
    ):  # fmt: skip
        value = sent.text(name)
        if value is not None and (name == "imo" or SCHEMES[scheme].fits(value)):
            return {"scheme": scheme, "value": value}, sent.place(name)
    return None


_SEAL_NAMES = {True: ("sealNumber", "sealSource", "sealType"), False: ("number", "source", "type")}
"""Number, source and type of a seal in 2.2, and in 3.0."""


def seals_of(sent: Sent, origins: Origins) -> list[dict[str, str]]:
    """The seals of the equipment."""
    seals: list[dict[str, str]] = []
    for index, each in enumerate(sent.array("seals")):
        base = f"{sent.place('seals')}/{index}"
        if type(each) is not dict:
            sent.faults.append(fault("TYPE_WRONG", base, each, "an object"))
            continue
        number_name, source_name, kind_name = _SEAL_NAMES[sent.version == V2]
        seal = {
            "number": text_in(sent, each, base, number_name),
            "source": code_in(sent, each, base, source_name, SEAL_SOURCES),
            "kind": code_in(sent, each, base, kind_name, SEAL_TYPES),
        }
        if seal["number"] is None:
            sent.faults.append(fault("MEMBER_MISSING", f"{base}/{number_name}", "nothing", "the number on the seal"))
            continue
        origins[f"/data/seals/{len(seals)}/number"] = f"{base}/{number_name}"
        origins[f"/data/seals/{len(seals)}"] = base
        seals.append({name: value for name, value in seal.items() if value is not None})
    return seals
