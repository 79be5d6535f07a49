"""Tables to the hub: sent, waited for while it judges them, and had back marked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from connectors.partner.client import DocumentRefused, is_about_content
from connectors.session import HubSession, refusal
from connectors.watch.jobs import UPLOAD_SECONDS_MAX, finished, items_of, told, unsettled

PATH = "/v1/tables"
DONE, FAILED = "done", "failed"

Table = tuple[dict[str, Any], list[dict[str, Any]], bytes | None]
"""A table as the hub tells it, its items (at most `ITEMS_MAX`), and the workbook, marked."""


class Tables:
    """Sends tables with the parameters `query`."""

    def __init__(self, session: HubSession, query: Mapping[str, str]) -> None:
        self._session, self._query = session, query

    async def send(self, document: bytes, media_type: str, *, job: str, note_job: Callable[[str], None]) -> Table:
        """Send a table, or go on with `job`. `note_job` is told of the job before it is waited for; by an empty one,
        that the table is to be sent anew. Raises `NotNow`, `DocumentRefused`, `HubRefused`, `HubUnreachable`."""
        if not job or await told(self._session, f"{PATH}/{job}") is None:
            job = await self._post(document, media_type)
            note_job(job)
        path = f"{PATH}/{job}"
        table = await finished(self._session, path, lambda table: table["state"] in (DONE, FAILED))
        if table["state"] == DONE:
            unsettled(table["counts"], note_job)
        return table, await items_of(self._session, path), await self._workbook(path)

    async def _post(self, document: bytes, media_type: str) -> str:
        """The job. One that failed is answered with a problem, which names it."""
        headers, seconds_max = {"Content-Type": media_type}, UPLOAD_SECONDS_MAX
        answer = await self._session.request(
            "POST", PATH, body=document, headers=headers, query=self._query, answer_seconds_max=seconds_max
        )
        table = answer.json() if answer.body[:1] == b"{" else {}
        if isinstance(job := table.get("id"), str):
            return job
        refused = refusal(answer)
        raise DocumentRefused(refused) if is_about_content(refused) else refused

    async def _workbook(self, path: str) -> bytes | None:
        """None: of what is there, no workbook can be made."""
        answer = await self._session.request("GET", f"{path}/workbook", answer_seconds_max=UPLOAD_SECONDS_MAX)
        if answer.status < 300:
            return answer.body
        refused = refusal(answer)
        if refused.retryable:
            raise refused
        return None
