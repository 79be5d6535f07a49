"""The first-occurrence index in SQLite (what its file survives: `state.py`).

Theory of operation. The index is cut into time slices by append time, each a pair of tables that are dropped whole:
`first_…` holds one entry an identity, `repeat_…` what came later. An identity is in at most one `first_…`: it is
entered only where no other slice has it. A batch goes in and comes out as one blob of identities and one of entries
(`entries.py`): a statement that took or returned row by row would hand the interpreter over at each of them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import NamedTuple, TypeVar

from hub.core.record import Position
from hub.drivers.sqlite.entries import ABSENT, ENTRY_BYTES, IDENTITY_BYTES, packed, split, unpacked
from hub.drivers.sqlite.positions import check_lease
from hub.drivers.sqlite.worker import CallWorker, transaction
from hub.ports.first_occurrence import Occurrence
from hub.ports.positions import Lease

T = TypeVar("T")

SCHEMA = """
CREATE TABLE mark (
    generation INTEGER,
    partition INTEGER,
    offset INTEGER NOT NULL,
    PRIMARY KEY (generation, partition)
) WITHOUT ROWID
"""
_FIRST = "CREATE TABLE IF NOT EXISTS first_{0} (identity BLOB PRIMARY KEY, entry BLOB NOT NULL) WITHOUT ROWID"
_REPEAT = """
CREATE TABLE IF NOT EXISTS repeat_{0} (identity BLOB, entry BLOB, PRIMARY KEY (identity, entry)) WITHOUT ROWID
"""

_EACH = f"""
WITH RECURSIVE
    each (n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM each WHERE n + 1 < ?2),
    given (n, identity) AS (SELECT n, substr(?1, 1 + {IDENTITY_BYTES} * n, {IDENTITY_BYTES}) FROM each)
"""  # noqa: S608 (the parts are numbers)
"""The ?2 identities of blob ?1, in order."""
_INSERT = f"""
{_EACH} INSERT OR IGNORE INTO {{table}}
SELECT identity, substr(?3, 1 + {ENTRY_BYTES} * n, {ENTRY_BYTES}) FROM given WHERE true {{unless}}
"""  # noqa: S608 (the parts are constants and names made here)
"""?3: the blob of entries that belong to the identities."""
_UNLESS = "AND NOT EXISTS (SELECT 1 FROM first_{0} AS other WHERE other.identity = given.identity)"
_FIND = f"{_EACH} SELECT CAST(group_concat(coalesce({{entries}} ?3), '') AS BLOB) FROM given"  # noqa: S608 (as above)
"""?3: what stands for an identity that no slice has."""
_ENTRY = "(SELECT entry FROM first_{0} AS slice WHERE slice.identity = given.identity),"
_REPEATS = "SELECT entry FROM repeat_{0} WHERE identity = ?"

_SET_MARK = "INSERT INTO mark VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET offset = max(offset, excluded.offset)"
_MARK = "SELECT offset FROM mark WHERE generation = ? AND partition = ?"


class _Slice(NamedTuple):
    """A span of append times, in seconds since 1970; the end is outside. Its tables carry both in their names."""

    start: int
    end: int

    @property
    def suffix(self) -> str:
        return f"{self.start}_{self.end}"


class SQLiteFirstOccurrence:
    """A `FirstOccurrence`; made by `SQLiteState`."""

    def __init__(self, writer: CallWorker, reader: CallWorker, *, slice_seconds: int) -> None:
        self._writer = writer
        self._reader = reader
        self._slice_seconds = slice_seconds
        self._slices: tuple[_Slice, ...] = ()
        """Newest first. Replaced by the writer's thread once a change is committed; the reader's thread sees it."""

    async def load_slices(self) -> None:
        """Called when the file has been opened."""
        self._slices = await self._writer.call(_slices)

    async def look_up(self, identities: Sequence[bytes]) -> Sequence[Occurrence | None]:
        if not identities:
            return ()
        found = await self._read(lambda connection, slices: _find(connection, slices, identities))
        return list(unpacked(identities, found))

    async def judge(self, lease: Lease, occurrences: Sequence[Occurrence]) -> Sequence[Occurrence]:
        if not occurrences:
            return ()
        identities = [occurrence.identity for occurrence in occurrences]
        entries = [packed(occurrence) for occurrence in occurrences]
        own = b"".join(entries)

        def enter(connection: sqlite3.Connection) -> bytes:
            with transaction(connection):
                check_lease(connection, lease)
                slices = self._enter(connection, occurrences, entries)
                found = _find(connection, slices, identities)
                if found != own:
                    self._remember_repeats(connection, occurrences, entries, split(found))
            self._slices = slices
            return found

        found = await self._writer.call(enter)
        if found == own:
            return occurrences
        return [first for first in unpacked(identities, found) if first is not None]

    async def set_mark(self, lease: Lease, position: Position) -> None:
        def write(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                check_lease(connection, lease)
                connection.execute(_SET_MARK, (position.generation, position.partition, position.offset))

        await self._writer.call(write)

    async def mark(self, generation: int, partition: int) -> int:
        def read(connection: sqlite3.Connection) -> int:
            row = connection.execute(_MARK, (generation, partition)).fetchone()
            return row[0] if row else 0

        return await self._reader.call(read)

    async def occurrences(self, identity: bytes) -> Sequence[Occurrence]:
        def read(connection: sqlite3.Connection, slices: Sequence[_Slice]) -> tuple[bytes, bytes]:
            return _find(connection, slices, [identity]), _repeats(connection, slices, identity)

        first, repeats = await self._read(read)
        later = [known for known in unpacked([identity] * (len(repeats) // ENTRY_BYTES), repeats) if known]
        later.sort(key=lambda repeat: (repeat.time_us, repeat.position))
        return [*(known for known in unpacked([identity], first) if known), *later]

    async def purge(self, *, before_us: int) -> int:
        def drop(connection: sqlite3.Connection) -> int:
            slices = _slices(connection)
            old = [part for part in slices if part.end * 1_000_000 <= before_us]
            self._slices = tuple(part for part in slices if part not in old)
            try:
                with transaction(connection):
                    for part in old:
                        connection.execute(f"DROP TABLE first_{part.suffix}")
                        connection.execute(f"DROP TABLE repeat_{part.suffix}")
            except BaseException:
                self._slices = slices
                raise
            return len(old)

        return await self._writer.call(drop)

    async def _read(self, read: Callable[[sqlite3.Connection, Sequence[_Slice]], T]) -> T:
        """Run on the reader's thread; again with the slices that are left, where one went before it was looked into."""

        def run(connection: sqlite3.Connection) -> T:
            while True:
                slices = self._slices
                try:
                    return read(connection, slices)
                except sqlite3.OperationalError:
                    if self._slices is slices:
                        raise

        return await self._reader.call(run)

    def _slice_of(self, occurrence: Occurrence) -> _Slice:
        start = occurrence.time_us // (self._slice_seconds * 1_000_000) * self._slice_seconds
        return _Slice(start, start + self._slice_seconds)

    def _enter(
        self, connection: sqlite3.Connection, occurrences: Sequence[Occurrence], entries: Sequence[bytes]
    ) -> tuple[_Slice, ...]:
        """Enter what no slice has, in order; return the slices there are now."""
        slices = self._slices
        for part, group in groupby(zip(occurrences, entries, strict=True), lambda pair: self._slice_of(pair[0])):
            if part not in slices:
                connection.execute(_FIRST.format(part.suffix))
                connection.execute(_REPEAT.format(part.suffix))
                slices = tuple(sorted({*slices, part}, reverse=True))
            unless = "".join(_UNLESS.format(other.suffix) for other in slices if other != part)
            _insert(connection, _INSERT.format(table=f"first_{part.suffix}", unless=unless), list(group))
        return slices

    def _remember_repeats(
        self,
        connection: sqlite3.Connection,
        occurrences: Sequence[Occurrence],
        entries: Sequence[bytes],
        found: Sequence[bytes],
    ) -> None:
        judged = zip(occurrences, entries, found, strict=True)
        later = [(occurrence, entry) for occurrence, entry, first in judged if entry != first]
        for part, group in groupby(later, lambda pair: self._slice_of(pair[0])):
            _insert(connection, _INSERT.format(table=f"repeat_{part.suffix}", unless=""), list(group))


def _insert(connection: sqlite3.Connection, statement: str, pairs: Sequence[tuple[Occurrence, bytes]]) -> None:
    identities = b"".join([occurrence.identity for occurrence, _ in pairs])
    connection.execute(statement, (identities, len(pairs), b"".join([entry for _, entry in pairs])))


def _find(connection: sqlite3.Connection, slices: Sequence[_Slice], identities: Sequence[bytes]) -> bytes:
    """The entries of the identities, in order, in one blob; `ABSENT` where no slice has one."""
    if not slices:
        return ABSENT * len(identities)
    statement = _FIND.format(entries="".join(_ENTRY.format(part.suffix) for part in slices))
    found: bytes = connection.execute(statement, (b"".join(identities), len(identities), ABSENT)).fetchone()[0]
    return found


def _repeats(connection: sqlite3.Connection, slices: Sequence[_Slice], identity: bytes) -> bytes:
    """The entries of the repeats of one identity, in one blob."""
    found = b""
    for part in slices:
        rows = connection.execute(_REPEATS.format(part.suffix), (identity,))
        found += b"".join([entry for (entry,) in rows])
    return found


def _slices(connection: sqlite3.Connection) -> tuple[_Slice, ...]:
    rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'first_%'").fetchall()
    spans = [name.split("_") for (name,) in rows]
    return tuple(sorted((_Slice(int(start), int(end)) for _, start, end in spans), reverse=True))
