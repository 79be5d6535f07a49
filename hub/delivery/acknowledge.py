"""Acknowledging: a recipient says that everything up to a place is worked off, and may sign it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from msgspec import Struct

from hub.core.access import Access, Step, mark_of, runs_between
from hub.core.errors import HubError, Refusal
from hub.core.feed import Feed, Way
from hub.core.record import EVENTS
from hub.core.registry import Snapshot
from hub.delivery.cursors import Cursors, furthest, moved
from hub.delivery.journal import Journal, Reader
from hub.delivery.pull import Pull
from hub.ports.event_log import EventLog
from hub.ports.observer import Observer
from hub.ports.positions import Positions
from hub.ports.system import Clock
from hub.trust.ack import Marks, ack_text, signed_now
from hub.trust.cursor import Cursor, Place
from hub.trust.jws import Flaw


class Said(Struct, frozen=True):
    """An acknowledgement as it was sent (`schemas/formats/ack.md`)."""

    what: str | tuple[tuple[int, int, int], ...]
    """A sealed cursor, or marks: generation, partition, offset."""
    time: int = 0
    """Seconds since 1970."""
    signature: str = ""
    """A JWS; empty: it is not signed."""


class Acknowledgements:
    def __init__(
        self,
        pull: Pull,
        *,
        log: EventLog,
        positions: Positions,
        cursors: Cursors,
        journal: Journal,
        snapshot: Callable[[], Snapshot],
        clock: Clock,
        observer: Observer,
        hub: str,
    ) -> None:
        self._pull = pull
        self._log = log
        self._positions = positions
        self._cursors = cursors
        self._journal = journal
        self._snapshot = snapshot
        self._clock = clock
        self._observer = observer
        self._hub = hub

    async def take(self, partner: str, name: str, said: Said, reader: Reader) -> Refusal | None:
        """Remember what is worked off, and write it down; it never moves back.

        `ACK_SIGNATURE_INVALID`, and as `Pull.page`. Raises `StorageUnavailable`, `OutcomeUnknown`.
        """
        sealed = said.what if isinstance(said.what, str) else None
        begun = await self._pull.begin(partner, name, sealed)
        if isinstance(begun, Refusal):
            return begun
        feed, cursor = begun
        signature = self._checked(name, said, reader) if said.signature else ""
        if isinstance(signature, Flaw):
            return Refusal("ACK_SIGNATURE_INVALID", signature.value)
        kept_as, way = name, Way.PULL
        if not isinstance(said.what, str):
            marked = await self._marked(name, feed, said.what)
            if isinstance(marked, Refusal):
                return marked
            cursor, kept_as, way = marked, f"{name}@{Way.KAFKA}", Way.KAFKA
        is_moved = False
        while not is_moved:  # Another worker may have moved it meanwhile; that one was first.
            was = await self._positions.acknowledged(partner, kept_as)
            kept = self._cursors.kept(was)
            further = cursor if kept is None else furthest(cursor, kept)
            entries = _processed(feed, kept, further, reader, way.value, signature)
            await self._journal.add(entries)  # First: once the place has moved, nothing would be written any more.
            is_moved = await self._positions.acknowledge(partner, kept_as, self._cursors.plain(further), was=was)
        await self._time(entries)
        return None

    async def _time(self, entries: Sequence[Access]) -> None:
        """Measure how long it took from acceptance to here, by the last event that is reached now."""
        if not entries:
            return
        partition, mark = entries[0].partition, mark_of(entries[0])
        with suppress(HubError):  # It is a measure: what was acknowledged stays so.
            async with self._log.reader(EVENTS) as log:
                for record in await log.read(partition, mark, records_max=1, bytes_max=1):
                    seconds = (self._clock.now_us() - record.time_us) / 1e6
                    self._observer.observe("processed_seconds", seconds, way=entries[0].way)

    def _checked(self, name: str, said: Said, reader: Reader) -> str | Flaw:
        """The signature, if it is a live key's of the very system, made now over just this."""
        feed, _, lane = name.partition("/")
        text = ack_text(self._hub, feed, lane, said.what, said.time)
        keys, now = self._snapshot().keys_of(reader.id), self._clock.now_us() // 1_000_000
        return signed_now(said.signature, text, keys, time=said.time, now=now)

    async def _marked(self, name: str, feed: Feed, marks: Marks) -> Cursor | Refusal:
        """The marks of who reads from Kafka itself, as a place; the hub can only check that there are such events."""
        if Way.KAFKA not in feed.ways:
            return Refusal("CURSOR_INVALID", "marks: of a feed that is read from Kafka; others acknowledge a cursor")
        cursor = self._cursors.first(name, feed.version, feed.recipient)
        reached = {place.partition: -1 for place in cursor.places}
        for generation, partition, offset in marks:
            if generation != cursor.generation or partition not in reached:
                return Refusal("CURSOR_INVALID", "marks: generation, partition, offset, as in the stamps of records")
            if not 0 <= offset < (await self._log.bounds(EVENTS, partition)).end:
                return Refusal("CURSOR_INVALID", "marks: no such offset")
            reached[partition] = max(reached[partition], offset)
        return moved(cursor, tuple(Place(place.partition, reached[place.partition], 0) for place in cursor.places))


def _processed(
    feed: Feed, before: Cursor | None, now: Cursor, reader: Reader, way: str, signature: str
) -> list[Access]:
    """An entry for each partition in which the mark moved on."""
    marks = [place.mark for place in before.places] if before is not None else [-1] * len(now.places)
    return [
        Access(
            step=Step.PROCESSED,
            time_us=0,
            recipient=feed.recipient,
            purpose=feed.purpose.value,
            feed=feed.name,
            lane=now.feed.partition("/")[2],
            way=way,
            reader=reader.id,
            credential=reader.credential,
            agreements=(),
            revision=0,
            generation=now.generation,
            partition=place.partition,
            runs=runs_between(mark + 1, place.mark + 1),
            signature=signature,
        )
        for mark, place in zip(marks, now.places, strict=True)
        if place.mark > mark
    ]
