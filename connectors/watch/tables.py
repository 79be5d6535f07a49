"""Tables to the hub: sent, waited for while it judges them, and had back marked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from connectors.session import HubSession, refusal
from connectors.watch.jobs import UPLOAD_SECONDS_MAX, items_of, judged

PATH = "/v1/tables"

Table = tuple[dict[str, Any], list[dict[str, Any]], bytes | None]
"""A table as the hub tells it, its items (at most `ITEMS_MAX`), and the workbook, marked."""


class Tables:
    """Sends tables with the parameters `query`."""

    def __init__(self, session: HubSession, query: Mapping[str, str]) -> None:
        self._session, self._query = session, query

    async def send(self, document: bytes, media_type: str, *, job: str, note_job: Callable[[str], None]) -> Table:
        """Send a table, or go on with `job`, as `judged` does."""
        place, table = await judged(self._session, PATH, document, media_type, self._query, job=job, note_job=note_job)
        return table, await items_of(self._session, place), await self._workbook(place)

    async def _workbook(self, path: str) -> bytes | None:
        """None: of what is there, no workbook can be made."""
        answer = await self._session.request("GET", f"{path}/workbook", answer_seconds_max=UPLOAD_SECONDS_MAX)
        if answer.status < 300:
            return answer.body
        refused = refusal(answer)
        if refused.retryable:
            raise refused
        return None
