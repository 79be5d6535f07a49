"""Messages that were given up: their records' places are kept in quarantine, where they are seen and released."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec
import orjson
from msgspec import Struct

from hub.core.endpoint import Endpoint
from hub.core.errors import StorageUnavailable, Unknown
from hub.core.record import NOTICES, QUARANTINE, LogRecord, Position
from hub.delivery.merge import Stamped as Stamp
from hub.delivery.outbox import Message
from hub.delivery.shelf import Stamped
from hub.delivery.source import Source
from hub.ports.event_log import EventLog
from hub.ports.observer import Observer
from schemas.headers import FeedHeader, NoticeHeader, pack

CAUSE = "DELIVERY_FAILED"
LOST = "the log let go of it before it was taken"


class Letter(Struct, frozen=True):
    """Records of a message that are given up."""

    endpoint: Endpoint
    source: Source
    message: Message
    webhook_id: str
    why: str
    generation: int
    offsets: Sequence[int]
    """In the stream of the feed or of notices."""
    stamped: Mapping[int, Stamped]
    """What the log still has of them."""


class Buried(Struct, frozen=True):
    """Dead letters were made of these records."""

    offsets: Sequence[int]


def into_quarantine(log: EventLog, observer: Observer) -> Callable[[Letter], Awaitable[None]]:
    """Keeps a record for each of the letter's: header (empty where the log let go of it), no content, what was tried.

    Raises `StorageUnavailable`, `StorageFull`: then it may be there or not, and is kept again.
    """

    async def bury(letter: Letter) -> None:
        message, source = letter.message, letter.source
        what = {
            "endpoint": letter.endpoint.id,
            "feed": source.name,
            "webhook_id": letter.webhook_id,
            "attempts": message.attempts,
            "since_us": message.since_us,
            "why": letter.why,
        }
        sources = dict(zip(message.offsets, message.source_offsets, strict=False))
        records = []
        for offset in letter.offsets:
            stamp, _ = letter.stamped.get(offset, (None, b""))
            if stamp is None:
                lay = offset if source.name == NOTICES else sources.get(offset, -1)
                position = Position(letter.generation, message.partition, lay)
            else:
                position = position_of(stamp, offset, letter.generation)
            place = position.generation, position.partition, position.offset
            header = NoticeHeader(source.recipient, CAUSE, *place, letter.webhook_id)
            kept = [b"" if stamp is None else pack(stamp), b"", orjson.dumps(what | {"offset": offset})]
            records.append(LogRecord(source.recipient.encode(), pack(header), msgspec.msgpack.encode(kept)))
        if records:
            landed = await log.append(QUARANTINE, message.partition, records)
            if isinstance(landed, Unknown):
                raise StorageUnavailable(f"what was given up may have been kept or not: {landed.reason}")
        observer.count("quarantined", len(records), cause=CAUSE)
        observer.event("endpoint.gave_up", endpoint=letter.endpoint.id, records=len(records), why=letter.why)

    return bury


def position_of(stamp: Stamp, offset: int, generation: int) -> Position:
    """By which a letter knows a record: one of a feed by its stamp, a notice by where it lies."""
    if isinstance(stamp, FeedHeader):
        return Position(stamp.generation, stamp.partition, stamp.offset)
    return Position(generation, stamp.partition, offset)
