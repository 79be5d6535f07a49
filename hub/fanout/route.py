"""Which events a feed shows, and which of their fields: agreements (`hub/core/terms.py`), and the feed's own choice.

A record stamped with revision r is decided by the version of the feed, and by the agreements, in force at max(r, the
revision that created the feed). A feed that starts `now` shows the records stamped with the revision that created it,
or a later one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from hub.core.agreement import type_matches
from hub.core.event import Event
from hub.core.feed import Feed, FeedStart, Way, lanes_of, stream_of
from hub.core.filter import matcher
from hub.core.partner import Facts
from hub.core.registry import Snapshot
from hub.core.terms import Agreements, Decisions, Grant, Terms
from schemas.headers import EventHeader


class Ruling:
    """What one version of a feed decides under one registry revision."""

    def __init__(self, feed: Feed, *, created: int, first: int, terms: Terms) -> None:
        """`created`: the revision that created the feed; `first`: the lowest one of which it shows anything."""
        self.feed = feed
        self._first = first
        # Whoever reads its streams from Kafka sees them as a whole: they hold what may be read so, and nothing else.
        self._terms = terms = terms.direct if Way.KAFKA in feed.ways else terms
        self._decisions = Decisions(terms, since=created, types=feed.types)

    def revision(self, header: EventHeader) -> int:
        """The registry revision by which an event is decided."""
        return self._decisions.revision(header)

    def decide(self, event: Event) -> Grant | None:
        """What may be shown of the event; None: not even that there is one. Raises ValueError for odd facts, and where
        a condition looks into an event that is no JSON object."""
        header = event.header
        return None if header.revision < self._first else self._decisions.decide(header, event)

    def stream(self, event_type: str) -> str:
        """Where events of a type go."""
        return stream_of(self.feed.name, self.feed.lane(event_type))

    def wants(self, header: EventHeader) -> bool:
        """Whether it asks for events like this one, be they allowed or not."""
        return header.revision >= self._first and any(type_matches(each, header.type) for each in self.feed.types)

    def may_show(self, header: EventHeader, facts: Facts) -> bool:
        """Whether any agreement covers events like this one, whatever they say themselves."""
        return bool(self._terms.covering(header, self.revision(header), facts))

    @cached_property
    def matches(self) -> Callable[[Mapping[str, Any]], bool] | None:
        """The filter, over what the recipient would see; None: everything passes."""
        return matcher(self.feed.filter) if self.feed.filter else None


class Route:
    """The decisions of one feed under one registry revision, by all its versions."""

    def __init__(self, versions: Sequence[tuple[int, Feed]], terms: Terms) -> None:
        """`versions` with the revision that each begins at, oldest first."""
        self.created, oldest = versions[0]
        self.begins = [begins for begins, _ in versions]
        self.lanes = lanes_of(versions)
        first = self.created if oldest.start is FeedStart.NOW else 0
        self._rulings = [Ruling(feed, created=self.created, first=first, terms=terms) for _, feed in versions]

    def ruling(self, revision: int) -> Ruling:
        """The version of the feed that decides what is stamped with `revision`."""
        return self._rulings[bisect_right(self.begins, max(revision, self.created)) - 1]

    def decide(self, event: Event) -> Grant | None:
        """As the version in force does."""
        return self.ruling(event.header.revision).decide(event)


def active_feed(snapshot: Snapshot, name: str) -> Feed | None:
    """The feed, if it may go on; None if it is unknown or has ended, or while its recipient is suspended.

    A suspended recipient's feed keeps its place: nothing is passed on, and nothing is passed over.
    """
    feed = snapshot.feeds.get(name)
    if feed is None or feed.ended:
        return None
    recipient = snapshot.partners.get(feed.recipient)
    return None if recipient is None or recipient.stopped else feed


def route_of(snapshot: Snapshot, agreements: Agreements, name: str) -> Route | None:
    """The decisions of a feed under a snapshot; None while it may not go on."""
    feed = active_feed(snapshot, name)
    if feed is None:
        return None
    return Route(snapshot.feeds.versions(name), agreements.between(feed.recipient, feed.purpose))
