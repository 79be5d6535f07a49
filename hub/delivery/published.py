"""What recipients read from Kafka themselves: it is given once it is in the feed's topic, and so it is written down.

A follower of the topics, for one worker: all is a function of them. The places come from `Positions`, as readers'
do; after a crash the last batch may be written down twice, and where places are lost, everything that the topics hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import msgspec
from msgspec.structs import replace

from hub.core.access import Step
from hub.core.errors import HubError, Trimmed
from hub.core.feed import Feed, Lane, Way, lane_name, lanes_of, stream_of
from hub.core.record import StoredRecord
from hub.core.registry import Snapshot
from hub.delivery.journal import Journal, Reader, given
from hub.ports.event_log import EventLog
from hub.ports.observer import Observer
from hub.ports.positions import Positions
from hub.ports.system import Clock
from schemas.headers import FeedHeader, unpack

RECORDS_MAX = 1_000
BYTES_MAX = 4_194_304
REST_SECONDS = 0.2
RETRY_SECONDS = 1.0
SETTLED_SECONDS = 30.0
"""An append to a feed that ends meanwhile has landed by then, or never does."""
_NAME = "@published"
"""In the place of a reader; no partner is called so."""
_offsets = msgspec.msgpack.Decoder(dict[int, int])


class Publications:
    def __init__(
        self,
        *,
        log: EventLog,
        positions: Positions,
        journal: Journal,
        snapshot: Callable[[], Snapshot],
        clock: Clock,
        observer: Observer,
        partitions: int,
    ) -> None:
        self._log = log
        self._positions = positions
        self._journal = journal
        self._snapshot = snapshot
        self._clock = clock
        self._observer = observer
        self._partitions = partitions
        self._places: dict[str, dict[int, int]] = {}
        self._kept: dict[str, bytes | None] = {}
        self._ended: dict[str, float] = {}
        self._done: set[str] = set()

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            moved = [await self._try(feed, lane) for feed, lane in self._topics()]
            await self._clock.sleep(RETRY_SECONDS if None in moved else 0 if any(moved) else REST_SECONDS)

    async def _try(self, feed: Feed, lane: Lane) -> bool | None:
        """Whether there was anything; None: a topic that cannot be read keeps no other from being followed."""
        name, now = lane_name(feed.name, lane), self._clock.monotonic()
        try:
            moved = await self.follow(feed, lane)
        except HubError as error:
            self._observer.event("published.interrupted", feed=name, error=type(error).__name__)
            return None
        if feed.ended and not moved and now - self._ended.setdefault(name, now) > SETTLED_SECONDS:
            self._done.add(name)
        return moved

    def _topics(self) -> Iterator[tuple[Feed, Lane]]:
        """Those that are or were read from Kafka, also of a feed that has ended, until nothing more can land."""
        feeds = self._snapshot().feeds
        for feed in feeds:
            versions = feeds.versions(feed.name)
            if any(Way.KAFKA in each.ways for _, each in versions):
                yield from ((feed, lane) for lane in lanes_of(versions) if lane_name(feed.name, lane) not in self._done)

    async def follow(self, feed: Feed, lane: Lane) -> bool:
        """Write down what has come into a topic; whether there was anything. Raises `HubError`."""
        name, moved = lane_name(feed.name, lane), False
        if name not in self._places:
            kept = self._kept[name] = await self._positions.acknowledged(_NAME, name)
            self._places[name] = _offsets.decode(kept) if kept is not None else {}
        places = dict(self._places[name])
        async with self._log.reader(stream_of(feed.name, lane)) as reader:
            for partition in range(self._partitions):
                try:
                    records = await reader.read(
                        partition, places.get(partition, 0), records_max=RECORDS_MAX, bytes_max=BYTES_MAX
                    )
                except Trimmed as trimmed:
                    self._observer.count("alarms", alarm="published_behind_retention")
                    self._observer.event("alarm.published_behind_retention", feed=name, partition=partition)
                    places[partition], moved = trimmed.start, True
                    continue
                if records:
                    await self._note(feed, lane, records)
                    places[partition], moved = records[-1].offset + 1, True
        if moved:
            plain = msgspec.msgpack.encode(places)
            if not await self._positions.acknowledge(_NAME, name, plain, was=self._kept[name]):
                del self._places[name]  # Another process follows it, and is further.
                return False
            self._places[name], self._kept[name] = places, plain
        return moved

    async def _note(self, feed: Feed, lane: Lane, records: Sequence[StoredRecord]) -> None:
        by_version = {each.version: each for _, each in self._snapshot().feeds.versions(feed.name)}
        stamps = [
            stamp
            for record in records
            if isinstance(stamp := unpack(record.header), FeedHeader)
            and Way.KAFKA in by_version.get(stamp.feed_version, feed).ways
        ]
        entries = given(feed, stamps, Reader("", ""), way=Way.KAFKA.value, lane=lane.value, step=Step.PUBLISHED)
        await self._journal.add(replace(entry, time_us=records[0].time_us) for entry in entries)
