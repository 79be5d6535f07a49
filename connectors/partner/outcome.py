"""An event on its way out, and what became of it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Self

import orjson
from msgspec import Struct

from connectors.errors import ConnectorError
from schemas.faults import Fault, fault
from schemas.guard import parse, split_array, split_lines


class EventUnsendable(ConnectorError, ValueError):
    """This is no event that the hub could take; `faults` say where and why."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{f.code} at {f.place or 'the whole'}: found {f.found}" for f in self.faults))


class OutgoingEvent(Struct, frozen=True):
    """One event: its identity within the partner, and the bytes that every try sends."""

    source: str
    id: str
    raw: bytes

    @classmethod
    def of(cls, event: bytes | Mapping[str, Any]) -> Self:
        """Take an event, as JSON bytes (sent unchanged) or as a mapping (written once). Raises `EventUnsendable`."""
        raw = event.strip() if isinstance(event, bytes) else orjson.dumps(event)
        parsed = parse(raw)
        if isinstance(parsed, list):
            raise EventUnsendable(parsed)
        names = ("source", "id")
        source, id_ = (parsed.value.get(name) for name in names)
        if isinstance(source, str) and isinstance(id_, str):
            return cls(source, id_, raw)
        raise EventUnsendable(
            fault("MEMBER_MISSING", f"/{name}", parsed.value.get(name), "text")
            for name in names
            if not isinstance(parsed.value.get(name), str)
        )


def events_of(content: bytes) -> list[bytes]:
    """The events of a JSON object, a JSON array or NDJSON, each in its own bytes. Raises `EventUnsendable`."""
    content = content.strip()
    if content.startswith(b"["):
        events = split_array(content, sys.maxsize)
    else:
        parsed = parse(content)
        several = isinstance(parsed, list) and any(fault.code == "JSON_TRAILING" for fault in parsed)
        events = split_lines(content, sys.maxsize) if several else [content]
    if isinstance(events, list):
        return events
    raise EventUnsendable([events])


class Verdict(StrEnum):
    """What the hub said of an event (design: a closed set)."""

    ACCEPTED = "ACCEPTED"
    DUPLICATE = "DUPLICATE"
    HELD = "HELD"
    """Kept on one disk of the hub; a receipt follows when it is in the log."""
    NOT_SHARED = "NOT_SHARED"
    """Valid, but its sender's own business: no agreement asks for it, and the hub does not keep it."""
    REJECTED = "REJECTED"
    CONFLICT = "CONFLICT"
    UNKNOWN = "UNKNOWN"
    """It may have been stored; sending it again with the same id is safe."""
    NOT_ATTEMPTED = "NOT_ATTEMPTED"


TAKEN = frozenset((Verdict.ACCEPTED, Verdict.DUPLICATE))
REFUSED = frozenset((Verdict.REJECTED, Verdict.CONFLICT))
OPEN = frozenset((Verdict.UNKNOWN, Verdict.NOT_ATTEMPTED))


class Outcome(Struct, frozen=True, omit_defaults=True):
    """What became of one event."""

    source: str
    id: str
    verdict: Verdict
    code: str = ""
    detail: str = ""
    faults: tuple[dict[str, Any], ...] = ()
    """As the hub worded them (`schemas/formats/problem.md`); of an event that was taken, warnings."""
    receipt: dict[str, Any] | None = None
    """The receipt alone, if there is one and it verifies."""
    receipt_fault: str = ""
    """Why the receipt that came does not count; empty if it does, or if none was due."""
    place: str = ""
    """Where the event stands in its document; empty: it was sent by itself."""

    @property
    def taken(self) -> bool:
        """The hub has it, and the receipt proves it."""
        return self.verdict in TAKEN and not self.receipt_fault

    @property
    def refused(self) -> bool:
        """Sending the same again changes nothing; a person must look at it."""
        return self.verdict in REFUSED or bool(self.receipt_fault)

    @property
    def open(self) -> bool:
        """Send it again, with the same id and the same bytes."""
        return self.verdict in OPEN
