"""The registry in one SQLite file, by SQLAlchemy Core in SQL that PostgreSQL understands as well.

Theory of operation. `versions` only ever grows: one row per object and revision, its body the object as JSON. `head`
is a single row; a write raises it by compare-and-set, which also takes SQLite's write lock, so that of two writers
based on the same revision one finds no row to raise and writes nothing. The audit event lies in the same transaction.
One connection does everything (SQLite before 3.51.3 can corrupt a WAL that two connections reset), WAL with
`synchronous=FULL`: a commit that returned survives the loss of power.
"""

from __future__ import annotations

import sqlite3
from asyncio import to_thread
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    BigInteger,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    String,
    Table,
    Text,
    event,
    insert,
    select,
    update,
)
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from hub.core.errors import StorageFull, StorageUnavailable
from hub.core.proposal import AT_ONCE_MAX, Conflict, Proposal, audit_event
from hub.core.registry import Version, kind_of, object_id
from hub.core.stored import read_stored, stored
from hub.drivers.sqlite.worker import CallWorker

WAIT_SECONDS_MAX = 5.0
"""How long a statement waits for the connection, or for another process's lock on the file."""

_METADATA = MetaData()

HEAD = Table(
    "head",
    _METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, nullable=False),
)
VERSIONS = Table(
    "versions",
    _METADATA,
    Column("revision", BigInteger, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),
    Column("id", String(256), nullable=False, index=True),
    Column("body", Text, nullable=False),
    Column("actor", String(256), nullable=False),
    Column("act", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("time_us", BigInteger, nullable=False),
)
AUDIT = Table(
    "audit",
    _METADATA,
    Column("revision", BigInteger, primary_key=True, autoincrement=False),
    Column("event", LargeBinary, nullable=False),
)


class SQLiteRegistry:
    """The registry of embedded storage."""

    def __init__(self, engine: AsyncEngine, path: Path) -> None:
        self._engine = engine
        # The head is asked for three times a second, and how long the answer takes decides whether the hub may decide:
        # a connection of its own answers in one step, where the engine takes several turns of a busy loop.
        self._heads = CallWorker("registry-head", lambda: _open_reader(path))

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path) -> AsyncIterator[SQLiteRegistry]:
        """Open the file, or make it. Raises `StorageUnavailable`."""
        engine = create_async_engine(
            URL.create("sqlite+aiosqlite", database=str(path)),
            connect_args={"timeout": WAIT_SECONDS_MAX},
            poolclass=AsyncAdaptedQueuePool,
            pool_size=1,
            max_overflow=0,
            pool_timeout=WAIT_SECONDS_MAX,
        )
        event.listen(engine.sync_engine, "connect", _make_durable)
        registry = cls(engine, path)
        try:
            async with registry._transaction() as connection:
                await connection.run_sync(_METADATA.create_all)
                if (await connection.execute(select(HEAD.c.revision))).first() is None:
                    await connection.execute(insert(HEAD).values(id=1, revision=0))
            await registry._heads.start()
            try:
                yield registry
            finally:
                await registry._heads.stop()
        finally:
            await engine.dispose()

    async def head(self) -> int:
        return await self._heads.call(
            lambda connection: int(connection.execute("SELECT revision FROM head").fetchone()[0])
        )

    async def load(self, after_revision: int) -> Sequence[Version]:
        query = select(VERSIONS).where(VERSIONS.c.revision > after_revision)
        async with self._transaction() as connection:
            rows = (await connection.execute(query.order_by(VERSIONS.c.revision, VERSIONS.c.position))).all()
        return await to_thread(_versions, rows) if len(rows) > AT_ONCE_MAX else _versions(rows)

    async def write(self, proposal: Proposal, *, time_us: int) -> int:
        revision = proposal.based_on + 1
        raise_head = update(HEAD).where(HEAD.c.revision == proposal.based_on).values(revision=revision)
        audited = partial(audit_event, proposal, revision=revision, time_us=time_us)
        told = await to_thread(audited) if len(proposal.changes) > AT_ONCE_MAX else audited()
        async with self._transaction() as connection:
            if (await connection.execute(raise_head)).rowcount != 1:
                raise Conflict(f"revision {proposal.based_on} is no longer the head")
            rows = _rows(proposal, revision, time_us)
            for start in range(0, len(rows), AT_ONCE_MAX):
                await connection.execute(insert(VERSIONS), rows[start : start + AT_ONCE_MAX])
            await connection.execute(insert(AUDIT), [{"revision": revision, "event": told}])
        return revision

    async def audit(self, after_revision: int, limit: int) -> Sequence[bytes]:
        query = select(AUDIT.c.event).where(AUDIT.c.revision > after_revision).order_by(AUDIT.c.revision).limit(limit)
        async with self._transaction() as connection:
            return [row.event for row in (await connection.execute(query)).all()]

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncConnection]:
        """One transaction, committed at the end; the library's errors leave it as the port's."""
        try:
            async with self._engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            if getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
                raise StorageFull("the registry's disk is full") from error
            raise StorageUnavailable(f"the registry does not answer: {error.orig}") from error
        except SQLAlchemyError as error:
            raise StorageUnavailable("the registry does not answer") from error


def _versions(rows: Sequence[Row[Any]]) -> list[Version]:
    return [
        Version(row.revision, item, row.actor, row.reason, row.time_us)
        for row in rows
        for item in read_stored(row.kind, row.body)
    ]


def _rows(proposal: Proposal, revision: int, time_us: int) -> list[dict[str, object]]:
    return [
        {
            "revision": revision,
            "position": position,
            "kind": kind_of(item),
            "id": object_id(item),
            "body": stored(item),
            "actor": proposal.actor,
            "act": proposal.act,
            "reason": proposal.reason,
            "time_us": time_us,
        }
        for position, item in enumerate(proposal.changes)
    ]


def _open_reader(path: Path) -> sqlite3.Connection:
    """A connection that reads and never checkpoints. Raises `StorageUnavailable`."""
    try:
        connection = sqlite3.connect(path, timeout=WAIT_SECONDS_MAX, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA query_only=1")
        connection.execute("PRAGMA wal_autocheckpoint=0")
    except sqlite3.Error as error:
        raise StorageUnavailable(f"the registry does not answer: {error}") from error
    return connection


def _make_durable(connection: Any, _record: object) -> None:
    """On each new connection: write-ahead log, fsync at each commit."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()
