"""The access journal in PostgreSQL: workers on any number of machines write to one.

`access_block` finds the entries about an event, `access_mark` the first acknowledgement of a feed that reaches it; an
acknowledgement has block -1, that of none. `owned` says whose the events of a block are, in as many rows as it was
told in. Numbers come from a sequence: of two workers that write at once the later number may be there first.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from hub.core.access import BLOCK_OFFSETS, Access, block_of, holds, lanes_of, mark_of, pieces, run_list
from hub.core.record import Position
from hub.drivers.postgres.database import Database, Row
from hub.ports.access_journal import Block, Entry, Owned, Query

PURGED_AT_ONCE = 1_000
_INSERT = """
INSERT INTO access (time_us, generation, partition, block, mark, recipient, feed, lane, credential, body)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::bigint[], $5::bigint[], $6::text[], $7::text[],
    $8::text[], $9::text[], $10::bytea[])
"""
_OWN = """
INSERT INTO owned SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::integer[], $5::bytea[], $6::bigint[])
ORDER BY 1, 2, 3, 4, 5 -- in one order, so that no two workers wait for each other
ON CONFLICT DO NOTHING
"""
_ABOUT = """
SELECT number, body FROM access WHERE generation = $1 AND partition = $2 AND block = $3 AND mark >= $4 ORDER BY number
"""
_FIRST_MARKS = """
SELECT first.number, first.body FROM unnest($4::text[], $5::text[], $6::text[]) AS given (recipient, feed, lane),
LATERAL (
    SELECT number, body FROM access
    WHERE generation = $1 AND partition = $2 AND mark >= $3 AND block = -1
        AND (recipient, feed, lane) = (given.recipient, given.feed, given.lane)
    ORDER BY mark, number LIMIT 1
) AS first
"""
_ENTRIES = """
SELECT number, body FROM access WHERE ($1::text IS NULL OR recipient = $1) AND ($2::text IS NULL OR feed = $2)
    AND time_us >= $3 AND time_us < $4 AND number < $5 {credential}
ORDER BY number DESC LIMIT $6
"""
_BLOCKS = """
SELECT generation, block, partition, array_agg(runs ORDER BY runs) FROM owned
WHERE publisher = $1 AND (generation, block, partition) < ($2, $3, $4)
GROUP BY generation, block, partition ORDER BY generation DESC, block DESC, partition DESC LIMIT $5
"""
_IN_BLOCK = """
SELECT number, body FROM access WHERE generation = $1 AND block = $2 AND partition = $3 AND number < $4
ORDER BY number DESC LIMIT $5
"""
_PURGE = f"""
DELETE FROM access WHERE number IN (
    SELECT number FROM access WHERE time_us < $1 ORDER BY time_us LIMIT {PURGED_AT_ONCE}) RETURNING 1
"""  # noqa: S608 (a number)
_DISOWN = """
DELETE FROM owned WHERE received_us < $1 AND NOT EXISTS (
    SELECT 1 FROM access WHERE (access.generation, access.partition, access.block)
    = (owned.generation, owned.partition, owned.block))
"""
_EVER = (1 << 63) - 1

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Access).decode


class PostgresAccessJournal:
    """An `AccessJournal`; made by `PostgresState`."""

    def __init__(self, written: Database, asked: Database) -> None:
        """Two pools: who asks what was given keeps nobody from being given anything."""
        self._written, self._asked = written, asked

    async def add(self, entries: Sequence[Access]) -> None:
        rows = [_columns(piece) for entry in entries for piece in pieces(entry)]
        if rows:
            await self._written.write(_INSERT, *map(list, zip(*rows, strict=True)))

    async def attribute(self, owned: Sequence[Owned]) -> None:
        rows = [
            (each.publisher, each.generation, run_list(each.runs)[0][0] // BLOCK_OFFSETS, each.partition, each.runs,
             each.received_us)
            for each in owned
        ]  # fmt: skip
        if rows:
            await self._written.write(_OWN, *map(list, zip(*rows, strict=True)))

    async def about(self, position: Position) -> Sequence[Entry]:
        place, offset = (position.generation, position.partition), position.offset
        async with self._asked.connection() as connection:
            block = _found(await connection.fetch(_ABOUT, *place, offset // BLOCK_OFFSETS, offset))
            given = [entry for entry in block if holds(entry.access.runs, offset)]
            lanes = lanes_of(entry.access for entry in given)
            if lanes:
                columns = map(list, zip(*lanes, strict=True))
                given += _found(await connection.fetch(_FIRST_MARKS, *place, offset, *columns))
        return sorted(given)

    async def entries(self, query: Query, *, limit: int) -> Sequence[Entry]:
        first, last = query.time_us or (-_EVER, _EVER)
        before = _EVER if query.before is None else query.before
        used = [] if query.credential is None else [query.credential]
        statement = _ENTRIES.format(credential="AND credential = $7 AND credential <> ''" * len(used))
        return _found(await self._asked.read(statement, query.recipient, query.feed, first, last, before, limit, *used))

    async def blocks_of(
        self, publisher: str, *, below: Block | None, limit: int
    ) -> Sequence[tuple[Block, Sequence[bytes]]]:
        rows = await self._asked.read(_BLOCKS, publisher, *(below or (_EVER, 0, 0)), limit)
        return [(Block(generation, number, partition), runs) for generation, number, partition, runs in rows]

    async def in_block(self, block: Block, *, before: int | None, limit: int) -> Sequence[Entry]:
        number = _EVER if before is None else before
        return _found(await self._asked.read(_IN_BLOCK, *block, number, limit))

    async def purge(self, before_us: int) -> int:
        gone = 0
        while rows := await self._written.write(_PURGE, before_us):
            gone += len(rows)
        await self._written.write(_DISOWN, before_us)
        return gone


def _columns(access: Access) -> tuple[object, ...]:
    return (
        access.time_us, access.generation, access.partition, block_of(access), mark_of(access), access.recipient,
        access.feed, access.lane, access.credential, _encode(access),
    )  # fmt: skip


def _found(rows: Sequence[Row]) -> list[Entry]:
    return [Entry(number, _decode(body)) for number, body in rows]
