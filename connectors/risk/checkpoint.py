"""Where a reader stands, kept with the engine's own work so that the two cannot part: in SQLite here, in PostgreSQL in
`postgres.py`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from connectors.errors import ConnectorError
from connectors.risk.group import Group

MESSAGES_DAYS = 7
"""How long a webhook's message is remembered: a hub tries one for 72 h, and what an operator releases again is new."""


class Overtaken(ConnectorError):
    """Somebody else works on the same place: nothing of this group was stored. Begin again from what is stored."""

    def __init__(self, place: str) -> None:
        super().__init__(f"another process has moved the checkpoint of {place} meanwhile; nothing was stored")


class Checkpoint(Protocol):
    """The token of the last group that an engine has worked off, by place."""

    def load(self, feed: str) -> str | None:
        """The token to go on from; None where the feed was never read."""

    def save(self, feed: str, token: str) -> None:
        """Store the token.

        MUST be part of the transaction in which the engine stores its work on the same group: a crash then undoes
        both or neither, and no record is worked off twice or left out.
        """


class SQLiteCheckpoint:
    """Two tables in the engine's own database."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        database.execute("create table if not exists checkpoint (feed text primary key, token text not null)")
        database.execute(
            "create table if not exists message (feed text, id text, at real not null, primary key (feed, id))"
        )

    def load(self, feed: str) -> str | None:
        row = self._database.execute("select token from checkpoint where feed = ?", (feed,)).fetchone()
        return None if row is None else str(row[0])

    def save(self, feed: str, token: str) -> None:
        """Within the transaction that the engine has open."""
        self._database.execute("insert or replace into checkpoint values (?, ?)", (feed, token))

    @contextmanager
    def work(self, group: Group) -> Iterator[tuple[dict[str, Any], ...]]:
        """One transaction: what the engine writes within it and the group's token are stored together, or neither.

        Yields the records that are still to be worked off: none where a webhook's message comes again. Raises
        `Overtaken` before anything is done.
        """
        with self._database:
            self._database.execute("begin immediate")
            is_new = self._is_new(group)
            self.save(group.place, group.token)
            yield group.records if is_new else ()

    def _is_new(self, group: Group) -> bool:
        if not group.message:
            if self.load(group.place) != group.since:
                raise Overtaken(group.place)
            return True
        self._database.execute("delete from message where julianday('now') - at > ?", (MESSAGES_DAYS,))
        known = "insert or ignore into message values (?, ?, julianday('now'))"
        return self._database.execute(known, (group.place, group.message)).rowcount == 1
