"""EPCIS documents to canonical events: opened, checked against the standard, and read for what they mean to customs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct, json

from schemas.faults import FAULTS_MAX, Fault, Severity, capped, fault, pointer
from schemas.place import Place, pointer_of
from schemas.translate.document import read
from schemas.translate.epcis.canonical import SOURCE, canonical
from schemas.translate.epcis.events import COMMON, DOCUMENTS, check_document, check_event, class_of
from schemas.translate.epcis.hashing import hashed
from schemas.translate.epcis.meaning import OBSERVED
from schemas.translate.epcis.namespaces import STANDARD, Namespaces, is_standard, read_context
from schemas.translate.epcis.reading import Reading
from schemas.translate.item import Context, Item, Translation
from schemas.translate.native import EVENT_BYTES_MAX

FORMAT = "epcis/2.0"

_BOM = b"\xef\xbb\xbf"


def translate(document: bytes, context: Context) -> Translation | list[Fault]:
    """Open an EPCIS document, a query document, an event by itself or an array of such events. Raises nothing."""
    if document.removeprefix(_BOM).lstrip().startswith(b"<"):
        return [fault("FORMAT_NOT_TAKEN", "", "EPCIS XML", "EPCIS 2.0 in JSON or JSON-LD")]
    value, faults = read(document)
    if faults:
        return faults
    source, large = context.source or SOURCE, len(document) > EVENT_BYTES_MAX
    if isinstance(value, dict) and "epcisBody" not in value and class_of(value) not in _DOCUMENT_NAMES:
        event = _Opened([], None, STANDARD, source, large, bare=True).item(0, value, None)
        return Translation(format=FORMAT, items=iter([event]))
    if isinstance(value, dict):
        opened = _opened(value, source, large)
        if isinstance(opened, list):
            return opened
    else:
        opened = _Opened(value, None, STANDARD, source, large, bare=True)
    return _counted(opened, context.items_max) or Translation(format=FORMAT, items=opened.items())


_DOCUMENT_NAMES = tuple(DOCUMENTS)


def _counted(opened: _Opened, items_max: int) -> list[Fault]:
    """What is wrong with the number of events."""
    count, place = len(opened.entries), pointer_of(opened.place)
    if count > items_max:
        return [fault("TOO_MANY_ITEMS", place, f"{count} events", f"at most {items_max} events")]
    return [] if count else capped([fault("EMPTY", place, "no events", "at least one event"), *opened.faults])


class _Opened(Struct, frozen=True):
    """The events of a document, and what they have in common."""

    entries: list[Any]
    place: Place
    names: Namespaces
    source: str
    large: bool
    """Whether an event of it may be too large."""
    kept: object = None
    """The document's `@context`, where it says more than the standard's."""
    bare: bool = False
    """Whether the events stand by themselves, each with its own `@context`."""
    faults: tuple[Fault, ...] = ()
    """Warnings about what is around the events; they are told with the first of them."""

    def items(self) -> Iterator[Item]:
        for index, entry in enumerate(self.entries):
            yield self.item(index, entry, (self.place, index))

    def item(self, index: int, entry: Any, place: Place) -> Item:
        faults = list(self.faults) if index == 0 else []
        at = pointer_of(place)
        if not isinstance(entry, dict):
            faults.append(fault("JSON_NOT_AN_OBJECT", at, entry, "an event, as an object"))
            return Item(index=index, place=at, faults=tuple(faults))
        # What fits no log is not looked into: the memory that takes is many times its size. Measured by msgspec, for
        # orjson reserves forty times the size of an array of short texts.
        if self.large and (size := len(json.encode(entry))) > EVENT_BYTES_MAX:
            faults.append(fault("VALUE_LENGTH", at, f"{size} bytes", f"an event of at most {EVENT_BYTES_MAX} bytes"))
            return Item(index=index, place=at, faults=tuple(faults))
        names = self.names
        if "@context" in entry:
            names = read_context(entry["@context"], (place, "@context"), faults, names)
        elif self.bare:
            faults.append(fault("MEMBER_MISSING", pointer_of((place, "@context")), "nothing", "@context"))
        kind = check_event(entry, place, names, faults)
        if any(each.severity is Severity.ERROR for each in faults):
            sent = entry.get("eventID")
            id_ = sent if isinstance(sent, str) else ""
            return Item(index=index, place=at, faults=tuple(capped(faults)), id=id_)
        return self._meant(index, entry, at, Reading(entry, names), kind, faults)

    def _meant(
        self, index: int, entry: dict[str, Any], at: str, reading: Reading, kind: str, faults: list[Fault]
    ) -> Item:
        """An event that is as the standard asks."""
        id_ = entry.get("eventID") or hashed(entry, reading.names)
        if not kind:
            reading = reading._replace(event={name: entry[name] for name in entry if name in COMMON})
        event, sketch = canonical(reading, kind, at, id_, self.source)
        event["data"]["extensions"] = (
            {"epcis": entry} if self.kept is None else {"epcis": entry, "epcis_context": self.kept}
        )
        sketch.origins["/data/extensions/epcis"] = at
        return Item(
            index=index,
            place=at,
            event=event,
            faults=tuple(capped(faults + sketch.faults)),
            origins=sketch.origins,
            id=id_,
            unmeant=event["type"] == OBSERVED,
        )


def _opened(document: dict[str, Any], source: str, large: bool) -> _Opened | list[Fault]:
    """A document with a body; or all that is wrong, in its events too, where what is around them is wrong."""
    faults: list[Fault] = []
    named = class_of(document)
    kind = DOCUMENTS.get(named) if isinstance(named, str) else None
    if kind is None:
        code, found = ("MEMBER_MISSING", "nothing") if named is None else ("VALUE_NOT_ALLOWED", named)
        return [fault(code, pointer("type"), found, "EPCISDocument or EPCISQueryDocument")]
    sent = document.get("@context")
    standard = "@context" not in document or is_standard(sent)
    names = STANDARD if standard else read_context(sent, (None, "@context"), faults)
    found_list = check_document(document, kind, names, faults)
    entries, place = ([], None) if found_list is None else found_list
    kept = None if standard else sent
    opened = _Opened(entries, place, names, source, large, kept)
    if all(each.severity is Severity.WARNING for each in faults):
        return _Opened(entries, place, names, source, large, kept, faults=tuple(faults))
    for item in opened.items():
        if len(faults) > FAULTS_MAX:
            break
        faults.extend(item.faults)
    return capped(faults)
