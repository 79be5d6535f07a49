"""The grounds on which every contract is tested. A driver is added by one entry here; no test asks which it has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

import pytest

from hub.core.record import LogRecord
from hub.drivers.kafka.event_log import KafkaEventLog
from hub.drivers.memory.event_log import MemoryEventLog
from hub.drivers.sqlite.event_log import SQLiteEventLog
from hub.drivers.system.clock import SystemClock
from hub.ports.event_log import EventLog
from tests.brokers import administering, let_go, settings_of
from tests.clock import ManualClock
from tests.patience import patient


class LogGround(Protocol):
    """A place where logs are kept."""

    def open(self) -> AbstractAsyncContextManager[EventLog]:
        """A log on this ground; on a durable one the same each time, also from another process."""

    async def elapse(self, seconds: float) -> None:
        """Let time pass for the logs of this ground."""

    async def trim(self, log: EventLog, stream: str) -> None:
        """Have the stream let go of everything that it holds now, the way this ground does."""

    async def keeps(self, log: EventLog, stream: str, seconds: int) -> bool:
        """Have the stream purged of what is older; whether it keeps records for so long, and no longer."""


class _ByHand:
    """A ground whose time is moved by hand and that purges when told."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.clock = ManualClock()

    async def elapse(self, seconds: float) -> None:
        self.clock.advance(seconds)

    async def trim(self, log: EventLog, stream: str) -> None:
        await log.purge(stream, self.clock.now_us() + 1)

    async def keeps(self, log: EventLog, stream: str, seconds: int) -> bool:
        await log.append(stream, 0, [LogRecord(b"", b"", b"")])
        left = []
        for passed in (seconds - 1, 2):
            self.clock.advance(passed)
            await log.purge(stream, self.clock.now_us() - seconds * 1_000_000)
            bounds = await log.bounds(stream, 0)
            left.append(bounds.end - bounds.start)
        return left == [1, 0]


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


class KafkaGround:
    """A topic prefix of its own on the brokers named in the directory's file `bootstrap`; time is the brokers' own."""

    def __init__(self, directory: Path) -> None:
        self.settings = patient((directory / "bootstrap").read_text(), topic_prefix=f"{directory.name}.")

    @asynccontextmanager
    async def open(self) -> AsyncIterator[EventLog]:
        clock = SystemClock()
        async with KafkaEventLog(self.settings, clock=clock, event_bytes_max=262_144, group_records_max=2_000) as log:
            yield log

    async def elapse(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def trim(self, log: EventLog, stream: str) -> None:
        async with administering(self.settings.bootstrap) as admin:
            await let_go(admin, self.settings.topic_prefix + stream)

    async def keeps(self, log: EventLog, stream: str, seconds: int) -> bool:
        """By what the topic says, once the broker has heard of it: it looks only every few minutes."""
        await log.purge(stream, SystemClock().now_us() - seconds * 1_000_000)
        settings: dict[str, str] = {}
        async with administering(self.settings.bootstrap) as admin:
            while settings.get("retention.ms") != str(seconds * 1_000):
                settings = await settings_of(admin, self.settings.topic_prefix + stream)
        shape = settings["cleanup.policy"], settings["message.timestamp.type"]
        return int(settings["segment.ms"]) <= seconds * 100 and shape == ("delete", "LogAppendTime")


LOG_GROUNDS: dict[str, Callable[[Path], LogGround]] = {
    "memory": MemoryGround,
    "sqlite": SQLiteGround,
    "sqlite-file": SQLiteFileGround,
    "kafka": KafkaGround,
}
"""Each makes a `LogGround` out of an empty directory; `tests/contracts/appender.py` opens them by these names."""

DURABLE_LOG_GROUNDS = ("sqlite", "sqlite-file", "kafka")
"""Those that hold after opening what they held before, also when the process that appended was killed."""


def marked(names: Iterable[str]) -> list[object]:
    """Ground names as test parameters: those that need a server say so."""
    servers = {"kafka": pytest.mark.kafka, "postgres": pytest.mark.postgres}
    return [pytest.param(name, marks=[servers[name]] if name in servers else []) for name in names]
