"""Tables over HTTP: a sheet is stored as it comes, judged row by row, and answered at once or later.

An upload that is judged within `documents.answer_wait_seconds` is answered with its results, else with 202 and where
they will be. Results are kept for some days; receipts of what was accepted are at `GET /v1/receipts`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import web

from hub.core.errors import Refusal
from hub.core.evidence import Item
from hub.ports.jobs import Job
from hub.web.documents import source_of
from hub.web.edge import Handler
from hub.web.problems import Refused
from hub.web.route import TABLES, XLSX
from hub.web.templates import wanted_language
from hub.web.uploads import Uploads
from schemas.translate.tabular.marked import RowVerdict, marked_workbook


class TablesAPI:
    """Handlers of tables."""

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads
        self._marking = asyncio.Lock()

    def handlers(self) -> Mapping[str, Handler]:
        return {"post_table": self.post, "get_table": self.get, "get_workbook": self.workbook}

    async def post(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        admitted = self._uploads.admit(request)
        media_type, chunks = self._uploads.open(request, TABLES, any_charset=True)
        return await self._uploads.answered(request, admitted, media_type, _parameters(request), chunks)

    async def get(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.StreamResponse:
        return await self._uploads.told(request, await self._job(request, names["table"]))

    async def workbook(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.StreamResponse:
        language = wanted_language(request)
        job = await self._job(request, names["table"])
        if not job.state.finished:
            raise Refused(Refusal("NOT_FINISHED"))
        async with self._marking:  # One at a time: a long sheet takes seconds and memory.
            verdicts = {item.place: _verdict(item) for item in await self._uploads.items(job)}
            document = await self._uploads.document(job)
            marked = await asyncio.to_thread(marked_workbook, document, verdicts, language, job.parameters.get("type"))
        headers = {"Content-Type": XLSX, "Content-Disposition": f'attachment; filename="{job.id}.xlsx"'}
        return web.Response(body=marked, headers=headers)

    async def _job(self, request: web.BaseRequest, name: str) -> Job:
        return await self._uploads.job(request, self._uploads.enter(request), name)


def _verdict(item: Item) -> RowVerdict:
    return RowVerdict(item.verdict.value, item.refusal.faults if item.refusal else item.warnings)


def _parameters(request: web.BaseRequest) -> dict[str, str]:
    given = {"source": source_of(request), "type": request.query.get("type")}
    return {name: text for name, text in given.items() if text}
