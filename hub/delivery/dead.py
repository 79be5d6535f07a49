"""Messages that were given up: their records' places are kept in quarantine, where they are seen and released."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
import orjson

from hub.core.errors import StorageUnavailable, Unknown
from hub.core.feed import lane_name
from hub.core.record import QUARANTINE, LogRecord
from hub.delivery.courier import Letter
from hub.ports.event_log import EventLog
from hub.ports.observer import Observer
from schemas.headers import NoticeHeader, pack

CAUSE = "DELIVERY_FAILED"


def into_quarantine(log: EventLog, observer: Observer) -> Callable[[Letter], Awaitable[None]]:
    """Keeps a record for each of the message's: header, nothing of its content, and what was tried.

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
        records = []
        all_there = len(letter.stamped) == len(message.offsets)
        for (stamp, _), offset in zip(letter.stamped, message.offsets, strict=False):
            header = NoticeHeader(
                feed.recipient, CAUSE, stamp.generation, stamp.partition, stamp.offset, letter.webhook_id
            )
            kept = [pack(stamp), b"", orjson.dumps(what | {"offset": offset} if all_there else what)]
            records.append(LogRecord(feed.recipient.encode(), pack(header), msgspec.msgpack.encode(kept)))
        if records:
            landed = await log.append(QUARANTINE, message.partition, records)
            if isinstance(landed, Unknown):
                raise StorageUnavailable(f"what was given up may have been kept or not: {landed.reason}")
        observer.count("quarantined", len(records), cause=CAUSE)
        observer.event("endpoint.gave_up", endpoint=letter.endpoint.id, records=len(records), why=letter.why)

    return bury
