"""A stretch of one partition of the log, read once and decoded once, for all feeds that pass it on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import orjson
from msgspec import Raw, Struct

from hub.core.record import StoredRecord
from schemas.headers import EventHeader, SealHeader, unpack
from schemas.identity import identity_key

_members = msgspec.json.Decoder(dict[str, Raw])
_ONE_DOT_ZERO = Raw(b'"1.0"')


class Event(Struct):
    """One event of the log; what is inside it is opened when the first feed asks, and kept for the others."""

    header: EventHeader
    record: StoredRecord
    opened: dict[str, Raw] | None = None
    parsed: dict[str, Any] | None = None

    @property
    def offset(self) -> int:
        return self.record.offset

    @property
    def identity(self) -> bytes:
        header = self.header
        return identity_key(header.publisher, header.source, header.id, header.version)

    @property
    def members(self) -> dict[str, Raw]:
        """The event's members, each as it was sent, to the letter. Raises ValueError if it is no JSON object."""
        if self.opened is None:
            attributes = self.header.attributes
            self.opened = _members.decode(self.record.value) if attributes is None else self._put_together(attributes)
        return self.opened

    def _put_together(self, attributes: dict[str, str]) -> dict[str, Raw]:
        """Binary mode (CloudEvents HTTP Protocol Binding 1.0.2 §3.1): attributes from headers, data from the body."""
        members = {"specversion": _ONE_DOT_ZERO}
        members |= {name: Raw(orjson.dumps(text)) for name, text in attributes.items()}
        return members | {"data": Raw(self.record.value)}

    @property
    def json(self) -> dict[str, Any]:
        """The event as a value, for filters. Raises ValueError."""
        if self.parsed is None:
            attributes = self.header.attributes
            value = orjson.loads(self.record.value)
            self.parsed = value if attributes is None else {**attributes, "data": value}
        return self.parsed


class Section(Struct, frozen=True):
    """What was judged of a partition from `start` up to `end` (exclusive): its first occurrences, in order."""

    start: int
    end: int
    events: Sequence[Event]
    revision: int
    """The highest registry revision stamped in it."""
    bytes: int
    """Of its values, for bounding what is kept in memory."""

    def after(self, offset: int) -> Section:
        """The part from `offset` on."""
        if offset <= self.start:
            return self
        rest = [event for event in self.events if event.offset >= offset]
        return Section(offset, self.end, rest, self.revision, self.bytes)


def section_of(start: int, end: int, firsts: Sequence[Event]) -> Section:
    return Section(
        start,
        end,
        firsts,
        max((event.header.revision for event in firsts), default=0),
        sum(len(event.record.value) for event in firsts),
    )


def open_records(records: Sequence[StoredRecord]) -> tuple[list[Event], list[StoredRecord]]:
    """The events among the records of `hub.events`, seals left out; and the records that cannot be read."""
    events: list[Event] = []
    unreadable: list[StoredRecord] = []
    for record in records:
        try:
            header = unpack(record.header)
        except msgspec.DecodeError:
            unreadable.append(record)
            continue
        if isinstance(header, EventHeader):
            events.append(Event(header, record))
        elif not isinstance(header, SealHeader):
            unreadable.append(record)
    return events, unreadable
