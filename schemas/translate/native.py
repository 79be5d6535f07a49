"""The hub's own format as a document: CloudEvents in JSON, one event, an array of them, or one a line (NDJSON)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from schemas import guard
from schemas.faults import Fault, fault
from schemas.translate.item import Context, Item, Translation

FORMAT = "ce-json/1"

EVENT_BYTES_MAX = 262_144
"""What a hub takes of one event, unless it is set otherwise (`intake.event_bytes_max`)."""

_LINE = re.compile(rb"[^\n]+")


def translate(document: bytes, context: Context) -> Translation | list[Fault]:
    """Open a document of canonical events. Places of faults are pointers into the event that they are about, as in the
    hub's answer; an item's place says which event that is."""
    content = document.strip(b" \t\r\n")
    if content.startswith(b"["):
        raws = guard.split_array(content, context.items_max)
        if isinstance(raws, Fault):
            return [raws]
        return _translation((f"/{index}", raw) for index, raw in enumerate(raws)) if raws else _empty()
    if b"\n" in content and _is_several(content):
        if isinstance(counted := guard.split_lines(content, context.items_max), Fault):
            return [counted]
        return _translation(_lines(document))
    return _translation([("", content)]) if content else _empty()


def _empty() -> list[Fault]:
    return [fault("EMPTY", "", "no events", "at least one event")]


def _is_several(content: bytes) -> bool:
    """Whether a line is an event by itself: one event may be written over many lines, and one line may be broken."""
    return any(isinstance(guard.parse(line), guard.Parsed) for line in content.split(b"\n", 3)[:3])


def _lines(document: bytes) -> Iterator[tuple[str, bytes]]:
    for number, line in enumerate(document.split(b"\n"), start=1):
        if stripped := line.strip(b" \t\r"):
            yield f"line {number}", stripped


def _translation(places: Iterable[tuple[str, bytes]]) -> Translation:
    items = (_item(index, place, raw) for index, (place, raw) in enumerate(places))
    return Translation(format=FORMAT, items=items, foreign=False, time_stated=True)


def _item(index: int, place: str, raw: bytes) -> Item:
    if len(raw) > EVENT_BYTES_MAX:
        return Item(index=index, place=place, faults=(too_large(len(raw), EVENT_BYTES_MAX),))
    parsed = guard.parse(raw)
    if isinstance(parsed, list):
        return Item(index=index, place=place, faults=tuple(parsed))
    return Item(index=index, place=place, event=parsed.value, id=str(parsed.value.get("id", "")))


def too_large(bytes_count: int, bytes_max: int) -> Fault:
    return fault("EVENT_TOO_LARGE", "", f"{bytes_count} bytes", f"at most {bytes_max} bytes")
