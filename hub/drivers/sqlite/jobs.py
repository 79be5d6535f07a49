"""Jobs in SQLite, each as one value beside the columns that it is asked for by.

`synchronous=FULL`: a partner that was answered 202 has thrown its document away. Results are kept as they come, some
hundred items in a row, so that a long document costs as many rows as it has stretches.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import msgspec

from hub.drivers.sqlite.database import Database
from hub.drivers.sqlite.worker import CallWorker, OnWorkers, transaction
from hub.ports.jobs import Job, JobKind, Results

_SCHEMA = """
CREATE TABLE job (
    id TEXT PRIMARY KEY,
    partner TEXT NOT NULL,
    kind TEXT NOT NULL,
    stored_us INTEGER NOT NULL,
    finished_us INTEGER,      -- NULL while there is work to do
    body BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX job_by_partner ON job (partner, kind, stored_us, id);
CREATE INDEX job_by_end ON job (finished_us, partner);
CREATE TABLE result (
    job TEXT NOT NULL,
    first INTEGER NOT NULL,
    count INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (job, first)
) WITHOUT ROWID
"""
_PAGE = """
SELECT body FROM job WHERE partner = ? AND kind = ? AND (stored_us, id) < (?, ?)
ORDER BY stored_us DESC, id DESC LIMIT ?
"""
_RESULTS = """
SELECT first, count, body FROM result WHERE job = ? AND first < ? AND first + count > ? ORDER BY first
"""
_OVER = """
SELECT body FROM (
    SELECT body, finished_us, row_number() OVER (PARTITION BY partner ORDER BY finished_us DESC, id DESC) AS place
    FROM job WHERE finished_us IS NOT NULL
) WHERE finished_us < ? OR place > ?
"""
_NEWEST = (1 << 62, "")


class SQLiteJobs(OnWorkers):
    """A `Jobs`."""

    def __init__(self, path: Path) -> None:
        database = Database(path, _SCHEMA, version=1, synchronous="FULL", checkpoint_pages=1_000)
        self._worker = CallWorker("jobs", database.open_writer)
        super().__init__(self._worker)

    async def add(self, job: Job) -> None:
        row = (job.id, job.partner, job.kind.value, job.stored_us, job.finished_us, _encode(job))

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT INTO job VALUES (?, ?, ?, ?, ?, ?)", row)

        await self._worker.call(write)

    async def get(self, partner: str, id: str) -> Job | None:  # noqa: A002
        jobs = await self._select("SELECT body FROM job WHERE id = ? AND partner = ?", id, partner)
        return jobs[0] if jobs else None

    async def page(self, partner: str, kind: JobKind, *, before: tuple[int, str] | None, limit: int) -> Sequence[Job]:
        return await self._select(_PAGE, partner, kind.value, *(before or _NEWEST), limit)

    async def unfinished(self) -> Sequence[Job]:
        return await self._select("SELECT body FROM job WHERE finished_us IS NULL ORDER BY stored_us, id")

    async def store(self, job: Job, results: Results | None = None) -> None:
        def write(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                row = (job.finished_us, _encode(job), job.id)
                known = connection.execute("UPDATE job SET finished_us = ?, body = ? WHERE id = ? RETURNING 1", row)
                if known.fetchall() and results is not None:
                    row_of_results = (job.id, results.first, results.count, results.body)
                    connection.execute("INSERT OR REPLACE INTO result VALUES (?, ?, ?, ?)", row_of_results)

        await self._worker.call(write)

    async def results(self, id: str, *, start: int, limit: int) -> Sequence[Results]:  # noqa: A002
        def read(connection: sqlite3.Connection) -> list[Results]:
            return [Results(*row) for row in connection.execute(_RESULTS, (id, start + limit, start))]

        return await self._worker.call(read)

    async def purge(self, *, before_us: int, kept_max: int) -> Sequence[Job]:
        def forget(connection: sqlite3.Connection) -> list[Job]:
            with transaction(connection):
                over = [_decode(body) for (body,) in connection.execute(_OVER, (before_us, kept_max)).fetchall()]
                ids = [(job.id,) for job in over]
                connection.executemany("DELETE FROM job WHERE id = ?", ids)
                connection.executemany("DELETE FROM result WHERE job = ?", ids)
            return over

        return await self._worker.call(forget)

    async def _select(self, statement: str, *given: object) -> list[Job]:
        def read(connection: sqlite3.Connection) -> list[Job]:
            return [_decode(body) for (body,) in connection.execute(statement, given)]

        return await self._worker.call(read)


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Job).decode
