"""What a hub keeps beside its log: in files for one process, or in PostgreSQL for workers on any number of machines."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from msgspec import Struct

from hub.core.registry import Version
from hub.core.settings import Settings
from hub.drivers.memory.access_journal import MemoryAccessJournal
from hub.drivers.postgres.state import PostgresState, opened_accesses, opened_last_use, opened_registry
from hub.drivers.sqlite.access_journal import SQLiteAccessJournal
from hub.drivers.sqlite.dead_letters import SQLiteDeadLetters
from hub.drivers.sqlite.dispatches import SQLiteDispatches
from hub.drivers.sqlite.jobs import SQLiteJobs
from hub.drivers.sqlite.last_use import SQLiteLastUse
from hub.drivers.sqlite.registry import SQLiteRegistry
from hub.drivers.sqlite.registry_file import versions_in
from hub.drivers.sqlite.replay_guard import SQLiteReplayGuard
from hub.drivers.sqlite.state import SQLiteState
from hub.drivers.sqlite.views import SQLiteViews
from hub.drivers.system.directory import LogIdentity
from hub.ports.access_journal import AccessJournal
from hub.ports.dead_letters import DeadLetters
from hub.ports.dispatches import Dispatches
from hub.ports.first_occurrence import FirstOccurrence
from hub.ports.jobs import Jobs
from hub.ports.last_use import LastUse
from hub.ports.positions import Positions
from hub.ports.registry import Registry
from hub.ports.replay_guard import ReplayGuard
from hub.ports.system import Clock
from hub.ports.views import Views

REGISTRY_FILE = "registry.db"
LAST_USE_FILE = "last-use.db"
ACCESS_FILE = "access.db"


class State(Struct, frozen=True):
    """The ports that one ground keeps together."""

    index: FirstOccurrence
    positions: Positions
    registry: Registry
    replay: ReplayGuard
    jobs: Jobs
    last_use: LastUse
    dispatches: Dispatches
    views: Views
    accesses: AccessJournal
    dead_letters: DeadLetters


async def open_state(settings: Settings, clock: Clock, stack: AsyncExitStack, *, log: LogIdentity) -> State:
    """The state of this log, open until the stack ends. Raises `HubError`, also for the state of another one."""
    if settings.postgres.url:
        return await _in_postgres(settings, clock, stack, log)
    directory = Path(settings.log.directory)
    state = await stack.enter_async_context(
        SQLiteState(directory / "state.db", clock, slice_seconds=settings.log.index_slice_seconds)
    )
    name = log.id or f"{log.ground} {log.topic_prefix}"
    return State(
        index=state.occurrences,
        positions=state.positions,
        registry=await stack.enter_async_context(open_registry(settings, clock)),
        replay=await stack.enter_async_context(SQLiteReplayGuard(directory / "replay.db")),
        jobs=await stack.enter_async_context(SQLiteJobs(directory / "jobs.db")),
        last_use=await stack.enter_async_context(SQLiteLastUse(directory / LAST_USE_FILE)),
        dispatches=await stack.enter_async_context(SQLiteDispatches(directory / "dispatches.db")),
        views=await stack.enter_async_context(SQLiteViews(directory / "views.db", log=name)),
        accesses=await stack.enter_async_context(SQLiteAccessJournal(directory / ACCESS_FILE)),
        dead_letters=await stack.enter_async_context(SQLiteDeadLetters(directory / "dead-letters.db")),
    )


async def _in_postgres(settings: Settings, clock: Clock, stack: AsyncExitStack, log: LogIdentity) -> State:
    name = f"{log.ground}, topic prefix '{log.topic_prefix}', {log.partitions} partitions"
    slice_seconds = settings.log.index_slice_seconds
    state = await stack.enter_async_context(
        PostgresState(settings.postgres, clock, log=name, slice_seconds=slice_seconds)
    )
    return State(
        index=state.occurrences,
        positions=state.positions,
        registry=state.registry,
        replay=state.replay,
        jobs=state.jobs,
        last_use=state.last_use,
        dispatches=state.dispatches,
        views=state.views,
        accesses=state.accesses,
        dead_letters=state.dead_letters,
    )


@asynccontextmanager
async def open_registry(settings: Settings, clock: Clock) -> AsyncIterator[Registry]:
    """The registry alone, where no hub runs. Raises `HubError`."""
    registry = (
        opened_registry(settings.postgres, clock)
        if settings.postgres.url
        else SQLiteRegistry.open(Path(settings.log.directory) / REGISTRY_FILE)
    )
    async with registry as opened:
        yield opened


@asynccontextmanager
async def open_last_use(settings: Settings, clock: Clock) -> AsyncIterator[LastUse]:
    """The last uses alone, where no hub runs. Raises `HubError`."""
    store = (
        opened_last_use(settings.postgres, clock)
        if settings.postgres.url
        else SQLiteLastUse(Path(settings.log.directory) / LAST_USE_FILE)
    )
    async with store as opened:
        yield opened


@asynccontextmanager
async def accesses_beside(settings: Settings, clock: Clock) -> AsyncIterator[AccessJournal]:
    """The access journal, to be read beside a hub that may run; empty where none ever did. Raises `HubError`."""
    path = Path(settings.log.directory) / ACCESS_FILE
    if not settings.postgres.url and not path.exists():
        yield MemoryAccessJournal()
        return
    store = (
        opened_accesses(settings.postgres, clock) if settings.postgres.url else SQLiteAccessJournal(path, beside=True)
    )
    async with store as opened:
        yield opened


async def versions_beside(settings: Settings, clock: Clock) -> Sequence[Version]:
    """All that is registered, read beside a hub that may run. Raises `StorageUnavailable`."""
    if not settings.postgres.url:
        return versions_in(Path(settings.log.directory) / REGISTRY_FILE)
    async with open_registry(settings, clock) as registry:
        return await registry.load(0)
