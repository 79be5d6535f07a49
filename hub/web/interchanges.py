"""EDIFACT that is judged as a job: more of it than is answered at once, stored as it comes and read message by message.

An upload that is judged within `documents.answer_wait_seconds` is answered with its results, else with 202 and where
they will be. There they are kept for some days, and told in EDIFACT too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import web

from hub.core.errors import Refusal
from hub.core.evidence import Item
from hub.intake.jobs import GIVEN_UP
from hub.intake.stretches import REVISION
from hub.ports.jobs import Job
from hub.ports.system import Clock, Entropy
from hub.web.documents import source_of
from hub.web.edge import Handler, language_of, only
from hub.web.edi import FORMS, edi_text, undecided
from hub.web.gate import ASKED
from hub.web.problems import Refused
from hub.web.route import EDIFACT
from hub.web.uploads import Uploads


class InterchangesAPI:
    """Handlers of documents of EDIFACT that are judged as jobs."""

    def __init__(self, uploads: Uploads, *, clock: Clock, entropy: Entropy) -> None:
        self._uploads = uploads
        self._clock, self._entropy = clock, entropy
        self._answering = asyncio.Lock()

    def handlers(self) -> Mapping[str, Handler]:
        return {"post_interchange": self.post, "get_interchange": self.get}

    async def post(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        admitted = self._uploads.admit(request)
        only(request, {"source"})
        media_type, chunks = self._uploads.open(request, (EDIFACT,))
        source = source_of(request)
        parameters = {REVISION: str(admitted.revision)} | ({"source": source} if source else {})
        return await self._uploads.answered(request, admitted, media_type, parameters, chunks)

    async def get(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.StreamResponse:
        """Results by the page; or, of a job that has ended, CONTRL or APERAK. They are final words: of one that was
        given up, or where no interchange names a sender, results are told all the same."""
        principal = self._uploads.enter(request)
        only(request, {"answer", "cursor", "limit", ASKED})
        form = request.query.get("answer")
        if form not in (None, *FORMS):
            raise Refused(Refusal("BAD_REQUEST", "answer: contrl or aperak, or left out"))
        job = await self._uploads.job(request, principal, names["interchange"])
        if form is not None:
            if not job.state.finished:
                raise Refused(Refusal("NOT_FINISHED"))
            if said := await self._said(form, job, language_of(request)):
                return web.Response(body=said, content_type=EDIFACT)
        return await self._uploads.told(request, job)

    async def _said(self, form: str, job: Job, language: str) -> bytes:
        """Empty: there is nothing final to say, or nobody to say it to."""
        if job.code == GIVEN_UP:
            return b""
        async with self._answering:  # One at a time: a long document takes seconds and memory.
            items = await self._uploads.items(job)
            if any(map(undecided, items)):
                return b""
            document = await self._uploads.document(job)
            return await asyncio.to_thread(self._written, form, document, items, language)

    def _written(self, form: str, document: bytes, items: list[Item], language: str) -> bytes:
        return edi_text(form, document, items, language=language, clock=self._clock, entropy=self._entropy)
