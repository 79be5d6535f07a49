"""What becomes a segment: whole batches of a partition, the wanted events of each beside its seal."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import DecodeError, Struct, field

from hub.core.agreement import Agreement
from hub.core.event import Event
from hub.core.record import StoredRecord
from hub.core.terms import facts_of
from hub.trust.segment import SEGMENT_FORMAT, Indexed, Kept, KeptSeal, Segment
from schemas.headers import Header, SealHeader, unpack

SEGMENT_BYTES = 4_194_304
"""About so much of values: a segment is read whole."""
STRETCH_RECORDS_MAX = 20_000
"""One row of the index stands for about so many, also where nothing was wanted."""


class Stretch(Struct):
    first: int
    end: int
    oldest_us: int = 0
    newest_us: int = 0
    bytes: int = 0
    batch: list[StoredRecord] = field(default_factory=list)
    """What is wanted of the batch that is being read: its seal is to come."""
    events: list[Kept] = field(default_factory=list)
    seals: list[KeptSeal] = field(default_factory=list)
    agreements: set[str] = field(default_factory=set)

    @property
    def is_full(self) -> bool:
        return self.bytes >= SEGMENT_BYTES or self.end - self.first >= STRETCH_RECORDS_MAX

    def want(self, event: Event, wanting: Sequence[Agreement]) -> None:
        """Keep the event where an agreement asks for it, once its batch ends."""
        if asking := _asking(event, wanting):
            self.agreements.update(asking)
            self.batch.append(event.record)

    def close(self, seal: StoredRecord, header: SealHeader) -> None:
        """A batch ends with its seal: its events belong to it, each by its place before it."""
        size = len(seal.value) // 32
        for record in self.batch:
            leaf = record.offset - seal.offset + size
            kept = Kept(record.offset, record.time_us, record.key, record.header, record.value, len(self.seals), leaf)
            self.events.append(kept)
            self.bytes += len(record.value)
        if self.batch:
            self.seals.append(KeptSeal(header.body, header.signature, seal.value))
            self.batch = []
        self.oldest_us = self.oldest_us or seal.time_us
        self.newest_us = seal.time_us
        self.end = seal.offset + 1

    def segment(self, generation: int, partition: int) -> Segment:
        events, seals = tuple(self.events), tuple(self.seals)
        return Segment(SEGMENT_FORMAT, generation, partition, self.first, self.end, events, seals)

    def empty(self, generation: int) -> Indexed:
        """The row of a stretch of which nothing was wanted."""
        return Indexed("", generation, self.first, self.end, self.oldest_us, self.newest_us, b"", ())


def opened(record: StoredRecord) -> Header | None:
    """None where it cannot be read: the judge has told of it, and set it aside."""
    try:
        return unpack(record.header)
    except DecodeError:
        return None


def _asking(event: Event, wanting: Sequence[Agreement]) -> list[str]:
    """Which of the agreements ask for it to be kept, as they stand now."""
    header = event.header
    try:
        facts, said = facts_of(header), event.said
    except ValueError:
        return []  # It is shown to nobody.
    received = header.received_us // 1_000_000
    return [
        each.id
        for each in wanting
        if each.provider.covers(header.publisher, facts)
        and each.covers_type(header.type)
        and each.valid_from <= received
        and said.meets(each.conditions)
    ]


def joined(entries: Sequence[Indexed], entry: Indexed) -> tuple[Indexed, ...]:
    """Stretches of which nothing was wanted become one row."""
    last = entries[-1] if entries else None
    if (
        last is not None
        and not last.name
        and not entry.name
        and (last.generation, last.end)
        == (
            entry.generation,
            entry.first,
        )
    ):
        entry = Indexed("", last.generation, last.first, entry.end, last.oldest_us, entry.newest_us, b"", ())
        entries = entries[:-1]
    return (*entries, entry)
