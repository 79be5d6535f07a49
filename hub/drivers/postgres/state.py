"""Everything that the workers of a hub share beside the log, in one PostgreSQL database.

Theory of operation. Whoever writes for an output carries a lease, and the lease's row is locked in the transaction that
writes: nobody takes it before that transaction has ended, and after it was taken nothing is written under the old
epoch. READ COMMITTED is enough, since each decision is one statement, or locks the row that it rests on.

`synchronous_commit` stays on for everything, also for what is a function of the log and could be read from it again.
The workers outlive the loss of the database's power: were the newest commits gone with it, an epoch that was given
would be given a second time, to another, and two would write as one; a `jti` that was used would be good again; and a
partner's cursor, job or key revocation is in no log at all. What it costs is one fsync a batch.

The pools are apart: those who ask what is known, or wait for jobs, keep nobody from deciding; and nobody keeps a worker
from confirming its registry, without which it decides nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import Self

from hub.core.errors import HubError
from hub.core.settings import PostgresSettings
from hub.drivers.postgres.access_journal import PostgresAccessJournal
from hub.drivers.postgres.database import Database, name_of
from hub.drivers.postgres.dead_letters import PostgresDeadLetters
from hub.drivers.postgres.dispatches import PostgresDispatches
from hub.drivers.postgres.first_occurrence import PostgresFirstOccurrence
from hub.drivers.postgres.jobs import PostgresJobs
from hub.drivers.postgres.last_use import PostgresLastUse
from hub.drivers.postgres.positions import PostgresPositions
from hub.drivers.postgres.registry import PostgresRegistry
from hub.drivers.postgres.replay_guard import PostgresReplayGuard
from hub.drivers.postgres.schema import bring_up
from hub.drivers.postgres.views import PostgresViews
from hub.ports.system import Clock

REGISTRY_CONNECTIONS = 2

_BELONG = "INSERT INTO origin VALUES (1, $1) ON CONFLICT DO NOTHING"


class PostgresState:
    """Enter it to open the database, and make its tables if they are not there; then each attribute keeps a port.

    `log` names the event log: state that was derived from another one is refused. `slice_seconds`: how much time a new
    slice of the index covers.
    """

    def __init__(self, settings: PostgresSettings, clock: Clock, *, log: str, slice_seconds: int) -> None:
        def pool(connections_max: int) -> Database:
            return Database(settings, clock, connections_max=connections_max)

        self._settings, self._log = settings, log
        self._followed = pool(REGISTRY_CONNECTIONS)
        self._decided = pool(settings.connections_max)
        self._asked = pool(settings.connections_max)
        self._open = AsyncExitStack()
        self.registry = PostgresRegistry(self._followed)
        self.positions = PostgresPositions(self._decided, clock)
        self.occurrences = PostgresFirstOccurrence(self._decided, slice_seconds=slice_seconds)
        self.replay = PostgresReplayGuard(self._decided)
        self.jobs = PostgresJobs(self._asked)
        self.last_use = PostgresLastUse(self._asked)
        self.dispatches = PostgresDispatches(self._asked)
        self.views = PostgresViews(self._asked)
        self.accesses = PostgresAccessJournal(self._decided, self._asked)
        self.dead_letters = PostgresDeadLetters(self._asked)

    async def __aenter__(self) -> Self:
        """Raises `StorageUnavailable`, and `HubError` for a newer layout or the state of another log."""
        async with AsyncExitStack() as undo:
            await undo.enter_async_context(self._followed)
            await bring_up(self._settings, self._followed)
            await self._belong()
            await undo.enter_async_context(self._decided)
            await undo.enter_async_context(self._asked)
            self._open = undo.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    async def _belong(self) -> None:
        await self._followed.write(_BELONG, self._log)
        [(known,)] = await self._followed.read("SELECT log FROM origin")
        if known != self._log:
            raise HubError(
                f"the database {name_of(self._settings)} belongs to another event log: it was made with {known}, the "
                f"settings lead to {self._log}; set `postgres.url` to another database, or go back to that log"
            )


@asynccontextmanager
async def opened_registry(settings: PostgresSettings, clock: Clock) -> AsyncIterator[PostgresRegistry]:
    """The registry alone, whatever log the rest was derived from. Raises as `PostgresState` does."""
    async with Database(settings, clock, connections_max=REGISTRY_CONNECTIONS) as database:
        await bring_up(settings, database)
        yield PostgresRegistry(database)


@asynccontextmanager
async def opened_accesses(settings: PostgresSettings, clock: Clock) -> AsyncIterator[PostgresAccessJournal]:
    """The access journal alone. Raises as `PostgresState` does."""
    async with Database(settings, clock, connections_max=1) as database:
        await bring_up(settings, database)
        yield PostgresAccessJournal(database, database)


@asynccontextmanager
async def opened_last_use(settings: PostgresSettings, clock: Clock) -> AsyncIterator[PostgresLastUse]:
    """The last uses of credentials alone. Raises as `PostgresState` does."""
    async with Database(settings, clock, connections_max=1) as database:
        await bring_up(settings, database)
        yield PostgresLastUse(database)
