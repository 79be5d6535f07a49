"""Tables over HTTP: a sheet is stored as it comes, judged row by row, and answered at once or later.

An upload that is judged within `documents.answer_wait_seconds` is answered with its results, else with 202 and where
they will be. Results are kept for some days; receipts of what was accepted are at `GET /v1/receipts`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import web

from hub.core.errors import Refusal
from hub.core.evidence import Admitted, Mode
from hub.core.settings import DocumentsSettings
from hub.intake.job_desk import JobDesk
from hub.intake.pipeline import Pipeline
from hub.intake.results import items_of
from hub.ports.blob_store import BlobKey, BlobStore
from hub.ports.jobs import Job, JobKind, Jobs
from hub.web.documents import source_of
from hub.web.edge import BodyReader, Handler
from hub.web.gate import Gate
from hub.web.job_answers import job_answer, own_job, taken_answer
from hub.web.problems import Refused, granted
from hub.web.route import TABLES, XLSX
from hub.web.templates import wanted_language
from schemas.translate.tabular.marked import RowVerdict, marked_workbook


class TablesAPI:
    """Handlers of tables."""

    def __init__(
        self,
        *,
        gate: Gate,
        bodies: BodyReader,
        pipeline: Pipeline,
        runner: JobDesk,
        jobs: Jobs,
        blobs: BlobStore,
        settings: DocumentsSettings,
    ) -> None:
        self._gate = gate
        self._bodies = bodies
        self._pipeline = pipeline
        self._runner = runner
        self._jobs = jobs
        self._blobs = blobs
        self._settings = settings
        self._marking = asyncio.Lock()

    def handlers(self) -> Mapping[str, Handler]:
        return {"post_table": self.post, "get_table": self.get, "get_workbook": self.workbook}

    async def post(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        admitted = self._admit(request)
        media_type = self._bodies.media_type(request, TABLES, any_charset=True)
        most = self._settings.table_bytes_max
        if (request.content_length or 0) > most:
            raise Refused(Refusal("BODY_TOO_LARGE", f"{request.content_length} bytes; at most {most}"))
        chunks = self._bodies.chunks(request, bytes_max=most, seconds_max=self._settings.upload_seconds_max)
        parameters = _parameters(request)
        job = granted(await self._runner.take(admitted.principal, JobKind.TABLE, media_type, parameters, chunks))
        job = await self._runner.settled(job, seconds=self._settings.answer_wait_seconds)
        return await taken_answer(request, self._jobs, job, "/v1/tables")

    async def get(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.StreamResponse:
        return await job_answer(request, self._jobs, await self._job(request, names["table"]))

    async def workbook(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.StreamResponse:
        language = wanted_language(request)
        job = await self._job(request, names["table"])
        if not job.state.finished:
            raise Refused(Refusal("NOT_FINISHED"))
        async with self._marking:  # One at a time: a long sheet takes seconds and memory.
            verdicts = await self._verdicts(job)
            async with self._blobs.open(BlobKey(job.partner, job.id)) as chunks:
                document = b"".join([chunk async for chunk in chunks])
            marked = await asyncio.to_thread(marked_workbook, document, verdicts, language, job.parameters.get("type"))
        headers = {"Content-Type": XLSX, "Content-Disposition": f'attachment; filename="{job.id}.xlsx"'}
        return web.Response(body=marked, headers=headers)

    async def _verdicts(self, job: Job) -> dict[str, RowVerdict]:
        stretches = await self._jobs.results(job.id, start=0, limit=max(job.done, 1))
        return {
            item.place: RowVerdict(item.verdict.value, item.refusal.faults if item.refusal else item.warnings)
            for stretch in stretches
            for item in items_of(stretch)
        }

    def _admit(self, request: web.BaseRequest) -> Admitted:
        principal = self._gate.enter(request, "events:write")
        return granted(self._pipeline.admit(principal, mode=Mode.BATCHED, atomic=False))

    async def _job(self, request: web.BaseRequest, name: str) -> Job:
        return await own_job(request, self._gate.enter(request, "events:write"), self._jobs, JobKind.TABLE, name)


def _parameters(request: web.BaseRequest) -> dict[str, str]:
    given = {"source": source_of(request), "type": request.query.get("type")}
    return {name: text for name, text in given.items() if text}
