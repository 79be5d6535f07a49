"""Many readers of one stream of Server-Sent Events, and who publishes into it: one process, one clock.

A server is a `Stage`: where its readers connect and how one event is published. The readers look for the numbers of
events in what they receive and parse nothing else, so that the server is measured and not they.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from itertools import pairwise

from msgspec import Struct

from hub.lab.bench.figures import percentile
from hub.lab.bench.wire import Answers, address

MARK = b'"id":"0000'
"""Each event has it once: ids are numbers of twelve digits."""
SECONDS_MAX = 60.0
CONNECTING = 32
"""Readers that connect at the same time."""


class Stage(Struct, frozen=True):
    """One server, as its readers and its publisher see it."""

    url: str
    stream: str
    """The readers' request, whole."""
    publish: Callable[[int], bytes]
    """The request that publishes the event of a number, whole."""


class Shown(Struct, frozen=True):
    """What a crowd was shown in one run."""

    published: int
    per_second: float
    """Events out: by all readers together."""
    p50_ms: float
    p99_ms: float
    """From when an event was due to be published until a reader has it."""
    load: float
    """CPU time of this process for each second."""


class _Reader(asyncio.Protocol):
    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._tail = b""
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.count = 0
        self.came: list[tuple[float, int]] = []
        """When, and how many events were there then."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if not self.opened.done():
            self.opened.set_result(None) if b" 200 " in data[:16] else self.opened.set_exception(OSError(repr(data)))
        found = (seen := self._tail + data).count(MARK)
        self._tail = seen[1 - len(MARK) :]
        if found:
            self.count += found
            self.came.append((time.monotonic(), self.count))
            self._crowd.came(found)

    def connection_lost(self, error: Exception | None) -> None:
        self._crowd.lost()


class _Publisher(asyncio.Protocol):
    def __init__(self) -> None:
        self._answers = Answers()
        self._answered: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    async def send(self, request: bytes) -> None:
        """Raises `OSError` if it is refused."""
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        if (status := await self._answered) not in (200, 201, 202):
            raise OSError(f"publishing is answered {status}")

    def data_received(self, data: bytes) -> None:
        for status, _ in self._answers.feed(data):
            if self._answered is not None:
                self._answered.set_result(status)

    def close(self) -> None:
        self._transport.abort()


class Crowd:
    """Readers that stay for several runs."""

    def __init__(self, stage: Stage, readers: int) -> None:
        self._stage = stage
        self._number = readers
        self._readers: list[_Reader] = []
        self._total = 0
        self._moved = asyncio.Event()
        self._is_over = False
        self.published = 0

    def __len__(self) -> int:
        return self._number

    async def connect(self) -> None:
        """Raises `OSError` for a reader who is not let in."""
        host, port = address(self._stage.url)
        loop = asyncio.get_running_loop()
        while (missing := self._number - len(self._readers)) > 0:
            opened = [
                loop.create_connection(lambda: _Reader(self), host, port) for _ in range(min(missing, CONNECTING))
            ]
            some = await asyncio.gather(*opened)
            for transport, reader in some:
                transport.write(self._stage.stream.encode())
                self._readers.append(reader)
            async with asyncio.timeout(SECONDS_MAX):
                await asyncio.gather(*(reader.opened for _, reader in some))

    def close(self) -> None:
        self._is_over = True
        for reader in self._readers:
            reader.transport.abort()  # type: ignore[attr-defined]

    def came(self, found: int) -> None:
        self._total += found
        self._moved.set()

    def lost(self) -> None:
        self._is_over = True
        self._moved.set()

    async def paced(self, per_second: float, events: int) -> Shown:
        """Publish one after the other, each when it is due."""
        begun = time.monotonic()
        return await self._run(1, events, lambda number: begun + number / per_second, events)

    async def flooded(self, publishers: int, events: int, ahead_max: int) -> Shown:
        """Publish as fast as readers are shown: at most so many events ahead of them, on average."""
        return await self._run(publishers, events, None, ahead_max)

    async def _run(self, publishers: int, events: int, due: Callable[[int], float] | None, ahead_max: int) -> Shown:
        first, before, cpu, begun = self.published, self._total, time.process_time(), time.monotonic()
        numbers = iter(range(events))
        moments: list[float] = []
        for reader in self._readers:
            reader.came = [(begun, first)]

        async def publish() -> None:
            host, port = address(self._stage.url)
            _, publisher = await asyncio.get_running_loop().create_connection(_Publisher, host, port)
            for number in numbers:
                if due is not None:
                    await asyncio.sleep(max(0.0, due(number) - time.monotonic()))
                await self._until(before + (number + 1 - ahead_max) * self._number)
                moments.append(time.monotonic() if due is None else due(number))
                await publisher.send(self._stage.publish(first + number + 1))
            publisher.close()

        async with asyncio.timeout(SECONDS_MAX):
            await asyncio.gather(*(publish() for _ in range(publishers)))
            self.published += events
            await self._until(before + events * self._number)
        took = [each for reader in self._readers for each in _took(reader.came, first, moments)]
        ended = max(reader.came[-1][0] for reader in self._readers)
        if any(reader.count != self.published for reader in self._readers):
            raise OSError("some readers have seen more than others")
        return Shown(
            published=events,
            per_second=events * self._number / (ended - begun),
            p50_ms=percentile(took, 0.5) * 1e3,
            p99_ms=percentile(took, 0.99) * 1e3,
            load=(time.process_time() - cpu) / (time.monotonic() - begun),
        )

    async def _until(self, total: int) -> None:
        """Until all readers together have seen so many. Raises `OSError` once one of them has lost its connection."""
        while self._total < total:
            self._moved.clear()
            await self._moved.wait()
            if self._is_over:
                raise OSError("a reader lost its connection")


def _took(came: list[tuple[float, int]], first: int, moments: list[float]) -> list[float]:
    """How long each event took to come to one reader: events come in the order in which they were published."""
    return [
        at - moments[number]
        for (_, before), (at, count) in pairwise(came)
        for number in range(before - first, count - first)
    ]
