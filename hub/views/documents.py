"""What is known of documents: which events name a copy, its versions, and whether it still counts.

Whether a document was withdrawn is told from everything that its publisher said, seen by the caller or not: what is
true now may only take away.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from hub.core.copies import AMENDED, SUBMITTED, WITHDRAWN, Version
from hub.core.settings import ViewsSettings
from hub.ports.event_log import EventLog
from hub.ports.system import Clock
from hub.ports.views import KnownEvent, Query, Views
from hub.views.follow import until_known
from hub.views.known import copy_of
from hub.views.sight import Shown, Sight, sight_of_owner
from hub.views.states import Judged, judge
from schemas.identity import instant_us
from schemas.lifecycle import State

AT_ONCE = 100
_DIGEST = "/data/document/sha256"
DOCUMENT = "/data/document"


class DocumentState(StrEnum):
    CURRENT = "current"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


class Copy(Struct, frozen=True):
    """One event, seen by the caller, that says that a copy was handed in."""

    shown: Shown
    state: DocumentState

    @property
    def known(self) -> KnownEvent:
        return self.shown.known


class KnownDocuments:
    def __init__(self, views: Views, *, log: EventLog, clock: Clock, partitions: int, settings: ViewsSettings) -> None:
        self._views = views
        self._log = log
        self._clock = clock
        self._partitions = partitions
        self._settings = settings

    async def copies(self, sight: Sight, sha256: str) -> list[Copy]:
        """The events that name the copy, newest first. What the log holds now is waited for: who was told that a
        document is withdrawn finds it so."""
        await until_known(self._views, log=self._log, clock=self._clock, partitions=range(self._partitions))
        return await self._copies(sight, sha256)

    async def versions(self, sight: Sight, copy: Copy) -> list[Judged]:
        """The newest versions of the document that the caller sees, newest first."""
        known = await self._views.versions(
            [copy.known.series[0]], each_max=self._settings.versions_max, bytes_max=self._settings.page_bytes_max
        )
        shown = [seen for each in known if (seen := sight.shown(each)) is not None]
        shown.sort(key=lambda each: (each.known.version, each.known.position), reverse=True)
        return await judge(self._views, sight, shown, settings=self._settings)

    async def newest(self, publisher: str, copy: Copy) -> tuple[Version, Shown]:
        """The newest version of a document of the publisher's own, and the last thing said about it."""
        versions = await self.versions(sight_of_owner(publisher), copy)
        last = versions[0].shown if versions else copy.shown
        named = next((each.shown for each in versions if _hands_in(each.shown)), copy.shown)
        document = named.data["document"]
        version = Version(
            source=named.event["source"],
            id=named.event["id"],
            updated_at_us=_updated_us(last),
            kind=document["kind"],
            reference=document["reference"],
            sha256=document["sha256"],
            subjects=tuple(named.data["subjects"]),
        )
        return version, last

    async def is_known(self, publisher: str, sha256: str) -> bool:
        """Whether an event of the publisher hands the copy in."""
        return bool(await self._copies(sight_of_owner(publisher), sha256))

    async def _copies(self, sight: Sight, sha256: str) -> list[Copy]:
        if not sight.may_find(_DIGEST):
            return []
        publisher = None if sight.others else sight.own
        page = await self._views.events(
            Query(object=copy_of(sha256), publisher=publisher),
            limit=AT_ONCE,
            looked_at_max=self._settings.looked_at_max,
            bytes_max=self._settings.page_bytes_max,
        )
        shown = [seen for each in page.events if (seen := sight.shown(each)) is not None]
        named = [each for each in shown if _hands_in(each) and each.data.get("document", {}).get("sha256") == sha256]
        return [Copy(each, await self._state(each.known)) for each in named]

    async def _state(self, known: KnownEvent) -> DocumentState:
        owner = sight_of_owner(known.publisher)
        others = await self._views.versions(
            known.series[:1], each_max=self._settings.versions_max, bytes_max=self._settings.page_bytes_max
        )
        shown = [seen for each in (known, *others) if (seen := owner.shown(each)) is not None]
        own, *judged = await judge(self._views, owner, shown, settings=self._settings)
        ended = any(each.current and each.shown.known.type == WITHDRAWN for each in judged)
        if ended or own.state is State.RETRACTED:
            return DocumentState.WITHDRAWN
        return DocumentState.CURRENT if own.current else DocumentState.SUPERSEDED


def _hands_in(shown: Shown) -> bool:
    return shown.known.type in (SUBMITTED, AMENDED)


def _updated_us(shown: Shown) -> int:
    updated_at = shown.data.get("updated_at")
    return (instant_us(updated_at) if isinstance(updated_at, str) else None) or 0
