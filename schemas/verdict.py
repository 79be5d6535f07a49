"""The verdict on one event of a document, as far as the document alone allows it: what the hub says of it, and what a
partner is told before sending anything.

Who sends, what is agreed with him and what the hub has seen before are no part of it: `NOT_PERMITTED`, `DUPLICATE` and
`CONFLICT` are for the hub alone to say.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import orjson
from msgspec import Struct

from schemas import guard, rules
from schemas.catalogue import Catalogue, EventType
from schemas.faults import Fault, Severity, capped, fault
from schemas.translate import native
from schemas.translate.item import Item, Translation
from schemas.translate.native import EVENT_BYTES_MAX, too_large

STATEMENT_ROOM_BYTES = 535
"""What is left of a statement's 1,024 bytes for source and id, escaped, beside its other members at their longest."""


class Verdict(StrEnum):
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    NOT_SHARED = "NOT_SHARED"


class Judged(Struct, frozen=True):
    """One item with its verdict; `faults` have their places in the document, errors first."""

    item: Item
    verdict: Verdict
    faults: list[Fault]
    kind: EventType | None = None
    """None: it has no type that the catalogue knows."""


def judge(
    item: Item,
    translation: Translation,
    catalogue: Catalogue,
    *,
    now_us: int,
    raised: frozenset[str] = frozenset(),
    event_bytes_max: int = EVENT_BYTES_MAX,
) -> Judged:
    """Every fault of one item at once. `raised`: codes of warnings that are errors here; `event_bytes_max` is asked of
    the canonical event.

    An item without customs meaning is `NOT_SHARED`: whether an agreement names its type is not known here.
    """
    faults = [_raised(each, raised) for each in item.faults]
    kind: EventType | None = None
    if item.event is not None:
        kind, found = None, _unstorable(item.event, event_bytes_max) if translation.format != native.FORMAT else []
        if not found:
            kind, found = _checked(item.event, translation, catalogue, now_us, raised)
        faults.extend(item.located(found) if item.origins else found)
    refused = item.event is None or any(each.severity is Severity.ERROR for each in faults)
    unmeant = Verdict.NOT_SHARED if item.unmeant else Verdict.ACCEPTED
    return Judged(item, Verdict.REJECTED if refused else unmeant, capped(faults), kind)


def _unstorable(event: dict[str, Any], bytes_max: int) -> list[Fault]:
    """What keeps a translated event from being stored: an event of the hub's own format was read under these rules."""
    try:
        raw = orjson.dumps(event)
    except TypeError as e:
        return [fault("JSON_INVALID", "", str(e), "text and numbers of JSON")]
    if len(raw) > bytes_max:
        return [too_large(len(raw), bytes_max)]
    parsed = guard.parse(raw)
    return parsed if isinstance(parsed, list) else []


def _checked(
    event: dict[str, Any], translation: Translation, catalogue: Catalogue, now_us: int, raised: frozenset[str]
) -> tuple[EventType | None, list[Fault]]:
    kind = catalogue.find(event.get("type"), event.get("dataschema"))
    if isinstance(kind, Fault):
        return None, [kind]
    regard = rules.Regard(raised=raised, absent_ok=translation.foreign, time_stated=translation.time_stated)
    found = rules.check(event, kind, now_us=now_us, regard=regard)
    source, id_ = event.get("source"), event.get("id")
    if isinstance(source, str) and isinstance(id_, str) and (wrong := unstatable(source, id_)) is not None:
        found = [*found, wrong]
    return kind, found


def unstatable(source: str, id_: str, *, room: int = STATEMENT_ROOM_BYTES) -> Fault | None:
    """The fault of a source and id that no receipt could state: JSON escapes quotes and backslashes."""
    text = source + id_
    escaped = text.count('"') + text.count("\\")
    if len(text.encode(errors="replace")) + escaped <= room:
        return None
    return fault("IDENTITY_TOO_LONG", "/id", id_, "source and id with fewer quotes and backslashes to escape")


def _raised(each: Fault, raised: frozenset[str]) -> Fault:
    if each.code not in raised or each.severity is Severity.ERROR:
        return each
    return Fault(each.code, each.place, each.found, each.expected)
