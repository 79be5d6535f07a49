"""What customs tells a partner: the notices that are its own, behind the same kind of cursor as a feed.

Notices of all partners share a stream; a cursor moves over those of others and never shows how many they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from hub.core.dispatch import Kind, Step
from hub.core.errors import Refusal, Trimmed
from hub.core.feed import Way
from hub.core.permission import may_stand_in
from hub.core.record import NOTICES
from hub.core.registry import Snapshot
from hub.core.settings import DeliverySettings
from hub.delivery.cursors import Cursors, moved
from hub.delivery.journal import Reader
from hub.delivery.merge import Admit, Bound, Stamped, Taken, is_overtaken, take
from hub.delivery.pull import Page
from hub.delivery.source import Begun, still_stands
from hub.delivery.tail import Tails
from hub.ports.dispatches import Dispatches
from hub.ports.observer import Observer
from hub.trust.cursor import Cursor
from schemas.headers import NoticeHeader

_CODES = frozenset(kind.code for kind in Kind)


class Notices:
    def __init__(
        self,
        *,
        cursors: Cursors,
        settings: DeliverySettings,
        tails: Tails,
        dispatches: Dispatches,
        snapshot: Callable[[], Snapshot],
        observer: Observer,
    ) -> None:
        self.cursors = cursors
        self.settings = settings
        self.tails = tails
        self.dispatches = dispatches
        self.snapshot = snapshot
        self.observer = observer

    async def page(self, partner: str, sealed: str | None, *, limit: int, wait: float) -> Page | Refusal:
        """Up to `limit` notices (`schemas/formats/notice.md`) behind the cursor; without one, from the earliest kept.

        `CURSOR_INVALID`, `CURSOR_EXPIRED`. Raises `StorageUnavailable`, `StorageFull`, `OutcomeUnknown`.
        """
        begun = self.begin(partner, sealed)
        if isinstance(begun, Refusal):
            return begun
        source, cursor = begun
        try:
            taken, behind = await source.turn(cursor, limit=limit, wait=min(wait, self.settings.wait_seconds_max))
        except Trimmed:
            return self.cursors.expired(cursor)
        await source.note(taken.stamps, (), Way.PULL)
        if not still_stands(source, taken.stamps):  # To note it took its time; what ended meanwhile stays here.
            if not source.is_open():
                return Page([], self.cursors.seal(cursor))
            return await self.page(partner, sealed, limit=limit, wait=0)
        await source.delivered(taken, Way.PULL)
        return Page(list(taken.records), self.cursors.seal(behind))

    def begin(self, partner: str, sealed: str | None) -> Begun:
        """A partner's notices, and where reading begins. `CURSOR_INVALID`, `CURSOR_EXPIRED`."""
        source = self.of(partner)
        if sealed is None:
            return source, source.first()
        opened = self.cursors.open(sealed, feed=NOTICES, reader=partner)
        return opened if isinstance(opened, Refusal) else (source, opened)

    def of(self, partner: str) -> NoticeSource:
        return NoticeSource(self, partner)


class NoticeSource:
    """The notices of one partner."""

    word = "notice"
    name = stream = NOTICES

    def __init__(self, notices: Notices, partner: str) -> None:
        self.recipient = partner
        self._at = notices

    def first(self) -> Cursor:
        return self._at.cursors.first(NOTICES, 1, self.recipient)

    def is_open(self) -> bool:
        partner = self._at.snapshot().partners.get(self.recipient)
        return partner is not None and not partner.stopped

    def admits(self) -> Admit:
        """Its own; as an agent, what customs answers while it may stand in, and what became of events that it sent."""

        def is_its_own(stamp: Stamped) -> bool:
            if not isinstance(stamp, NoticeHeader) or self.recipient not in (stamp.partner, stamp.agent):
                return False
            if stamp.partner == self.recipient or stamp.cause not in _CODES:
                return True
            now = self._at.tails.clock.now_us() // 1_000_000
            return may_stand_in(self.recipient, stamp.partner, self._at.snapshot(), now)

        return is_its_own

    async def gap(self, cursor: Cursor) -> Refusal | None:
        overtaken = await is_overtaken(self._at.tails.log, NOTICES, cursor.places)
        return self._at.cursors.expired(cursor) if overtaken else None

    async def turn(self, cursor: Cursor, *, limit: int, wait: float) -> tuple[Taken, Cursor]:
        settings = self._at.settings
        bound = Bound(min(limit, settings.page_records_max), settings.page_bytes_max, wait)
        taken = await take(self._at.tails, NOTICES, cursor.places, self.admits(), bound)
        return taken, moved(cursor, taken.places)

    async def note(self, stamps: Sequence[Stamped], readers: Iterable[Reader], way: Way) -> None:
        """What is given counts as read from here on; what is brought, once it was taken."""
        if way is not Way.WEBHOOK:
            await self._read(stamps)

    async def delivered(self, taken: Taken, way: Way) -> None:
        if way is Way.WEBHOOK:
            await self._read(taken.stamps)
        if taken.records:
            self._at.observer.count("delivered", len(taken.records), feed=NOTICES, way=way.value)

    async def _read(self, stamps: Sequence[Stamped]) -> None:
        answers = [each.id for each in stamps if isinstance(each, NoticeHeader) and each.cause in _CODES]
        if answers:
            await self._at.dispatches.mark(answers, Step.READ, self._at.tails.clock.now_us())
