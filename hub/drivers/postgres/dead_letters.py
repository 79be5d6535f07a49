"""Dead letters in PostgreSQL, each as one value beside the columns that it is found by."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from hub.core.dead_letter import DeadLetter, LetterState, Run
from hub.core.record import Position
from hub.drivers.postgres.database import Database
from hub.ports.dead_letters import After, Group, Which

_TAKE = "INSERT INTO dead_letter VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING"
_SET_MARK = """
INSERT INTO dead_letter_mark VALUES ($1, $2, $3)
ON CONFLICT (generation, partition) DO UPDATE SET log_offset = excluded.log_offset
"""
_GROUPS = """
SELECT cause, partner, state, count(*), min(since_us), max(since_us) FROM dead_letter
GROUP BY cause, partner, state ORDER BY cause, partner, state
"""
_STORE = "UPDATE dead_letter SET state = $2, settled_us = $3, body = $4 WHERE id = $1"
_KEEP = "INSERT INTO dead_letter_run VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET body = excluded.body"
_PURGE = """
DELETE FROM dead_letter USING (
    SELECT id, settled_us, count(*) OVER (PARTITION BY partner) AS held,
        row_number() OVER (PARTITION BY partner ORDER BY settled_us = 0, settled_us, id) AS place
    FROM dead_letter
) AS each WHERE dead_letter.id = each.id AND each.settled_us > 0
AND (each.settled_us < $1 OR each.place <= each.held - $2) RETURNING 1
"""


class PostgresDeadLetters:
    """A `DeadLetters`; made by `PostgresState`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def mark(self, generation: int, partition: int) -> int | None:
        rows = await self._database.read(
            "SELECT log_offset FROM dead_letter_mark WHERE generation = $1 AND partition = $2", generation, partition
        )
        return rows[0][0] if rows else None

    async def take(self, letters: Sequence[DeadLetter], mark: Position) -> None:
        async with self._database.transaction() as connection:
            await connection.executemany(_TAKE, [_row(letter) for letter in letters])
            await connection.execute(_SET_MARK, mark.generation, mark.partition, mark.offset)

    async def forget_marks(self) -> None:
        await self._database.write("DELETE FROM dead_letter_mark")

    async def get(self, id: str) -> DeadLetter | None:  # noqa: A002
        rows = await self._database.read("SELECT body FROM dead_letter WHERE id = $1", id)
        return _letter(rows[0][0]) if rows else None

    async def page(self, which: Which, *, after: After | None, limit: int) -> Sequence[DeadLetter]:
        given = {name: value for name in which.__struct_fields__ if (value := getattr(which, name)) is not None}
        conditions = "".join(f"{name} = ${place} AND " for place, name in enumerate(given, 4))
        statement = (
            f"SELECT body FROM dead_letter WHERE {conditions}(since_us, id) > ($1, $2) "  # noqa: S608 (names of this code)
            "ORDER BY since_us, id LIMIT $3"
        )
        rows = await self._database.read(statement, *(after or (-1, "")), limit, *map(str, given.values()))
        return [_letter(body) for (body,) in rows]

    async def groups(self) -> Sequence[Group]:
        rows = await self._database.read(_GROUPS)
        return [Group(cause, partner, LetterState(state), *rest) for cause, partner, state, *rest in rows]

    async def store(self, letter: DeadLetter, run: Run | None = None) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(_STORE, letter.id, letter.state.value, letter.settled_us, _encode(letter))
            if run is not None:
                await connection.execute(_KEEP, run.key, _encode(run))

    async def run(self, key: str) -> Run | None:
        rows = await self._database.read("SELECT body FROM dead_letter_run WHERE key = $1", key)
        return _run(rows[0][0]) if rows else None

    async def keep(self, run: Run) -> None:
        await self._database.write(_KEEP, run.key, _encode(run))

    async def purge(self, *, before_us: int, kept_max: int) -> int:
        return len(await self._database.write(_PURGE, before_us, kept_max))


def _row(letter: DeadLetter) -> tuple[object, ...]:
    names = (letter.id, letter.cause, letter.partner, letter.agent, letter.state.value)
    return (*names, letter.since_us, letter.settled_us, _encode(letter), letter.feed)


_encode = msgspec.msgpack.Encoder().encode
_letter = msgspec.msgpack.Decoder(DeadLetter).decode
_run = msgspec.msgpack.Decoder(Run).decode
