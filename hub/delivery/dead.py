"""Messages that were given up: their records' places are kept in quarantine, where they are seen and released."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec
import orjson
from msgspec import Struct

from hub.core.endpoint import Endpoint
from hub.core.errors import StorageUnavailable, Unknown
from hub.core.feed import Feed, lane_name
from hub.core.record import QUARANTINE, LogRecord
from hub.delivery.outbox import Message
from hub.delivery.shelf import Stamped
from hub.ports.event_log import EventLog
from hub.ports.observer import Observer
from schemas.headers import NoticeHeader, pack

CAUSE = "DELIVERY_FAILED"
LOST = "the log let go of it before it was taken"


class Letter(Struct, frozen=True):
    """Records of a message that are given up."""

    endpoint: Endpoint
    feed: Feed
    message: Message
    webhook_id: str
    why: str
    generation: int
    offsets: Sequence[int]
    """In the feed's stream."""
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
        message, feed = letter.message, letter.feed
        what = {
            "endpoint": letter.endpoint.id,
            "feed": lane_name(feed.name, letter.endpoint.lane),
            "webhook_id": letter.webhook_id,
            "attempts": message.attempts,
            "since_us": message.since_us,
            "why": letter.why,
        }
        sources = dict(zip(message.offsets, message.source_offsets, strict=False))
        records = []
        for offset in letter.offsets:
            stamp, _ = letter.stamped.get(offset, (None, b""))
            position = (
                (message.partition, sources.get(offset, -1)) if stamp is None else (stamp.partition, stamp.offset)
            )
            generation = letter.generation if stamp is None else stamp.generation
            header = NoticeHeader(feed.recipient, CAUSE, generation, *position, letter.webhook_id)
            kept = [b"" if stamp is None else pack(stamp), b"", orjson.dumps(what | {"offset": offset})]
            records.append(LogRecord(feed.recipient.encode(), pack(header), msgspec.msgpack.encode(kept)))
        if records:
            landed = await log.append(QUARANTINE, message.partition, records)
            if isinstance(landed, Unknown):
                raise StorageUnavailable(f"what was given up may have been kept or not: {landed.reason}")
        observer.count("quarantined", len(records), cause=CAUSE)
        observer.event("endpoint.gave_up", endpoint=letter.endpoint.id, records=len(records), why=letter.why)

    return bury
