"""A follower's way through the topics that recipients read from Kafka themselves: what it comes by is written down.

For one worker: all is a function of the topics and the registry. The places come from `Positions`, as readers' do;
after a crash the last batch may be written down twice, and where places are lost, everything that the topics hold.

A record is published when it is appended to a topic that is read from Kafka then. What lies in a topic that gains, or
gains again, the way is published in that moment: nobody goes past it until then.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, compress, groupby
from operator import itemgetter

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from hub.core.access import Access, Step, offsets_of, runs_of
from hub.core.errors import HubError, StreamMissing, Trimmed
from hub.core.feed import Feed, Lane, Way, lane_name, lanes_of, stream_of
from hub.core.record import StoredRecord
from hub.core.registry import Snapshot
from hub.core.restriction import all_that_bind
from hub.delivery.journal import Journal, Reader, given
from hub.ports.event_log import EventLog
from hub.ports.observer import Observer
from hub.ports.positions import Positions
from hub.ports.system import Clock
from schemas.headers import FeedHeader, unpack

RECORDS_MAX = 1_000
BYTES_MAX = 4_194_304
_places = msgspec.msgpack.Decoder(tuple[int, dict[int, int]] | dict[int, int])
"""The log's generation, and by partition the places; an earlier form had the places alone."""


class End(Struct, frozen=True):
    """How far a partition may be gone through."""

    offset: int = sys.maxsize
    """Exclusive."""
    reader: str = ""
    """Whose doing it is."""


class Walk:
    """One for each step: each has places of its own."""

    def __init__(
        self,
        step: Step,
        *,
        log: EventLog,
        positions: Positions,
        journal: Journal,
        snapshot: Callable[[], Snapshot],
        clock: Clock,
        observer: Observer,
        partitions: int,
    ) -> None:
        self.step = step
        self.log = log
        self.observer = observer
        self.partitions = partitions
        self._name = f"@{step.value}"
        """In the place of a reader; no partner is called so."""
        self._positions = positions
        self._journal = journal
        self._snapshot = snapshot
        self._clock = clock
        self._places: dict[str, dict[int, int]] = {}
        self._kept: dict[str, bytes | None] = {}
        self._over: set[str] = set()
        self._waiting: dict[tuple[str, int], tuple[int, int]] = {}
        """Where a partition holds what cannot be read from Kafka: its place, by which version of the feed."""

    def topics(self) -> Iterator[tuple[Feed, Lane]]:
        """Those that are or were read from Kafka, also of a feed that has ended, until it is over."""
        feeds = self._snapshot().feeds
        for feed in feeds:
            versions = feeds.versions(feed.name)
            if any(Way.KAFKA in each.ways for _, each in versions):
                yield from ((feed, lane) for lane in lanes_of(versions) if lane_name(feed.name, lane) not in self._over)

    def end(self, feed: Feed, lane: Lane) -> None:
        """Nothing more comes into the topic."""
        self._over.add(lane_name(feed.name, lane))

    async def attempt(self, feed: Feed, lane: Lane, follow: Callable[[Feed, Lane], Awaitable[bool]]) -> bool | None:
        """Whether there was anything; None: a topic that cannot be read keeps no other from being followed."""
        try:
            return await follow(feed, lane)
        except StreamMissing:
            if not feed.ended:
                return None  # Fan-out has not come to it yet.
            self.end(feed, lane)  # An earlier process dropped it.
            return False
        except HubError as error:
            name = lane_name(feed.name, lane)
            self.observer.event(f"{self.step}.interrupted", feed=name, error=type(error).__name__)
            return None

    async def places(self, feed: Feed, lane: Lane) -> Mapping[int, int]:
        """By partition, the first offset that was not gone through."""
        name = lane_name(feed.name, lane)
        if name not in self._places:
            kept = await self._positions.acknowledged(self._name, name)
            self._places[name] = await self._that_hold(stream_of(feed.name, lane), kept) if kept is not None else {}
            self._kept[name] = kept
        return self._places[name]

    async def _that_hold(self, stream: str, kept: bytes) -> dict[int, int]:
        """A topic that was restored, or has begun again, is gone through from its start."""
        found: tuple[int, dict[int, int]] | dict[int, int] = _places.decode(kept)
        generation, places = found if isinstance(found, tuple) else (self.log.generation, found)
        for partition, place in places.items():
            bounds = await self.log.bounds(stream, partition)
            if generation != self.log.generation or place > bounds.end:
                places[partition] = bounds.start
        return places

    async def on(self, feed: Feed, lane: Lane, ends: Mapping[int, End]) -> tuple[bool, Sequence[int]]:
        """Write down what lies before the ends, by partition; whether there was anything, and in which partitions the
        log had let go of some of it. Raises `HubError`."""
        places, lost = dict(await self.places(feed, lane)), []
        before = dict(places)
        try:
            async with self.log.reader(stream_of(feed.name, lane)) as reader:
                for partition, end in ends.items():
                    place, waits = places.get(partition, 0), (lane_name(feed.name, lane), partition)
                    records_max = min(RECORDS_MAX, end.offset - place)
                    if records_max <= 0 or self._waiting.get(waits) == (place, feed.version):
                        continue
                    try:
                        records = await reader.read(partition, place, records_max=records_max, bytes_max=BYTES_MAX)
                    except Trimmed as trimmed:
                        if self._was_read(feed, waits, is_known=partition in places):
                            lost.append(partition)
                        self._waiting.pop(waits, None)
                        places[partition] = trimmed.start
                        continue
                    given_out = self._made_available(feed, records)
                    if given_out:
                        await self._note(feed, lane, given_out, end.reader)
                        places[partition] = given_out[-1][1].offset + 1
                    self._waiting.pop(waits, None)
                    if len(given_out) < len(records):
                        self._waiting[waits] = places.get(partition, 0), feed.version
        finally:  # What is written down stays so, whatever became of the next partition.
            if places != before:
                await self._stand(lane_name(feed.name, lane), places)
        return places != before, lost

    async def _stand(self, name: str, places: dict[int, int]) -> None:
        plain = msgspec.msgpack.encode((self.log.generation, places))
        if await self._positions.acknowledge(self._name, name, plain, was=self._kept[name]):
            self._places[name], self._kept[name] = places, plain
        else:
            del self._places[name]  # Another process follows it, and is further.

    async def _note(self, feed: Feed, lane: Lane, records: Sequence[tuple[int, StoredRecord]], reader: str) -> None:
        offsets, received_us = defaultdict[Access, list[int]](list), list[int]()
        for published_us, together in groupby(records, key=itemgetter(0)):
            headers = (unpack(record.header) for _, record in together)
            stamps = [header for header in headers if isinstance(header, FeedHeader)]
            received_us += [stamp.received_us for stamp in stamps]
            for entry in given(feed, stamps, Reader(reader, ""), way=Way.KAFKA.value, lane=lane.value, step=self.step):
                offsets[replace(self._timed(entry, published_us), runs=b"")] += offsets_of(entry.runs)
        await self._journal.add(replace(entry, runs=runs_of(those)) for entry, those in offsets.items())
        if received_us and self.step is Step.DELIVERED:
            seconds = (self._clock.now_us() - min(received_us)) / 1e6
            self.observer.count("delivered", len(received_us), feed=feed.name, way=Way.KAFKA.value)
            self.observer.observe("delivery_seconds", seconds, way=Way.KAFKA.value)

    def _made_available(self, feed: Feed, records: Iterable[StoredRecord]) -> list[tuple[int, StoredRecord]]:
        """When each was published, microseconds since 1970: up to the first that cannot be read from Kafka yet. What
        was committed was read, whatever the registry says of it."""
        snapshot = self._snapshot()
        versions = snapshot.feeds.versions(feed.name)
        begins = [snapshot.made[revision].time_us for revision, _ in versions]
        by_kafka = [Way.KAFKA in version.ways for _, version in versions]
        spans = list(compress(zip(begins, [*begins[1:], sys.maxsize], strict=True), by_kafka))
        direct = {version.version for _, version in compress(versions, by_kafka)}
        published = list[tuple[int, StoredRecord]]()
        for record in records:
            appended_us = record.time_us
            published_us = next((max(appended_us, begin) for begin, end in spans if appended_us < end), None)
            if published_us is None:
                header = unpack(record.header)
                is_direct = isinstance(header, FeedHeader) and header.feed_version in direct
                if not is_direct and self.step is not Step.DELIVERED:
                    break
                published_us = appended_us
            published.append((published_us, record))
        return published

    def _was_read(self, feed: Feed, waits: tuple[str, int], *, is_known: bool) -> bool:
        """Whether what the log has let go of could be read from Kafka."""
        [(_, first), *_] = self._snapshot().feeds.versions(feed.name)
        return Way.KAFKA in feed.ways and waits not in self._waiting and (is_known or Way.KAFKA in first.ways)

    def _timed(self, entry: Access, published_us: int) -> Access:
        """Published then, delivered now; a restriction of the publication holds for what follows."""
        published = replace(entry, step=Step.PUBLISHED, time_us=published_us)
        if self.step is Step.PUBLISHED:
            return published
        times = (published, published_us), (entry, self._clock.now_us())
        restrictions = self._snapshot().restrictions
        noted = (all_that_bind(restrictions, each, time_us // 1_000_000).split() for each, time_us in times)
        return replace(entry, restriction=" ".join(dict.fromkeys(chain.from_iterable(noted))))
