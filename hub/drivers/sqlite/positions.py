"""Leases, positions and acknowledgements in SQLite (theory of operation: `state.py`)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import orjson

from hub.core.errors import LeaseLost
from hub.drivers.sqlite.worker import CallWorker, transaction
from hub.ports.positions import FeedPosition, Lease
from hub.ports.system import Clock

SCHEMA = """
CREATE TABLE lease (
    name TEXT PRIMARY KEY,
    holder TEXT,              -- NULL once given back
    epoch INTEGER NOT NULL,
    expires_us INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE position (
    output TEXT,
    generation INTEGER,
    partition INTEGER,
    source_offset INTEGER NOT NULL,
    feed_offset INTEGER NOT NULL,
    PRIMARY KEY (output, generation, partition)
) WITHOUT ROWID;
CREATE TABLE acknowledged (
    reader TEXT,
    feed TEXT,
    cursor BLOB NOT NULL,
    PRIMARY KEY (reader, feed)
) WITHOUT ROWID
"""

_ACQUIRE = """
INSERT INTO lease VALUES (?1, ?2, 1, ?4)
ON CONFLICT DO UPDATE SET holder = excluded.holder, epoch = epoch + 1, expires_us = excluded.expires_us
WHERE holder IS NULL OR holder = excluded.holder OR expires_us <= ?3
RETURNING epoch
"""
_STORE = """
INSERT INTO position
SELECT value ->> 0, ?2, ?3, value ->> 1, value ->> 2 FROM json_each(?1) WHERE true
ON CONFLICT DO UPDATE SET source_offset = excluded.source_offset, feed_offset = excluded.feed_offset
WHERE excluded.source_offset >= source_offset
"""
"""One statement for all of them: of many, each would hand the interpreter over."""
_LOAD = "SELECT source_offset, feed_offset FROM position WHERE output = ? AND generation = ? AND partition = ?"
_OF_NO_READER = ""
"""Instead of a reader's name: what the holder of a lease keeps, by the lease's name."""
_KEEP = "INSERT INTO acknowledged VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET cursor = excluded.cursor"
_ACKNOWLEDGE = f"{_KEEP} WHERE acknowledged.cursor IS ?"


class SQLitePositions:
    """A `Positions`; made by `SQLiteState`."""

    def __init__(self, writer: CallWorker, reader: CallWorker, clock: Clock) -> None:
        self._writer = writer
        self._reader = reader
        self._clock = clock

    async def acquire(self, name: str, holder: str, seconds: float) -> Lease | None:
        def take(connection: sqlite3.Connection) -> Lease | None:
            now_us = self._clock.now_us()
            expires_us = now_us + round(seconds * 1e6)
            taken = connection.execute(_ACQUIRE, (name, holder, now_us, expires_us)).fetchall()
            return Lease(name, holder, taken[0][0], expires_us) if taken else None

        return await self._writer.call(take)

    async def renew(self, lease: Lease, seconds: float) -> Lease:
        def extend(connection: sqlite3.Connection) -> Lease:
            expires_us = self._clock.now_us() + round(seconds * 1e6)
            with transaction(connection):
                check_lease(connection, lease)
                connection.execute("UPDATE lease SET expires_us = ? WHERE name = ?", (expires_us, lease.name))
            return Lease(lease.name, lease.holder, lease.epoch, expires_us)

        return await self._writer.call(extend)

    async def release(self, lease: Lease) -> None:
        def give_back(connection: sqlite3.Connection) -> None:
            connection.execute("UPDATE lease SET holder = NULL WHERE name = ? AND epoch = ?", (lease.name, lease.epoch))

        await self._writer.call(give_back)

    async def load(self, output: str, generation: int, partition: int) -> FeedPosition | None:
        def read(connection: sqlite3.Connection) -> FeedPosition | None:
            row = connection.execute(_LOAD, (output, generation, partition)).fetchone()
            return FeedPosition(*row) if row else None

        return await self._reader.call(read)

    async def store(self, lease: Lease, output: str, generation: int, partition: int, position: FeedPosition) -> None:
        await self.store_all(lease, generation, partition, {output: position})

    async def store_all(
        self, lease: Lease, generation: int, partition: int, positions: Mapping[str, FeedPosition]
    ) -> None:
        rows = orjson.dumps([(output, each.source_offset, each.feed_offset) for output, each in positions.items()])

        def write(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                check_lease(connection, lease)
                connection.execute(_STORE, (rows.decode(), generation, partition))

        await self._writer.call(write)

    async def acknowledge(self, reader: str, feed: str, cursor: bytes, *, was: bytes | None) -> bool:
        def write(connection: sqlite3.Connection) -> bool:
            with _surviving_power(connection):
                return connection.execute(_ACKNOWLEDGE, (reader, feed, cursor, was)).rowcount == 1

        return await self._writer.call(write)

    async def acknowledged(self, reader: str, feed: str) -> bytes | None:
        def read(connection: sqlite3.Connection) -> bytes | None:
            statement = "SELECT cursor FROM acknowledged WHERE reader = ? AND feed = ?"
            row = connection.execute(statement, (reader, feed)).fetchone()
            return row[0] if row else None

        return await self._reader.call(read)

    async def keep(self, lease: Lease, content: bytes) -> None:
        def write(connection: sqlite3.Connection) -> None:
            with _surviving_power(connection), transaction(connection):
                check_lease(connection, lease)
                connection.execute(_KEEP, (_OF_NO_READER, lease.name, content))

        await self._writer.call(write)

    async def kept(self, name: str) -> bytes | None:
        return await self.acknowledged(_OF_NO_READER, name)


@contextmanager
def _surviving_power(connection: sqlite3.Connection) -> Iterator[None]:
    """For what is in no log."""
    connection.execute("PRAGMA synchronous=FULL")
    try:
        yield
    finally:
        connection.execute("PRAGMA synchronous=NORMAL")


def check_lease(connection: sqlite3.Connection, lease: Lease) -> None:
    """Raise LeaseLost unless the lease's epoch is the one that may write. Called inside the writing transaction."""
    statement = "SELECT 1 FROM lease WHERE name = ? AND epoch = ? AND holder IS NOT NULL"
    if not connection.execute(statement, (lease.name, lease.epoch)).fetchone():
        raise LeaseLost(f"the lease on {lease.name} is no longer held as epoch {lease.epoch}")
