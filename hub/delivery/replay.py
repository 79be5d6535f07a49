"""Replay: the past of a feed, page by page, in a session of its own (`schemas/formats/replay.md`).

What a record shows is decided elsewhere, as fan-out decided it and by what stands now. Here is the session: what it
reads, where it stands, at which pace, and that every page is written down before it leaves. Nothing of a session lives
in the process but its share of the pace: any worker goes on with it, from the cursor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from hub.core.access import Access, Step, runs_of
from hub.core.errors import Refusal
from hub.core.feed import Feed, Lane, lane_name
from hub.core.record import Position, StoredRecord
from hub.core.registry import Snapshot
from hub.core.replay import Given, Replay
from hub.core.settings import ReplaySettings
from hub.delivery.journal import Journal, Reader, given
from hub.delivery.pace import Pace
from hub.delivery.replays import Replays
from hub.ports.history import History
from hub.ports.observer import Observer
from hub.ports.system import Clock
from hub.trust.feed_seal import FeedSeal, FeedSealer
from hub.trust.replay_cursor import ReplayCursor, ReplayCursors
from schemas.headers import FeedHeader

WAY = "replay"
LOOKED_AT_MAX = 50_000
"""A page ends when it has looked at so many records, or some time has passed: where few are for this reader it may be
empty. No reader chooses how soon: he would count by it what others send."""
PAGE_SECONDS_MAX = 2.0
"""Where the pace is slow a page ends early, with what there is."""
READ_RECORDS_MAX, READ_BYTES_MAX = 500, 1_048_576
"""Of one read: what a session holds of the log at a time."""


class Deciding(Protocol):
    """What of the past a feed shows."""

    async def shown(
        self, replay: Replay, place: Position, records: Sequence[StoredRecord], *, archived: bool
    ) -> Sequence[Given]: ...

    def still(self, feed: str, given: Sequence[Given]) -> Sequence[Given]: ...


class ReplayPage(Struct, frozen=True):
    records: Sequence[bytes]
    cursor: str
    complete: bool
    gap: bool
    seals: Sequence[FeedSeal] | None = None
    """Over those records that are cut, made for this page; None: they were not asked for."""


class _Turn(Struct):
    """What one page has come to."""

    places: list[int]
    given: list[Given]
    gap: bool = False
    looked_at: int = 0
    bytes: int = 0


class Replaying:
    def __init__(
        self,
        replays: Replays,
        *,
        history: History,
        past: Deciding,
        journal: Journal,
        cursors: ReplayCursors,
        pace: Pace,
        sealer: FeedSealer,
        snapshot: Callable[[], Snapshot],
        clock: Clock,
        observer: Observer,
        settings: ReplaySettings,
    ) -> None:
        self._replays = replays
        self._history = history
        self._past = past
        self._journal = journal
        self._cursors = cursors
        self._pace = pace
        self._sealer = sealer
        self._snapshot = snapshot
        self._clock = clock
        self._observer = observer
        self._settings = settings
        self._under_way: set[str] = set()

    async def page(
        self,
        recipient: str,
        replay_id: str,
        sealed: str | None,
        *,
        reader: Reader,
        limit: int,
        wait: float,
        proof: bool = False,
    ) -> ReplayPage | Refusal:
        """Up to `limit` records behind the cursor (none: from the session's first on). Looks for the first of them for
        `wait` seconds, or for as long as a page takes, as the pace allows. With `proof`: and seals over them.

        `NOT_FOUND`, `FEED_GONE`, `CURSOR_INVALID`; `TOO_MANY_REQUESTS` while another page of the session is made.
        Raises `StorageUnavailable`, and `HubError` where it could not be written down what is given.
        """
        replay = await self._replays.find(recipient, replay_id)
        if replay is None:
            return Refusal("NOT_FOUND")
        feed = self._snapshot().feeds.get(replay.feed)
        if feed is None or feed.ended:
            return Refusal("FEED_GONE")
        places = self._places(replay, sealed)
        if places is None:
            return Refusal("CURSOR_INVALID")
        if replay.id in self._under_way:
            return Refusal("TOO_MANY_REQUESTS", "one page of a replay at a time")
        self._under_way.add(replay.id)
        try:
            page, leaving = await self._page(replay, feed, places, reader, limit, wait)
            return replace(page, seals=self._seals(feed, leaving)) if proof else page
        finally:
            self._under_way.discard(replay.id)

    async def _page(
        self, replay: Replay, feed: Feed, places: list[int], reader: Reader, limit: int, wait: float
    ) -> tuple[ReplayPage, Sequence[Given]]:
        turn = _Turn(places, [])
        limit = min(limit, self._settings.page_records_max)
        began = self._clock.monotonic()
        while not _complete(replay, turn.places):
            await self._round(replay, turn, limit)
            seconds_max = PAGE_SECONDS_MAX if turn.given else max(wait, PAGE_SECONDS_MAX)
            is_late = self._clock.monotonic() - began >= seconds_max
            if is_late or _is_full(turn, limit, self._settings.page_bytes_max):
                break
        # What ended while it was read is left out, of the journal too; what ended while that was written, of the page.
        leaving = self._past.still(feed.name, turn.given)
        await self._journal.add(_written(feed, leaving, reader))
        leaving = self._past.still(feed.name, leaving)
        self._observer.count("replayed", len(leaving), feed=feed.name)
        cursor = self._cursors.seal(ReplayCursor(replay.id, replay.recipient, tuple(turn.places)))
        values = [each.value for each in leaving]
        return ReplayPage(values, cursor, _complete(replay, turn.places), turn.gap), leaving

    def _seals(self, feed: Feed, given: Sequence[Given]) -> Sequence[FeedSeal]:
        """One for each lane: what is projected anew was under no seal before."""
        of_lanes = ((lane, [each.value for each in given if each.lane is lane]) for lane in Lane)
        seals = (self._sealer.given(lane_name(feed.name, lane), values) for lane, values in of_lanes)
        return [seal for seal in seals if seal is not None]

    async def _round(self, replay: Replay, turn: _Turn, limit: int) -> None:
        """One read of each track that has anything left, least advanced first; what one leaves of its share the next
        ones get."""
        waiting = sorted(_advances(replay, turn.places))
        for done, (_, number) in enumerate(waiting):
            left = limit - len(turn.given)
            if left > 0 and turn.bytes < self._settings.page_bytes_max:
                await self._read(replay, turn, number, -(-left // (len(waiting) - done)))

    async def _read(self, replay: Replay, turn: _Turn, number: int, share: int) -> None:
        """What comes next of a track, `share` records at most."""
        track = replay.tracks[number]
        run = track.run_at(turn.places[number])
        assert run is not None
        place = Position(track.generation, track.partition, run[0])
        bytes_max = min(READ_BYTES_MAX, self._settings.page_bytes_max - turn.bytes)
        stretch = await self._history.read(place, run[1], records_max=READ_RECORDS_MAX, bytes_max=bytes_max)
        await self._pace.pay(sum(len(record.value) + len(record.header) for record in stretch.records))
        shown = await self._past.shown(replay, place, stretch.records, archived=stretch.archived)
        taken = shown[:share]
        turn.given += taken
        turn.bytes += sum(len(each.value) for each in taken)
        turn.looked_at += max(1, len(stretch.records))
        turn.gap |= stretch.gap
        turn.places[number] = taken[-1].stamp.offset + 1 if len(taken) < len(shown) else stretch.next

    def _places(self, replay: Replay, sealed: str | None) -> list[int] | None:
        """Where each track goes on; None for a cursor that is not this session's."""
        if sealed is None:
            return [track.first for track in replay.tracks]
        cursor = self._cursors.open(sealed)
        if cursor is None or (cursor.replay, cursor.reader) != (replay.id, replay.recipient):
            return None
        return list(cursor.places) if len(cursor.places) == len(replay.tracks) else None


def _advances(replay: Replay, places: Sequence[int]) -> Iterator[tuple[float, int]]:
    """Of each track that has anything left, how much of it was read, and its number.

    Tracks of one stretch of time that advance alike are read about as they came.
    """
    for number, (track, place) in enumerate(zip(replay.tracks, places, strict=True)):
        if track.run_at(place) is not None:
            yield (place - track.first) / (track.end - track.first), number


def _is_full(turn: _Turn, limit: int, bytes_max: int) -> bool:
    return len(turn.given) >= limit or turn.bytes >= bytes_max or turn.looked_at >= LOOKED_AT_MAX


def _complete(replay: Replay, places: Sequence[int]) -> bool:
    return all(track.run_at(place) is None for track, place in zip(replay.tracks, places, strict=True))


def _written(feed: Feed, leaving: Sequence[Given], reader: Reader) -> list[Access]:
    by_lane: Mapping[Lane, list[FeedHeader]] = {lane: [] for lane in Lane}
    for each in leaving:
        by_lane[each.lane].append(each.stamp)
    return [
        entry
        for lane, stamps in by_lane.items()
        for entry in given(feed, stamps, reader, way=WAY, lane=lane, step=Step.REPLAYED)
    ]


def begun(feed: Feed, replay: Replay, reader: Reader) -> Access:
    """The entry that says that a session began."""
    return Access(
        step=Step.REPLAYED,
        time_us=0,
        recipient=feed.recipient,
        purpose=feed.purpose.value,
        feed=feed.name,
        lane=replay.lane or "",
        way=WAY,
        reader=reader.id,
        credential=reader.credential,
        agreements=(),
        revision=0,
        generation=0,
        partition=0,
        runs=runs_of(()),
    )
