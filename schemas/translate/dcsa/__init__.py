"""DCSA Track & Trace: what carriers, terminals and hauliers report of bookings, documents, ships and containers.

Three versions, told apart by their shape: 2.2.0 (an event, or an array of them, as polled and as pushed to a
subscriber), 3.0.0-Beta-1 (`metadata` and `payload`, one or an array) and 3.0.0 (`{"events": […]}`). What the published
schemas leave open is in `demands`; what the codes mean to customs is in `codes`; the way home for faults in DCSA's own
form of answer is `feedback`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemas.faults import Fault, Severity, fault
from schemas.translate.dcsa.codes import TIME_KINDS, Meaning, meaning
from schemas.translate.dcsa.demands import check_identity, check_party, classified, demand, demand_named
from schemas.translate.dcsa.details import add_details, delay_of
from schemas.translate.dcsa.feedback import feedback
from schemas.translate.dcsa.parts import Origins
from schemas.translate.dcsa.sent import BETA, V2, V3, Sent
from schemas.translate.dcsa.subjects import name_objects
from schemas.translate.document import read
from schemas.translate.item import Context, Event, Item, Translation

__all__ = ["feedback", "translate"]

SOURCE = "dcsa"


def translate(document: bytes, context: Context) -> Translation | list[Fault]:
    """Open a document of DCSA events. Raises nothing."""
    value, faults = read(document)
    if faults:
        return faults
    listed = value.get("events") if isinstance(value, dict) and "events" in value else value
    base = "" if listed is value else "/events"
    if not isinstance(listed, list | dict):
        return [fault("TYPE_WRONG", base, listed, "an array of events")]
    if isinstance(listed, list) and not listed:
        return [fault("EMPTY", base, "no events", "at least one event")]
    if isinstance(listed, list) and len(listed) > context.items_max:
        return [fault("TOO_MANY_ITEMS", base, f"{len(listed)} events", f"at most {context.items_max} events")]
    placed = [(base, listed)] if isinstance(listed, dict) else [(f"{base}/{n}", each) for n, each in enumerate(listed)]
    version = V3 if base else _version(placed[0][1])
    return Translation(format=version, items=_items(placed, version, context), time_stated=True)


def _items(placed: list[tuple[str, Any]], version: str, context: Context) -> Iterator[Item]:
    for index, (place, each) in enumerate(placed):
        yield _item(index, place, each, version, context)


def _version(event: object) -> str:
    """The version by the shape of one event."""
    if isinstance(event, dict) and ("metadata" in event or "payload" in event):
        return BETA
    return V3 if isinstance(event, dict) and "eventClassification" in event else V2


def _item(index: int, place: str, event: object, version: str, context: Context) -> Item:
    if not isinstance(event, dict):
        return Item(index=index, place=place, faults=(fault("JSON_NOT_AN_OBJECT", place, event, "an event"),))
    sent = Sent(event, version, place)
    source = context.source or SOURCE
    if sent.has("retracts") or sent.flag("retracted"):
        return _retraction(index, sent, source)
    check_identity(sent, "id")
    check_party(sent)
    found = classified(sent)
    if found is None:
        demand_named(sent)
        return Item(index=index, place=place, faults=tuple(sent.faults), id=identity(sent) or "")
    event_type, code, detail, classifier = found
    demand(sent, event_type)
    means = meaning(event_type, code, detail, classifier, delayed=delay_of(sent)[0] is not None)
    origins: Origins = {}
    canonical = _canonical(sent, means, event_type, TIME_KINDS[classifier], source, origins)
    return Item(
        index=index, place=place, event=canonical, faults=tuple(sent.faults), origins=origins,
        id=canonical.get("id", ""), unmeant=means.unmeant,
    )  # fmt: skip


def _canonical(
    sent: Sent, means: Meaning, event_type: str, time_kind: str, source: str, origins: Origins
) -> dict[str, Any]:
    data: dict[str, Any] = {}
    event = _envelope(sent, f"customs.{means.type}", source, identity(sent), data, origins)
    if (when := sent.text("when")) is not None:
        data["occurred_at"] = when
    data["time_kind"] = time_kind
    origins["/data/occurred_at"], origins["/data/time_kind"] = sent.place("when"), sent.place("classifier")
    if (updated := sent.text("updated")) is not None:
        data["updated_at"], origins["/data/updated_at"] = updated, sent.place("updated")
    name_objects(sent, event_type, means.type, data, origins)
    add_details(sent, means, data, origins)
    data["extensions"] = {"dcsa": sent.event}
    return event


def _envelope(
    sent: Sent, kind: str, source: str, id_: str | None, data: dict[str, Any], origins: Origins
) -> dict[str, Any]:
    timed = next((name for name in ("made", "updated", "when") if sent.text(name) is not None), "when")
    origins["/id"], origins["/time"] = sent.place("id"), sent.place(timed)
    known = {"specversion": "1.0", "id": id_, "source": source, "type": kind, "time": sent.text(timed), "data": data}
    return {name: value for name, value in known.items() if value is not None}


def identity(sent: Sent) -> str | None:
    """The id of an event; in 3.0 with the party that it originates from, whose list of ids it is (Event.eventID)."""
    id_, party = sent.text("id"), sent.group("party")
    if id_ is None or party is None:
        return id_
    parts = [party.get(name) for name in ("codeListProvider", "codeListName", "partyCode")]
    named = all(type(part) is str and part for part in parts)
    return ":".join([*map(str, parts), id_]) if named else id_


def _retraction(index: int, sent: Sent, source: str) -> Item:
    """A retraction is a later version of the event that it takes back (`schemas/formats/translated.md`).

    Beta 1 names that event and is a message of its own; 3.0 sends it once more, with nothing else that counts.
    """
    name, when = ("retracts", "made") if sent.has("retracts") else ("id", "updated")
    check_identity(sent, name)
    target = sent.text(name) if name == "retracts" else identity(sent)
    for each in (name, when):
        if not sent.has(each):
            sent.fault("MEMBER_MISSING", each, "nothing", "what a retraction needs: its event, and its time")
    time = sent.text(when)
    if target is None or time is None or any(each.severity is Severity.ERROR for each in sent.faults):
        return Item(index=index, place=sent.base, faults=tuple(sent.faults), id=target or "")
    origins = {"/id": sent.place(name), "/time": sent.place(when), "/data/retracts": sent.place(name)}
    origins |= {f"/data/{each}": sent.place(when) for each in ("occurred_at", "updated_at")}
    origins["/data/subjects"] = sent.place(name)
    data = {
        "occurred_at": time,
        "updated_at": time,
        "time_kind": "ACTUAL",
        "subjects": [{"scheme": "event", "value": f"{source} {target}"}],
        "retracts": {"source": source, "id": target},
        "extensions": {"dcsa": sent.event},
    }
    kind = "customs.event.retracted"
    event: Event = {"specversion": "1.0", "id": target, "source": source, "type": kind, "time": time, "data": data}
    return Item(index=index, place=sent.base, event=event, faults=tuple(sent.faults), origins=origins, id=target)
