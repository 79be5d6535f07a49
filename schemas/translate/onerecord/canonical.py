"""From a `LogisticsEvent` to a canonical event."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from schemas.canonical import NotCanonical, canonical_bytes
from schemas.faults import Fault, fault
from schemas.translate.item import Item
from schemas.translate.onerecord.codes import MILESTONES, TIME_KINDS, UNMEANT, Meaning, meaning
from schemas.translate.onerecord.linked import PREFIXES, VALUES_MAX, Node, TooLarge, expanded, local
from schemas.translate.onerecord.objects import Known, Origins, add_subjects, place_of, recorder_of, told

SOURCE = "onerecord"
STATUS_CODES = "https://onerecord.iata.org/ns/code-lists/StatusCode#"
_OTHER_LIST = re.compile(r"https?://(?!onerecord\.iata\.org/ns/(?:code-lists|coreCodeLists))")


def item_of(index: int, node: Node, known: Known, source: str | None) -> Item:
    """One event. `known`: other objects of the document by their IRI, which it may refer to."""
    faults: list[Fault] = []
    code, time_kind = _code(node, faults), _time_kind(node, faults)
    id_ = node.id or _derived_id(node, faults)
    if time_kind is None or code is None or id_ is None:
        return Item(index=index, place=node.base, faults=tuple(faults), id=id_ or "")
    found = meaning(code, time_kind) if code else UNMEANT
    origins: Origins = {"/id": node.id_place, "/data/time_kind": node.place("eventTimeType")}
    data: dict[str, Any] = {"time_kind": time_kind}
    event = {"specversion": "1.0", "id": id_, "source": source or SOURCE, "type": f"customs.{found.type}", "data": data}
    _add_times(node, event, data, origins, faults)
    data["subjects"] = add_subjects(node, known, origins, faults)
    _add_details(node, known, found, code, data, origins)
    data["extensions"] = {"onerecord": node.given}
    if "@context" not in node.given and (named := node.terms.named()) != PREFIXES:
        data["extensions"]["onerecord_context"] = named
    return Item(
        index=index, place=node.base, event=event, faults=tuple(faults), origins=origins, id=id_, unmeant=found.unmeant
    )


def _code(node: Node, faults: list[Fault]) -> str | None:
    """A code of the StatusCode list; "" for one of another list, which the ontology allows; None with its fault."""
    for value, place in node.values("eventCode"):
        holder = Node(value, place, node.terms) if isinstance(value, dict) else None
        written = holder.text("code") or holder.id if holder is not None else value
        if holder is not None and written is None:
            written = value.get("@value")
        if not isinstance(written, str):
            faults.append(fault("TYPE_WRONG", place, value, "a code, or a reference to one"))
            return None
        code = local(written).removeprefix("StatusCode_").upper()
        if code in MILESTONES:
            return code
        if _OTHER_LIST.match(holder.id if holder is not None and holder.id else written):
            return ""
        faults.append(fault("VALUE_NOT_ALLOWED", place, written, "one of " + ", ".join(sorted(MILESTONES))))
        return None
    faults.append(fault("MEMBER_MISSING", node.place("eventCode"), "nothing", f"a code such as {STATUS_CODES}DEP"))
    return None


def _time_kind(node: Node, faults: list[Fault]) -> str | None:
    """An event that does not say has happened: the ontology does not ask for `eventTimeType`."""
    for value, place in node.values("eventTimeType"):
        written = value.get("@id", value.get("@value")) if isinstance(value, dict) else value
        kind = local(written).upper() if isinstance(written, str) else ""
        if kind in TIME_KINDS:
            return kind
        faults.append(fault("VALUE_NOT_ALLOWED", place, written, "one of " + ", ".join(sorted(TIME_KINDS))))
        return None
    return "ACTUAL"


def _derived_id(node: Node, faults: list[Fault]) -> str | None:
    """The id of an event without one: a digest that all its spellings share (`schemas/formats/translated.md`)."""
    try:
        return f"sha256:{hashlib.sha256(canonical_bytes(expanded(node))).hexdigest()}"
    except (TooLarge, NotCanonical):
        expected = f"@id, or at most {VALUES_MAX} values to derive one from"
        faults.append(fault("MEMBER_MISSING", f"{node.base}/@id", "nothing", expected))
        return None


def _add_times(node: Node, event: dict[str, Any], data: dict[str, Any], origins: Origins, faults: list[Fault]) -> None:
    times: dict[str, tuple[str | None, str]] = {}
    for term in ("eventDate", "creationDate"):
        value, place = node.literal(term)
        if value is not None and not isinstance(value, str):
            faults.append(fault("TYPE_WRONG", place, value, "a date and time, as text"))
        times[term] = (value if isinstance(value, str) else None, place)
    (happened, happened_at), (made, made_at) = times["eventDate"], times["creationDate"]
    origins["/data/occurred_at"], origins["/time"] = happened_at, made_at if made is not None else happened_at
    if happened is not None:
        data["occurred_at"] = happened
    if (time := made if made is not None else happened) is not None:
        event["time"] = time


def _add_details(node: Node, known: Known, found: Meaning, code: str, data: dict[str, Any], origins: Origins) -> None:
    origins["/data/place"] = node.place("eventLocation", "recordedAtLocation")
    for each in node.nodes("eventLocation", "recordedAtLocation"):
        if place := place_of(told(each, known)):
            data["place"] = place
    if found.type in ("booking.confirmed", "declaration.lodged", "document.submitted"):
        data.pop("place", None)
    if found.type.startswith("transport."):
        data["transport"] = {"mode": "AIR"}
        if flight := next((each for each in data["subjects"] if each["scheme"] == "flight"), None):
            data["transport"]["means"] = flight
    if found.step:
        data["business_step"] = found.step
        origins["/data/business_step"] = node.place("eventCode")
    if found.recorder and (party := recorder_of(node, known)):
        data[found.recorder] = party
        origins[f"/data/{found.recorder}"] = node.place("recordingOrganization", "recordedBy")
    if found.found:
        data["found"] = {"description": found.found}
        data["reason"] = {"code": code, "code_list": "StatusCode"}
        origins["/data/reason/code"] = node.place("eventCode")
