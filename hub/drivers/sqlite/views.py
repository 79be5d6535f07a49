"""What is known of events, in one SQLite file of its own: a copy of the log for questions.

Theory of operation. `event` holds the events under numbers given in the order in which they came to be known; the
order of questions is (received, number), which every index ends with. `object` finds them by what they name, `series`
by what they are a version of or take back. A batch goes in with its mark in one transaction, by a statement a table:
rows come out of one JSON text and one blob, so that the interpreter is handed over a few times a batch.

Everything follows from the log, so the file is no treasure: `synchronous=NORMAL` may lose the newest commits with
power, and with them the mark, and they are followed again. A file of another layout, of another log, or that cannot
be read, is thrown away and made anew; so deleting it is how it is rebuilt.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Self

import orjson

from hub.core.record import Position
from hub.drivers.sqlite.database import Database
from hub.drivers.sqlite.views_query import COLUMNS, Scan, event_of, within
from hub.drivers.sqlite.worker import CallWorker, OnWorkers, transaction
from hub.ports.views import KnownEvent, Mark, Page, Query
from schemas.identity import IDENTITY_BYTES, identity_key

LAYOUT = 3
PURGED_AT_ONCE = 1_000
_SCHEMA = """
CREATE TABLE origin (log TEXT NOT NULL);    -- one row
CREATE TABLE mark (
    generation INTEGER,
    partition INTEGER,
    offset INTEGER NOT NULL,
    time_us INTEGER NOT NULL,
    PRIMARY KEY (generation, partition)
) WITHOUT ROWID;
CREATE TABLE event (
    number INTEGER PRIMARY KEY,
    received_us INTEGER NOT NULL,
    occurred_us INTEGER NOT NULL,
    consigned INTEGER NOT NULL,
    publisher TEXT NOT NULL,
    type TEXT NOT NULL,
    version TEXT NOT NULL,
    generation INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    objects TEXT NOT NULL,    -- JSON array
    series BLOB NOT NULL,     -- 16 bytes each
    header BLOB NOT NULL,
    value BLOB NOT NULL
);
CREATE INDEX event_received ON event (received_us);
CREATE INDEX event_publisher ON event (publisher, received_us);
CREATE INDEX event_type ON event (type, received_us);
CREATE INDEX event_unconsigned ON event (received_us) WHERE consigned = 0;
CREATE TABLE object (
    name TEXT,
    received_us INTEGER,
    number INTEGER,
    consigned INTEGER NOT NULL,
    publisher TEXT NOT NULL,
    PRIMARY KEY (name, received_us, number)
) WITHOUT ROWID;
CREATE INDEX object_consigned ON object (name, received_us, number) WHERE consigned = 1;
CREATE TABLE series (
    key BLOB,
    version TEXT,
    number INTEGER,
    PRIMARY KEY (key, version, number)
) WITHOUT ROWID
"""

_MARK = "SELECT offset, time_us FROM mark WHERE generation = ? AND partition = ?"
_SET_MARK = "INSERT OR REPLACE INTO mark VALUES (?, ?, ?, ?)"
_INSERT = """
INSERT INTO event SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
    value ->> 7, value ->> 8, value ->> 9, value -> 10, substr(?2, value ->> 11, value ->> 12),
    substr(?2, value ->> 13, value ->> 14), substr(?2, value ->> 15, value ->> 16)
FROM json_each(?1)
"""
"""?1: the rows; ?2: the series, headers and values of all, of which each row says where its own begins and how long."""
_INSERT_OBJECTS = """
INSERT OR IGNORE INTO object SELECT each.value, received_us, number, consigned, publisher
FROM event, json_each(event.objects) AS each WHERE number >= ?
"""
_INSERT_SERIES = f"""
INSERT OR IGNORE INTO series SELECT substr(series, 1 + ?2, {IDENTITY_BYTES}), version, number
FROM event WHERE number >= ?1 AND length(series) > ?2
"""  # noqa: S608 (a number)
_OLD = "SELECT number FROM event INDEXED BY event_received WHERE received_us < ? ORDER BY received_us LIMIT ?"
_DELETE_OBJECTS = """
DELETE FROM object WHERE (name, received_us, number) IN (
    SELECT each.value, received_us, number FROM event, json_each(event.objects) AS each
    WHERE number IN (SELECT value FROM json_each(?1)))
"""
_DELETE_SERIES = f"""
DELETE FROM series WHERE (key, version, number) IN (
    SELECT substr(series, 1 + {IDENTITY_BYTES} * each.value, {IDENTITY_BYTES}), version, number
    FROM event, json_each(?2) AS each WHERE number IN (SELECT value FROM json_each(?1)))
"""  # noqa: S608 (numbers)
_DELETE = "DELETE FROM event WHERE number IN (SELECT value FROM json_each(?1))"
_ABOUT = """
SELECT number FROM object {index} WHERE name = :key {where}
ORDER BY received_us DESC, number DESC LIMIT :most
"""
_VERSIONS = "SELECT number FROM series WHERE key = :key ORDER BY version DESC, number DESC LIMIT :most"
_THESE = f"""
SELECT {COLUMNS} FROM event WHERE number IN (SELECT value FROM json_each(?)) ORDER BY received_us DESC, number DESC
"""  # noqa: S608 (names)
_NEWEST = f"""
WITH given (id, key) AS (
    SELECT value, substr(?1, 1 + {IDENTITY_BYTES} * key, {IDENTITY_BYTES}) FROM json_each(?2)
)
SELECT given.id, {COLUMNS} FROM given JOIN event ON number = (
    SELECT series.number FROM series JOIN event AS own USING (number)
    WHERE series.key = given.key AND substr(own.series, 1, {IDENTITY_BYTES}) = given.key
    ORDER BY series.version DESC, series.number DESC LIMIT 1)
"""  # noqa: S608 (names and numbers)


class SQLiteViews(OnWorkers):
    """A `Views` on one disk. Enter it to open the file; `log` names the log that it was made from."""

    def __init__(self, path: Path, *, log: str) -> None:
        self._database = Database(
            path,
            _SCHEMA,
            version=LAYOUT,
            synchronous="NORMAL",
            checkpoint_pages=16_384,
            cache_bytes=8_388_608,
        )
        self._log = log
        self._writer = CallWorker("views-writer", self._database.open_writer)
        self._reader = CallWorker("views-reader", self._database.open_reader)
        super().__init__(self._writer, self._reader)
        self._number = 0
        """The highest given; only the writer's thread looks at it."""

    async def __aenter__(self) -> Self:
        """Raises StorageUnavailable, StorageFull."""
        if not self._is_ours():
            _remove(self._database.path)
        return await super().__aenter__()

    async def _begin(self) -> None:
        self._number = await self._writer.call(self._mark_as_ours)

    def _mark_as_ours(self, connection: sqlite3.Connection) -> int:
        """Say whose the file is, if it is new; return the highest number in it."""
        connection.execute("INSERT INTO origin SELECT ? WHERE NOT EXISTS (SELECT 1 FROM origin)", (self._log,))
        return int(connection.execute("SELECT coalesce(max(number), 0) FROM event").fetchone()[0])

    def _is_ours(self) -> bool:
        """Whether the file, if there is one, can be gone on with."""
        if not self._database.path.exists():
            return True
        with suppress(sqlite3.Error), closing(sqlite3.connect(self._database.path)) as connection:
            layout = connection.execute("PRAGMA user_version").fetchone()[0]
            return bool(layout == LAYOUT and connection.execute("SELECT log FROM origin").fetchall() == [(self._log,)])
        return False

    async def apply(self, events: Sequence[KnownEvent], mark: Mark) -> None:
        def write(connection: sqlite3.Connection) -> None:
            position = mark.position
            with transaction(connection):
                row = connection.execute(_MARK, (position.generation, position.partition)).fetchone()
                offset = row[0] if row else 0
                fresh = [event for event in events if event.position.offset >= offset] if offset else events
                if fresh:
                    self._enter(connection, fresh)
                if position.offset > offset or not row:
                    connection.execute(_SET_MARK, (*_integers(position), mark.time_us))
            self._number += len(fresh)

        await self._writer.call(write)

    def _enter(self, connection: sqlite3.Connection, events: Sequence[KnownEvent]) -> None:
        first = self._number + 1
        connection.execute(_INSERT, _packed(events, first))
        connection.execute(_INSERT_OBJECTS, (first,))
        for start in range(0, max(len(event.series) for event in events) * IDENTITY_BYTES, IDENTITY_BYTES):
            connection.execute(_INSERT_SERIES, (first, start))

    async def mark(self, generation: int, partition: int) -> Mark | None:
        def read(connection: sqlite3.Connection) -> Mark | None:
            row = connection.execute(_MARK, (generation, partition)).fetchone()
            return Mark(Position(generation, partition, row[0]), row[1]) if row else None

        return await self._reader.call(read)

    async def reset(self) -> None:
        def clear(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                for table in ("mark", "event", "object", "series"):
                    connection.execute(f"DELETE FROM {table}")  # noqa: S608 (SQLite truncates: no row is looked at)

        await self._writer.call(clear)

    async def purge(self, before_us: int) -> int:
        gone = 0
        while count := await self._writer.call(lambda connection: _purge_some(connection, before_us)):
            gone += count
        return gone

    async def events(self, query: Query, *, limit: int, looked_at_max: int, bytes_max: int) -> Page:
        scan = Scan(query, limit=limit, looked_at_max=looked_at_max, bytes_max=bytes_max)
        return await self._reader.call(scan.run)

    async def about(
        self,
        objects: Sequence[str],
        *,
        each_max: int,
        bytes_max: int,
        publisher: str | None = None,
        consigned: bool = False,
    ) -> Sequence[KnownEvent]:
        statement = _ABOUT.format(
            index="INDEXED BY object_consigned" if consigned else "",
            where=" AND consigned = 1" * consigned + " AND publisher = :publisher" * (publisher is not None),
        )
        given = [{"key": name, "publisher": publisher, "most": each_max} for name in set(objects)]
        return await self._reader.call(lambda connection: _found(connection, statement, given, bytes_max))

    async def versions(self, series: Sequence[bytes], *, each_max: int, bytes_max: int) -> Sequence[KnownEvent]:
        given = [{"key": each, "most": each_max} for each in set(series)]
        return await self._reader.call(lambda connection: _found(connection, _VERSIONS, given, bytes_max))

    async def newest(self, publisher: str, source: str, ids: Sequence[str]) -> Mapping[str, KnownEvent]:
        keys = b"".join([identity_key(publisher, source, id_, None) for id_ in ids])

        def read(connection: sqlite3.Connection) -> Mapping[str, KnownEvent]:
            rows = connection.execute(_NEWEST, (keys, orjson.dumps(ids).decode())).fetchall()
            return {id_: event_of(row) for id_, *row in rows}

        return await self._reader.call(read)


def _packed(events: Sequence[KnownEvent], first: int) -> tuple[str, bytes]:
    """The rows as JSON, and everything in them that is bytes in one blob."""
    rows: list[list[Any]] = []
    blob: list[bytes] = []
    at = 1
    for number, event in enumerate(events, first):
        series = event.series[0] if len(event.series) == 1 else b"".join(event.series)
        header_at = at + len(series)
        value_at = header_at + len(event.header)
        position = event.position
        rows.append(
            [number, event.received_us, event.occurred_us, int(event.consigned), event.publisher, event.type,
             event.version, position.generation, position.partition, position.offset, event.objects,
             at, len(series), header_at, len(event.header), value_at, len(event.value)]
        )  # fmt: skip
        blob += (series, event.header, event.value)
        at = value_at + len(event.value)
    return orjson.dumps(rows).decode(), b"".join(blob)


def _found(
    connection: sqlite3.Connection, statement: str, given: Iterable[Mapping[str, object]], bytes_max: int
) -> list[KnownEvent]:
    """The events whose numbers the statement gives, for each of what is given; newest first."""
    numbers = {number for each in given for (number,) in connection.execute(statement, each)}
    events, _ = within(connection.execute(_THESE, (orjson.dumps(list(numbers)).decode(),)), bytes_max)
    return [event for _, event in events]


def _purge_some(connection: sqlite3.Connection, before_us: int) -> int:
    with transaction(connection):
        numbers = [number for (number,) in connection.execute(_OLD, (before_us, PURGED_AT_ONCE))]
        if numbers:
            these = orjson.dumps(numbers).decode()
            longest = "SELECT max(length(series)) FROM event WHERE number IN (SELECT value FROM json_each(?))"
            most = connection.execute(longest, (these,)).fetchone()[0] // IDENTITY_BYTES
            connection.execute(_DELETE_OBJECTS, (these,))
            connection.execute(_DELETE_SERIES, (these, orjson.dumps(list(range(most))).decode()))
            connection.execute(_DELETE, (these,))
    return len(numbers)


def _integers(position: Position) -> tuple[int, int, int]:
    return position.generation, position.partition, position.offset


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
