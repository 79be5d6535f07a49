"""Which events a feed shows, and which of their fields: agreements (`hub/core/terms.py`), and the feed's own choice.

A record stamped with revision r is decided at max(r, the revision at which the feed's version began). A feed that
starts `now` shows the records stamped with the revision that created it, or a later one.
"""

from __future__ import annotations

from hub.core.event import Event
from hub.core.feed import Feed, FeedStart
from hub.core.registry import Snapshot
from hub.core.terms import Agreements, Decisions, Grant, Terms
from schemas.headers import EventHeader


class Route:
    """The decisions of one feed under one registry revision."""

    def __init__(self, feed: Feed, *, created: int, since: int, terms: Terms) -> None:
        """`created`, `since`: the revisions at which the feed and its present version began."""
        self.feed = feed
        self._first = created if feed.start is FeedStart.NOW else 0
        self._decisions = Decisions(terms, since=since, types=feed.types)

    def revision(self, header: EventHeader) -> int:
        """The registry revision by which an event is decided."""
        return self._decisions.revision(header)

    def decide(self, header: EventHeader, event: Event) -> Grant | None:
        """What the feed may show of the event; None: not even that there is one. Raises ValueError for odd facts."""
        return None if header.revision < self._first else self._decisions.decide(header, event)


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
    feeds = snapshot.feeds
    terms = agreements.between(feed.recipient, feed.purpose)
    return Route(feed, created=feeds.created(name), since=feeds.since(name), terms=terms)
