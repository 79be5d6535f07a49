"""Where a reader stands, kept with the engine's own work so that the two cannot part."""

from __future__ import annotations

import sqlite3
from typing import Protocol


class Checkpoint(Protocol):
    """The commit token of the last group that an engine has worked off, by feed."""

    def load(self, feed: str) -> str | None:
        """The token to go on from; None where the feed was never read."""

    def save(self, feed: str, token: str) -> None:
        """Store the token.

        MUST be part of the transaction in which the engine stores its work on the same group: a crash then undoes
        both or neither, and no record is worked off twice or left out.
        """


class SQLiteCheckpoint:
    """A table in the engine's own database. `save` writes within the transaction that the engine has open."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        database.execute("create table if not exists checkpoint (feed text primary key, token text not null)")

    def load(self, feed: str) -> str | None:
        row = self._database.execute("select token from checkpoint where feed = ?", (feed,)).fetchone()
        return None if row is None else str(row[0])

    def save(self, feed: str, token: str) -> None:
        self._database.execute("insert or replace into checkpoint values (?, ?)", (feed, token))
