"""The replay guard in SQLite: what was used stays used, also after the loss of power.

All keys that wait share one transaction and its fsync. Each round forgets what has expired, so the file stays as large
as the keys that are alive. If a commit fails the caller hears so and lets nobody in, whether the key was kept or not.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from hub.drivers.sqlite.database import Database, leaves_connection_sound, port_error
from hub.drivers.sqlite.worker import OnWorkers, Worker, transaction

_SCHEMA = """
CREATE TABLE used (key BLOB PRIMARY KEY, expires INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX used_by_expiry ON used (expires)
"""
_REVOKED = """
CREATE TABLE IF NOT EXISTS revoked (key BLOB PRIMARY KEY, revoked INTEGER NOT NULL, expires INTEGER NOT NULL)
WITHOUT ROWID
"""
"""Beside the layout of version 1: a file that was made without it gets it when it is opened."""
_USE = "INSERT INTO used VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING true"


class _Use(Struct, frozen=True):
    key: bytes
    expires: int
    now: int


class _Revoke(Struct, frozen=True):
    key: bytes
    expires: int
    now: int


class _Look(Struct, frozen=True):
    since: int
    now: int


_Job = _Use | _Revoke | _Look


class SQLiteReplayGuard(OnWorkers):
    """A `ReplayGuard`."""

    def __init__(self, path: Path) -> None:
        database = Database(path, _SCHEMA, version=1, synchronous="FULL", checkpoint_pages=1_000)

        def connect() -> sqlite3.Connection:
            connection = database.open_writer()
            connection.execute(_REVOKED)
            return connection

        self._worker: Worker[_Job] = Worker("replay-guard", connect, self._round)
        super().__init__(self._worker)

    async def use(self, key: bytes, *, expires: int, now: int) -> bool:
        """As the port says. Raises StorageUnavailable or StorageFull if it cannot be remembered."""
        first: bool = await self._worker.submit(_Use(key, expires, now))
        return first

    async def revoke(self, key: bytes, *, expires: int, now: int) -> None:
        """As the port says. Raises StorageUnavailable or StorageFull if it cannot be remembered."""
        await self._worker.submit(_Revoke(key, expires, now))

    async def revoked(self, *, since: int, now: int) -> Sequence[bytes]:
        """As the port says. Raises StorageUnavailable."""
        found: Sequence[bytes] = await self._worker.submit(_Look(since, now))
        return found

    def _round(self, connection: sqlite3.Connection, jobs: Sequence[_Job]) -> Sequence[Any]:
        try:
            if all(isinstance(job, _Look) for job in jobs):
                return [_done(connection, job) for job in jobs]
            with transaction(connection):
                oldest = (min(job.now for job in jobs),)
                connection.execute("DELETE FROM used WHERE expires <= ?", oldest)
                connection.execute("DELETE FROM revoked WHERE expires <= ?", oldest)
                return [_done(connection, job) for job in jobs]
        except sqlite3.Error as error:
            if not leaves_connection_sound(error):
                self._worker.abandon()
            return [port_error(error)] * len(jobs)


def _done(connection: sqlite3.Connection, job: _Job) -> object:
    match job:
        case _Use():
            return bool(connection.execute(_USE, (job.key, job.expires)).fetchall())
        case _Revoke():
            row = (job.key, job.now, job.expires)
            connection.execute("INSERT INTO revoked VALUES (?, ?, ?) ON CONFLICT DO NOTHING", row)
            return None
        case _Look():
            asked = "SELECT key FROM revoked WHERE revoked >= ? AND expires > ?"
            return [key for (key,) in connection.execute(asked, (job.since, job.now))]
