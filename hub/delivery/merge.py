"""All partitions of a stream as one: read in turn with fair shares, waited for together, seen by the reader rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress

from msgspec import Struct

from hub.core.errors import Trimmed
from hub.core.record import StoredRecord
from hub.delivery.tail import Tail, Tails
from hub.ports.event_log import EventLog, LogReader
from hub.trust.cursor import Place
from schemas.headers import FeedHeader, NoticeHeader, unpack

Stamped = FeedHeader | NoticeHeader
Admit = Callable[[Stamped], bool]
"""Whether a record may be shown to this reader now."""

LOOKED_AT_FACTOR = 16
"""A page ends when it has looked at this many times its records: where few are for this reader it may be empty."""


class Taken(Struct, frozen=True):
    """Records for a reader, and where it stands behind them."""

    records: Sequence[bytes]
    stamps: Sequence[Stamped]
    """Of the records, in their order."""
    places: tuple[Place, ...]
    oldest_us: int | None
    """When the hub received the oldest of them; of notices, when the log took it."""
    offsets: Sequence[int] = ()
    """Of the records in the stream."""


class Bound(Struct, frozen=True):
    records: int
    bytes: int
    seconds: float
    """How long to wait for the first record."""


class _Sifted:
    """What becomes of the records that are looked at."""

    def __init__(self) -> None:
        self.kept: list[StoredRecord] = []
        self.stamps: list[Stamped] = []

    def keep(self, stamp: Stamped, record: StoredRecord) -> None:
        self.kept.append(record)
        self.stamps.append(stamp)

    def oldest_us(self) -> int | None:
        pairs = zip(self.stamps, self.kept, strict=True)
        times = (stamp.received_us if isinstance(stamp, FeedHeader) else record.time_us for stamp, record in pairs)
        return min(times, default=None)


Found = list[tuple[int, Sequence[StoredRecord]]]
"""Records by partition."""


async def take(tails: Tails, stream: str, places: Sequence[Place], admit: Admit, bound: Bound) -> Taken:
    """The next records that are above their marks and admitted; none when the time is up or the bell has rung.

    Raises `StorageUnavailable`, and `Trimmed` where the log let go of records behind a place that had been moved on.
    """
    places = list(places)
    until = tails.clock.monotonic() + bound.seconds
    rings = tails.of(stream).rings
    sifted = _Sifted()
    looked_at = 0
    while not sifted.kept and looked_at < bound.records * LOOKED_AT_FACTOR:
        tail = tails.of(stream)
        moved = tail.moved
        found = await _read_in_turn(tails.log, stream, tail, places, bound)
        for partition, records in found:
            looked_at += len(records)
            places[partition] = _sift(places[partition], records, admit, sifted)
        left = until - tails.clock.monotonic()
        if not found and (left <= 0 or tail.rings != rings or tails.ended):
            break
        if not found:
            with suppress(TimeoutError):
                async with tails.clock.deadline(left):
                    await moved.wait()
    values, offsets = [record.value for record in sifted.kept], [record.offset for record in sifted.kept]
    return Taken(values, sifted.stamps, tuple(places), sifted.oldest_us(), offsets)


async def is_overtaken(log: EventLog, stream: str, places: Sequence[Place]) -> bool:
    """Whether the log let go of records behind a place that had been moved on. Raises `StorageUnavailable`."""
    for place in places:
        if 0 < place.offset < (await log.bounds(stream, place.partition)).start:
            return True
    return False


async def _read_in_turn(log: EventLog, stream: str, tail: Tail, places: Sequence[Place], bound: Bound) -> Found:
    """One read a partition; what one leaves of its share the next ones get."""
    found: Found = []
    records_left, bytes_left = bound.records, bound.bytes
    async with AsyncExitStack() as stack:
        handle: LogReader | None = None
        for done, partition in enumerate(tail.turns()):
            if records_left <= 0 or bytes_left <= 0:
                break
            shares = len(places) - done
            share = Bound(-(-records_left // shares), -(-bytes_left // shares), 0)
            records = tail.partitions[partition].take(places[partition].offset, share.records, share.bytes)
            if records is None:
                if handle is None:
                    handle = await stack.enter_async_context(log.reader(stream))
                records = await _read(handle, places[partition], share)
            if records:
                found.append((partition, records))
                records_left -= len(records)
                bytes_left -= sum(len(record.value) for record in records)
    return found


async def _read(handle: LogReader, place: Place, share: Bound) -> Sequence[StoredRecord]:
    """From the place on. Who begins begins with the earliest record kept; to others what was let go is a gap."""
    offset = place.offset
    while True:
        try:
            return await handle.read(place.partition, offset, records_max=share.records, bytes_max=share.bytes)
        except Trimmed as trimmed:
            if place.offset > 0:
                raise
            offset = trimmed.start


def _sift(place: Place, records: Sequence[StoredRecord], admit: Admit, sifted: _Sifted) -> Place:
    """Apply the reader rule: drop what is not above the mark; the mark also moves over what is not admitted."""
    mark = place.mark
    for record in records:
        stamp = unpack(record.header)
        if not isinstance(stamp, FeedHeader | NoticeHeader) or not is_above(stamp, mark):
            continue
        mark = max(mark, stamp.offset)
        if admit(stamp):
            sifted.keep(stamp, record)
    return Place(place.partition, mark, records[-1].offset + 1)


def is_above(stamp: Stamped, mark: int) -> bool:
    """The reader rule. A notice about no record has no place in their order; a repeat is known by its id."""
    return stamp.offset > mark or (isinstance(stamp, NoticeHeader) and bool(stamp.id))
