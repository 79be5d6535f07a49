"""Dispatches in one SQLite file, each as one value beside its steps and the columns that it is found by.

`synchronous=FULL`: what a sender was told is sent will be written, and an acknowledgement is kept, also after the loss
of power.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import msgspec

from hub.core.dispatch import Dispatch, Sent, Step
from hub.drivers.sqlite.database import Database
from hub.drivers.sqlite.worker import CallWorker, OnWorkers, transaction
from hub.ports.dispatches import Place

_SCHEMA = """
CREATE TABLE dispatch (
    id TEXT PRIMARY KEY,
    sender TEXT NOT NULL,
    own TEXT NOT NULL,
    sent_us INTEGER NOT NULL,
    due_us INTEGER NOT NULL,
    body BLOB NOT NULL,
    written_us INTEGER NOT NULL DEFAULT 0,
    read_us INTEGER NOT NULL DEFAULT 0,
    overdue_us INTEGER NOT NULL DEFAULT 0,
    acknowledged_us INTEGER NOT NULL DEFAULT 0,
    acknowledged_by TEXT NOT NULL DEFAULT '',
    signature TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE INDEX dispatch_own ON dispatch (sender, own);
CREATE INDEX dispatch_sender ON dispatch (sender, sent_us, id);
CREATE INDEX dispatch_sent ON dispatch (sent_us, id);
CREATE INDEX dispatch_waiting ON dispatch (sent_us, id) WHERE written_us = 0;
CREATE INDEX dispatch_due ON dispatch (due_us, id) WHERE due_us > 0 AND acknowledged_us = 0 AND overdue_us = 0
"""
_SENT = "body, written_us, read_us, overdue_us, acknowledged_us, acknowledged_by, signature"
_ADD = "INSERT INTO dispatch (id, sender, own, sent_us, due_us, body) VALUES (?, ?, ?, ?, ?, ?)"
_PAGE = "SELECT {sent} FROM dispatch WHERE {asked} AND (sent_us, id) < (?, ?) ORDER BY sent_us DESC, id DESC LIMIT ?"
_WAITING = "SELECT body FROM dispatch WHERE written_us = 0 ORDER BY sent_us, id LIMIT ?"
_DUE = """
SELECT body FROM dispatch WHERE due_us > 0 AND acknowledged_us = 0 AND overdue_us = 0 AND due_us <= ?
ORDER BY due_us, id LIMIT ?
"""
_MARK = "UPDATE dispatch SET {step}_us = ? WHERE id = ? AND {step}_us = 0"
_ACKNOWLEDGE = """
UPDATE dispatch SET acknowledged_us = ?, acknowledged_by = ?, signature = ? WHERE id = ? AND acknowledged_us = 0
"""
_EVER = (1 << 63) - 1, ""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Dispatch).decode


class SQLiteDispatches(OnWorkers):
    """A `Dispatches`. One process has the file."""

    def __init__(self, path: Path) -> None:
        database = Database(path, _SCHEMA, version=1, synchronous="FULL", checkpoint_pages=1_000)
        self._worker = CallWorker("dispatches", database.open_writer)
        super().__init__(self._worker)

    async def add(self, dispatches: Sequence[Dispatch]) -> bool:
        rows = [(each.id, each.sender, each.own, each.sent_us, each.due_us, _encode(each)) for each in dispatches]

        def write(connection: sqlite3.Connection) -> bool:
            with transaction(connection):
                known = connection.execute("SELECT 1 FROM dispatch WHERE id = ?", (dispatches[0].id,)).fetchone()
                if known is None:
                    connection.executemany(_ADD, rows)
            return known is None

        return await self._worker.call(write)

    async def get(self, id: str) -> Sent | None:  # noqa: A002
        found = await self._found(f"SELECT {_SENT} FROM dispatch WHERE id = ?", id)  # noqa: S608 (constants)
        return found[0] if found else None

    async def sent_as(self, sender: str, own: str) -> Sequence[Sent]:
        return await self._found(f"SELECT {_SENT} FROM dispatch WHERE sender = ? AND own = ?", sender, own)  # noqa: S608

    async def page(
        self, sender: str | None, *, step: Step | None = None, before: Place | None, limit: int
    ) -> Sequence[Sent]:
        asked = ("1" if sender is None else "sender = ?") + (f" AND {step}_us > 0" if step is not None else "")
        whose = () if sender is None else (sender,)
        return await self._found(_PAGE.format(sent=_SENT, asked=asked), *whose, *(before or _EVER), limit)

    async def waiting(self, limit: int) -> Sequence[Dispatch]:
        return await self._dispatches(_WAITING, limit)

    async def due(self, now_us: int, limit: int) -> Sequence[Dispatch]:
        return await self._dispatches(_DUE, now_us, limit)

    async def mark(self, ids: Sequence[str], step: Step, time_us: int) -> None:
        rows = [(time_us, each) for each in ids]

        def write(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                connection.executemany(_MARK.format(step=step), rows)

        if rows:
            await self._worker.call(write)

    async def acknowledge(self, id: str, time_us: int, *, by: str, signature: str) -> None:  # noqa: A002
        await self._worker.call(lambda each: each.execute(_ACKNOWLEDGE, (time_us, by, signature, id)).rowcount)

    async def count(self, sender: str, since_us: int) -> int:
        statement = "SELECT count(*) FROM dispatch WHERE sender = ? AND sent_us >= ?"
        return await self._worker.call(lambda each: int(each.execute(statement, (sender, since_us)).fetchone()[0]))

    async def purge(self, before_us: int) -> int:
        statement = "DELETE FROM dispatch WHERE sent_us < ?"
        return await self._worker.call(lambda each: each.execute(statement, (before_us,)).rowcount)

    async def _found(self, statement: str, *given: object) -> list[Sent]:
        def read(connection: sqlite3.Connection) -> list[Sent]:
            return [Sent(_decode(row[0]), *row[1:]) for row in connection.execute(statement, given)]

        return await self._worker.call(read)

    async def _dispatches(self, statement: str, *given: object) -> list[Dispatch]:
        def read(connection: sqlite3.Connection) -> list[Dispatch]:
            return [_decode(body) for (body,) in connection.execute(statement, given)]

        return await self._worker.call(read)
