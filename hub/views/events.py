"""The list of events that a caller sees, by publisher, object, type, time and state, a page at a time.

The keeper leads through an index; what it finds is shown, and asked again whether it still fits as it is shown. A page
looks at a bounded number of events. Its cursor is sealed, of one size, and good for the same caller and question only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from struct import Struct as Layout

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from hub.core.errors import Refusal
from hub.core.settings import ViewsSettings
from hub.ports.system import Entropy
from hub.ports.views import KnownEvent, Place, Query, Views
from hub.trust.cursor import NONCE_BYTES, Box
from hub.trust.pseudonym import may_be_pseudonym
from hub.views.known import TAKES_BACK
from hub.views.named import Name, identifies_consignment, names_of, text_of
from hub.views.sight import Shown, Sight
from hub.views.states import Judged, judge
from schemas.lifecycle import State

AT_ONCE = 100
TIES_MAX = 20
"""The newest events that name a consignment beside an object, among which one is looked for that ties them."""
NAMING = ("/data/subjects", "/data/references", "/data/transport/means")
"""Where an event names objects."""


class Wanted(Struct, frozen=True, kw_only=True):
    """Which events, as the caller sees them. Spans: microseconds since 1970, the second exclusive."""

    publisher: str | None = None
    object: Name | None = None
    type: str | None = None
    received_us: tuple[int, int] | None = None
    occurred_us: tuple[int, int] | None = None
    state: State | None = None
    tied: bool | None = None
    """Whether the event, or another about one of its objects, names a consignment."""
    newest_first: bool = True


class Listed(Struct, frozen=True):
    events: Sequence[Judged]
    next: str | None


class Events:
    def __init__(self, views: Views, *, secret: bytes, entropy: Entropy, settings: ViewsSettings) -> None:
        """`secret`: 32 bytes, for cursors."""
        self._views = views
        self._box = Box(secret, b"customs-hub-page/1")
        self._entropy = entropy
        self._settings = settings

    async def page(self, sight: Sight, wanted: Wanted, *, cursor: str | None, limit: int) -> Listed | Refusal:
        """The next events behind a cursor. `CURSOR_INVALID`: it is not of this caller and question."""
        question = sha256(f"{sight.key}\x1f".encode() + msgspec.json.encode(wanted)).digest()[:16]
        after = self._open(cursor, question) if cursor is not None else None
        if cursor is not None and after is None:
            return Refusal("CURSOR_INVALID")
        query = self._query(sight, wanted)
        if query is None:
            return Listed((), None)
        found, place = await self._collect(sight, wanted, replace(query, after=after), limit)
        return Listed(found, self._seal(place, question) if place is not None else None)

    async def _collect(
        self, sight: Sight, wanted: Wanted, query: Query, limit: int
    ) -> tuple[list[Judged], Place | None]:
        """A place to go on from is told only if there is another event for this caller, or the bound was reached."""
        found: list[tuple[Judged, Place]] = []
        left, room = self._settings.looked_at_max, self._settings.page_bytes_max
        while left > 0:
            page = await self._views.events(query, limit=min(AT_ONCE, left), looked_at_max=left, bytes_max=room)
            places = {known.position: place for known, place in zip(page.events, page.places, strict=True)}
            for each in await self._fitting(sight, wanted, page.events):
                room -= len(each.shown.body)
                if len(found) == limit or (found and room < 0):
                    return [judged for judged, _ in found], found[-1][1]
                found.append((each, places[each.shown.known.position]))
            if page.next is None:
                return [judged for judged, _ in found], None
            left -= page.looked_at
            query = replace(query, after=page.next)
        return [judged for judged, _ in found], query.after

    async def _fitting(self, sight: Sight, wanted: Wanted, events: Sequence[KnownEvent]) -> Sequence[Judged]:
        shown = [each for known in events if (each := sight.shown(known)) is not None and _fits(each, wanted)]
        if wanted.tied is not None:
            tied = await self._tied(sight, shown)
            shown = [each for each in shown if (each.known.position in tied) == wanted.tied and _can_be_tied(each)]
        judged = await judge(self._views, sight, shown, settings=self._settings)
        return [each for each in judged if wanted.state in (None, each.state)]

    def _query(self, sight: Sight, wanted: Wanted) -> Query | None:
        """The question that leads to all that may fit; None: nothing can.

        It leads by no index that knows more than the caller may see of any event, and asks nothing of the registry:
        an id that nobody has is answered as one whose events are not shown under it.
        """
        publisher = wanted.publisher
        if not sight.others:
            if sight.own is None or publisher not in (None, sight.own):
                return None
            publisher = sight.own
        elif publisher is not None and publisher != sight.own:
            if may_be_pseudonym(publisher):
                publisher = None  # No index leads there.
            elif not sight.may_name(publisher):
                return None
        name = wanted.object
        if name is not None and not sight.may_find(*NAMING):
            return None
        return Query(
            publisher=publisher,
            object=text_of(name) if name is not None else None,
            type=wanted.type,
            received_us=wanted.received_us,
            occurred_us=wanted.occurred_us,
            consigned=False if wanted.tied is False and not sight.others else None,
            newest_first=wanted.newest_first,
        )

    async def _tied(self, sight: Sight, shown: Sequence[Shown]) -> set[object]:
        """The stamps of those that name a consignment, or an object that a current event names beside one."""
        names = {each.known.position: names_of(each.event) for each in shown}
        tied: set[object] = {position for position, named in names.items() if _names_consignment(named)}
        objects = {text_of(name) for position, named in names.items() if position not in tied for name in named}
        ties = await self._views.about(
            sorted(objects),
            each_max=TIES_MAX,
            bytes_max=self._settings.page_bytes_max,
            publisher=None if sight.others else sight.own,
            consigned=True,
        )
        seen = [other for known in ties if (other := sight.shown(known)) is not None]
        bound: set[Name] = set()
        for tie in await judge(self._views, sight, seen, settings=self._settings):
            named = names_of(tie.shown.event)
            if tie.current and _names_consignment(named):
                bound.update(named)
        return tied | {position for position, named in names.items() if not bound.isdisjoint(named)}

    def _seal(self, place: Place, question: bytes) -> str:
        content = _CONTENT.pack(question, place.received_us, place.number)
        return self._box.seal(content, self._entropy.bytes(NONCE_BYTES))

    def _open(self, cursor: str, question: bytes) -> Place | None:
        content = self._box.open(cursor)
        if content is None:
            return None
        asked, received_us, number = _CONTENT.unpack(content)
        return Place(received_us, number) if asked == question else None


_CONTENT = Layout(">16sQQ")
"""The question, and the place: of one size, since the digits of a number tell volume."""


def _can_be_tied(shown: Shown) -> bool:
    """What takes another event back is about that event, never about a consignment."""
    return shown.known.type not in TAKES_BACK


def _fits(shown: Shown, wanted: Wanted) -> bool:
    """Whether an event fits as it is shown. Type and times are always shown, and the keeper has looked at them."""
    event: Mapping[str, object] = shown.event
    return wanted.publisher in (None, event["publisher"]) and (
        wanted.object is None or wanted.object in names_of(event)
    )


def _names_consignment(names: Sequence[Name]) -> bool:
    return any(identifies_consignment(scheme) for scheme, _ in names)
