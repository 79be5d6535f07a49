"""Tables to the hub: sent, waited for while it judges them, and had back marked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from connectors.partner.client import DocumentRefused, is_about_content
from connectors.session import HubSession, accepted, refusal
from connectors.watch.reply import ITEMS_MAX, NotNow

UPLOAD_SECONDS_MAX = 90.0
"""The hub gives a table 60 s to come, and answers 8 s later at the latest."""
POLL_SECONDS = 1.0
POLL_COUNT_MAX = 600
"""A hub that judges longer is asked again later: the table is not sent again."""
DONE, FAILED = "done", "failed"
_OPEN = frozenset(("UNKNOWN", "NOT_ATTEMPTED", "HELD"))


Table = tuple[dict[str, Any], list[dict[str, Any]], bytes | None]
"""A table as the hub tells it, its items (at most `ITEMS_MAX`), and the workbook, marked."""


class Tables:
    """Sends tables with the parameters `query`."""

    def __init__(self, session: HubSession, query: Mapping[str, str]) -> None:
        self._session, self._query = session, query

    async def send(self, document: bytes, media_type: str, *, job: str, note_job: Callable[[str], None]) -> Table:
        """Send a table, or go on with `job`. `note_job` is told of the job before it is waited for; by an empty one,
        that the table is to be sent anew. Raises `NotNow`, `DocumentRefused`, `HubRefused`, `HubUnreachable`."""
        told = await self._told(job) if job else None
        if told is None:
            job = await self._post(document, media_type)
            note_job(job)
        told = await self._finished(job)
        open_count = sum(told["counts"].get(verdict, 0) for verdict in _OPEN)
        if told["state"] == DONE and open_count:
            note_job("")  # What the hub has of it will be a DUPLICATE.
            raise NotNow(f"of {open_count} rows the hub cannot tell whether they are stored", of_file=True)
        return told, await self._items(job), await self._workbook(job)

    async def _post(self, document: bytes, media_type: str) -> str:
        """The job. One that failed is answered with a problem, which names it."""
        headers, seconds_max = {"Content-Type": media_type}, UPLOAD_SECONDS_MAX
        answer = await self._session.request(
            "POST", "/v1/tables", body=document, headers=headers, query=self._query, answer_seconds_max=seconds_max
        )
        told = answer.json() if answer.body[:1] == b"{" else {}
        if isinstance(job := told.get("id"), str):
            return job
        refused = refusal(answer)
        raise DocumentRefused(refused) if is_about_content(refused) else refused

    async def _told(self, job: str, **query: str) -> dict[str, Any] | None:
        """None: the hub has forgotten it."""
        answer = await self._session.request("GET", f"/v1/tables/{job}", query=query)
        return None if answer.status == 404 else accepted(answer).json()

    async def _finished(self, job: str) -> dict[str, Any]:
        for _ in range(POLL_COUNT_MAX):
            told = await self._told(job)
            if told is None:
                break
            if told["state"] in (DONE, FAILED):
                return told
            await asyncio.sleep(POLL_SECONDS)
        raise NotNow(f"the hub is still judging the table {job}", of_file=True)

    async def _items(self, job: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        cursor: str | None = "0"
        while cursor is not None and len(items) < ITEMS_MAX:
            page = await self._told(job, cursor=cursor) or {"items": [], "next": None}
            items += page["items"]
            cursor = page["next"] if page["items"] else None
        return items

    async def _workbook(self, job: str) -> bytes | None:
        """None: of what is there, no workbook can be made."""
        path = f"/v1/tables/{job}/workbook"
        answer = await self._session.request("GET", path, answer_seconds_max=UPLOAD_SECONDS_MAX)
        if answer.status < 300:
            return answer.body
        refused = refusal(answer)
        if refused.retryable:
            raise refused
        return None
