"""What is known of events, in memory: what the port says, in the plainest code."""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from hub.ports.views import KnownEvent, Mark, Page, Place, Query
from schemas.identity import identity_key


class MemoryViews:
    """A `Views` that ends with its process."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._marks: dict[tuple[int, int], Mark] = {}
        self._events: dict[Place, KnownEvent] = {}
        self._order: list[Place] = []
        self._objects: defaultdict[str, list[Place]] = defaultdict(list)
        self._series: defaultdict[bytes, list[Place]] = defaultdict(list)
        self._number = 0

    async def apply(self, events: Sequence[KnownEvent], mark: Mark) -> None:
        lane = mark.position.generation, mark.position.partition
        known = self._marks.get(lane)
        for event in events:
            if known is None or event.position >= known.position:
                self._enter(event)
        if known is None or mark.position > known.position:
            self._marks[lane] = mark

    def _enter(self, event: KnownEvent) -> None:
        self._number += 1
        place = Place(event.received_us, self._number)
        self._events[place] = event
        insort(self._order, place)
        for name in event.objects:
            insort(self._objects[name], place)
        for series in event.series:
            insort(self._series[series], place)

    async def mark(self, generation: int, partition: int) -> Mark | None:
        return self._marks.get((generation, partition))

    async def reset(self) -> None:
        self._forget()

    async def purge(self, before_us: int) -> int:
        old = [place for place in self._order if place.received_us < before_us]
        for place in old:
            event = self._events.pop(place)
            self._order.remove(place)
            for name in event.objects:
                self._objects[name].remove(place)
            for series in event.series:
                self._series[series].remove(place)
        return len(old)

    async def events(self, query: Query, *, limit: int, looked_at_max: int, bytes_max: int) -> Page:
        order = self._order if query.object is None else self._objects.get(query.object, [])
        ahead = [
            place
            for place in (reversed(order) if query.newest_first else order)
            if _is_behind(place, query) and query.publisher in (None, self._events[place].publisher)
        ]
        found: list[Place] = []
        for looked_at, place in enumerate(ahead):
            event = self._events[place]
            if looked_at == looked_at_max:
                return self._page(found, ahead[looked_at - 1], looked_at)
            if not _fits(event, query):
                continue
            if found and (len(found) == limit or self._bytes(found) + len(event.value) > bytes_max):
                return self._page(found, found[-1], looked_at)
            found.append(place)
        return self._page(found, None, len(ahead))

    def _page(self, places: Sequence[Place], go_on: Place | None, looked_at: int) -> Page:
        return Page([self._events[place] for place in places], places, go_on, looked_at)

    def _bytes(self, places: Iterable[Place]) -> int:
        return sum(len(self._events[place].value) for place in places)

    async def about(
        self,
        objects: Sequence[str],
        *,
        each_max: int,
        bytes_max: int,
        publisher: str | None = None,
        consigned: bool = False,
    ) -> Sequence[KnownEvent]:
        wanted = Query(publisher=publisher, consigned=True if consigned else None)
        found: set[Place] = set()
        for name in objects:
            named = [place for place in self._objects.get(name, ()) if _fits(self._events[place], wanted)]
            found.update(named[-each_max:])
        return self._in_order(found, bytes_max)

    async def versions(self, series: Sequence[bytes], *, each_max: int, bytes_max: int) -> Sequence[KnownEvent]:
        found: set[Place] = set()
        for each in series:
            ranked = sorted(self._series.get(each, ()), key=self._rank)
            found.update(ranked[-each_max:])
        return self._in_order(found, bytes_max)

    def _in_order(self, places: Iterable[Place], bytes_max: int) -> Sequence[KnownEvent]:
        kept: list[Place] = []
        for place in sorted(places, reverse=True):
            if kept and self._bytes(kept) + len(self._events[place].value) > bytes_max:
                break
            kept.append(place)
        return [self._events[place] for place in kept]

    async def newest(self, publisher: str, source: str, ids: Sequence[str]) -> Mapping[str, KnownEvent]:
        newest = {}
        for id_ in ids:
            key = identity_key(publisher, source, id_, None)
            own = [place for place in self._series.get(key, ()) if self._events[place].series[0] == key]
            if own:
                newest[id_] = self._events[max(own, key=self._rank)]
        return newest

    def _rank(self, place: Place) -> tuple[str, int]:
        return self._events[place].version, place.number


def _is_behind(place: Place, query: Query) -> bool:
    if query.after is None:
        return True
    return place < query.after if query.newest_first else place > query.after


def _fits(event: KnownEvent, query: Query) -> bool:
    return (
        (query.publisher is None or event.publisher == query.publisher)
        and (query.type is None or event.type == query.type)
        and (query.consigned is None or event.consigned == query.consigned)
        and _within(event.received_us, query.received_us)
        and _within(event.occurred_us, query.occurred_us)
    )


def _within(moment: int, span: tuple[int, int] | None) -> bool:
    return span is None or span[0] <= moment < span[1]
