"""Which feeds an event may go to: found in an index, so that a thousand agreements cost an event no more than ten.

What agreements and feeds say of an event without looking into it depends on who published it with which facts, on its
type, and on the stretch of revisions that its own lies in. So the streams that it may go to are worked out once for
each of these; publishers that no agreement names share them. What is found is a bound from above: each feed decides for
itself, by the event and the moment it was received.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from hub.core.agreement import Purpose
from hub.core.feed import Lane, stream_of
from hub.core.registry import Snapshot
from hub.core.terms import Agreements, facts_of
from hub.fanout.route import Route, Ruling, route_of
from schemas.headers import EventHeader

FOUND_KEPT_MAX = 65_536

Candidate = tuple[str, Ruling]
"""A stream, and the version of its feed that decides."""


class Routes:
    """The feeds that may go on under one registry revision, and what each may be shown."""

    def __init__(self, snapshot: Snapshot, agreements: Agreements) -> None:
        self.revision = snapshot.revision
        self.streams: dict[str, tuple[str, Lane]] = {}
        """The streams that may go on: each with its feed and lane."""
        self._agreements = agreements
        self._for: defaultdict[tuple[str, Purpose], list[Route]] = defaultdict(list)
        revisions: set[int] = set()
        for feed in snapshot.feeds:
            if (route := route_of(snapshot, agreements, feed.name)) is not None:
                self._for[feed.recipient, feed.purpose].append(route)
                self.streams |= {stream_of(feed.name, lane): (feed.name, lane) for lane in route.lanes}
                revisions.update(route.begins, agreements.between(feed.recipient, feed.purpose).revisions)
        self._revisions = sorted(revisions)
        self._found: dict[tuple[object, ...], Sequence[Candidate]] = {}

    def candidates(self, header: EventHeader) -> Sequence[Candidate]:
        """Where the event may have to be shown."""
        stretch = bisect_right(self._revisions, header.revision)
        publisher = header.publisher if self._agreements.names(header.publisher) else ""
        key = (stretch, publisher, header.facts, header.type)
        found = self._found.get(key)
        if found is None:
            if len(self._found) >= FOUND_KEPT_MAX:
                self._found.clear()
            found = self._found[key] = self._find(header)
        return found

    def _find(self, header: EventHeader) -> Sequence[Candidate]:
        try:
            facts = facts_of(header)
        except ValueError:  # Each feed that wants it finds out by itself, and sets it aside.
            return self._at(header, (route for routes in self._for.values() for route in routes))
        parties = sorted(self._agreements.parties(header.publisher, facts, header.type))
        found = self._at(header, (route for party in parties for route in self._for.get(party, ())))
        return [(stream, ruling) for stream, ruling in found if ruling.may_show(header, facts)]

    def _at(self, header: EventHeader, routes: Iterable[Route]) -> Sequence[Candidate]:
        rulings = (route.ruling(header.revision) for route in routes)
        return [(ruling.stream(header.type), ruling) for ruling in rulings if ruling.wants(header)]


def kept_routes(snapshot: Callable[[], Snapshot], agreements: Callable[[], Agreements]) -> Callable[[], Routes]:
    """The routes of the present snapshot; worked out anew where a revision has changed anything of them."""
    kept = Routes(snapshot(), agreements())

    def routes() -> Routes:
        nonlocal kept
        now = snapshot()
        if kept.revision != now.revision:
            if _touched(now, kept.revision):
                kept = Routes(now, agreements())
            kept.revision = now.revision
        return kept

    return routes


def _touched(snapshot: Snapshot, since: int) -> bool:
    return bool(
        snapshot.agreements.changed_after(since)
        or snapshot.feeds.changed_after(since)
        or any(snapshot.feeds_of(partner) for _, partner in snapshot.partners.changed_after(since))
    )
