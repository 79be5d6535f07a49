"""What is known of events, in PostgreSQL: a copy of the log for questions.

Theory of operation. `view_event` holds the events under numbers given in the order in which they came to be known; the
order of questions is (received, number), which every index ends with. `view_object` finds them by what they name,
`view_series` by what they are a version of or take back. A batch goes in with its mark in one transaction, which holds
the row that the last number is read from: so numbers rise in the order of commits, whoever follows which partition.

Names are asked for by the first 16 bytes of their SHA-256: a partner may send some that are longer than an index takes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hub.core.record import Position
from hub.drivers.postgres.database import Connection, Database
from hub.drivers.postgres.views_query import COLUMNS, KEY_BYTES, Scan, bounded, event_of, key_of
from hub.ports.views import KnownEvent, Mark, Page, Query
from schemas.identity import identity_key

PURGED_AT_ONCE = 1_000
_KEY = f"substr(sha256(name), 1, {KEY_BYTES})"

_LAST = "SELECT last FROM view_number FOR UPDATE"
_SET_LAST = "UPDATE view_number SET last = $1"
_MARK = "SELECT log_offset, time_us FROM view_mark WHERE generation = $1 AND partition = $2"
_SET_MARK = """
INSERT INTO view_mark VALUES ($1, $2, $3, $4) ON CONFLICT (generation, partition)
DO UPDATE SET log_offset = excluded.log_offset, time_us = excluded.time_us
"""
_INSERT_OBJECTS = f"""
INSERT INTO view_object SELECT {_KEY}, received_us, number, consigned, publisher
FROM view_event, unnest(objects) AS name WHERE number > $1 ON CONFLICT DO NOTHING
"""  # noqa: S608 (a number)
_INSERT_SERIES = """
INSERT INTO view_series SELECT key, version, number
FROM view_event, unnest(series) AS key WHERE number > $1 ON CONFLICT DO NOTHING
"""
_PURGE = f"""
WITH old AS (
    SELECT number, received_us, version, objects, series FROM view_event
    WHERE received_us < $1 ORDER BY received_us LIMIT {PURGED_AT_ONCE}
), objects AS (
    DELETE FROM view_object USING (
        SELECT {_KEY} AS key, received_us, number FROM old, unnest(objects) AS name
    ) AS gone
    WHERE (view_object.key, view_object.received_us, view_object.number) = (gone.key, gone.received_us, gone.number)
), series AS (
    DELETE FROM view_series USING (SELECT key, version, number FROM old, unnest(series) AS key) AS gone
    WHERE (view_series.key, view_series.version, view_series.number) = (gone.key, gone.version, gone.number)
)
DELETE FROM view_event USING old WHERE view_event.number = old.number RETURNING 1
"""  # noqa: S608 (numbers)
_ABOUT = """
SELECT DISTINCT newest.number FROM unnest($2::bytea[]) AS given (key), LATERAL (
    SELECT number FROM view_object WHERE key = given.key {where} ORDER BY received_us DESC, number DESC LIMIT $3
) AS newest
"""
_VERSIONS = """
SELECT DISTINCT newest.number FROM unnest($2::bytea[]) AS given (key), LATERAL (
    SELECT number FROM view_series WHERE key = given.key ORDER BY version DESC, number DESC LIMIT $3
) AS newest
"""
_NEWEST = f"""
SELECT given.place, {COLUMNS} FROM unnest($1::bytea[]) WITH ORDINALITY AS given (key, place), LATERAL (
    SELECT view_event.* FROM view_series JOIN view_event USING (number)
    WHERE view_series.key = given.key AND view_event.series[1] = given.key
    ORDER BY view_series.version DESC, number DESC LIMIT 1
) AS event
"""  # noqa: S608 (names)
_FIELDS = (
    "number", "received_us", "occurred_us", "consigned", "publisher", "type", "version",
    "generation", "partition", "log_offset", "objects", "series", "header", "value",
)  # fmt: skip


class PostgresViews:
    """A `Views`; made by `PostgresState`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def apply(self, events: Sequence[KnownEvent], mark: Mark) -> None:
        lane = mark.position.generation, mark.position.partition
        async with self._database.transaction() as connection:
            last: int = await connection.fetchval(_LAST)
            offset: int | None = await connection.fetchval(_MARK, *lane)
            fresh = [event for event in events if offset is None or event.position.offset >= offset]
            if fresh:
                await _enter(connection, fresh, last)
            if offset is None or mark.position.offset > offset:
                await connection.execute(_SET_MARK, *lane, mark.position.offset, mark.time_us)

    async def mark(self, generation: int, partition: int) -> Mark | None:
        rows = await self._database.read(_MARK, generation, partition)
        return Mark(Position(generation, partition, rows[0][0]), rows[0][1]) if rows else None

    async def reset(self) -> None:
        await self._database.write("TRUNCATE view_mark, view_event, view_object, view_series")

    async def purge(self, before_us: int) -> int:
        gone = 0
        while rows := await self._database.write(_PURGE, before_us):
            gone += len(rows)
        return gone

    async def events(self, query: Query, *, limit: int, looked_at_max: int, bytes_max: int) -> Page:
        scan = Scan(query, limit=limit, looked_at_max=looked_at_max, bytes_max=bytes_max)
        async with self._database.connection() as connection:
            return await scan.run(connection)

    async def about(
        self,
        objects: Sequence[str],
        *,
        each_max: int,
        bytes_max: int,
        publisher: str | None = None,
        consigned: bool = False,
    ) -> Sequence[KnownEvent]:
        where = " AND consigned" * consigned + " AND publisher = $4" * (publisher is not None)
        keys = {key_of(name) for name in objects}
        own = [] if publisher is None else [publisher]
        return await self._found(_ABOUT.format(where=where), bytes_max, list(keys), each_max, *own)

    async def versions(self, series: Sequence[bytes], *, each_max: int, bytes_max: int) -> Sequence[KnownEvent]:
        return await self._found(_VERSIONS, bytes_max, list(set(series)), each_max)

    async def newest(self, publisher: str, source: str, ids: Sequence[str]) -> Mapping[str, KnownEvent]:
        keys = [identity_key(publisher, source, id_, None) for id_ in ids]
        rows = await self._database.read(_NEWEST, keys)
        return {ids[place - 1]: event_of(row) for place, *row in rows}

    async def _found(self, numbers: str, bytes_max: int, *given: object) -> list[KnownEvent]:
        """The events whose numbers the statement gives, newest first, as far as the bytes go ($1)."""
        rows = await self._database.read(
            bounded(f"number IN ({numbers})", "received_us DESC, number DESC"), bytes_max, *given
        )
        return [event_of(row) for row in rows]


async def _enter(connection: Connection, events: Sequence[KnownEvent], last: int) -> None:
    """Give the events the numbers after the last one."""
    rows = [
        (
            number,
            event.received_us,
            event.occurred_us,
            event.consigned,
            event.publisher,
            event.type,
            event.version,
            event.position.generation,
            event.position.partition,
            event.position.offset,
            [name.encode() for name in event.objects],
            event.series,
            event.header,
            event.value,
        )
        for number, event in enumerate(events, last + 1)
    ]
    await connection.copy_records_to_table("view_event", records=rows, columns=_FIELDS)
    await connection.execute(_INSERT_OBJECTS, last)
    await connection.execute(_INSERT_SERIES, last)
    await connection.execute(_SET_LAST, last + len(rows))
