"""A rehearsal on the log of this data directory, in a process of its own: a hub that runs on it is not slowed down."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

from hub.assembly.grounds import events_partitions, kafka_log
from hub.assembly.state import versions_beside
from hub.core.errors import HubError
from hub.core.registry import Snapshot
from hub.core.settings import Settings
from hub.drivers.sqlite.log_file import SQLiteLogFile
from hub.drivers.system.clock import SystemClock
from hub.intake.validate import regard_of
from hub.operate.rehearse import Outcome, rehearse
from hub.ports.event_log import ReadableLog
from hub.ports.system import Clock
from schemas.catalogue import EventType

DAY_US = 86_400_000_000


async def rehearsed(
    settings: Settings, kind: EventType, *, days: int, progress: Callable[[int], None] = lambda _: None
) -> Outcome:
    """Rehearse a version on the events of the last days. Raises `HubError` where there is no log to read."""
    clock = SystemClock()
    async with readable(settings, clock) as log:
        return await rehearse(
            log,
            kind,
            partitions=events_partitions(settings),
            since_us=clock.now_us() - days * DAY_US,
            raised=await _raised(settings, clock),
            progress=progress,
        )


async def _raised(settings: Settings, clock: Clock) -> Callable[[str], frozenset[str]]:
    """What is raised to an error for a partner: as is set for it, else for all. Raises `StorageUnavailable`."""
    registered = Snapshot()
    registered.apply(await versions_beside(settings, clock))

    @cache
    def raised(partner: str) -> frozenset[str]:
        known = registered.partners.get(partner)
        return regard_of(known.check_digits if known else None, settings.intake).raised

    return raised


@asynccontextmanager
async def readable(settings: Settings, clock: Clock) -> AsyncIterator[ReadableLog]:
    match settings.log.ground:
        case "memory":
            raise HubError("`log.ground` is memory: no other process can read it")
        case "kafka":
            async with kafka_log(settings, clock) as log:
                yield log
        case _:
            file = SQLiteLogFile(Path(settings.log.directory) / "log.db")
            try:
                yield file
            finally:
                file.close()
