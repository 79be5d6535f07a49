"""Feeds: what one recipient receives for one purpose, filtered; never more than agreements allow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from msgspec import Struct

from hub.core.agreement import Purpose, type_matches


class FeedStart(StrEnum):
    EARLIEST = "earliest"
    NOW = "now"


class Way(StrEnum):
    """How what a feed brings reaches its recipient."""

    PULL = "pull"
    SSE = "sse"
    WEBHOOK = "webhook"
    KAFKA = "kafka"


class Lane(StrEnum):
    """A feed may have a second stream with marks of its own, so that what is urgent never waits behind the rest."""

    MAIN = ""
    URGENT = "urgent"


class Feed(Struct, frozen=True, omit_defaults=True):
    """What one recipient receives for one purpose. `name` is a slug, never reused."""

    name: str
    recipient: str
    purpose: Purpose
    types: tuple[str, ...] = ("*",)
    filter: str = ""
    """Which of the records that agreements allow it asks for (`schemas/formats/feed.md`); empty: all."""
    start: FeedStart = FeedStart.EARLIEST
    urgent: tuple[str, ...] = ()
    """Event types of the urgent lane."""
    ways: tuple[Way, ...] = (Way.PULL, Way.SSE)
    version: int = 1
    ended: bool = False
    since: int = 0
    """When this version was made, seconds since 1970; 0: an older hub made it."""

    @property
    def stream(self) -> str:
        return stream_of(self.name)

    @property
    def lanes(self) -> tuple[Lane, ...]:
        return (Lane.MAIN, Lane.URGENT) if self.urgent else (Lane.MAIN,)

    def lane(self, event_type: str) -> Lane:
        """Where events of a type go, and nowhere else."""
        return Lane.URGENT if any(type_matches(each, event_type) for each in self.urgent) else Lane.MAIN


FEED_PREFIX = "hub.feed."


def stream_of(name: str, lane: Lane = Lane.MAIN) -> str:
    """The stream of a feed's lane: on Kafka, its topic."""
    return f"{FEED_PREFIX}{name}.{lane}" if lane else f"{FEED_PREFIX}{name}"


def lane_name(name: str, lane: Lane = Lane.MAIN) -> str:
    """How a feed's lane is called where one is read, acknowledged or counted: `name`, or `name/urgent`."""
    return f"{name}/{lane}" if lane else name


def lane_of(name: str) -> tuple[str, str]:
    """The feed and the lane of such a name, whether there is one or not."""
    feed, _, lane = name.partition("/")
    return feed, lane


def stream_named(name: str) -> str:
    """The stream of such a name. Raises `ValueError` if there can be none."""
    feed, lane = lane_of(name)
    return stream_of(feed, Lane(lane))


def lanes_of(versions: Iterable[tuple[int, Feed]]) -> Sequence[Lane]:
    """The lanes that a feed has by all its versions: what an older one put there is still to be read."""
    return sorted({lane for _, feed in versions for lane in feed.lanes})
