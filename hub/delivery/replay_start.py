"""Where a replay begins and ends: what was asked for, as offsets of `hub.events`, fixed when the session begins."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from msgspec import Struct

from hub.core.errors import HubError, Refusal, Trimmed
from hub.core.feed import Feed, Lane, lane_name, stream_of
from hub.core.record import Position
from hub.core.registry import Snapshot
from hub.core.replay import FOR_EVER_US, Asked, Replay, Track, tracks_of
from hub.core.settings import ReplaySettings
from hub.delivery.cursors import Cursors
from hub.delivery.journal import Journal, Reader
from hub.delivery.replay import begun
from hub.delivery.replays import Replays
from hub.ports.event_log import EventLog
from hub.ports.history import History
from hub.ports.system import Clock
from hub.trust.cursor import Cursor
from schemas.headers import FeedHeader, unpack

Failed = Callable[[Feed], Awaitable[Sequence[Position]]]
"""Of a feed, the source records that are set aside as not delivered."""
SOUGHT_RECORDS_MAX = 100


class Wanted(Struct, frozen=True, kw_only=True):
    """What is asked for: exactly one range (`schemas/formats/replay.md`)."""

    from_us: int | None = None
    to_us: int | None = None
    cursor: str | None = None
    until: str | None = None
    missing: str | None = None
    failed: bool = False
    stamps: tuple[Track, ...] | None = None
    known_us: int | None = None
    lane: Lane | None = None

    @property
    def asked(self) -> Asked | None:
        """None: it names no range, or more than one."""
        named = (
            (Asked.TIME, self.from_us is not None),
            (Asked.CURSOR, self.cursor is not None),
            (Asked.MISSING, self.missing is not None),
            (Asked.FAILED, self.failed),
            (Asked.STAMPS, self.stamps is not None),
        )
        found = [asked for asked, is_named in named if is_named]
        return found[0] if len(found) == 1 else None

    @property
    def flaw(self) -> str:
        """What of it cannot be meant; empty: all of it can."""
        if self.asked is None:
            return "one of from, cursor, missing, failed"
        if self.to_us is not None and (self.from_us is None or self.to_us <= self.from_us):
            return "to: a time after from, and beside it alone"
        return "until: beside cursor alone" if self.until is not None and self.cursor is None else ""


class Starting:
    def __init__(
        self,
        replays: Replays,
        *,
        history: History,
        log: EventLog,
        cursors: Cursors,
        failed: Failed,
        journal: Journal,
        snapshot: Callable[[], Snapshot],
        clock: Clock,
        settings: ReplaySettings,
    ) -> None:
        self._replays = replays
        self._history = history
        self._log = log
        self._cursors = cursors
        self._failed = failed
        self._journal = journal
        self._snapshot = snapshot
        self._clock = clock
        self._settings = settings

    async def start(self, recipient: str, name: str, wanted: Wanted, reader: Reader) -> Replay | Refusal:
        """A session on a feed of the recipient's.

        `NOT_FOUND`, `FEED_GONE`, `BAD_REQUEST`, `CURSOR_INVALID`, `TOO_MANY_REQUESTS`. Raises `StorageUnavailable`, and
        `HubError` where it could not be written down that it began.
        """
        feed = self._snapshot().feeds.get(name)
        if feed is None or feed.recipient != recipient:
            return Refusal("NOT_FOUND")
        if feed.ended:
            return Refusal("FEED_GONE")
        if wanted.asked is None or wanted.flaw:
            return Refusal("BAD_REQUEST", wanted.flaw)
        tracks = await self._tracks(feed, wanted)
        if isinstance(tracks, Refusal):
            return tracks
        now = self._clock.now_us() // 1_000_000
        replay = Replay(
            self._replays.new_id(),
            feed.name,
            recipient,
            wanted.lane,
            wanted.asked,
            tuple(track for track in tracks if track.first < track.end),
            wanted.from_us or 0,
            wanted.to_us if wanted.to_us is not None else FOR_EVER_US,
            wanted.known_us if wanted.known_us is not None else FOR_EVER_US,
            now,
            now + self._settings.session_seconds,
            reader.id,
        )
        refusal = await self._replays.add(replay)
        if refusal is not None:
            return refusal
        try:
            await self._journal.add([begun(feed, replay, reader)])
        except HubError:
            await self._replays.end(recipient, replay.id)
            raise
        return replay

    async def _tracks(self, feed: Feed, wanted: Wanted) -> Sequence[Track] | Refusal:
        match wanted.asked:
            case Asked.TIME:
                ends = (wanted.to_us, wanted.known_us and wanted.known_us + 1)
                to_us = min((each for each in ends if each is not None), default=self._clock.now_us())
                return await self._history.between(wanted.from_us or 0, to_us)
            case Asked.FAILED:
                return tracks_of(await self._failed(feed))
            case Asked.STAMPS:
                return await self._judged_only(wanted.stamps or ())
            case _:
                return await self._by_cursors(feed, wanted)

    async def _judged_only(self, tracks: Sequence[Track]) -> Sequence[Track]:
        """Of this generation, only what was judged."""
        judged = {(place.generation, place.partition): place.offset for place in await self._history.judged()}
        cut: list[Track] = []
        for track in tracks:
            end = judged.get((track.generation, track.partition), track.end)
            runs = tuple((first, min(last, end)) for first, last in track.runs if first < end)
            if runs:
                cut.append(Track(track.generation, track.partition, runs))
        return cut

    async def _by_cursors(self, feed: Feed, wanted: Wanted) -> Sequence[Track] | Refusal:
        """Above the marks of one, up to those of the other, or to what is there."""
        begins = self._opened(feed, wanted, wanted.cursor or wanted.missing or "")
        until = self._opened(feed, wanted, wanted.until) if wanted.until is not None else None
        if begins is None or (wanted.until is not None and until is None):
            return Refusal("CURSOR_INVALID")
        tracks: list[Track] = []
        for place, judged in zip(begins.places, await self._history.judged(), strict=True):
            end = judged.offset
            if wanted.missing is not None:
                end = await self._first_held(stream_of(feed.name, wanted.lane or Lane.MAIN), judged)
            elif until is not None:
                end = min(end, until.places[place.partition].mark + 1)
            if place.mark + 1 < end:
                tracks.append(Track(begins.generation, place.partition, ((place.mark + 1, end),)))
        return tracks

    def _opened(self, feed: Feed, wanted: Wanted, sealed: str) -> Cursor | None:
        name = lane_name(feed.name, wanted.lane or Lane.MAIN)
        return self._cursors.marks(sealed, feed=name, reader=feed.recipient)

    async def _first_held(self, stream: str, judged: Position) -> int:
        """The source offset of the first record that the feed still holds; where it holds none, all is missing."""
        offset = (await self._log.bounds(stream, judged.partition)).start
        async with self._log.reader(stream) as reader:
            while True:
                try:
                    records = await reader.read(judged.partition, offset, records_max=SOUGHT_RECORDS_MAX, bytes_max=1)
                except Trimmed as trimmed:
                    offset = trimmed.start
                    continue
                for record in records:
                    stamp = unpack(record.header)
                    if isinstance(stamp, FeedHeader) and stamp.generation == judged.generation:
                        return stamp.offset
                if not records:
                    return judged.offset
                offset += len(records)
