"""Ports that go wrong: decorators around real ones, so that production code needs no hook.

One `Fate` belongs to one simulated process. It decides, by a seeded chance, what becomes of every call; it can hold the
process up, as SIGSTOP or a long pause would, and kill it: whatever it still tries then comes to nothing.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeVar

from hub.core.errors import StorageUnavailable, Unknown
from hub.core.record import Bounds, LogRecord, Position, StoredRecord, Stream
from hub.ports.event_log import EventLog, LogReader
from hub.ports.first_occurrence import FirstOccurrence, Occurrence
from hub.ports.positions import FeedPosition, Lease, Positions
from hub.ports.system import Clock

T = TypeVar("T")
LATE_SECONDS_MAX = 6.0
"""How much later a batch whose outcome is unknown may land."""


class Fate:
    """`trouble` is the chance that a call does not go as it should."""

    def __init__(self, chance: random.Random, *, trouble: float) -> None:
        self.chance = chance
        self.trouble = trouble
        self.dead = False
        self._going = asyncio.Event()
        self._going.set()

    def pause(self) -> None:
        self._going.clear()

    def go_on(self) -> None:
        self._going.set()

    def is_struck(self) -> bool:
        return self.chance.random() < self.trouble

    async def step(self) -> None:
        """A point where the process can be overtaken, held up or killed."""
        await asyncio.sleep(0 if self.chance.random() < 0.7 else self.chance.random() * 0.02)
        await self._going.wait()
        if self.dead:
            raise StorageUnavailable("this process is no more")

    async def call(self, work: Callable[[], Awaitable[T]]) -> T:
        """A call that may fail before it was done, or after."""
        await self.step()
        if self.is_struck():
            raise StorageUnavailable("before it was done")
        result = await work()
        await self.step()
        if self.is_struck():
            raise StorageUnavailable("after it was done")
        return result


class FatedClock:
    def __init__(self, clock: Clock, fate: Fate) -> None:
        self._clock = clock
        self._fate = fate

    def now_us(self) -> int:
        return self._clock.now_us()

    def monotonic(self) -> float:
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        await self._fate._going.wait()

    def deadline(self, seconds: float) -> AbstractAsyncContextManager[object]:
        return self._clock.deadline(seconds)


class FatedLog:
    """An append may land and not be acknowledged, land late, or not at all; or be refused for certain."""

    def __init__(self, log: EventLog, fate: Fate) -> None:
        self._log = log
        self._fate = fate

    @property
    def generation(self) -> int:
        return self._log.generation

    @property
    def append_bytes_max(self) -> int:
        return self._log.append_bytes_max

    async def declare(self, stream: Stream) -> None:
        await self._fate.call(lambda: self._log.declare(stream))

    async def drop(self, stream: str) -> None:
        await self._log.drop(stream)

    async def append(self, stream: str, partition: int, records: Sequence[LogRecord]) -> int | Unknown:
        await self._fate.step()
        outcome = self._fate.chance.choice(("landed", "late", "never", "refused")) if self._fate.is_struck() else "ack"
        if outcome == "refused":
            raise StorageUnavailable("certainly not stored")
        if outcome == "late":
            delay = self._fate.chance.random() * LATE_SECONDS_MAX
            asyncio.get_running_loop().call_later(delay, self._land_late, stream, partition, list(records))
        if outcome in ("late", "never"):
            return Unknown(outcome)
        first = await self._log.append(stream, partition, records)
        await self._fate.step()
        return first if outcome == "ack" else Unknown(outcome)

    def _land_late(self, stream: str, partition: int, records: Sequence[LogRecord]) -> None:
        asyncio.ensure_future(self._log.append(stream, partition, records))  # noqa: RUF006  Nobody waits for it.

    @asynccontextmanager
    async def reader(self, stream: str) -> AsyncIterator[LogReader]:
        async with self._log.reader(stream) as reader:
            yield _FatedReader(reader, self._fate)

    async def bounds(self, stream: str, partition: int) -> Bounds:
        return await self._fate.call(lambda: self._log.bounds(stream, partition))

    async def purge(self, stream: str, before_us: int) -> int:
        return await self._log.purge(stream, before_us)


class _FatedReader:
    def __init__(self, reader: LogReader, fate: Fate) -> None:
        self._reader = reader
        self._fate = fate

    async def read(
        self, partition: int, offset: int, *, records_max: int, bytes_max: int, wait_seconds: float = 0.0
    ) -> Sequence[StoredRecord]:
        """Now and then fewer records than there are, as the port allows."""
        few = self._fate.chance.randint(1, records_max)
        return await self._fate.call(
            lambda: self._reader.read(
                partition, offset, records_max=few, bytes_max=bytes_max, wait_seconds=wait_seconds
            )
        )

    async def read_batch(self, partition: int, offset: int) -> Sequence[StoredRecord]:
        return await self._fate.call(lambda: self._reader.read_batch(partition, offset))


class FatedIndex:
    def __init__(self, index: FirstOccurrence, fate: Fate) -> None:
        self._index = index
        self._fate = fate

    async def look_up(self, identities: Sequence[bytes]) -> Sequence[Occurrence | None]:
        return await self._fate.call(lambda: self._index.look_up(identities))

    async def judge(self, lease: Lease, occurrences: Sequence[Occurrence]) -> Sequence[Occurrence]:
        return await self._fate.call(lambda: self._index.judge(lease, occurrences))

    async def set_mark(self, lease: Lease, position: Position) -> None:
        await self._fate.call(lambda: self._index.set_mark(lease, position))

    async def mark(self, generation: int, partition: int) -> int:
        return await self._fate.call(lambda: self._index.mark(generation, partition))

    async def occurrences(self, identity: bytes) -> Sequence[Occurrence]:
        return await self._fate.call(lambda: self._index.occurrences(identity))

    async def purge(self, *, before_us: int) -> int:
        return await self._index.purge(before_us=before_us)


class FatedPositions:
    def __init__(self, positions: Positions, fate: Fate) -> None:
        self._positions = positions
        self._fate = fate

    async def acquire(self, name: str, holder: str, seconds: float) -> Lease | None:
        return await self._fate.call(lambda: self._positions.acquire(name, holder, seconds))

    async def renew(self, lease: Lease, seconds: float) -> Lease:
        return await self._fate.call(lambda: self._positions.renew(lease, seconds))

    async def release(self, lease: Lease) -> None:
        await self._fate.call(lambda: self._positions.release(lease))

    async def load(self, output: str, generation: int, partition: int) -> FeedPosition | None:
        return await self._fate.call(lambda: self._positions.load(output, generation, partition))

    async def store(self, lease: Lease, output: str, generation: int, partition: int, position: FeedPosition) -> None:
        await self._fate.call(lambda: self._positions.store(lease, output, generation, partition, position))

    async def store_all(
        self, lease: Lease, generation: int, partition: int, positions: Mapping[str, FeedPosition]
    ) -> None:
        await self._fate.call(lambda: self._positions.store_all(lease, generation, partition, positions))

    async def acknowledge(self, reader: str, feed: str, cursor: bytes, *, was: bytes | None) -> bool:
        return await self._fate.call(lambda: self._positions.acknowledge(reader, feed, cursor, was=was))

    async def acknowledged(self, reader: str, feed: str) -> bytes | None:
        return await self._fate.call(lambda: self._positions.acknowledged(reader, feed))

    async def keep(self, lease: Lease, content: bytes) -> None:
        await self._fate.call(lambda: self._positions.keep(lease, content))

    async def kept(self, name: str) -> bytes | None:
        return await self._fate.call(lambda: self._positions.kept(name))
