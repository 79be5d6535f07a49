"""What the judge and the feeds of a partition work with, and the right to do so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence

import msgspec
import orjson
from msgspec import Struct

from hub.core.errors import HubError, LeaseLost, Unknown, place_of
from hub.core.record import LogRecord, Position, StoredRecord, Stream
from hub.core.registry import Snapshot
from hub.core.settings import FanoutSettings
from hub.fanout.routes import Routes
from hub.ports.event_log import EventLog
from hub.ports.first_occurrence import FirstOccurrence
from hub.ports.observer import Observer
from hub.ports.positions import Lease, Positions
from hub.ports.system import Clock, end_if_cancelled
from hub.trust.feed_seal import FeedSealer
from schemas.headers import NoticeHeader, pack

RETRY_SECONDS = 0.25
"""The pause after storage did not answer cleanly, before what it holds is read again."""
POLL_SECONDS = 0.05
"""How often it is asked whether the registry is confirmed again, or has reached a revision."""


class Means(Struct, frozen=True, kw_only=True):
    log: EventLog
    index: FirstOccurrence
    positions: Positions
    snapshot: Callable[[], Snapshot]
    confirmed: Callable[[], bool]
    """Whether the registry confirmed the snapshot within the bound: a stale process decides nothing."""
    routes: Callable[[], Routes]
    """Of the present snapshot, made once for all feeds."""
    secret: Callable[[str], bytes]
    sealer: FeedSealer
    clock: Clock
    observer: Observer
    settings: FanoutSettings
    events: Stream
    feed_retention_seconds: int

    def alarm(self, name: str, **facts: str | int | float) -> None:
        """A condition that needs a person."""
        self.observer.count("alarms", alarm=name)
        self.observer.event(f"alarm.{name}", **facts)

    async def may_decide(self, revision: int) -> Routes:
        """The routes, once they may decide what is stamped with `revision`: the registry is confirmed, and seen so far.

        Nobody else runs in between where that is so already.
        """
        end_if_cancelled()
        while not self.confirmed() or self.snapshot().revision < revision:
            await self.clock.sleep(POLL_SECONDS)
        return self.routes()

    def quarantined(
        self, publisher: str, cause: str, place: Position, record: StoredRecord, *, feed: str = "", error: str = ""
    ) -> LogRecord:
        """A record as it is kept until an operator has settled it; without what would be more than an append takes.

        Cause and place are always kept: the record itself lies at its place for as long as the log holds it. `feed`:
        which could not show it, and for what error.
        """
        packed = pack(NoticeHeader(publisher, cause, place.generation, place.partition, place.offset, feed))
        said = [orjson.dumps({"feed": feed, "error": error})] if feed else []
        for kept in ([record.header, record.value], [record.header, b""]):
            aside = LogRecord(publisher.encode(), packed, msgspec.msgpack.encode(kept + said))
            if bytes_of(aside) <= self.log.append_bytes_max:
                return aside
        return LogRecord(publisher.encode(), packed, msgspec.msgpack.encode([b"", b"", *said]))


def bytes_of(record: LogRecord) -> int:
    """What it takes of an append."""
    return len(record.key) + len(record.header) + len(record.value)


class Unclean(HubError):
    """An append was not cleanly acknowledged: what landed is to be read from the log before anything else."""

    code = "OUTCOME_UNKNOWN"


class LogCutShort(HubError):
    """What was derived from the log is above its end: it is not the log that it was. Nothing is passed on."""


class Tenure:
    """The lease on one partition, kept by renewal until it is lost."""

    def __init__(self, lease: Lease, means: Means) -> None:
        self.lease = lease
        self._means = means

    def holds(self) -> bool:
        """Feed appends carry no epoch, so whoever appends looks at the clock right before."""
        return self._means.clock.now_us() < self.lease.expires_us

    async def keep(self) -> None:
        """Renew for ever. Raises `LeaseLost`."""
        seconds = self._means.settings.lease_seconds
        while True:
            end_if_cancelled()
            await self._means.clock.sleep(seconds / 3)
            try:
                self.lease = await self._means.positions.renew(self.lease, seconds)
            except LeaseLost:
                raise
            except HubError as error:
                if not self.holds():
                    raise LeaseLost("the lease ran out while storage was away or full") from error


async def append_all(means: Means, tenure: Tenure, stream: str, partition: int, records: Sequence[LogRecord]) -> int:
    """Append in as few batches as the log takes, one in flight; return the end of the last. Raises `Unclean`."""
    return await append_each(means, tenure, stream, partition, batches(records, means.log.append_bytes_max))


async def append_each(
    means: Means, tenure: Tenure, stream: str, partition: int, ready: Iterable[Sequence[LogRecord]]
) -> int:
    """Append batch after batch, each asked for when the one before has landed; return the end. Raises `Unclean`."""
    end = 0
    for batch in ready:
        if not (tenure.holds() and means.confirmed()):
            raise Unclean("no longer entitled to append")
        first = await means.log.append(stream, partition, batch)
        if isinstance(first, Unknown):
            raise Unclean(first.reason)
        end = first + len(batch)
    return end


def batches(
    records: Sequence[LogRecord], bytes_max: int, size_of: Callable[[LogRecord], int] = bytes_of
) -> list[Sequence[LogRecord]]:
    """Cut where the bytes would exceed the bound; a record that does so alone makes a batch of its own."""
    out: list[Sequence[LogRecord]] = []
    begin = size = 0
    for index, record in enumerate(records):
        length = size_of(record)
        if size + length > bytes_max and index > begin:
            out.append(records[begin:index])
            begin, size = index, 0
        size += length
    if begin < len(records):
        out.append(records[begin:])
    return out


async def persist(work: Callable[[], Awaitable[None]], means: Means, name: str, **facts: str | int | float) -> None:
    """Run `work` until it returns, again after every failure that another try may mend.

    Passes on what ends the tenure: `LeaseLost`, `LogCutShort`. Every try starts from what storage holds.
    """
    while True:
        try:
            return await work()
        except (LeaseLost, LogCutShort):
            raise
        except HubError as error:
            means.observer.event(f"{name}.interrupted", error=type(error).__name__, **facts)
        except Exception as error:  # noqa: BLE001  A supervisor: a fault in one feed must not stop the others.
            means.alarm(f"{name}_failed", error=place_of(error), **facts)
        end_if_cancelled()
        await means.clock.sleep(RETRY_SECONDS)
