"""The replay guard in SQLite: what was used stays used, also after the loss of power.

All keys that wait share one transaction and its fsync. Each round forgets what has expired, so the file stays as large
as the keys that are alive. If a commit fails the caller hears so and lets nobody in, whether the key was kept or not.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec import Struct

from hub.core.errors import HubError
from hub.drivers.sqlite.database import Database, leaves_connection_sound, port_error
from hub.drivers.sqlite.worker import Worker, transaction

_SCHEMA = """
CREATE TABLE used (key BLOB PRIMARY KEY, expires INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX used_by_expiry ON used (expires)
"""
_USE = "INSERT INTO used VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING true"


class _Use(Struct, frozen=True):
    key: bytes
    expires: int
    now: int


class SQLiteReplayGuard:
    """A `ReplayGuard`. Enter it to open the file; one process may have it open."""

    def __init__(self, path: Path) -> None:
        database = Database(path, _SCHEMA, version=1, synchronous="FULL", checkpoint_pages=1_000)
        self._worker: Worker[_Use] = Worker("replay-guard", database.open_writer, self._round)

    async def __aenter__(self) -> Self:
        """Open the file. Raises StorageUnavailable, StorageFull, and HubError for a newer layout."""
        await self._worker.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._worker.stop()

    async def use(self, key: bytes, *, expires: int, now: int) -> bool:
        """As the port says. Raises StorageUnavailable or StorageFull if it cannot be remembered."""
        first: bool = await self._worker.submit(_Use(key, expires, now))
        return first

    def _round(self, connection: sqlite3.Connection, uses: Sequence[_Use]) -> Sequence[bool | HubError]:
        try:
            with transaction(connection):
                connection.execute("DELETE FROM used WHERE expires <= ?", (min(use.now for use in uses),))
                return [bool(connection.execute(_USE, (use.key, use.expires)).fetchall()) for use in uses]
        except sqlite3.Error as error:
            if not leaves_connection_sound(error):
                self._worker.abandon()
            return [port_error(error)] * len(uses)
