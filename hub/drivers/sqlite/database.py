"""Opening a database file the way the hub needs it, and saying what SQLite's errors mean to a port."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct

from hub.core.errors import HubError, StorageFull, StorageUnavailable

_PRIMARY = 0xFF
"""The low byte of an extended result code is its primary code (https://sqlite.org/rescode.html)."""


class Database(Struct, frozen=True):
    """One file: its layout, the version of the layout, and what a commit in it must survive."""

    path: Path
    schema: str
    version: int
    synchronous: Literal["FULL", "NORMAL"]
    """FULL: a commit survives the loss of power. NORMAL: it survives the end of the process, however it ends."""
    checkpoint_pages: int
    """How far the write-ahead log grows before its pages go to their places: more writes less, with longer pauses."""
    cache_bytes: int = 4_194_304
    upgrades: Mapping[int, Callable[[sqlite3.Connection], None]] = {}
    """By layout, what makes the next one of it."""

    def open_writer(self) -> sqlite3.Connection:
        """The one connection that writes and checkpoints (two could corrupt the file before SQLite 3.51.3).

        Makes the file if there is none, and brings what an earlier process left in the write-ahead log to its place:
        after a failed fsync the kernel may hold pages that the disk does not, and only writing them again tells. An
        older layout is brought to this one, a step a transaction.
        Raises `HubError` for a layout newer than this program; StorageFull and StorageUnavailable.
        """
        try:
            connection = self._connect()
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute(f"PRAGMA synchronous={self.synchronous}")
                connection.execute(f"PRAGMA wal_autocheckpoint={self.checkpoint_pages}")
                self._prepare(connection)
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except BaseException:
                connection.close()
                raise
        except sqlite3.Error as error:
            raise port_error(error) from error
        return connection

    def open_reader(self) -> sqlite3.Connection:
        """A connection that only reads, and never checkpoints. Raises StorageUnavailable."""
        try:
            connection = self._connect()
            connection.execute("PRAGMA query_only=1")
            connection.execute("PRAGMA wal_autocheckpoint=0")
        except sqlite3.Error as error:
            raise port_error(error) from error
        return connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=5.0, isolation_level=None, check_same_thread=False)
        connection.execute(f"PRAGMA cache_size={-self.cache_bytes // 1024}")
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        found: int = connection.execute("PRAGMA user_version").fetchone()[0]
        if found > self.version:
            raise HubError(f"{self.path} has layout {found}, this program knows layout {self.version}")
        if found == 0:
            connection.executescript(f"BEGIN; {self.schema}; PRAGMA user_version={self.version}; COMMIT")
            return
        for layout in range(found, self.version):
            connection.execute("BEGIN IMMEDIATE")
            self.upgrades[layout](connection)
            connection.execute(f"PRAGMA user_version={layout + 1}")
            connection.execute("COMMIT")


def port_error(error: sqlite3.Error) -> StorageFull | StorageUnavailable:
    """What a failed statement means to the caller, where it is certain that nothing of it was kept."""
    full = primary_code(error) == sqlite3.SQLITE_FULL
    answer = StorageFull(f"no room: {error}") if full else StorageUnavailable(f"SQLite answered: {error}")
    answer.__cause__ = error
    return answer


def leaves_connection_sound(error: sqlite3.Error) -> bool:
    """Whether the statement failed whole and the connection can go on: no room, or another connection in the way.

    After anything else (a failed write or fsync, a damaged file) what lies on the disk is not known.
    """
    return primary_code(error) in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def primary_code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY
