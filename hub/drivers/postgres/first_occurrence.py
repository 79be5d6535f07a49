"""The first-occurrence index in PostgreSQL (what it shares with leases and positions: `state.py`).

Theory of operation. The index is cut into time slices by append time, each a partition of two tables that goes as a
whole: `first_occurrence` holds one row an identity, `repeat_occurrence` what came later. An identity is first in at
most one slice: it is entered only where no slice has it. That is safe without locking it, since all events of an
identity lie in one partition of the log, whose judge alone holds the lease.

Who judges shares a lock on the row of every slice: none goes before the verdicts are read. A new slice is attached,
which keeps nobody from reading or writing. Dropping one needs the tables to itself for a moment; it waits no longer
for that than the readers who then queue behind it can bear, and is tried again at the next purge.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from hub.core.record import Position
from hub.drivers.postgres.database import Connection, Database, Row
from hub.drivers.postgres.positions import HELD, check_lease, write_held
from hub.ports.first_occurrence import Occurrence
from hub.ports.positions import Lease

DROP_WAIT_MS_MAX = 300

_COLUMNS = "identity, digest, generation, partition, log_offset, time_us"
_GIVEN = """
unnest($1::integer[], $2::bytea[], $3::bytea[], $4::bigint[], $5::integer[], $6::bigint[], $7::bigint[])
WITH ORDINALITY AS given (slice, identity, digest, generation, partition, log_offset, time_us, place)
"""
_ENTER = f"""
INSERT INTO first_occurrence (slice, {_COLUMNS})
SELECT slice, {_COLUMNS} FROM {_GIVEN}
WHERE NOT EXISTS (SELECT FROM first_occurrence AS known WHERE known.identity = given.identity)
ORDER BY place
ON CONFLICT DO NOTHING
"""  # noqa: S608 (constants, here and below)
_ENTER_REPEATS = f"""
INSERT INTO repeat_occurrence (slice, {_COLUMNS}) SELECT slice, {_COLUMNS} FROM {_GIVEN} ON CONFLICT DO NOTHING
"""  # noqa: S608
_FIND = f"SELECT {_COLUMNS} FROM first_occurrence WHERE identity = ANY ($1::bytea[])"  # noqa: S608
_ALL = f"""
SELECT {_COLUMNS}, 1 AS rank FROM first_occurrence WHERE identity = $1
UNION ALL SELECT {_COLUMNS}, 2 FROM repeat_occurrence WHERE identity = $1
ORDER BY rank, time_us, generation, partition, log_offset
"""  # noqa: S608
_SET_MARK = f"""
WITH held AS ({HELD}), stored AS (
    INSERT INTO judge_mark AS known SELECT $3, $4, $5 FROM held
    ON CONFLICT (generation, partition) DO UPDATE SET log_offset = greatest(known.log_offset, excluded.log_offset)
)
SELECT count(*) FROM held
"""  # noqa: S608
_MARK = "SELECT log_offset FROM judge_mark WHERE generation = $1 AND partition = $2"

_SLICES = "SELECT start_s, end_s, id FROM slice ORDER BY id FOR SHARE"
_ADD_SLICES = """
INSERT INTO slice (start_s, end_s) SELECT * FROM unnest($1::bigint[], $2::bigint[]) ON CONFLICT DO NOTHING RETURNING id
"""
_OLD_SLICES = "SELECT id FROM slice WHERE end_s * 1000000 <= $1 ORDER BY id FOR UPDATE"


class _Slice(NamedTuple):
    """A span of append times, in seconds since 1970; the end is outside."""

    start: int
    end: int


class PostgresFirstOccurrence:
    """A `FirstOccurrence`; made by `PostgresState`."""

    def __init__(self, database: Database, *, slice_seconds: int) -> None:
        self._database = database
        self._slice_seconds = slice_seconds

    async def look_up(self, identities: Sequence[bytes]) -> Sequence[Occurrence | None]:
        if not identities:
            return ()
        found = {row[0]: _occurrence(row) for row in await self._database.read(_FIND, identities)}
        return [found.get(identity) for identity in identities]

    async def judge(self, lease: Lease, occurrences: Sequence[Occurrence]) -> Sequence[Occurrence]:
        if not occurrences:
            return ()
        async with self._database.transaction() as connection:
            await check_lease(connection, lease)
            slices = await self._slices(connection, occurrences)
            for _, group in groupby(occurrences, self._slice_of):
                await connection.execute(_ENTER, *self._columns(group, slices))
            identities = [occurrence.identity for occurrence in occurrences]
            found = {row[0]: _occurrence(row) for row in await connection.fetch(_FIND, identities)}
            firsts = [found[identity] for identity in identities]
            repeats = [own for own, first in zip(occurrences, firsts, strict=True) if own.position != first.position]
            if repeats:
                await connection.execute(_ENTER_REPEATS, *self._columns(repeats, slices))
        return firsts

    async def set_mark(self, lease: Lease, position: Position) -> None:
        place = position.generation, position.partition, position.offset
        await write_held(self._database, lease, _SET_MARK, *place)

    async def mark(self, generation: int, partition: int) -> int:
        rows = await self._database.read(_MARK, generation, partition)
        return rows[0][0] if rows else 0

    async def occurrences(self, identity: bytes) -> Sequence[Occurrence]:
        return [_occurrence(row[:-1]) for row in await self._database.read(_ALL, identity)]

    async def purge(self, *, before_us: int) -> int:
        async with self._database.transaction() as connection:
            await connection.execute(f"SET LOCAL lock_timeout = {DROP_WAIT_MS_MAX}")
            old = [id_ for (id_,) in await connection.fetch(_OLD_SLICES, before_us)]
            for id_ in old:
                await connection.execute(f"DROP TABLE first_{id_}, repeat_{id_}")
            await connection.execute("DELETE FROM slice WHERE id = ANY ($1)", old)
        return len(old)

    def _slice_of(self, occurrence: Occurrence) -> _Slice:
        start = occurrence.time_us // (self._slice_seconds * 1_000_000) * self._slice_seconds
        return _Slice(start, start + self._slice_seconds)

    async def _slices(self, connection: Connection, occurrences: Iterable[Occurrence]) -> dict[_Slice, int]:
        """The numbers of all slices, which stay until the transaction ends; those that are missing are made."""
        wanted = {self._slice_of(occurrence) for occurrence in occurrences}
        while True:
            known = {_Slice(start, end): id_ for start, end, id_ in await connection.fetch(_SLICES)}
            missing = sorted(wanted - known.keys())
            if not missing:
                return known
            starts, ends = zip(*missing, strict=True)
            for (id_,) in await connection.fetch(_ADD_SLICES, starts, ends):
                await _attach(connection, id_)

    def _columns(self, occurrences: Iterable[Occurrence], slices: dict[_Slice, int]) -> list[list[object]]:
        """What `_GIVEN` takes."""
        rows = [
            (
                slices[self._slice_of(each)],
                each.identity,
                each.digest,
                each.position.generation,
                each.position.partition,
                each.position.offset,
                each.time_us,
            )
            for each in occurrences
        ]
        return [list(column) for column in zip(*rows, strict=True)]


async def _attach(connection: Connection, id_: int) -> None:
    """Give a new slice its tables: attaching them, unlike making them as partitions, locks nobody out."""
    for name in ("first", "repeat"):
        await connection.execute(f"CREATE TABLE {name}_{id_} (LIKE {name}_occurrence INCLUDING ALL)")
        await connection.execute(f"ALTER TABLE {name}_occurrence ATTACH PARTITION {name}_{id_} FOR VALUES IN ({id_})")


def _occurrence(row: Row) -> Occurrence:
    identity, digest, generation, partition, offset, time_us = row
    return Occurrence(identity, digest, Position(generation, partition, offset), time_us)
