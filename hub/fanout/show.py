"""What a version of a feed shows of an event: the agreements' part of it, where the filter lets that through.

A filter runs on what the recipient would see. Where all is allowed that is known before the record is made; where not,
it is asked of the record itself, so that nothing that is withheld ever decides.
"""

from __future__ import annotations

import orjson
from msgspec import Struct

from hub.core.agreement import ALL_FIELDS
from hub.core.event import Event
from hub.core.terms import Grant
from hub.fanout.route import Ruling
from hub.trust.project import Cut, project_all, seen_whole

CUTS_KEPT_MAX = 256


class Shown(Struct, frozen=True):
    """A record's key and value, and what lets it be shown."""

    grant: Grant
    key: bytes
    value: bytes


class Showing:
    """The projections of one feed, by what is allowed."""

    def __init__(self, secret: bytes, hub: str) -> None:
        """`secret`: the key of the feed's pseudonyms; `hub`: whose statements the leaves of events are of."""
        self._secret, self._hub = secret, hub
        self._cuts: dict[tuple[str, ...], Cut] = {}

    def show(self, ruling: Ruling, event: Event) -> Shown | None:
        """None: not even that there is one. Raises `ValueError` where the event is not what intake accepted."""
        grant, matches = ruling.decide(event), ruling.matches
        if grant is None:
            return None
        whole = grant.fields == ALL_FIELDS
        if matches is not None and whole and not matches(seen_whole(event)):
            return None
        if whole:
            return Shown(grant, *self._whole(event))
        cut = self._cut(grant.fields)
        key, value, left = cut.parts(event)
        if matches is not None and not matches(orjson.loads(value)):
            return None
        return Shown(grant, key, cut.proven(event, value, left, self._hub))

    def _whole(self, event: Event) -> tuple[bytes, bytes]:
        """Made once for all feeds: it holds nothing of this feed's own, as pseudonyms are."""
        if event.whole is None:
            event.whole = project_all(event)
        return event.whole

    def _cut(self, fields: tuple[str, ...]) -> Cut:
        cut = self._cuts.get(fields)
        if cut is None:
            if len(self._cuts) >= CUTS_KEPT_MAX:
                self._cuts.clear()
            cut = self._cuts[fields] = Cut(fields, self._secret)
        return cut
