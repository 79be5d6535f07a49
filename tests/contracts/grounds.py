"""The grounds on which every contract is tested. A driver is added by one entry here; no test asks which it has."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

from hub.drivers.memory.event_log import MemoryEventLog
from hub.drivers.sqlite.event_log import SQLiteEventLog
from hub.ports.event_log import EventLog
from tests.clock import ManualClock


class LogGround(Protocol):
    """A place where logs are kept."""

    def open(self) -> AbstractAsyncContextManager[EventLog]:
        """A log on this ground; on a durable one the same each time, also from another process."""

    async def elapse(self, seconds: float) -> None:
        """Let time pass for the logs of this ground."""

    async def trim(self, log: EventLog, stream: str) -> None:
        """Have the stream let go of everything that it holds now, the way this ground does."""


class _ByHand:
    """A ground whose time is moved by hand and that purges when told."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.clock = ManualClock()

    async def elapse(self, seconds: float) -> None:
        self.clock.advance(seconds)

    async def trim(self, log: EventLog, stream: str) -> None:
        await log.purge(stream, self.clock.now_us() + 1)


class MemoryGround(_ByHand):
    @asynccontextmanager
    async def open(self) -> AsyncIterator[EventLog]:
        yield MemoryEventLog(self.clock)


class SQLiteGround(_ByHand):
    @asynccontextmanager
    async def open(self) -> AsyncIterator[EventLog]:
        async with SQLiteEventLog(self.directory / "log.db", self.clock) as log:
            yield log


class SQLiteFileGround(SQLiteGround):
    """Nothing fits into the memory of the newest records, so that every read asks the file."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[EventLog]:
        async with SQLiteEventLog(self.directory / "log.db", self.clock, tail_bytes_max=0) as log:
            yield log


LOG_GROUNDS: dict[str, Callable[[Path], LogGround]] = {
    "memory": MemoryGround,
    "sqlite": SQLiteGround,
    "sqlite-file": SQLiteFileGround,
}
"""Each makes a `LogGround` out of an empty directory; `tests/contracts/appender.py` opens them by these names."""

DURABLE_LOG_GROUNDS = ("sqlite", "sqlite-file")
"""Those that hold after opening what they held before, also when the process that appended was killed."""
