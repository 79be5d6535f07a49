"""Uploads that are judged as jobs: stored as they come, answered with what became of them, or where that will be."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping

from aiohttp import web

from hub.core.evidence import Admitted, Item, Mode, Principal
from hub.core.settings import DocumentsSettings
from hub.intake.job_desk import JobDesk
from hub.intake.pipeline import Pipeline
from hub.intake.results import items_of
from hub.ports.blob_store import BlobKey, BlobStore, read_blob
from hub.ports.jobs import Job, JobKind, Jobs
from hub.web.edge import BodyReader
from hub.web.gate import Gate
from hub.web.job_answers import job_answer, own_job, taken_answer
from hub.web.problems import granted


class Uploads:
    """Those of one kind, whose jobs are at `path`."""

    def __init__(
        self,
        kind: JobKind,
        path: str,
        bytes_max: int,
        *,
        gate: Gate,
        bodies: BodyReader,
        pipeline: Pipeline,
        runner: JobDesk,
        jobs: Jobs,
        blobs: BlobStore,
        settings: DocumentsSettings,
    ) -> None:
        self._kind, self._path, self._bytes_max = kind, path, bytes_max
        self._gate = gate
        self._bodies = bodies
        self._pipeline = pipeline
        self._runner = runner
        self._jobs = jobs
        self._blobs = blobs
        self._settings = settings

    def enter(self, request: web.BaseRequest) -> Principal:
        """Whoever may send one may ask what became of it. Raises `Refused`, as all here does."""
        return self._gate.enter(request, "events:write")

    def admit(self, request: web.BaseRequest) -> Admitted:
        return granted(self._pipeline.admit(self.enter(request), mode=Mode.BATCHED, atomic=False))

    def open(
        self, request: web.BaseRequest, taken: Iterable[str], *, any_charset: bool = False
    ) -> tuple[str, AsyncIterator[bytes]]:
        """The media type, one of `taken`, and the body as it comes."""
        media_type = self._bodies.media_type(request, taken, any_charset=any_charset)
        seconds_max = self._settings.upload_seconds_max
        return media_type, self._bodies.chunks(request, bytes_max=self._bytes_max, seconds_max=seconds_max)

    async def answered(
        self,
        request: web.BaseRequest,
        admitted: Admitted,
        media_type: str,
        parameters: Mapping[str, str],
        document: AsyncIterable[bytes],
    ) -> web.Response:
        """Take one in, and wait a while for its results."""
        job = granted(await self._runner.take(admitted.principal, self._kind, media_type, parameters, document))
        job = await self._runner.settled(job, seconds=self._settings.answer_wait_seconds)
        return await taken_answer(request, self._jobs, job, self._path)

    async def job(self, request: web.BaseRequest, principal: Principal, name: str) -> Job:
        return await own_job(request, principal, self._jobs, self._kind, name)

    async def told(self, request: web.BaseRequest, job: Job) -> web.Response:
        """A page of its results."""
        return await job_answer(request, self._jobs, job)

    async def items(self, job: Job) -> list[Item]:
        """All that are judged."""
        stretches = await self._jobs.results(job.id, start=0, limit=max(job.done, 1))
        return [item for stretch in stretches for item in items_of(stretch)]

    async def document(self, job: Job) -> bytes:
        """What was sent, whole."""
        return await read_blob(self._blobs, BlobKey(job.partner, job.id))
