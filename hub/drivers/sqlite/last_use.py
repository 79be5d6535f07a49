"""The last uses of credentials in SQLite: a row each, written a few times a minute."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

from hub.drivers.sqlite.database import Database
from hub.drivers.sqlite.worker import CallWorker, OnWorkers, transaction
from hub.ports.last_use import Use

_SCHEMA = """
CREATE TABLE last_use (
    credential TEXT PRIMARY KEY,
    time INTEGER NOT NULL,
    address TEXT NOT NULL,
    agent TEXT NOT NULL
) WITHOUT ROWID
"""
_NOTE = """
INSERT INTO last_use VALUES (?, ?, ?, ?) ON CONFLICT (credential) DO UPDATE
SET time = excluded.time, address = excluded.address, agent = excluded.agent WHERE time <= excluded.time
"""
_FORGET = "UPDATE last_use SET address = '', agent = '' WHERE time < ? AND (address <> '' OR agent <> '')"


class SQLiteLastUse(OnWorkers):
    """A `LastUse`."""

    def __init__(self, path: Path) -> None:
        database = Database(path, _SCHEMA, version=1, synchronous="NORMAL", checkpoint_pages=1_000)
        self._worker = CallWorker("last-use", database.open_writer)
        super().__init__(self._worker)

    async def note(self, uses: Sequence[Use]) -> None:
        rows = [(use.credential, use.time, use.address, use.agent) for use in uses]

        def write(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                connection.executemany(_NOTE, rows)

        await self._worker.call(write)

    async def all(self) -> Mapping[str, Use]:
        def read(connection: sqlite3.Connection) -> dict[str, Use]:
            rows = connection.execute("SELECT credential, time, address, agent FROM last_use")
            return {row[0]: Use(*row) for row in rows}

        return await self._worker.call(read)

    async def forget(self, before: int) -> None:
        def write(connection: sqlite3.Connection) -> None:
            connection.execute(_FORGET, (before,))

        await self._worker.call(write)
