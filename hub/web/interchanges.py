"""EDIFACT that is judged as a job: more of it than is answered at once, stored as it comes and read message by message.

An upload that is judged within `documents.answer_wait_seconds` is answered with its results, else with 202 and where
they will be. There they are kept for some days, and told in EDIFACT too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import web

from hub.core.errors import Refusal
from hub.core.evidence import Admitted, Item, Mode
from hub.core.settings import DocumentsSettings
from hub.intake.job_desk import JobDesk
from hub.intake.jobs import GIVEN_UP
from hub.intake.pipeline import Pipeline
from hub.intake.results import items_of
from hub.intake.stretches import REVISION
from hub.ports.blob_store import BlobKey, BlobStore
from hub.ports.jobs import Job, JobKind, Jobs
from hub.ports.system import Clock, Entropy
from hub.web.documents import source_of
from hub.web.edge import BodyReader, Handler, language_of, only
from hub.web.edi import FORMS, edi_text, undecided
from hub.web.gate import ASKED, Gate
from hub.web.job_answers import job_answer, own_job, taken_answer
from hub.web.problems import Refused, granted
from hub.web.route import EDIFACT

PATH = "/v1/interchanges"


class InterchangesAPI:
    """Handlers of documents of EDIFACT that are judged as jobs."""

    def __init__(
        self,
        *,
        gate: Gate,
        bodies: BodyReader,
        pipeline: Pipeline,
        runner: JobDesk,
        jobs: Jobs,
        blobs: BlobStore,
        clock: Clock,
        entropy: Entropy,
        settings: DocumentsSettings,
    ) -> None:
        self._gate = gate
        self._bodies = bodies
        self._pipeline = pipeline
        self._runner = runner
        self._jobs = jobs
        self._blobs = blobs
        self._clock, self._entropy = clock, entropy
        self._settings = settings
        self._answering = asyncio.Lock()

    def handlers(self) -> Mapping[str, Handler]:
        return {"post_interchange": self.post, "get_interchange": self.get}

    async def post(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        admitted = self._admit(request)
        only(request, {"source"})
        media_type = self._bodies.media_type(request, (EDIFACT,))
        most = self._settings.interchange_bytes_max
        if (request.content_length or 0) > most:
            raise Refused(Refusal("BODY_TOO_LARGE", f"{request.content_length} bytes; at most {most}"))
        source = source_of(request)
        parameters = {REVISION: str(admitted.revision)} | ({"source": source} if source else {})
        chunks = self._bodies.chunks(request, bytes_max=most, seconds_max=self._settings.upload_seconds_max)
        job = granted(await self._runner.take(admitted.principal, JobKind.INTERCHANGE, media_type, parameters, chunks))
        job = await self._runner.settled(job, seconds=self._settings.answer_wait_seconds)
        return await taken_answer(request, self._jobs, job, PATH)

    async def get(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.StreamResponse:
        """Results by the page; or, of a job that has ended, CONTRL or APERAK. They are final words: of one that was
        given up, or where no interchange names a sender, results are told all the same."""
        principal = self._gate.enter(request, "events:write")
        only(request, {"answer", "cursor", "limit", ASKED})
        form = request.query.get("answer")
        if form not in (None, *FORMS):
            raise Refused(Refusal("BAD_REQUEST", "answer: contrl or aperak, or left out"))
        job = await own_job(request, principal, self._jobs, JobKind.INTERCHANGE, names["interchange"])
        if form is not None:
            if not job.state.finished:
                raise Refused(Refusal("NOT_FINISHED"))
            if said := await self._said(form, job, language_of(request)):
                return web.Response(body=said, content_type=EDIFACT)
        return await job_answer(request, self._jobs, job)

    def _admit(self, request: web.BaseRequest) -> Admitted:
        principal = self._gate.enter(request, "events:write")
        return granted(self._pipeline.admit(principal, mode=Mode.BATCHED, atomic=False))

    async def _said(self, form: str, job: Job, language: str) -> bytes:
        """Empty: there is nothing final to say, or nobody to say it to."""
        if job.code == GIVEN_UP:
            return b""
        async with self._answering:  # One at a time: a long document takes seconds and memory.
            stretches = await self._jobs.results(job.id, start=0, limit=max(job.done, 1))
            items = [item for stretch in stretches for item in items_of(stretch)]
            if any(map(undecided, items)):
                return b""
            async with self._blobs.open(BlobKey(job.partner, job.id)) as chunks:
                document = b"".join([chunk async for chunk in chunks])
            return await asyncio.to_thread(self._written, form, document, items, language)

    def _written(self, form: str, document: bytes, items: list[Item], language: str) -> bytes:
        return edi_text(form, document, items, language=language, clock=self._clock, entropy=self._entropy)
