"""What recipients read from Kafka themselves: it is given once it is in the feed's topic, and so it is written down."""

from __future__ import annotations

from hub.core.feed import Feed, Lane, lane_name
from hub.delivery.walk import End, Walk
from hub.ports.system import Clock

REST_SECONDS = 0.2
RETRY_SECONDS = 1.0
SETTLED_SECONDS = 30.0
"""An append to a feed that ends meanwhile has landed by then, or never does."""


class Publications:
    """Follows the topics, for one worker."""

    def __init__(self, walk: Walk, *, clock: Clock) -> None:
        self._walk = walk
        self._clock = clock
        self._ended: dict[str, float] = {}

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            moved = [await self._try(feed, lane) for feed, lane in self._walk.topics()]
            await self._clock.sleep(RETRY_SECONDS if None in moved else 0 if any(moved) else REST_SECONDS)

    def is_over(self, feed: Feed) -> bool:
        """Whether everything that was ever in its topics is written down, and nothing more can come."""
        return not any(each.name == feed.name for each, _ in self._walk.topics())

    async def _try(self, feed: Feed, lane: Lane) -> bool | None:
        name, now = lane_name(feed.name, lane), self._clock.monotonic()
        moved = await self._walk.attempt(feed, lane, self.follow)
        if feed.ended and moved is False and now - self._ended.setdefault(name, now) > SETTLED_SECONDS:
            self._walk.end(feed, lane)
        return moved

    async def follow(self, feed: Feed, lane: Lane) -> bool:
        """Write down what has come into a topic; whether there was anything. Raises `HubError`."""
        ends = dict.fromkeys(range(self._walk.partitions), End())
        moved, lost = await self._walk.on(feed, lane, ends)
        name, observer = lane_name(feed.name, lane), self._walk.observer
        for partition in lost:
            observer.count("alarms", alarm="published_behind_retention")
            observer.event("alarm.published_behind_retention", feed=name, partition=partition)
        return moved
