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

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                moved = [await self.follow(feed, lane) for feed, lane in self._topics()]
                await self._clock.sleep(0 if any(moved) else REST_SECONDS)
            except HubError as error:
                self._observer.event("published.interrupted", error=type(error).__name__)
                await self._clock.sleep(RETRY_SECONDS)

    def _topics(self) -> Iterator[tuple[Feed, Lane]]:
        feeds = self._snapshot().feeds
        for feed in feeds:
            if Way.KAFKA in feed.ways and not feed.ended:
                for lane in lanes_of(feeds.versions(feed.name)):
                    yield feed, lane

    async def follow(self, feed: Feed, lane: Lane) -> bool:
        """Write down what has come into a topic; whether there was anything. Raises `HubError`."""
        name, moved = lane_name(feed.name, lane), False
        if name not in self._places:
            kept = await self._positions.acknowledged(_NAME, name)
            self._places[name] = _offsets.decode(kept) if kept is not None else {}
        places = dict(self._places[name])
        async with self._log.reader(stream_of(feed.name, lane)) as reader:
            for partition in range(self._partitions):
                try:
                    records = await reader.read(
                        partition, places.get(partition, 0), records_max=RECORDS_MAX, bytes_max=BYTES_MAX
                    )
                except Trimmed as trimmed:
                    places[partition], moved = trimmed.start, True
                    continue
                if records:
                    await self._note(feed, lane, records)
                    places[partition], moved = records[-1].offset + 1, True
        if moved:
            await self._positions.acknowledge(_NAME, name, msgspec.msgpack.encode(places))
            self._places[name] = places
        return moved

    async def _note(self, feed: Feed, lane: Lane, records: Sequence[StoredRecord]) -> None:
        stamps = [stamp for record in records if isinstance(stamp := unpack(record.header), FeedHeader)]
        entries = given(feed, stamps, Reader("", ""), way=Way.KAFKA.value, lane=lane.value, step=Step.PUBLISHED)
        await self._journal.add(replace(entry, time_us=records[0].time_us) for entry in entries)
