"""Tables over HTTP: a sheet is stored as it comes, judged row by row, and answered at once or later.

An upload that is judged within `documents.answer_wait_seconds` is answered with its results, else with 202 and where
they will be. Results are kept for some days; receipts of what was accepted are at `GET /v1/receipts`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import web

from hub.core.errors import Refusal
from hub.core.evidence import Admitted, Item, Mode
from hub.core.settings import DocumentsSettings
from hub.intake.job_desk import JobDesk
from hub.intake.pipeline import Pipeline
from hub.intake.results import items_of
from hub.ports.blob_store import BlobKey, BlobStore
from hub.ports.jobs import Job, JobKind, Jobs, JobState
from hub.trust.statement import utc_text
from hub.web import render
from hub.web.answers import ITEMS_MAX, asked_of, leaving_headers, senders_of, status_of
from hub.web.documents import source_of
from hub.web.edge import BodyReader, Handler, Refused, answer, language_of, number, problem
from hub.web.gate import Gate, publisher_asked
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
        job = await self._runner.take(admitted.principal, JobKind.TABLE, media_type, parameters, chunks)
        if isinstance(job, Refusal):
            raise Refused(job)
        job = await self._runner.settled(job, seconds=self._settings.answer_wait_seconds)
        return await self._answer(request, job)

    async def get(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.StreamResponse:
        job = await self._job(request, names["table"])
        items, following = await self._page(request, job)
        return answer(_document(job, items, following, language_of(request)), headers=leaving_headers(items))

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
        admitted = self._pipeline.admit(principal, mode=Mode.BATCHED, atomic=False)
        if isinstance(admitted, Refusal):
            raise Refused(admitted)
        return admitted

    async def _job(self, request: web.BaseRequest, name: str) -> Job:
        """The caller's own table, or one that it sent for another; another's is as little there as none."""
        principal = self._gate.enter(request, "events:write")
        job = await self._jobs.get(publisher_asked(request, principal), name)
        if job is None or job.kind is not JobKind.TABLE or principal.partner.id not in (job.partner, job.sender):
            raise Refused(Refusal("NOT_FOUND"))
        return job

    async def _answer(self, request: web.BaseRequest, job: Job) -> web.Response:
        language = language_of(request)
        items, following = await self._page(request, job)
        place = {"Location": f"/v1/tables/{job.id}{asked_of(job)}", **leaving_headers(items)}
        document = _document(job, items, following, language)
        if job.state is JobState.FAILED:
            faults = next((item.refusal.faults for item in items if item.refusal), ())
            response = problem(Refusal(job.code, job.detail, faults), language=language, extra={"id": job.id})
            response.headers.update(place)
            return response
        if job.state is JobState.DONE:
            return answer(document, status_of(job.counts, items), place)
        return answer(document, 202, place)

    async def _page(self, request: web.BaseRequest, job: Job) -> tuple[list[Item], int | None]:
        """Items from `cursor` on, and where the next page begins: None once all is judged and shown."""
        start, limit = number(request, "cursor", 0), min(max(1, number(request, "limit", ITEMS_MAX)), ITEMS_MAX)
        stretches = await self._jobs.results(job.id, start=start, limit=limit)
        numbered = (each for stretch in stretches for each in enumerate(items_of(stretch), stretch.first))
        found = [item for at, item in numbered if start <= at < start + limit]
        after = start + len(found)
        return found, after if after < job.done or not job.state.finished else None


def _document(job: Job, items: list[Item], following: int | None, language: str) -> dict[str, object]:
    document: dict[str, object] = {
        "id": job.id,
        "state": job.state.value,
        "format": job.format,
        "sha256": job.digest.hex(),
        "stored": utc_text(job.stored_us),
        "finished": None if job.finished_us is None else utc_text(job.finished_us),
        "counts": job.counts,
    }
    if job.code:
        document["code"] = job.code
    document |= senders_of(job)
    document["items"] = [render.item(item, language) for item in items]
    document["next"] = None if following is None else str(following)
    return document


def _parameters(request: web.BaseRequest) -> dict[str, str]:
    given = {"source": source_of(request), "type": request.query.get("type")}
    return {name: text for name, text in given.items() if text}
