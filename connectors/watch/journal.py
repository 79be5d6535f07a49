"""The journal: each file that was taken from a folder, what it is, what became of it, and where it lies.

One SQLite file, each entry on disk before the next step is taken. Results stay in it until they lie beside their file.
The process that runs a folder holds its journal locked (SQLite's exclusive mode, the same on every system).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from msgspec import Struct

from connectors.errors import ConnectorError

Room = Literal["done", "refused"]

KEPT_SECONDS = 90 * 86_400
ROWS_MAX = 100_000
"""Entries of finished files that are kept; of what is older, the hub knows that it has it."""

_SCHEMA = """
create table if not exists files (
    place integer primary key autoincrement, name blob not null, sha256 text not null, size integer not null,
    taken_at real not null, job text not null default '', room text not null default '',
    target blob not null default x'', summary text not null default '', finished integer not null default 0);
create index if not exists files_by_content on files (sha256, room);
create index if not exists files_under_way on files (name) where not finished;
create table if not exists results (
    place integer not null, suffix text not null, content blob not null, primary key (place, suffix));
pragma user_version = 1;
"""
_COLUMNS = "place, name, sha256, size, taken_at, job, room, target, summary"


class FolderBusy(ConnectorError):
    """Another process watches this folder."""


class Taken(Struct, frozen=True):
    """A file that was taken. `room` empty: it has no answer yet."""

    place: int
    name: str
    sha256: str
    size: int
    taken_at: float
    """Seconds since 1970."""
    job: str
    """Of what the hub judges after it has answered, a table or a capture: its id there."""
    room: str
    target: str
    """Its name in `done` or `refused`."""
    summary: str
    """What became of it, in a word or two, as JSON."""


class Journal:
    """The journal in the file `path`, which is made if it is not there. Raises `FolderBusy`, `sqlite3.Error`."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None, timeout=0)
        try:
            self._database.execute("pragma locking_mode = exclusive")
            self._database.execute("pragma journal_mode = wal")
            self._database.execute("pragma synchronous = full")
            self._database.executescript(_SCHEMA)
        except sqlite3.OperationalError as e:
            self._database.close()
            if e.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise FolderBusy(f"{path.parent.parent} is watched by another process") from e
            raise

    def close(self) -> None:
        self._database.close()

    def take(self, name: str, sha256: str, size: int, now: float) -> Taken:
        """The entry of a file: the one of a run that was cut off, else a new one."""
        raw = os.fsencode(name)
        found = self._one("name = ? and sha256 = ? and not finished", raw, sha256)
        if found is not None:
            return found
        sent = "insert into files (name, sha256, size, taken_at) values (?, ?, ?, ?)"
        place = self._database.execute(sent, (raw, sha256, size, now)).lastrowid
        return Taken(place or 0, name, sha256, size, now, "", "", "", "")

    def sent_before(self, sha256: str) -> Taken | None:
        """The first file with this content of which the hub took all."""
        return self._one("sha256 = ? and room = 'done' order by place", sha256)

    def note_job(self, place: int, job: str) -> None:
        self._database.execute("update files set job = ? where place = ?", (job, place))

    def note_sent(self, place: int, suffix: str, content: bytes) -> None:
        """Keep what is sent in a file's place, before it is: it will lie beside the file, by the end of its name.

        Without an end (and content) the file itself is sent, and nothing will lie beside it."""
        self._database.execute("insert or replace into results values (?, ?, ?)", (place, suffix, content))

    def sent(self, place: int) -> bytes | None:
        """What is sent in the place of a file that has no answer yet; None: nothing was noted."""
        row = self._database.execute("select content from results where place = ?", (place,)).fetchone()
        return None if row is None else bytes(row[0])

    def answer(self, place: int, room: Room, target: str, summary: str, results: Mapping[str, bytes]) -> Taken:
        """Note what became of a file, where it will lie, and what will lie beside it, by the ends of the names."""
        with self._transaction():
            self._database.execute(
                "update files set room = ?, target = ?, summary = ? where place = ?",
                (room, os.fsencode(target), summary, place),
            )
            self._database.executemany(
                "insert or replace into results values (?, ?, ?)",
                [(place, suffix, content) for suffix, content in results.items()],
            )
        return self._at(place)

    def retarget(self, place: int, target: str) -> Taken:
        self._database.execute("update files set target = ? where place = ?", (os.fsencode(target), place))
        return self._at(place)

    def results(self, place: int) -> Iterator[tuple[str, bytes]]:
        """What is to lie beside a file: the end of the name, and the content."""
        yield from self._database.execute(
            "select suffix, content from results where place = ? and suffix != '' order by suffix", (place,)
        )

    def finish(self, place: int) -> None:
        with self._transaction():
            self._database.execute("update files set finished = 1 where place = ?", (place,))
            self._database.execute("delete from results where place = ?", (place,))

    def under_way(self) -> list[Taken]:
        rows = self._database.execute(f"select {_COLUMNS} from files where not finished order by place")  # noqa: S608
        return [_taken(row) for row in rows]

    def others_under_way(self, taken: Taken) -> list[Taken]:
        """Those of its name before it, which it has overwritten."""
        asked = f"select {_COLUMNS} from files where name = ? and place < ? and not finished"  # noqa: S608
        rows = self._database.execute(asked, (os.fsencode(taken.name), taken.place))
        return [_taken(row) for row in rows]

    def drop(self, place: int) -> None:
        """Forget a file that has gone before it had an answer."""
        with self._transaction():
            self._database.execute("delete from files where place = ?", (place,))
            self._database.execute("delete from results where place = ?", (place,))

    def prune(self, now: float) -> None:
        """Forget what was finished long ago."""
        newest = "select max(place) from files"
        self._database.execute(
            f"delete from files where finished and (taken_at < ? or place <= ({newest}) - ?)",  # noqa: S608
            (now - KEPT_SECONDS, ROWS_MAX),
        )

    def _at(self, place: int) -> Taken:
        found = self._one("place = ?", place)
        if found is None:
            raise LookupError(place)
        return found

    def _one(self, where: str, *values: object) -> Taken | None:
        row = self._database.execute(f"select {_COLUMNS} from files where {where} limit 1", values).fetchone()  # noqa: S608
        return None if row is None else _taken(row)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._database:
            self._database.execute("begin immediate")
            yield


def _taken(row: tuple[int, bytes, str, int, float, str, str, bytes, str]) -> Taken:
    place, name, sha256, size, taken_at, job, room, target, summary = row
    return Taken(place, os.fsdecode(name), sha256, size, taken_at, job, room, os.fsdecode(target), summary)
