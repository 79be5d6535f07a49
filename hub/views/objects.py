"""What is known of one object: what it is tied to, which milestones count, where it is, which seals are on it.

Of a container and a consignment, events of the one are told of the other too once an event names both, if they name
none of its own kind: a gate move that names no consignment, a filing that names no container. Everything is told from
the newest events that the caller sees, as it sees them, and says from which.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from hub.core.settings import ViewsSettings
from hub.ports.views import KnownEvent, Query, Views
from hub.views.events import AT_ONCE, NAMING
from hub.views.known import TAKES_BACK
from hub.views.named import Name, kind_of, names_of, text_of
from hub.views.sight import Shown, Sight
from hub.views.states import Judged, judge
from schemas.identity import instant_us
from schemas.lifecycle import Milestone, outranks

_COUNTERPART = {"container": "consignment", "consignment": "container"}


class About(Struct, frozen=True, gc=False):
    """An event, and the object through which it is about the one that was asked for."""

    judged: Judged
    through: Name

    @property
    def shown(self) -> Shown:
        return self.judged.shown


class Seal(Struct, frozen=True):
    seal: Mapping[str, Any]
    on: bool
    broken: bool
    by: Judged
    """The event that says so."""


class ObjectView(Struct, frozen=True):
    name: Name
    kind: str
    tied: Mapping[Name, Judged]
    """Everything named beside it, with the newest current event that does so."""
    milestones: Sequence[About]
    """Of each milestone the report that counts, in the order in which they occurred."""
    place: Judged | None
    """The latest fact that names a place."""
    seals: Sequence[Seal]
    events: Sequence[About]
    """All that it was made of, newest first, also what no longer counts."""
    complete: bool
    """False: there are older events that were not looked at."""


class Objects:
    def __init__(self, views: Views, *, settings: ViewsSettings) -> None:
        self._views = views
        self._settings = settings

    async def of(self, sight: Sight, name: Name, kind: str) -> ObjectView:
        """What the caller may know of it; nothing, and nothing to be seen, are the same."""
        direct, complete = await self._direct(sight, name)
        tied = _tied(name, direct)
        others = [other for other in tied if kind_of(other[0]) == _COUNTERPART.get(kind)]
        asked = others[: self._settings.tied_objects_max]
        events = [About(each, name) for each in direct] + await self._bound(sight, asked, kind)
        events.sort(key=lambda each: (each.shown.known.received_us, each.shown.known.position), reverse=True)
        current = [each for each in events if each.judged.current]
        facts = sorted((each.judged for each in current if _is_fact(each.shown)), key=_moment)
        places = [each for each in facts if isinstance(each.shown.data.get("place"), dict)]
        return ObjectView(
            name,
            kind,
            tied,
            _milestones(current),
            places[-1] if places else None,
            _seals(facts),
            events,
            complete and asked == others,
        )

    async def _direct(self, sight: Sight, name: Name) -> tuple[list[Judged], bool]:
        """The newest events that the caller sees naming it, and whether these are all."""
        settings = self._settings
        shown: list[Shown] = []
        left, room = settings.looked_at_max, settings.page_bytes_max
        publisher = None if sight.others else sight.own
        query: Query | None = Query(object=text_of(name), publisher=publisher) if sight.may_find(*NAMING) else None
        while query is not None and left > 0 and room > 0 and len(shown) <= settings.object_events_max:
            page = await self._views.events(query, limit=min(AT_ONCE, left), looked_at_max=left, bytes_max=room)
            shown += _naming([name], sight, page.events)
            left -= page.looked_at
            room -= sum(len(known.value) for known in page.events)
            query = replace(query, after=page.next) if page.next is not None else None
        complete = query is None and len(shown) <= settings.object_events_max
        return await judge(self._views, sight, shown[: settings.object_events_max], settings=settings), complete

    async def _bound(self, sight: Sight, others: Sequence[Name], kind: str) -> list[About]:
        """The newest events about things that are tied to it, as far as they are about none of its own kind."""
        found = await self._views.about(
            [text_of(other) for other in others],
            each_max=AT_ONCE,
            bytes_max=self._settings.page_bytes_max,
            publisher=None if sight.others else sight.own,
        )
        shown = [each for each in _naming(others, sight, found) if not _names_kind(each, kind)]
        judged = await judge(self._views, sight, shown, settings=self._settings)
        return [About(each, next(o for o in others if o in names_of(each.shown.event))) for each in judged]


def _naming(names: Sequence[Name], sight: Sight, events: Iterable[KnownEvent]) -> list[Shown]:
    """Those that the caller sees naming any of these."""
    shown = [each for known in events if (each := sight.shown(known)) is not None]
    return [each for each in shown if not set(names).isdisjoint(names_of(each.event))]


def _names_kind(shown: Shown, kind: str) -> bool:
    return any(kind_of(scheme) == kind for scheme, _ in names_of(shown.event))


def _tied(name: Name, events: Iterable[Judged]) -> dict[Name, Judged]:
    tied: dict[Name, Judged] = {}
    for each in events:
        if each.current and each.shown.known.type not in TAKES_BACK:
            for other in names_of(each.shown.event):
                if other != name:
                    tied.setdefault(other, each)
    return tied


def _is_fact(shown: Shown) -> bool:
    return shown.data.get("time_kind") == "ACTUAL" and shown.known.type not in TAKES_BACK


def _moment(event: Judged) -> tuple[int, int]:
    return event.shown.known.occurred_us, event.shown.known.received_us


def _milestones(events: Iterable[About]) -> list[About]:
    """Of all reports of one type about one object at one place, the one that counts."""
    best: dict[object, About] = {}
    for each in events:
        shown = each.shown
        if shown.known.type in TAKES_BACK:
            continue
        key = shown.known.type, each.through, _place_key(shown.data.get("place"))
        if key not in best or outranks(_milestone(shown), _milestone(best[key].shown)):
            best[key] = each
    return sorted(best.values(), key=lambda each: _moment(each.judged))


def _milestone(shown: Shown) -> Milestone:
    made = shown.data.get("updated_at", shown.event.get("time"))
    made_us = instant_us(made) if isinstance(made, str) else None
    return Milestone(shown.data["time_kind"], shown.known.occurred_us, made_us or shown.known.received_us)


def _place_key(place: object) -> object:
    """What tells places apart: the best identifier that is there."""
    if not isinstance(place, dict):
        return None
    for member in ("unlocode", "gln", "facility_code", "name"):
        if isinstance(place.get(member), str):
            return place[member]
    return str(place.get("latitude")), str(place.get("longitude"))


def _seals(facts: Iterable[Judged]) -> list[Seal]:
    """What is said of each seal last, by number; `facts` in the order in which they occurred."""
    found: dict[str, Seal] = {}
    for each in facts:
        data = each.shown.data
        broken = each.shown.known.type == "customs.seal.broken"
        listed = data.get("seals")
        for seal in (data.get("seal"), data.get("seal_after"), *(listed if isinstance(listed, list) else ())):
            _say(found, seal, each, on=not broken, broken=broken)
        _say(found, data.get("seal_before"), each, on=False, broken=False)
    return list(found.values())


def _say(found: dict[str, Seal], seal: object, by: Judged, *, on: bool, broken: bool) -> None:
    if not isinstance(seal, dict) or not isinstance(seal.get("number"), str):
        return
    before = found.get(seal["number"])
    known = before.seal if before is not None else {}
    found[seal["number"]] = Seal({**known, **seal}, on, broken, by)
