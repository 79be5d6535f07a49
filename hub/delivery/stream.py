"""Streams: the same pages as pull, one after the other, for as long as the reader may have them.

What lies ready is one group; nothing is held back to make a larger one. Readers who stand at one place are given one
group: it is taken, sealed, written down and encoded once, however many they are, and they wake once. The web layer owns
the socket: it sends the groups, cuts a reader who leaves too much unread, and knows when a key or partner stops.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from hub.core.errors import HubError, Refusal
from hub.core.feed import Way
from hub.delivery.journal import Reader
from hub.delivery.merge import Taken
from hub.delivery.pull import Pull
from hub.delivery.source import Begun, Source, still_stands
from hub.trust.cursor import Cursor, Place
from hub.trust.feed_seal import FeedSeal

GROUP_RECORDS_MAX = 200
SHARED_SECONDS = 0.25
"""So long a group is given to whoever comes to where it begins: not all come in the same moment."""
SHARED_GROUPS_MAX = 64


class Group:
    """Records in order, and the cursor to resume from behind them. No records: a sign of life."""

    def __init__(
        self, source: Source, taken: Taken, cursor: Cursor, sealed: str, seals: Sequence[FeedSeal] = ()
    ) -> None:
        self.source, self.taken, self.behind, self.seals = source, taken, cursor, seals
        self.records, self.cursor = list(taken.records), sealed
        self.decided: tuple[int, float] = (0, 0.0)
        """By which registry revision it was looked at last, and when (monotonic)."""
        self._bytes: bytes | None = None
        self.noted: set[Reader] = set()
        """To whom it was written down that it is given."""

    def encoded(self, encode: Callable[[Group], bytes]) -> bytes:
        """As it goes over the wire: the same bytes for every reader."""
        if self._bytes is None:
            self._bytes = encode(self)
        return self._bytes


Standing = tuple[str, int, str, tuple[Place, ...], bool]
"""Where readers stand together: the feed's lane with its version, whose it is, the place in each partition, and whether
they are given seals."""


class _Turn:
    """What somebody waits for now, for all who stand there."""

    def __init__(self) -> None:
        self.over = asyncio.Event()
        self.found: Group | HubError | None = None
        """None: whoever looked has gone, and another one looks."""
        self.waiting: dict[Reader, Callable[[], bool]] = {}
        """Who it is noted for, unless they must stop; whoever is not among them is noted when he comes."""


class Streams:
    def __init__(self, pull: Pull) -> None:
        self._pull = pull
        self._open: Counter[tuple[str, str]] = Counter()
        self._turns: dict[Standing, _Turn] = {}
        self._shared: dict[Standing, Group] = {}
        """What was found there last; the newest ones."""

    @property
    def count(self) -> int:
        return self._open.total()

    @asynccontextmanager
    async def open(
        self, begun: Begun, reader: Reader, stop: Callable[[], bool], *, proof: bool = False
    ) -> AsyncIterator[AsyncIterator[Group] | Refusal]:
        """Groups from the cursor on, until `stop` says so, the feed ends or its recipient is suspended; with `proof`
        each with the seals over its cut records, every record in one line.

        Where retention overtakes a reader they end with `Trimmed`: it is told when it opens the stream again.

        `stop` is asked at every group, at every heartbeat and whenever the bell rings. Refuses as `begun` does,
        with `CURSOR_EXPIRED` where there is a gap behind the cursor, and with `TOO_MANY_REQUESTS` where this reader has
        as many streams of it as it may have.
        """
        if not isinstance(begun, Refusal):
            begun = await self._refused(*begun) or begun
        if isinstance(begun, Refusal):
            yield begun
            return
        source, cursor = begun
        recipient = source.recipient, source.name
        self._open[recipient] += 1
        try:
            yield self._groups(source, cursor, reader, stop, proof)
        finally:
            self._open[recipient] -= 1
            self._open += Counter()  # Drops what has come to zero.

    async def _refused(self, source: Source, cursor: Cursor) -> Refusal | None:
        if (gap := await source.gap(cursor)) is not None:
            return gap
        most = self._pull.settings.streams_per_reader_max
        if self._open[source.recipient, source.name] < most:
            return None
        return Refusal("TOO_MANY_REQUESTS", f"at most {most} streams of a feed")

    async def _groups(
        self, source: Source, cursor: Cursor, reader: Reader, stop: Callable[[], bool], proof: bool
    ) -> AsyncIterator[Group]:
        while not stop() and source.is_open():
            group = await self._next(source, cursor, reader, stop, proof)
            if not stop() and source.is_open():
                await self._note(group, [reader])
                if not self._still_stands(group):  # Writing took its time: it is looked at again.
                    self._shared.pop(_standing(cursor, proof), None)
                    continue
                cursor = group.behind
                await source.delivered(group.taken, Way.SSE)
                yield group

    async def _note(self, group: Group, readers: Sequence[Reader]) -> None:
        """Streams of one system, which are given the same at once, are one entry."""
        if missing := [reader for reader in readers if reader not in group.noted]:
            await group.source.note(group.taken.stamps, missing, Way.SSE)
            group.noted.update(missing)

    async def _next(
        self, source: Source, cursor: Cursor, reader: Reader, stop: Callable[[], bool], proof: bool
    ) -> Group:
        """What comes behind the cursor: waited for by one of those who stand there. When he goes, another one waits."""
        standing = _standing(cursor, proof)
        if (shared := self._shared.get(standing)) is not None and self._is_fresh(shared):
            return shared
        while (turn := self._turns.get(standing)) is not None:
            turn.waiting[reader] = stop
            await turn.over.wait()
            if isinstance(turn.found, HubError):
                raise turn.found
            if turn.found is not None:
                return turn.found
        turn = self._turns[standing] = _Turn()
        turn.waiting[reader] = stop
        try:
            group = turn.found = await self._found(source, cursor, turn, proof)
            self._share(standing, group)
            return group
        except HubError as error:
            turn.found = error
            raise
        finally:
            turn.over.set()
            del self._turns[standing]

    async def _found(self, source: Source, cursor: Cursor, turn: _Turn, proof: bool) -> Group:
        group = await self._take(source, cursor, proof)
        await self._note(group, [reader for reader, stops in turn.waiting.items() if not stops()])
        return group

    async def _take(self, source: Source, cursor: Cursor, proof: bool) -> Group:
        heartbeat = self._pull.settings.stream_heartbeat_seconds
        taken, behind = await source.turn(cursor, limit=GROUP_RECORDS_MAX, wait=heartbeat)
        seals = await self._pull.seals.over(source.name, taken, one_line) if proof else ()
        group = Group(source, taken, behind, self._pull.seal(behind), seals)
        group.decided = self._pull.moment()
        return group

    def _share(self, standing: Standing, group: Group) -> None:
        """A sign of life is shared by those alone who waited for it together."""
        if group.records:
            self._shared.pop(standing, None)
            self._shared[standing] = group
            if len(self._shared) > SHARED_GROUPS_MAX:
                del self._shared[next(iter(self._shared))]

    def _still_stands(self, group: Group) -> bool:
        """Whether all of it may still be given: looked at once for all its readers, while nothing was decided anew."""
        if not self._is_fresh(group):
            moment = self._pull.moment()
            if not still_stands(group.source, group.taken.stamps):
                return False
            group.decided = moment
        return True

    def _is_fresh(self, group: Group) -> bool:
        """Nothing was decided anew since, and it was looked at just now."""
        revision, now = self._pull.moment()
        return group.decided[0] == revision and now - group.decided[1] < SHARED_SECONDS


def _standing(cursor: Cursor, proof: bool) -> Standing:
    return cursor.feed, cursor.feed_version, cursor.reader, cursor.places, proof


def one_line(record: bytes) -> bytes:
    """A record may be spread over lines as its sender wrote it; a line's end would end the field.

    Outside of a JSON string CR and LF mean no more than a space, and inside they cannot be (RFC 8259 §2, §7).
    """
    return record.replace(b"\r", b" ").replace(b"\n", b" ")
