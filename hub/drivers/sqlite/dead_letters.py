"""Dead letters in SQLite, each as one value beside the columns that it is found by.

`synchronous=FULL`: a letter is a function of the log and the registry, but that one was settled is not to be found out
again by doing it a second time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from hub.core.dead_letter import DeadLetter, LetterState, Run
from hub.core.record import Position
from hub.drivers.sqlite.database import Database
from hub.drivers.sqlite.worker import CallWorker, OnWorkers, transaction
from hub.ports.dead_letters import After, Group, Which

_SCHEMA = """
CREATE TABLE dead_letter (
    id TEXT PRIMARY KEY,
    cause TEXT NOT NULL,
    partner TEXT NOT NULL,
    agent TEXT NOT NULL,
    state TEXT NOT NULL,
    since_us INTEGER NOT NULL,
    settled_us INTEGER NOT NULL,    -- 0 while it waits
    body BLOB NOT NULL,
    feed TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE INDEX dead_letter_by_time ON dead_letter (since_us, id);
CREATE INDEX dead_letter_by_group ON dead_letter (cause, partner, state, since_us, id);
CREATE INDEX dead_letter_by_partner ON dead_letter (partner, since_us, id);
CREATE INDEX dead_letter_by_agent ON dead_letter (agent, since_us, id) WHERE agent <> '';
CREATE TABLE dead_letter_mark (
    generation INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    PRIMARY KEY (generation, partition)
) WITHOUT ROWID;
CREATE TABLE dead_letter_run (key TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
"""
_BY_FEED = "CREATE INDEX dead_letter_by_feed ON dead_letter (feed, state, since_us, id) WHERE feed <> ''"
_GROUPS = """
SELECT cause, partner, state, count(*), min(since_us), max(since_us) FROM dead_letter
GROUP BY cause, partner, state ORDER BY cause, partner, state
"""
_PURGE = """
DELETE FROM dead_letter WHERE id IN (
    SELECT id FROM (
        SELECT id, settled_us, count(*) OVER (PARTITION BY partner) AS held,
            row_number() OVER (PARTITION BY partner ORDER BY settled_us = 0, settled_us, id) AS place
        FROM dead_letter
    ) WHERE settled_us > 0 AND (settled_us < ? OR place <= held - ?)
)
"""


class SQLiteDeadLetters(OnWorkers):
    """A `DeadLetters`."""

    def __init__(self, path: Path) -> None:
        database = Database(
            path,
            _SCHEMA + _BY_FEED,
            version=2,
            synchronous="FULL",
            checkpoint_pages=1_000,
            upgrades={1: _find_by_feed},
        )
        self._worker = CallWorker("dead-letters", database.open_writer)
        super().__init__(self._worker)

    async def mark(self, generation: int, partition: int) -> int | None:
        rows = await self._rows(
            "SELECT offset FROM dead_letter_mark WHERE generation = ? AND partition = ?", generation, partition
        )
        return rows[0][0] if rows else None

    async def take(self, letters: Sequence[DeadLetter], mark: Position) -> None:
        rows = [_row(letter) for letter in letters]

        def write(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                connection.executemany("INSERT OR IGNORE INTO dead_letter VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
                place = mark.generation, mark.partition, mark.offset
                connection.execute("INSERT OR REPLACE INTO dead_letter_mark VALUES (?, ?, ?)", place)

        await self._worker.call(write)

    async def forget_marks(self) -> None:
        await self._rows("DELETE FROM dead_letter_mark")

    async def get(self, id: str) -> DeadLetter | None:  # noqa: A002
        rows = await self._rows("SELECT body FROM dead_letter WHERE id = ?", id)
        return _letter(rows[0][0]) if rows else None

    async def page(self, which: Which, *, after: After | None, limit: int) -> Sequence[DeadLetter]:
        given = {name: value for name in which.__struct_fields__ if (value := getattr(which, name)) is not None}
        conditions = "".join(f"{name} = ? AND " for name in given)
        statement = (
            f"SELECT body FROM dead_letter WHERE {conditions}(since_us, id) > (?, ?) ORDER BY since_us, id LIMIT ?"  # noqa: S608 (names of this code)
        )
        rows = await self._rows(statement, *map(str, given.values()), *(after or (-1, "")), limit)
        return [_letter(body) for (body,) in rows]

    async def groups(self) -> Sequence[Group]:
        rows = await self._rows(_GROUPS)
        return [Group(cause, partner, LetterState(state), *rest) for cause, partner, state, *rest in rows]

    async def store(self, letter: DeadLetter, run: Run | None = None) -> None:
        id_, _, _, _, state, _, settled_us, body, _ = _row(letter)

        def write(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                changed = (state, settled_us, body, id_)
                connection.execute("UPDATE dead_letter SET state = ?, settled_us = ?, body = ? WHERE id = ?", changed)
                if run is not None:
                    connection.execute(*_keeping(run))

        await self._worker.call(write)

    async def run(self, key: str) -> Run | None:
        rows = await self._rows("SELECT body FROM dead_letter_run WHERE key = ?", key)
        return _run(rows[0][0]) if rows else None

    async def keep(self, run: Run) -> None:
        statement, given = _keeping(run)
        await self._rows(statement, *given)

    async def purge(self, *, before_us: int, kept_max: int) -> int:
        return await self._worker.call(lambda each: each.execute(_PURGE, (before_us, kept_max)).rowcount)

    async def _rows(self, statement: str, *given: object) -> list[tuple[Any, ...]]:
        return await self._worker.call(lambda each: each.execute(statement, given).fetchall())


def _find_by_feed(connection: sqlite3.Connection) -> None:
    """Layout 1 knew no feeds: they are in the letters, whole."""
    connection.execute("ALTER TABLE dead_letter ADD COLUMN feed TEXT NOT NULL DEFAULT ''")
    connection.create_function("feed_of", 1, lambda body: _letter(body).feed)
    connection.execute("UPDATE dead_letter SET feed = feed_of(body)")
    connection.execute(_BY_FEED)


def _row(letter: DeadLetter) -> tuple[str, str, str, str, str, int, int, bytes, str]:
    names = (letter.id, letter.cause, letter.partner, letter.agent, letter.state.value)
    return (*names, letter.since_us, letter.settled_us, _encode(letter), letter.feed)


def _keeping(run: Run) -> tuple[str, tuple[str, bytes]]:
    return "INSERT OR REPLACE INTO dead_letter_run VALUES (?, ?)", (run.key, _encode(run))


_encode = msgspec.msgpack.Encoder().encode
_letter = msgspec.msgpack.Decoder(DeadLetter).decode
_run = msgspec.msgpack.Decoder(Run).decode
