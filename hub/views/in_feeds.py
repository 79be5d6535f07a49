"""Since when an event lies in a feed, by the feed's own log: nobody has to have read it for that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from msgspec.structs import replace

from hub.core.access import Access, Step, runs_of
from hub.core.errors import HubError
from hub.core.feed import Feed, Lane, Way, stream_of
from hub.core.record import Position
from hub.core.registry import Snapshot
from hub.core.restriction import all_that_bind
from hub.ports.event_log import EventLog, LogReader
from schemas.headers import EventHeader, FeedHeader, unpack

FEEDS_MAX = 64
PASSED_OVER_MAX = 8
"""Records of no event that lie side by side."""
READ_BYTES_MAX = 65_536
_BEYOND = 1 << 62


class InFeeds:
    def __init__(
        self,
        log: EventLog,
        *,
        snapshot: Callable[[], Snapshot],
        candidates: Callable[[EventHeader], Iterable[Feed]],
    ) -> None:
        """`candidates`: the feeds that may hold an event."""
        self._log = log
        self._snapshot = snapshot
        self._candidates = candidates

    async def of(self, header: EventHeader, position: Position) -> list[Access]:
        """Where it lies, as far as the company may be told; of at most `FEEDS_MAX` feeds. What is read from Kafka is
        given by that, and in the journal."""
        found: list[Access] = []
        for feed in islice(self._candidates(header), FEEDS_MAX):
            lane = feed.lane(header.type)
            if Way.KAFKA not in feed.ways and (since_us := await self.since_us(feed.name, lane, position)) is not None:
                found.append(_published(feed, lane, position, since_us))
        return [access for access in found if not any(self._restrictions(access))]

    def _restrictions(self, access: Access) -> Iterator[str]:
        """Those that were in force then, also on what follows: either tells who has the event."""
        for step in (Step.PUBLISHED, Step.DELIVERED):
            named = replace(access, step=step)
            yield all_that_bind(self._snapshot().restrictions, named, access.time_us // 1_000_000)

    async def since_us(self, feed: str, lane: Lane, position: Position) -> int | None:
        """Microseconds since 1970; None: it is not there, or no longer, or there is no feed. Its stamps ascend."""
        if not feed:
            return None
        stream = stream_of(feed, lane)
        try:
            bounds = await self._log.bounds(stream, position.partition)
            async with self._log.reader(stream) as reader:
                low, high = bounds.start, bounds.end
                while low < high:
                    middle = (low + high) // 2
                    offset, time_us = await _stamp_from(reader, position.partition, middle)
                    if offset == position.offset:
                        return time_us
                    low, high = (middle + 1, high) if offset < position.offset else (low, middle)
        except HubError:
            return None  # The feed is gone, or its log away: what the journal has is told all the same.
        return None


def _published(feed: Feed, lane: Lane, position: Position, since_us: int) -> Access:
    """As the journal would have it, had it been given by that."""
    return Access(
        Step.PUBLISHED,
        since_us,
        feed.recipient,
        feed.purpose.value,
        feed.name,
        lane.value,
        way="",
        reader="",
        credential="",
        agreements=(),
        revision=0,
        generation=position.generation,
        partition=position.partition,
        runs=runs_of([position.offset]),
    )


async def _stamp_from(reader: LogReader, partition: int, offset: int) -> tuple[int, int]:
    """The stamp of the first record of an event from a place of the feed on, and when it was put there."""
    for record in await reader.read(partition, offset, records_max=PASSED_OVER_MAX, bytes_max=READ_BYTES_MAX):
        if isinstance(stamp := unpack(record.header), FeedHeader):
            return stamp.offset, record.time_us
    return _BEYOND, 0
