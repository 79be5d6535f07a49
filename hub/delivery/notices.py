"""What customs tells a partner: the notices that are its own, behind the same kind of cursor as a feed.

Notices of all partners share a stream; a cursor moves over those of others and never shows how many they were.
"""

from __future__ import annotations

from hub.core.dispatch import Kind, Step
from hub.core.errors import Refusal, Trimmed
from hub.core.record import NOTICES
from hub.core.settings import DeliverySettings
from hub.delivery.cursors import Cursors, moved
from hub.delivery.merge import Bound, Stamped, take
from hub.delivery.pull import Page
from hub.delivery.tail import Tails
from hub.ports.dispatches import Dispatches
from schemas.headers import NoticeHeader

_CODES = frozenset(kind.code for kind in Kind)


class Notices:
    def __init__(self, *, cursors: Cursors, settings: DeliverySettings, tails: Tails, dispatches: Dispatches) -> None:
        self._cursors = cursors
        self._settings = settings
        self._tails = tails
        self._dispatches = dispatches

    async def page(self, partner: str, sealed: str | None, *, limit: int, wait: float) -> Page | Refusal:
        """Up to `limit` notices (`schemas/formats/notice.md`) behind the cursor; without one, from the earliest kept.

        What customs answers counts as read from here on. `CURSOR_INVALID`, `CURSOR_EXPIRED`. Raises
        `StorageUnavailable`, `StorageFull`, `OutcomeUnknown`.
        """
        cursor = self._cursors.first(NOTICES, 1, partner)
        if sealed is not None:
            opened = self._cursors.open(sealed, feed=NOTICES, reader=partner)
            if isinstance(opened, Refusal):
                return opened
            cursor = opened

        answers: list[str] = []

        def is_own(stamp: Stamped) -> bool:
            if not isinstance(stamp, NoticeHeader) or partner not in (stamp.partner, stamp.agent):
                return False
            if stamp.cause in _CODES:
                answers.append(stamp.id)
            return True

        settings = self._settings
        seconds = min(wait, settings.wait_seconds_max)
        bound = Bound(min(limit, settings.page_records_max), settings.page_bytes_max, seconds)
        try:
            taken = await take(self._tails, NOTICES, cursor.places, is_own, bound)
        except Trimmed:
            return self._cursors.expired(cursor)
        await self._dispatches.mark(answers, Step.READ, self._tails.clock.now_us())
        return Page(list(taken.records), self._cursors.seal(moved(cursor, taken.places)))
