"""Jobs in PostgreSQL, each as one value beside the columns that it is asked for by."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from hub.drivers.postgres.database import Database
from hub.ports.jobs import Job, JobKind, Results

_PAGE = """
SELECT body FROM job WHERE partner = $1 AND kind = $2 AND (stored_us, id) < ($3, $4)
ORDER BY stored_us DESC, id DESC LIMIT $5
"""
_STORE = "UPDATE job SET finished_us = $2, body = $3 WHERE id = $1 RETURNING id"
_STORE_RESULTS = f"""
WITH known AS ({_STORE})
INSERT INTO result SELECT id, $4, $5, $6 FROM known
ON CONFLICT (job, first) DO UPDATE SET count = excluded.count, body = excluded.body
"""  # noqa: S608 (a constant)
_RESULTS = """
SELECT first, count, body FROM result WHERE job = $1 AND first < $2 AND first + count > $3 ORDER BY first
"""
_PURGE = """
WITH over AS (
    SELECT id FROM (
        SELECT id, finished_us, row_number() OVER (PARTITION BY partner ORDER BY finished_us DESC, id DESC) AS place
        FROM job WHERE finished_us IS NOT NULL
    ) AS ended WHERE finished_us < $1 OR place > $2
), gone AS (
    DELETE FROM result USING over WHERE job = over.id
)
DELETE FROM job USING over WHERE job.id = over.id RETURNING body
"""
_NEWEST = (1 << 62, "")


class PostgresJobs:
    """A `Jobs`; made by `PostgresState`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, job: Job) -> None:
        row = (job.id, job.partner, job.kind.value, job.stored_us, job.finished_us, _encode(job))
        await self._database.write("INSERT INTO job VALUES ($1, $2, $3, $4, $5, $6)", *row)

    async def get(self, partner: str, id: str) -> Job | None:  # noqa: A002
        jobs = await self._select("SELECT body FROM job WHERE id = $1 AND partner = $2", id, partner)
        return jobs[0] if jobs else None

    async def page(self, partner: str, kind: JobKind, *, before: tuple[int, str] | None, limit: int) -> Sequence[Job]:
        return await self._select(_PAGE, partner, kind.value, *(before or _NEWEST), limit)

    async def unfinished(self) -> Sequence[Job]:
        return await self._select("SELECT body FROM job WHERE finished_us IS NULL ORDER BY stored_us, id")

    async def store(self, job: Job, results: Results | None = None) -> None:
        row = (job.id, job.finished_us, _encode(job))
        if results is None:
            await self._database.write(_STORE, *row)
        else:
            await self._database.write(_STORE_RESULTS, *row, results.first, results.count, results.body)

    async def results(self, id: str, *, start: int, limit: int) -> Sequence[Results]:  # noqa: A002
        rows = await self._database.read(_RESULTS, id, start + limit, start)
        return [Results(*row) for row in rows]

    async def purge(self, *, before_us: int, kept_max: int) -> Sequence[Job]:
        return [_decode(body) for (body,) in await self._database.write(_PURGE, before_us, kept_max)]

    async def _select(self, statement: str, *given: object) -> list[Job]:
        return [_decode(body) for (body,) in await self._database.read(statement, *given)]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Job).decode
