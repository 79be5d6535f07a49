"""A bounded pool of connections to one database, and what its failures mean to a port.

A failed statement is not tried again: the caller is told, and knows whether trying again does harm. What failed before
COMMIT was sent is certainly not there; where the answer to COMMIT did not come, nobody on this side can know.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import asyncpg

from hub.core.errors import HubError, OutcomeUnknown, StorageFull, StorageUnavailable
from hub.core.settings import PostgresSettings
from hub.ports.system import Clock

CLOSE_SECONDS_MAX = 2.0
_GRACE_SECONDS = 0.5
"""The server ends a statement that takes too long; only one that says nothing at all is given up on this side."""
_BY_INDEX = {"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off", "jit": "off"}
"""Every question here is answered by an index. Left to itself, the planner would read whole tables for a thousand keys
while they are of middling size, and its statistics lag behind tables that grow by thousands of rows a second. None is
worth compiling."""
_FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
"""The third: the server has just said on an idle connection that it ends. `TimeoutError` is an `OSError`."""

Connection = Any
"""An `asyncpg.Connection` of the pool; the library ships no types."""
Row = Any


class Database:
    """Enter it to open the pool; one connection is made then, the others when they are needed."""

    def __init__(self, settings: PostgresSettings, clock: Clock, *, connections_max: int) -> None:
        self._settings = settings
        self._clock = clock
        self._connections_max = connections_max
        self._pool: Any = None

    async def __aenter__(self) -> Self:
        """Raises `StorageUnavailable`, and `HubError` for an address that is none."""
        options = connect_options(self._settings)
        try:
            self._pool = await asyncpg.create_pool(
                **options, min_size=1, max_size=self._connections_max, reset=_nothing_to_reset
            )
        except ValueError:  # Its words may quote a part of the address, and that the password.
            raise HubError(
                "`postgres.url` is no address of a database: expected postgresql://user@host:port/database"
            ) from None
        except _FAILURES as error:
            raise _port_error(error) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(TimeoutError, *_FAILURES):
            async with self._clock.deadline(CLOSE_SECONDS_MAX):
                await self._pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection to read with. Raises `StorageUnavailable`."""
        try:
            async with self._pool.acquire(timeout=self._settings.statement_seconds_max) as connection:
                yield connection
        except _FAILURES as error:
            raise _port_error(error) from error

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """One transaction, committed at the end.

        Raises `StorageFull` and `StorageUnavailable` where nothing of it is stored, else `OutcomeUnknown`.
        """
        committing = False
        try:
            async with (
                self._pool.acquire(timeout=self._settings.statement_seconds_max) as connection,
                connection.transaction(),
            ):
                yield connection
                committing = True
        except _FAILURES as error:
            raise _port_error(error, committing=committing) from error

    async def read(self, statement: str, *given: object) -> Sequence[Row]:
        """The rows of one statement that changes nothing. Raises `StorageUnavailable`."""
        async with self.connection() as connection:
            rows: Sequence[Row] = await connection.fetch(statement, *given)
            return rows

    async def write(self, statement: str, *given: object) -> Sequence[Row]:
        """The rows of one statement that is a transaction of its own. Raises as `transaction` does."""
        sent = False
        try:
            async with self._pool.acquire(timeout=self._settings.statement_seconds_max) as connection:
                sent = True
                rows: Sequence[Row] = await connection.fetch(statement, *given)
                return rows
        except _FAILURES as error:
            raise _port_error(error, committing=sent) from error


def connect_options(settings: PostgresSettings) -> dict[str, Any]:
    """What a connection is made with. Raises `HubError`, which does not echo the address: it may hold a password."""
    try:
        password = Path(settings.password_file).read_text().strip() if settings.password_file else None
    except OSError as error:
        raise HubError(f"{settings.password_file} cannot be read: {error.strerror}") from error
    milliseconds = str(round(settings.statement_seconds_max * 1_000))
    return {
        "dsn": settings.url,
        "password": password,
        "timeout": settings.statement_seconds_max,
        "command_timeout": settings.statement_seconds_max + _GRACE_SECONDS,
        "server_settings": {
            "application_name": "customs-hub",
            # A site may have other defaults; these are what the drivers are written for (`state.py`).
            "synchronous_commit": "on",
            "default_transaction_isolation": "read committed",
            "statement_timeout": milliseconds,
            "lock_timeout": milliseconds,
            "idle_in_transaction_session_timeout": milliseconds,
            **_BY_INDEX,
        },
    }


def name_of(settings: PostgresSettings) -> str:
    """The database as people may be shown it: without user and password."""
    parts = urlsplit(settings.url)
    return f"{parts.hostname or ''}{parts.path}"


def _port_error(error: Exception, *, committing: bool = False) -> HubError:
    if committing and not _is_refusal(error):
        return OutcomeUnknown(f"PostgreSQL did not say whether it is stored: {_words(error)}")
    if isinstance(error, asyncpg.DiskFullError):
        return StorageFull(f"PostgreSQL has no room: {_words(error)}")
    return StorageUnavailable(f"PostgreSQL answered: {_words(error)}")


def _is_refusal(error: Exception) -> bool:
    """Whether the server itself said that it did not do it: neither is the connection gone, nor is the server going."""
    state = getattr(error, "sqlstate", None) or "08"
    return not state.startswith(("08", "57P"))


def _words(error: Exception) -> str:
    """Without the details that the server adds: they quote rows."""
    said = getattr(error, "strerror", None) or (error.args[0] if error.args else "no answer in time")
    return f"{type(error).__name__}: {said}"


async def _nothing_to_reset(connection: Connection) -> None:
    """No statement here leaves anything behind in its session: a connection goes back without a round trip."""
