"""The access journal in one SQLite file of its own, each entry as one value beside the columns that it is found by.

Theory of operation. Numbers are row numbers that are never given twice. `access_block` finds the entries about an
event, `access_mark` the first acknowledgement of a feed that reaches it; an acknowledgement has block -1, that of none.
`owned` says whose the events of a block are, in as many rows as it was told in: to say it again changes nothing.

`synchronous=FULL`: what has left the hub is known also after the loss of power. Whoever writes does so for all who wait
(`hub/delivery/journal.py`), so that one commit serves many readers; it is one statement, so that the interpreter is
handed over a few times, however many they are.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import msgspec
import orjson

from hub.core.access import BLOCK_OFFSETS, Access, block_of, holds, lanes_of, mark_of, pieces, run_list
from hub.core.record import Position
from hub.drivers.sqlite.database import Database
from hub.drivers.sqlite.worker import CallWorker, OnWorkers, transaction
from hub.ports.access_journal import Block, Entry, Owned, Query

PURGED_AT_ONCE = 1_000
_SCHEMA = """
CREATE TABLE access (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    time_us INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    block INTEGER NOT NULL,
    mark INTEGER NOT NULL,    -- the last offset
    recipient TEXT NOT NULL,
    feed TEXT NOT NULL,
    lane TEXT NOT NULL,
    credential TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX access_block ON access (generation, partition, block);
CREATE INDEX access_mark ON access (generation, partition, recipient, feed, lane, mark) WHERE block = -1;
CREATE INDEX access_time ON access (time_us);
CREATE INDEX access_credential ON access (credential) WHERE credential <> '';
CREATE TABLE owned (
    publisher TEXT,
    generation INTEGER,
    block INTEGER,
    partition INTEGER,
    runs BLOB,
    received_us INTEGER NOT NULL,
    PRIMARY KEY (publisher, generation, block, partition, runs)
) WITHOUT ROWID;
CREATE INDEX owned_received ON owned (received_us)
"""
_INSERT = """
INSERT INTO access (time_us, generation, partition, block, mark, recipient, feed, lane, credential, body)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
    value ->> 8, substr(?2, value ->> 9, value ->> 10)
FROM json_each(?1)
"""
"""?1: the rows; ?2: their bodies in one, of which each row says where its own begins and how long it is."""
_OWN = "INSERT OR IGNORE INTO owned VALUES (?, ?, ?, ?, ?, ?)"
_ABOUT = """
SELECT number, body FROM access WHERE generation = ? AND partition = ? AND block = ? AND mark >= ? ORDER BY number
"""
_FIRST_MARK = """
SELECT number, body FROM access
WHERE generation = ? AND partition = ? AND recipient = ? AND feed = ? AND lane = ? AND mark >= ? AND block = -1
ORDER BY mark, number LIMIT 1
"""
_ENTRIES = """
SELECT number, body FROM access WHERE (:recipient IS NULL OR recipient = :recipient)
    AND (:feed IS NULL OR feed = :feed) {credential}
    AND time_us >= :first AND time_us < :last AND number < :before
ORDER BY number DESC LIMIT :most
"""
_BLOCKS = """
SELECT DISTINCT generation, block, partition FROM owned
WHERE publisher = ? AND (generation, block, partition) < (?, ?, ?)
ORDER BY generation DESC, block DESC, partition DESC LIMIT ?
"""
_RUNS = "SELECT runs FROM owned WHERE publisher = ? AND (generation, block, partition) = (?, ?, ?)"
_IN_BLOCK = """
SELECT number, body FROM access WHERE generation = ? AND block = ? AND partition = ? AND number < ?
ORDER BY number DESC LIMIT ?
"""
_PURGE = "DELETE FROM access WHERE number IN (SELECT number FROM access WHERE time_us < ? ORDER BY time_us LIMIT ?)"
_DISOWN = """
DELETE FROM owned WHERE received_us < ? AND NOT EXISTS (
    SELECT 1 FROM access WHERE (access.generation, access.partition, access.block)
    = (owned.generation, owned.partition, owned.block))
"""
_EVER = (1 << 63) - 1

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Access).decode


class SQLiteAccessJournal(OnWorkers):
    """An `AccessJournal`. One process writes; others may read beside it."""

    def __init__(self, path: Path, *, beside: bool = False) -> None:
        """`beside`: to read alone, whoever writes."""
        database = Database(path, _SCHEMA, version=1, synchronous="FULL", checkpoint_pages=4_096)
        self._writer = CallWorker("access-writer", database.open_writer)
        self._reader = CallWorker("access-reader", database.open_reader)
        super().__init__(*(() if beside else (self._writer,)), self._reader)

    async def add(self, entries: Sequence[Access]) -> None:
        rows, bodies = _packed([piece for entry in entries for piece in pieces(entry)])

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(_INSERT, (rows, bodies))

        if entries:
            await self._writer.call(write)

    async def attribute(self, owned: Sequence[Owned]) -> None:
        rows = [
            (each.publisher, each.generation, run_list(each.runs)[0][0] // BLOCK_OFFSETS, each.partition, each.runs,
             each.received_us)
            for each in owned
        ]  # fmt: skip

        def write(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                connection.executemany(_OWN, rows)

        if rows:
            await self._writer.call(write)

    async def about(self, position: Position) -> Sequence[Entry]:
        lane, offset = (position.generation, position.partition), position.offset

        def read(connection: sqlite3.Connection) -> list[Entry]:
            block = _found(connection, _ABOUT, *lane, offset // BLOCK_OFFSETS, offset)
            given = [entry for entry in block if holds(entry.access.runs, offset)]
            for feed in lanes_of(entry.access for entry in given):
                given += _found(connection, _FIRST_MARK, *lane, *feed, offset)
            return sorted(given)

        return await self._reader.call(read)

    async def entries(self, query: Query, *, limit: int) -> Sequence[Entry]:
        first, last = query.time_us or (-_EVER, _EVER)
        given = {
            "recipient": query.recipient, "feed": query.feed, "credential": query.credential, "first": first,
            "last": last, "before": _EVER if query.before is None else query.before, "most": limit,
        }  # fmt: skip
        used = "AND credential = :credential AND credential <> ''" * (query.credential is not None)
        statement = _ENTRIES.format(credential=used)

        def read(connection: sqlite3.Connection) -> list[Entry]:
            return [Entry(number, _decode(body)) for number, body in connection.execute(statement, given)]

        return await self._reader.call(read)

    async def blocks_of(
        self, publisher: str, *, below: Block | None, limit: int
    ) -> Sequence[tuple[Block, Sequence[bytes]]]:
        def read(connection: sqlite3.Connection) -> list[tuple[Block, Sequence[bytes]]]:
            after = below or (_EVER, 0, 0)
            blocks = [Block(*row) for row in connection.execute(_BLOCKS, (publisher, *after, limit))]
            return [(each, [runs for (runs,) in connection.execute(_RUNS, (publisher, *each))]) for each in blocks]

        return await self._reader.call(read)

    async def in_block(self, block: Block, *, before: int | None, limit: int) -> Sequence[Entry]:
        number = _EVER if before is None else before
        return await self._reader.call(lambda connection: _found(connection, _IN_BLOCK, *block, number, limit))

    async def purge(self, before_us: int) -> int:
        gone = 0
        while count := await self._writer.call(lambda each: each.execute(_PURGE, (before_us, PURGED_AT_ONCE)).rowcount):
            gone += count
        await self._writer.call(lambda connection: connection.execute(_DISOWN, (before_us,)).rowcount)
        return gone


def _packed(entries: Sequence[Access]) -> tuple[str, bytes]:
    rows: list[tuple[str | int, ...]] = []
    bodies: list[bytes] = []
    at = 1
    for each in entries:
        body = _encode(each)
        rows.append(
            (each.time_us, each.generation, each.partition, block_of(each), mark_of(each), each.recipient,
             each.feed, each.lane, each.credential, at, len(body))
        )  # fmt: skip
        bodies.append(body)
        at += len(body)
    return orjson.dumps(rows).decode(), b"".join(bodies)


def _found(connection: sqlite3.Connection, statement: str, *given: object) -> list[Entry]:
    return [Entry(number, _decode(body)) for number, body in connection.execute(statement, given)]
