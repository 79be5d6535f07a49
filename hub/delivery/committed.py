"""What recipients read from Kafka themselves is delivered once a group of theirs has committed an offset above it."""

from __future__ import annotations

import asyncio
from functools import partial

from hub.core.feed import Feed, Lane, stream_of
from hub.core.kafka_access import groups_of
from hub.delivery.walk import End, Walk
from hub.ports.feed_access import Committed, FeedAccess
from hub.ports.system import Clock

LOOK_SECONDS = 5.0


class Groups:
    """The consumer groups of recipients. One question at a time: who loses access never waits behind two of them."""

    def __init__(self, access: FeedAccess | None) -> None:
        """None: the log is none that recipients could read."""
        self._access = access
        self._turn = asyncio.Lock()

    async def of(self, recipient: str) -> Committed:
        """How far its own groups have read. Raises `StorageUnavailable`."""
        if self._access is None:
            return {}
        async with self._turn:
            return await self._access.committed(groups_of(recipient))


def furthest(groups: Committed, stream: str, partition: int, end: int) -> End:
    """How far any of them has read of what ends there, and which of them; a place beyond the end says nothing."""
    places = {name: offsets.get((stream, partition), 0) for name, offsets in sorted(groups.items())}
    name = max((name for name, place in places.items() if place <= end), key=places.__getitem__, default="")
    return End(places.get(name, 0), name)


class Deliveries:
    """Follows what the groups commit, for one worker."""

    def __init__(self, walk: Walk, *, groups: Groups, clock: Clock) -> None:
        self._walk = walk
        self._groups = groups
        self._clock = clock

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            await self._clock.sleep(0 if await self.look() else LOOK_SECONDS)

    async def look(self) -> bool:
        """Whether any group had come further. Each recipient's groups are asked for once."""
        known: dict[str, Committed] = {}
        follow = partial(self._follow, known)
        return any([await self._walk.attempt(feed, lane, follow) for feed, lane in self._walk.topics()])

    async def _follow(self, known: dict[str, Committed], feed: Feed, lane: Lane) -> bool:
        """Write down what was read since; whether there was anything. Raises `HubError`."""
        if feed.recipient not in known:
            known[feed.recipient] = await self._groups.of(feed.recipient)
        groups, stream = known[feed.recipient], stream_of(feed.name, lane)
        places, ends = await self._walk.places(feed, lane), dict[int, End]()
        for partition in range(self._walk.partitions):
            if any(offsets.get((stream, partition), 0) > places.get(partition, 0) for offsets in groups.values()):
                bounds = await self._walk.log.bounds(stream, partition)
                ends[partition] = furthest(groups, stream, partition, bounds.end)
        moved, _ = await self._walk.on(feed, lane, ends) if ends else (False, ())
        return moved
