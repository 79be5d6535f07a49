"""Jobs in memory: what the port says, in the plainest code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hub.ports.jobs import Job, JobKind, Results


class MemoryJobs:
    """A `Jobs` that ends with its process."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._results: dict[str, list[Results]] = {}

    async def add(self, job: Job) -> None:
        self._jobs[job.id] = job
        self._results[job.id] = []

    async def get(self, partner: str, id: str) -> Job | None:  # noqa: A002
        job = self._jobs.get(id)
        return job if job is not None and job.partner == partner else None

    async def page(self, partner: str, kind: JobKind, *, before: tuple[int, str] | None, limit: int) -> Sequence[Job]:
        mine = [job for job in self._newest_first() if job.partner == partner and job.kind is kind]
        return [job for job in mine if before is None or (job.stored_us, job.id) < before][:limit]

    async def unfinished(self) -> Sequence[Job]:
        return [job for job in reversed(self._newest_first()) if job.finished_us is None]

    async def store(self, job: Job, results: Results | None = None) -> None:
        if job.id not in self._jobs:
            return
        self._jobs[job.id] = job
        if results is not None:
            others = [row for row in self._results[job.id] if row.first != results.first]
            self._results[job.id] = [*others, results]

    async def results(self, id: str, *, start: int, limit: int) -> Sequence[Results]:  # noqa: A002
        rows = self._results.get(id, ())
        return [row for row in rows if row.first < start + limit and start < row.first + row.count]

    async def purge(self, *, before_us: int, kept_max: int) -> Sequence[Job]:
        kept: Counter[str] = Counter()
        over = []
        for job in sorted(self._newest_first(), key=lambda each: each.finished_us or 0, reverse=True):
            if job.finished_us is None:
                continue
            kept[job.partner] += 1
            if job.finished_us < before_us or kept[job.partner] > kept_max:
                over.append(job)
        for job in over:
            del self._jobs[job.id], self._results[job.id]
        return over

    def _newest_first(self) -> list[Job]:
        return sorted(self._jobs.values(), key=lambda job: (job.stored_us, job.id), reverse=True)
