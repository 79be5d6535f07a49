"""What a feed shows of the past: decided as fan-out decided it, and once more by what is true now.

An event is shown in a replay where the version of the feed and the agreements of then show it, and the agreements that
stand now still do. What the log has let go of rests on agreements alone that ask for it to be kept for so long. Repeats
are left out, as the judge found them; in segments there are none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hub.core.errors import place_of
from hub.core.event import Event
from hub.core.record import Position, StoredRecord
from hub.core.registry import Snapshot
from hub.core.replay import Erased, Given, Replay
from hub.core.retention import stand
from hub.core.terms import Agreements
from hub.fanout.route import Route, active_feed
from hub.fanout.section import firsts_of, open_records
from hub.fanout.show import Showing
from hub.ports.first_occurrence import FirstOccurrence
from hub.ports.observer import Observer
from hub.ports.system import Clock
from schemas.headers import FeedHeader

TURN_RECORDS = 50
"""A turn of the loop stays near a millisecond: live delivery has its own in between."""
ROUTES_KEPT_MAX = 64
ROUTE_SECONDS = 10
"""So long what stands now is worked out for; each record is asked for once more when it leaves."""


class Past:
    def __init__(
        self,
        *,
        index: FirstOccurrence,
        snapshot: Callable[[], Snapshot],
        agreements: Callable[[], Agreements],
        secret: Callable[[str], bytes],
        hub: str,
        erased: Erased,
        clock: Clock,
        observer: Observer,
    ) -> None:
        """`secret`: of the key ring; `hub`: its name, in the leaves of events."""
        self._index = index
        self._snapshot = snapshot
        self._agreements = agreements
        self._secret = secret
        self._hub = hub
        self._erased = erased
        self._clock = clock
        self._observer = observer
        self._routes: dict[tuple[str, bool], tuple[tuple[int, int], Route]] = {}
        self._showings: dict[str, Showing] = {}

    async def shown(
        self, replay: Replay, place: Position, records: Sequence[StoredRecord], *, archived: bool
    ) -> list[Given]:
        """What the session is given of records of one partition, all of them `archived` or none; `place`: of the first.

        Raises `StorageUnavailable`.
        """
        events = [event for event in open_records(records)[0] if replay.means(event.header.received_us)]
        if not archived:
            events = await firsts_of(self._index, place, events)
        given: list[Given] = []
        for number, event in enumerate(events):
            route = self._route(replay.feed, archived=archived)
            if route is None:
                break
            if (one := self._given(replay, place, route, event)) is not None:
                given.append(one)
            if number % TURN_RECORDS == TURN_RECORDS - 1:
                await self._clock.sleep(0)
        return given

    def still(self, feed: str, given: Sequence[Given]) -> list[Given]:
        """Those that may leave now."""
        snapshot, now = self._snapshot(), self._now()
        if active_feed(snapshot, feed) is None:
            return []
        return [each for each in given if stand(each.stamp.agreements, each.stamp.received_us, snapshot, now)]

    def _given(self, replay: Replay, place: Position, route: Route, event: Event) -> Given | None:
        ruling, header = route.ruling(event.header.revision), event.header
        lane = ruling.feed.lane(header.type)
        if not ruling.wants(header) or replay.lane not in (None, lane) or self._erased(event):
            return None
        try:
            shown = self._showing(replay.feed).show(ruling, event)
        except Exception as error:  # noqa: BLE001  Fan-out told of it, and set it aside: the session goes on.
            self._observer.event("record_not_replayed", feed=replay.feed, error=place_of(error))
            return None
        if shown is None:
            return None
        stamp = FeedHeader(
            place.generation,
            place.partition,
            event.offset,
            ruling.feed.version,
            ruling.revision(header),
            header.received_us,
            shown.grant.agreements,
        )
        return Given(stamp, lane, shown.value)

    def _route(self, name: str, *, archived: bool) -> Route | None:
        """As of now; None while the feed may not go on."""
        snapshot, agreements, now = self._snapshot(), self._agreements(), self._now()
        feed = active_feed(snapshot, name)
        if feed is None:
            return None
        as_of = snapshot.revision, now // ROUTE_SECONDS
        kept = self._routes.get((name, archived))
        if kept is None or kept[0] != as_of:
            if len(self._routes) >= ROUTES_KEPT_MAX:
                self._routes.clear()
            terms = agreements.between(feed.recipient, feed.purpose)
            terms = terms.archived(now) if archived else terms.standing(now)
            kept = self._routes[name, archived] = as_of, Route(snapshot.feeds.versions(name), terms)
        return kept[1]

    def _showing(self, feed: str) -> Showing:
        showing = self._showings.get(feed)
        if showing is None:
            showing = self._showings[feed] = Showing(self._secret(f"pseudonym:{feed}"), self._hub)
        return showing

    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000
