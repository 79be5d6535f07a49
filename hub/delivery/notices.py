"""What customs tells a partner: the notices that are its own, behind the same kind of cursor as a feed.

Notices of all partners share a stream; a cursor moves over those of others and never shows how many they were.
"""

from __future__ import annotations

from hub.core.errors import Refusal, Trimmed
from hub.core.record import NOTICES
from hub.core.settings import DeliverySettings
from hub.delivery.cursors import Cursors, moved
from hub.delivery.merge import Bound, Stamped, take
from hub.delivery.pull import Page
from hub.delivery.tail import Tails
from schemas.headers import NoticeHeader


class Notices:
    def __init__(self, *, cursors: Cursors, settings: DeliverySettings, tails: Tails) -> None:
        self._cursors = cursors
        self._settings = settings
        self._tails = tails

    async def page(self, partner: str, sealed: str | None, *, limit: int, wait: float) -> Page | Refusal:
        """Up to `limit` notices (`schemas/formats/notice.md`) behind the cursor; without one, from the earliest kept.

        `CURSOR_INVALID`, `CURSOR_EXPIRED`. Raises `StorageUnavailable`.
        """
        cursor = self._cursors.first(NOTICES, 1, partner)
        if sealed is not None:
            opened = self._cursors.open(sealed, feed=NOTICES, reader=partner)
            if isinstance(opened, Refusal):
                return opened
            cursor = opened

        def is_own(stamp: Stamped) -> bool:
            return isinstance(stamp, NoticeHeader) and partner in (stamp.partner, stamp.agent)

        settings = self._settings
        seconds = min(wait, settings.wait_seconds_max)
        bound = Bound(min(limit, settings.page_records_max), settings.page_bytes_max, seconds)
        try:
            taken = await take(self._tails, NOTICES, cursor.places, is_own, bound)
        except Trimmed:
            return self._cursors.expired(cursor)
        return Page(list(taken.records), self._cursors.seal(moved(cursor, taken.places)))
