"""The newest records of a stream, read once for everyone who follows it.

Theory of operation. While anyone reads a stream, one task for each of its partitions waits at the end and takes what
comes. Readers who stand near the end are served from memory and wait here, so that a thousand long polls cost the log
nothing and no read is ever broken off; who stands further back reads the log for himself. When nobody has asked for a
while the tasks end.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from itertools import islice

from hub.core.errors import HubError
from hub.core.record import StoredRecord
from hub.ports.event_log import EventLog
from hub.ports.observer import Observer
from hub.ports.system import Clock, end_if_cancelled

KEPT_BYTES_MAX = 524_288
"""Of each partition: about a second at a thousand events a second."""
READ_RECORDS_MAX = 1_000
WAIT_SECONDS = 5.0
IDLE_SECONDS = 60.0
RETRY_SECONDS = 0.5


class _Partition:
    def __init__(self) -> None:
        self.end: int | None = None
        """The next offset that is waited for; None before the first look."""
        self._start = 0
        self._kept: deque[StoredRecord] = deque()
        self._bytes = 0

    def begin(self, end: int) -> None:
        self._start = self.end = end

    def push(self, records: Sequence[StoredRecord]) -> None:
        self._kept.extend(records)
        self._bytes += sum(len(record.value) for record in records)
        while self._bytes > KEPT_BYTES_MAX:
            self._bytes -= len(self._kept.popleft().value)
        self.end = records[-1].offset + 1
        self._start = self.end - len(self._kept)

    def take(self, offset: int, records_max: int, bytes_max: int) -> Sequence[StoredRecord] | None:
        """What there is from `offset` on, at least one record if there is any; None if only the log can tell."""
        if self.end is None or offset < self._start or offset > self.end:
            return None
        taken: list[StoredRecord] = []
        for record in islice(self._kept, offset - self._start, offset - self._start + records_max):
            bytes_max -= len(record.value)
            if taken and bytes_max < 0:
                break
            taken.append(record)
        return taken


class Tail:
    """The end of one stream."""

    def __init__(self, partitions: int) -> None:
        self.partitions = [_Partition() for _ in range(partitions)]
        self.moved = asyncio.Event()
        """Set, and replaced by another, whenever there is something to look at."""
        self.rings = 0
        """How often the bell has rung."""
        self.asked = 0.0
        self.is_followed = False
        self._turn = 0

    def turns(self) -> list[int]:
        """The partitions in the order in which the next page takes from them: each is first as often as the others."""
        self._turn = (self._turn + 1) % len(self.partitions)
        return [*range(self._turn, len(self.partitions)), *range(self._turn)]

    def wake(self) -> None:
        self.moved.set()
        self.moved = asyncio.Event()


class Tails:
    """The tails of all streams that are being read. `run` owns their tasks."""

    def __init__(self, *, log: EventLog, partitions: int, clock: Clock, observer: Observer) -> None:
        self.log = log
        self.partitions = partitions
        self.clock = clock
        self._observer = observer
        self._tails: dict[str, Tail] = {}
        self._asked_for = asyncio.Event()
        self.ended = False
        """The hub stops: nobody waits any more, and whoever comes late does not begin to."""

    async def run(self) -> None:
        """Follow what is asked for until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                for stream, tail in self._tails.items():
                    if not tail.is_followed:
                        tail.is_followed = True
                        group.create_task(self._follow(stream, tail))
                self._asked_for.clear()
                await self._asked_for.wait()

    def of(self, stream: str) -> Tail:
        """The tail of a stream; it begins to be followed when it is asked for."""
        tail = self._tails.get(stream)
        if tail is None:
            tail = self._tails[stream] = Tail(self.partitions)
            self._asked_for.set()
        tail.asked = self.clock.monotonic()
        return tail

    def end(self) -> None:
        self.ended = True
        self.ring()

    def ring(self) -> None:
        """The registry has changed, or the hub stops: whoever waits comes back and looks whether it still may."""
        for tail in self._tails.values():
            tail.rings += 1
            tail.wake()

    async def _follow(self, stream: str, tail: Tail) -> None:
        """Follow until nobody asks any more, or the log fails: readers then see that for themselves."""
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._read(stream, tail, number)) for number in range(self.partitions)]
                while self.clock.monotonic() - tail.asked < IDLE_SECONDS:
                    await self.clock.sleep(IDLE_SECONDS / 4)
                for task in tasks:
                    task.cancel()
        except* HubError as failed:
            self._observer.event("tail.lost", stream=stream, error=type(failed.exceptions[0]).__name__)
        await self.clock.sleep(RETRY_SECONDS)
        del self._tails[stream]
        tail.wake()

    async def _read(self, stream: str, tail: Tail, number: int) -> None:
        partition = tail.partitions[number]
        partition.begin(offset := (await self.log.bounds(stream, number)).end)
        tail.wake()
        async with self.log.reader(stream) as reader:
            while True:
                end_if_cancelled()
                records = await reader.read(
                    number,
                    offset,
                    records_max=READ_RECORDS_MAX,
                    bytes_max=KEPT_BYTES_MAX,
                    wait_seconds=WAIT_SECONDS,
                )
                if records:
                    partition.push(records)
                    offset += len(records)
                    tail.wake()
