"""What the judge has passed of one partition: the newest sections in memory, the rest read again from the log.

The feeds read only here, so nothing at or above the judge's mark can reach them (rule 3 of the core protocol). A feed
that keeps up takes what the judge has just decoded and judged; one that is new or behind reads on its own, from its own
place, until it stands where the judge does. Either way it gets every section in order.
"""

from __future__ import annotations

import asyncio
from collections import deque

from hub.core.errors import StorageUnavailable
from hub.core.record import Position
from hub.fanout.means import Means
from hub.fanout.section import Section, open_records, section_of
from hub.ports.event_log import LogReader

SECTIONS_KEPT_MAX = 4


class Sections:
    def __init__(self, means: Means, partition: int) -> None:
        self.partition = partition
        self.mark = 0
        """Everything below is judged, and its quarantine and notices are written."""
        self._means = means
        self._kept: deque[Section] = deque(maxlen=SECTIONS_KEPT_MAX)
        self._moved = asyncio.Event()

    def begin(self, mark: int) -> None:
        """The judge starts, or starts again, at its stored mark."""
        self._kept.clear()
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

    async def at(self, offset: int, reader: LogReader) -> Section:
        """What was judged from `offset` on, as soon as there is anything. Raises as `LogReader.read` does."""
        while offset >= self.mark:
            await self._moved.wait()
        for section in reversed(self._kept):
            if section.start <= offset < section.end:
                return section.after(offset)
        return await self._read(offset, reader)

    async def _read(self, offset: int, reader: LogReader) -> Section:
        """One read of the log, one look-up. Below the mark, what the index does not remember is a repeat (rule 8)."""
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
        found = await self._means.index.look_up([event.identity for event in events])
        generation = self._means.log.generation
        firsts = [
            event
            for event, first in zip(events, found, strict=True)
            if first is not None and first.position == Position(generation, self.partition, event.offset)
        ]
        return section_of(offset, offset + len(records), firsts)
