"""The grounds of what is kept beside the log: leases, positions, the first-occurrence index, the replay guard."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

from hub.drivers.memory.first_occurrence import MemoryFirstOccurrence
from hub.drivers.memory.positions import MemoryPositions
from hub.drivers.memory.replay_guard import MemoryReplayGuard
from hub.drivers.postgres.state import PostgresState
from hub.drivers.sqlite.replay_guard import SQLiteReplayGuard
from hub.drivers.sqlite.state import SQLiteState
from hub.ports.first_occurrence import FirstOccurrence
from hub.ports.positions import Positions
from hub.ports.replay_guard import ReplayGuard
from tests.clock import ManualClock
from tests.contracts.grounds import marked
from tests.postgres import settings_in


class State(NamedTuple):
    occurrences: FirstOccurrence
    positions: Positions


class StateGround(Protocol):
    """A place where leases, positions and the first-occurrence index are kept together."""

    clock: ManualClock

    def open(self, *, slice_seconds: int = 100) -> AbstractAsyncContextManager[State]:
        """The same state each time, on a durable ground."""


class MemoryStateGround:
    def __init__(self, directory: Path) -> None:
        self.clock = ManualClock()

    @asynccontextmanager
    async def open(self, *, slice_seconds: int = 100) -> AsyncIterator[State]:
        positions = MemoryPositions(self.clock)
        yield State(MemoryFirstOccurrence(positions, slice_seconds=slice_seconds), positions)


class SQLiteStateGround:
    def __init__(self, directory: Path) -> None:
        self.clock = ManualClock()
        self._path = directory / "state.db"

    @asynccontextmanager
    async def open(self, *, slice_seconds: int = 100) -> AsyncIterator[State]:
        async with SQLiteState(self._path, self.clock, slice_seconds=slice_seconds) as state:
            yield State(state.occurrences, state.positions)


class PostgresStateGround:
    def __init__(self, directory: Path) -> None:
        self.clock = ManualClock()
        self._directory = directory

    @asynccontextmanager
    async def open(self, *, slice_seconds: int = 100) -> AsyncIterator[State]:
        async with postgres_in(self._directory, self.clock, slice_seconds=slice_seconds) as state:
            yield State(state.occurrences, state.positions)


@asynccontextmanager
async def postgres_in(
    directory: Path, clock: ManualClock | None = None, *, slice_seconds: int = 100
) -> AsyncIterator[PostgresState]:
    settings = await settings_in(directory)
    async with PostgresState(settings, clock or ManualClock(), log="one", slice_seconds=slice_seconds) as state:
        yield state


STATE_GROUNDS: dict[str, Callable[[Path], StateGround]] = {
    "memory": MemoryStateGround,
    "sqlite": SQLiteStateGround,
    "postgres": PostgresStateGround,
}
DURABLE_STATE_GROUNDS = marked(("sqlite", "postgres"))


@asynccontextmanager
async def _memory_guard(directory: Path) -> AsyncIterator[ReplayGuard]:
    yield MemoryReplayGuard()


@asynccontextmanager
async def _sqlite_guard(directory: Path) -> AsyncIterator[ReplayGuard]:
    async with SQLiteReplayGuard(directory / "replay.db") as guard:
        yield guard


@asynccontextmanager
async def _postgres_guard(directory: Path) -> AsyncIterator[ReplayGuard]:
    async with postgres_in(directory) as state:
        yield state.replay


GUARD_GROUNDS: dict[str, Callable[[Path], AbstractAsyncContextManager[ReplayGuard]]] = {
    "memory": _memory_guard,
    "sqlite": _sqlite_guard,
    "postgres": _postgres_guard,
}
DURABLE_GUARD_GROUNDS = marked(("sqlite", "postgres"))
