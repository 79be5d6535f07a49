"""How far each feed is behind, in events and in time, and whether that grows (`schemas/formats/feed.md`).

Of each lane two things are told: what of the log was not looked at yet for it (`routing`), and what of it its recipient
neither acknowledged nor read from Kafka nor took at its endpoints (`reading`). The oldest of these events says how late
it is; it is read only where the place has moved since the last look, and so are the records that are counted.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping

from msgspec import Struct

from hub.core.errors import HubError, Trimmed
from hub.core.feed import Feed, Lane, Way, lane_name, lanes_of, stream_of
from hub.core.record import EVENTS, Stream
from hub.core.registry import Snapshot
from hub.core.retention import kept_seconds
from hub.delivery.brought import brought
from hub.delivery.committed import furthest
from hub.delivery.counted import Stretch
from hub.delivery.cursors import Cursors
from hub.ports.event_log import EventLog
from hub.ports.feed_access import Committed
from hub.ports.observer import Observer
from hub.ports.positions import Positions
from hub.ports.system import Clock

LOOK_SECONDS = 10.0
FEEDS_PER_SECOND_MAX = 10
TREND_SECONDS = 300.0
DAY_SECONDS = 86_400
CHANGE_SHARE = 0.1
CHANGE_EVENTS = 10
"""More or less by both is a trend."""
COUNTED_RECORDS_MAX = 1_000
"""A lane that is behind by more is not read only to tell seals from events."""


class Lag(Struct, frozen=True):
    events: int
    seconds: float | None
    """Age of the oldest of them; None where there is none, or it is not known."""
    trend: str | None
    """rising, steady or falling; None before there is anything to compare with."""
    at_most: bool = False
    """There may be fewer: seals may be among them."""


class LaneLag(Struct, frozen=True):
    feed: str
    lane: str
    routing: Lag
    reading: Lag
    quiet: bool
    """It has a filter, and nothing came for a day."""


class _Trace:
    """What was seen of one lane and stage."""

    def __init__(self) -> None:
        self.looks: deque[tuple[float, int]] = deque()
        self.oldest: dict[int, tuple[int, int]] = {}
        """By partition: an offset, and when the log took the record there."""
        self.stretches = defaultdict[int, Stretch](Stretch)
        """By partition."""

    def trend(self, now: float, records: int) -> str | None:
        """Of records: of these the number is known exactly at every look."""
        while self.looks and self.looks[0][0] < now - TREND_SECONDS:
            self.looks.popleft()
        before = self.looks[0][1] if self.looks and self.looks[0][0] <= now - LOOK_SECONDS else None
        if not self.looks or self.looks[-1][0] <= now - LOOK_SECONDS:
            self.looks.append((now, records))
        if before is None:
            return None
        change = max(CHANGE_EVENTS, before * CHANGE_SHARE)
        return "rising" if records >= before + change else "falling" if records <= before - change else "steady"


class Lags:
    """Of one process."""

    def __init__(
        self,
        *,
        log: EventLog,
        positions: Positions,
        cursors: Cursors,
        snapshot: Callable[[], Snapshot],
        clock: Clock,
        observer: Observer,
        partitions: int,
        feed_retention_seconds: int,
        late: Mapping[str, float],
        committed: Callable[[str], Awaitable[Committed]],
    ) -> None:
        """`late`: by stage, after how many seconds it is an alarm; 0: never. `committed`: what a recipient's consumer
        groups have read."""
        self._committed = committed
        self._late = late
        self._alarmed: set[tuple[str, str]] = set()
        self._log = log
        self._positions = positions
        self._cursors = cursors
        self._snapshot = snapshot
        self._clock = clock
        self._observer = observer
        self._partitions = partitions
        self._retention_seconds = feed_retention_seconds
        self._declared: set[str] = set()
        self._traces: dict[tuple[str, str], _Trace] = {}
        """By stream and stage."""
        self._moved: dict[str, tuple[int, int]] = {}
        """By stream: its length when it was looked at, and when its last record came, seconds since 1970."""
        self._told: dict[str, list[LaneLag]] = {}

    def told(self) -> list[LaneLag]:
        """What was seen of every feed that goes on, at the last look."""
        return [lag for lags in self._told.values() for lag in lags]

    async def run(self) -> None:
        """Look at every feed again and again, few at a time; for ever."""
        while True:
            feeds = self.forget()
            for feed in feeds:
                try:
                    await self.of(feed)
                except HubError as error:
                    self._observer.event("lag_not_seen", feed=feed.name, error=type(error).__name__)
                await self._clock.sleep(1 / FEEDS_PER_SECOND_MAX)
            await self._clock.sleep(max(0.0, LOOK_SECONDS - len(feeds) / FEEDS_PER_SECOND_MAX))

    async def of(self, feed: Feed) -> list[LaneLag]:
        """As it is now, of each lane. Raises `StorageUnavailable`."""
        lanes = lanes_of(self._snapshot().feeds.versions(feed.name))
        seen = [await self._of_lane(feed, lane) for lane in lanes]
        newest = max([feed.since, *(came for _, _, came in seen)])
        quiet = bool(feed.filter) and newest < self._now() - DAY_SECONDS
        lags = []
        for lane, (routing, reading, _) in zip(lanes, seen, strict=True):
            self._measure(lane_name(feed.name, lane), routing=routing, reading=reading)
            lags.append(LaneLag(feed.name, lane.value, routing, reading, quiet))
        self._told[feed.name] = lags
        return lags

    async def _of_lane(self, feed: Feed, lane: Lane) -> tuple[Lag, Lag, int]:
        """What was not looked at, what was not read, and when the last record came (seconds since 1970)."""
        stream = await self._declared_stream(feed, lane)
        source: dict[int, range] = {}
        read: dict[int, range] = {}
        kept = self._cursors.kept(await self._positions.acknowledged(feed.recipient, lane_name(feed.name, lane)))
        groups = await self._committed(feed.recipient) if Way.KAFKA in feed.ways else {}
        endpoints = [each for each in self._snapshot().endpoints.of(feed.name) if each.lane is lane]
        taken = await brought(endpoints, self._positions, self._log.generation, self._partitions)
        for partition in range(self._partitions):
            position = await self._positions.load(stream, self._log.generation, partition)
            events = await self._log.bounds(EVENTS, partition)
            source[partition] = range(max(position.source_offset if position else 0, events.start), events.end)
            bounds = await self._log.bounds(stream, partition)
            read_by_group = furthest(groups, stream, partition, bounds.end).offset
            acknowledged = kept.places[partition].offset if kept is not None else 0
            place = max(acknowledged, read_by_group, taken.get(partition, 0), bounds.start)
            read[partition] = range(place, bounds.end)
        routing = await self._seen(stream, "routing", EVENTS, source)
        reading = await self._seen(stream, "reading", stream, read)
        came = await self._came(stream, {partition: unread.stop for partition, unread in read.items()})
        return routing, reading, came

    async def _declared_stream(self, feed: Feed, lane: Lane) -> str:
        """A lane is looked at from the moment it is registered, before fan-out has come to it."""
        stream = stream_of(feed.name, lane)
        if stream not in self._declared:
            kept = kept_seconds(feed.name, self._snapshot(), self._retention_seconds)
            await self._log.declare(Stream(stream, self._partitions, kept))
            self._declared.add(stream)
        return stream

    def _measure(self, label: str, **lags: Lag) -> None:
        for stage, lag in lags.items():
            self._observer.gauge("feed_behind_events", lag.events, feed=label, stage=stage)
            self._observer.gauge("feed_behind_seconds", lag.seconds or 0, feed=label, stage=stage)
            self._watch(label, stage, lag.seconds or 0)

    def _watch(self, label: str, stage: str, seconds: float) -> None:
        """One alarm each time that a lane falls behind its bound."""
        is_late = 0 < self._late[stage] < seconds
        if is_late and (label, stage) not in self._alarmed:
            self._observer.count("alarms", alarm="feed_late")
            self._observer.event("alarm.feed_late", feed=label, stage=stage, seconds=round(seconds))
        (self._alarmed.add if is_late else self._alarmed.discard)((label, stage))

    async def _seen(self, stream: str, stage: str, source: str, behind: dict[int, range]) -> Lag:
        """The log itself is not read to count what is in it: everybody's feeds go through it."""
        trace = self._traces.setdefault((stream, stage), _Trace())
        records = sum(map(len, behind.values()))
        if 0 < records <= COUNTED_RECORDS_MAX and source != EVENTS:
            for partition, offsets in behind.items():
                await trace.stretches[partition].read(self._log, source, partition, offsets, COUNTED_RECORDS_MAX)
        counted = {partition: trace.stretches[partition].counted(offsets) for partition, offsets in behind.items()}
        firsts = {each: trace.stretches[each].first(behind[each]) for each, found in counted.items() if found.events}
        times = [await self._time_of(trace, source, partition, first) for partition, first in firsts.items()]
        known = [time_us for time_us in times if time_us is not None]
        seconds = max(0.0, (self._clock.now_us() - min(known)) / 1e6) if known else None
        trend = trace.trend(self._clock.monotonic(), records)
        events = sum(each.events for each in counted.values())
        return Lag(events, seconds, trend, any(each.at_most for each in counted.values()))

    async def _came(self, stream: str, ends: dict[int, int]) -> int:
        """When its last record came; of one that never had any, when this process began to look."""
        length, before = sum(ends.values()), self._moved.get(stream)
        if before is None:
            trace = _Trace()
            times = [await self._time_of(trace, stream, each, end - 1) for each, end in ends.items() if end]
            came = max((time_us // 1_000_000 for time_us in times if time_us is not None), default=self._now())
        else:
            came = before[1] if before[0] == length else self._now()
        self._moved[stream] = length, came
        return came

    async def _time_of(self, trace: _Trace, stream: str, partition: int, offset: int) -> int | None:
        """When the log took a record; None where it is gone. It is read once while the place does not move."""
        known = trace.oldest.get(partition)
        if known is None or known[0] != offset:
            async with self._log.reader(stream) as reader:
                try:
                    records = await reader.read(partition, offset, records_max=1, bytes_max=1)
                except Trimmed:
                    records = ()
            if not records:
                return None
            known = trace.oldest[partition] = offset, records[0].time_us
        return known[1]

    def forget(self) -> list[Feed]:
        """Keep nothing of the feeds that have ended; return those that go on."""
        feeds = [feed for feed in self._snapshot().feeds if not feed.ended]
        streams = {stream_of(feed.name, lane) for feed in feeds for lane in Lane}
        self._told = {feed.name: self._told[feed.name] for feed in feeds if feed.name in self._told}
        self._declared &= streams
        self._moved = {stream: seen for stream, seen in self._moved.items() if stream in streams}
        self._traces = {key: trace for key, trace in self._traces.items() if key[0] in streams}
        return feeds

    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000
