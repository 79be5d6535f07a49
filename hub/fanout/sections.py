"""What the judge has passed of one partition, and who is told of it.

The feeds read only here, so nothing at or above the judge's mark can reach them (rule 3 of the core protocol).

Theory of operation. The newest sections are kept in memory. One pass looks at each of them in order, finds in the index
of routes (`routes.py`) the streams that it holds anything for, and wakes those of them that wait. A stream that waits
and is not woken has been passed by: its place moves on with the pass, and it costs nothing. A stream that is busy, be
it for ever, holds nobody up: it takes what has come meanwhile from the sections in memory, as much at a time as an
append should hold. One that is new, or fell behind what is kept, or begins again after a failure reads the log by
itself, from its own place, until it stands among the kept sections; those that read the same stretch read it once.
Either way it gets every section in order. Whoever may not go on any more is let go before the pass goes on.
"""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import takewhile

from hub.core.errors import StorageUnavailable
from hub.core.record import EVENTS, Position
from hub.fanout.means import Means
from hub.fanout.routes import Routes
from hub.fanout.section import Parcel, Section, firsts_of, open_records, section_of
from hub.ports.event_log import LogReader

SECTIONS_KEPT_MAX = 64
SECTIONS_READ_KEPT_MAX = 4
"""Of those read again from the log: feeds that begin together at nearly the same place share them."""

BEGINNING_MAX = 16
"""Streams whose tails are read at the same time: hundreds begin together when a lease is taken."""


class Sections:
    def __init__(self, means: Means, partition: int) -> None:
        self.partition = partition
        self.mark = 0
        """Everything below is judged, and its quarantine and notices are written."""
        self.passed = 0
        """Everything below was given to the streams that wait, or is nothing for them."""
        self.beginning = asyncio.Semaphore(BEGINNING_MAX)
        """Held while a stream's tail is read."""
        self._means = means
        self._kept: deque[Section] = deque(maxlen=SECTIONS_KEPT_MAX)
        """What the judge passed last, without a gap up to the mark; empty where it has only begun."""
        self._read: deque[Section] = deque(maxlen=SECTIONS_READ_KEPT_MAX)
        self._reading = asyncio.Lock()
        self._moved = asyncio.Event()
        self._begun = asyncio.Event()
        self._waiting: dict[str, asyncio.Future[int]] = {}
        """By stream; the result is where the pass stood when it came upon something."""
        self._routes: Routes | None = None

    def begin(self, mark: int) -> None:
        """The judge starts, or starts again, at its stored mark."""
        self._kept.clear()
        if not self._begun.is_set():
            self.passed = mark
            self._begun.set()
        self._move(mark)

    def push(self, section: Section) -> None:
        """The judge's mark now stands at the section's end."""
        self._kept.append(section)
        while sum(kept.bytes for kept in self._kept) > self._means.settings.batch_bytes_max and len(self._kept) > 1:
            self._kept.popleft()
        self._move(section.end)

    def _move(self, mark: int) -> None:
        self.mark = mark
        self._moved.set()
        self._moved = asyncio.Event()

    async def run(self) -> None:
        """The pass. Raises as `at` does; run again, it goes on where it was."""
        await self.begun()
        async with self._means.log.reader(EVENTS) as reader:
            while True:
                section = await self.at(self.passed, reader)
                routes = await self._means.may_decide(section.revision)
                self.let_go(routes)
                for stream in section.by_stream(routes):
                    if stream in self._waiting:
                        self._wake(stream)
                self.passed = section.end

    async def begun(self) -> None:
        """Return when it is known from where on the judge goes on."""
        await self._begun.wait()

    def let_go(self, routes: Routes) -> None:
        """Wake the streams that wait and may not go on: they keep the place where they are."""
        if routes is not self._routes:
            for stream in sorted(self._waiting.keys() - routes.streams.keys()):
                self._wake(stream)
            self._routes = routes

    def _wake(self, stream: str) -> None:
        """One whose run was ended meanwhile hears nothing."""
        if not (waiting := self._waiting.pop(stream)).done():
            waiting.set_result(self.passed)

    def are_kept(self, offset: int) -> bool:
        """Whether what the pass has gone by from `offset` on is in memory."""
        if offset >= self.passed:
            return True
        section = _holding(self._kept, offset)
        return section is not None and section.end <= self.passed

    def take(self, routes: Routes, stream: str, offset: int) -> tuple[list[Parcel], int]:
        """What is kept for a stream from `offset` on, as much as one append should hold, and the place behind it."""
        taken: list[Parcel] = []
        end = offset
        newer = takewhile(lambda section: section.end > offset, reversed(self._kept))
        for section in reversed([*newer]):
            if section.start > end or section.end > self.passed:
                break
            more = section.parcels(routes, stream, offset)
            if taken and len(taken) + len(more) > self._means.settings.batch_records_max:
                break
            taken += more
            end = section.end
        return taken, end

    def wait(self, stream: str) -> asyncio.Future[int]:
        """For who has nothing more to take: done when something has come, with the place from which on it lies."""
        waiting = self._waiting[stream] = asyncio.get_running_loop().create_future()
        return waiting

    def place(self, stream: str, offset: int) -> int:
        """Where a stream is that was last seen at `offset`: one that waits moves with the pass."""
        return max(offset, self.passed) if stream in self._waiting else offset

    async def at(self, offset: int, reader: LogReader) -> Section:
        """The section that holds `offset`, as soon as it is judged. Raises as `LogReader.read` does."""
        while offset >= self.mark:
            await self._moved.wait()
        if (section := self._find(offset)) is None:
            async with self._reading:
                if (section := self._find(offset)) is None:
                    section = await self._read_again(offset, reader)
                    self._read.append(section)
        return section

    def _find(self, offset: int) -> Section | None:
        return _holding(self._kept, offset) or _holding(self._read, offset)

    async def _read_again(self, offset: int, reader: LogReader) -> Section:
        """One read of the log, one look-up."""
        settings = self._means.settings
        records = await reader.read(
            self.partition,
            offset,
            records_max=min(settings.batch_records_max, self.mark - offset),
            bytes_max=settings.batch_bytes_max,
        )
        if not records:
            raise StorageUnavailable(f"nothing at {offset}, below the mark")
        events, _ = open_records(records)
        place = Position(self._means.log.generation, self.partition, offset)
        return section_of(offset, offset + len(records), await firsts_of(self._means.index, place, events))


def _holding(sections: deque[Section], offset: int) -> Section | None:
    return next((section for section in reversed(sections) if section.start <= offset < section.end), None)
