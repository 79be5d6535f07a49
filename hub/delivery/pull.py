"""Pull: a page of a feed behind a cursor. Reading is repeatable; acknowledging is a call of its own
(`acknowledge.py`).

Fan-out has decided what a record shows. Here it is only looked at once more whether all agreements it rests on still
stand (rule 11 of the core protocol): once one has ended, by an act or by its `valid_to`, or the record is older than it
lets the recipient keep it, the record is given to nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from hub.core.errors import Refusal, Trimmed
from hub.core.feed import Feed, lane_of, lanes_of, stream_named
from hub.core.record import Stream
from hub.core.registry import Snapshot
from hub.core.retention import kept_seconds, may_leave
from hub.core.settings import DeliverySettings
from hub.delivery.cursors import Cursors, moved
from hub.delivery.journal import Journal, Reader, given
from hub.delivery.merge import Admit, Bound, Stamped, Taken, is_overtaken, take
from hub.delivery.seals import Seals
from hub.delivery.tail import Tails
from hub.ports.observer import Observer
from hub.ports.positions import Positions
from hub.trust.cursor import Cursor
from hub.trust.feed_seal import FeedSeal
from schemas.headers import FeedHeader

EARLIEST = "earliest"
"""Instead of a cursor: from the earliest record kept, whatever was acknowledged. No sealed cursor is this short."""
NOW = "now"
"""Instead of a cursor: behind all that the feed holds at this moment."""


class Page(Struct, frozen=True):
    """Records (`schemas/formats/feed-record.md`) in order, and the cursor behind the last of them."""

    records: list[bytes]
    cursor: str
    seals: Sequence[FeedSeal] | None = None
    """Over those that are cut (`schemas/formats/feed-seal.md`); None: they were not asked for."""


class Pull:
    def __init__(
        self,
        *,
        positions: Positions,
        snapshot: Callable[[], Snapshot],
        cursors: Cursors,
        observer: Observer,
        settings: DeliverySettings,
        tails: Tails,
        journal: Journal,
        seals: Seals,
        feed_retention_seconds: int,
    ) -> None:
        self.settings = settings
        self.journal = journal
        self.seals = seals
        self._positions = positions
        self._snapshot = snapshot
        self._cursors = cursors
        self._observer = observer
        self._tails = tails
        self._retention_seconds = feed_retention_seconds
        self._declared: set[str] = set()

    async def page(
        self,
        partner: str,
        name: str,
        sealed: str | None,
        *,
        reader: Reader,
        limit: int,
        wait: float,
        proof: bool = False,
    ) -> Page | Refusal:
        """Up to `limit` records of a lane (`name`, `name/urgent`) behind the cursor (none: the last one kept).

        Waits up to `wait` seconds for the first one; with `proof` the seals over them are given as well.

        `NOT_FOUND`, `FEED_GONE`, `CURSOR_INVALID`, `CURSOR_EXPIRED`. Raises `StorageUnavailable`; and `HubError` where
        it could not be written down what is given.
        """
        begun = await self.begin(partner, name, sealed)
        if isinstance(begun, Refusal):
            return begun
        feed, cursor = begun
        seconds = min(wait, self.settings.wait_seconds_max)
        try:
            taken, behind = await self.turn(feed, cursor, limit=limit, wait=seconds)
            seals = await self.seals.over(cursor.feed, taken, bytes) if proof else None
        except Trimmed:
            return self._gap(feed, cursor)
        await self.journal.add(given(feed, taken.stamps, reader, way="pull", lane=lane_of(cursor.feed)[1]))
        if not self.still_stands(feed, taken):  # Writing took its time; what ended meanwhile stays here.
            if self._is_stopped(partner):  # Whoever asked for him tells him so.
                return Page([], self._cursors.seal(cursor), () if proof else None)
            return await self.page(partner, name, sealed, reader=reader, limit=limit, wait=0, proof=proof)
        self.delivered(feed, taken, "pull")
        return Page(list(taken.records), self._cursors.seal(behind), seals)

    async def begin(self, partner: str, name: str, sealed: str | None) -> tuple[Feed, Cursor] | Refusal:
        """The feed, if it is this partner's and has not ended, and where reading of the lane (`name`, `name/urgent`)
        begins."""
        feeds, (feed_name, lane) = self._snapshot().feeds, lane_of(name)
        feed = feeds.get(feed_name)
        if feed is None or feed.recipient != partner or lane not in lanes_of(feeds.versions(feed_name)):
            return Refusal("NOT_FOUND", "`GET /v1/feeds` lists the feeds that you may read")
        if feed.ended:
            return Refusal("FEED_GONE")
        if sealed == EARLIEST:
            return feed, self.first(feed, name)
        if sealed == NOW:
            return feed, await self._at_the_end(self.first(feed, name))
        if sealed is not None:
            opened = self._cursors.open(sealed, feed=name, reader=partner)
            return opened if isinstance(opened, Refusal) else (feed, opened)
        kept = self._cursors.kept(await self._positions.acknowledged(partner, name))
        return feed, kept or self.first(feed, name)

    def first(self, feed: Feed, name: str) -> Cursor:
        """The earliest record of a lane, nothing seen yet."""
        return self._cursors.first(name, feed.version, feed.recipient)

    async def _at_the_end(self, cursor: Cursor) -> Cursor:
        stream = await self._declared_stream(cursor)
        ends = [(await self._tails.log.bounds(stream, place.partition)).end for place in cursor.places]
        return moved(cursor, tuple(replace(place, offset=end) for place, end in zip(cursor.places, ends, strict=True)))

    async def gap(self, feed: Feed, cursor: Cursor) -> Refusal | None:
        """`CURSOR_EXPIRED` where retention let go of records behind the cursor. Raises `StorageUnavailable`."""
        overtaken = await is_overtaken(self._tails.log, await self._declared_stream(cursor), cursor.places)
        return self._gap(feed, cursor) if overtaken else None

    def _gap(self, feed: Feed, cursor: Cursor) -> Refusal:
        self._observer.count("feed_gaps", feed=feed.name)
        return self._cursors.expired(cursor)

    def is_open(self, feed: Feed) -> bool:
        """Whether the feed may still be read: neither has it ended, nor is its recipient suspended."""
        newest = self._snapshot().feeds.get(feed.name)
        return newest is not None and not newest.ended and not self._is_stopped(feed.recipient)

    def _is_stopped(self, partner: str) -> bool:
        recipient = self._snapshot().partners.get(partner)
        return recipient is None or recipient.stopped

    def still_stands(self, feed: Feed, taken: Taken) -> bool:
        """Whether all of it may still be given."""
        return self.is_open(feed) and all(map(self.standing(), taken.stamps))

    async def turn(self, feed: Feed, cursor: Cursor, *, limit: int, wait: float) -> tuple[Taken, Cursor]:
        """What comes next, and the cursor behind it. Raises `StorageUnavailable`, and `Trimmed` as `take` does."""
        stream = await self._declared_stream(cursor)
        bound = Bound(min(limit, self.settings.page_records_max), self.settings.page_bytes_max, wait)
        taken = await take(self._tails, stream, cursor.places, self.standing(), bound)
        return taken, moved(cursor, taken.places)

    async def _declared_stream(self, cursor: Cursor) -> str:
        """A feed may be read from the moment it is registered, before fan-out has come to it."""
        stream = stream_named(cursor.feed)
        if stream not in self._declared:
            kept = kept_seconds(lane_of(cursor.feed)[0], self._snapshot(), self._retention_seconds)
            await self._tails.log.declare(Stream(stream, self._tails.partitions, kept))
            self._declared.add(stream)
        return stream

    def seal(self, cursor: Cursor) -> str:
        return self._cursors.seal(cursor)

    def moment(self) -> tuple[int, float]:
        """The registry revision that decides now, and the clock's monotonic time."""
        return self._snapshot().revision, self._tails.clock.monotonic()

    def delivered(self, feed: Feed, taken: Taken, way: str) -> None:
        """Count what was handed over; the time is that of the oldest record of the page."""
        if taken.records:
            self._observer.count("delivered", len(taken.records), feed=feed.name, way=way)
        if taken.oldest_us is not None:
            self._observer.observe("delivery_seconds", (self._tails.clock.now_us() - taken.oldest_us) / 1e6, way=way)

    def standing(self) -> Admit:
        """Whether every agreement that a record rests on still stands, as of the moment it is asked."""

        def stands(stamp: Stamped) -> bool:
            now = self._tails.clock.now_us() // 1_000_000
            return isinstance(stamp, FeedHeader) and may_leave(stamp, self._snapshot(), now)

        return stands
