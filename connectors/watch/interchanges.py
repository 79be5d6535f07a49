"""EDIFACT with more than is answered at once: sent, waited for while the hub judges it, and answered in EDIFACT."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from connectors.partner.client import DocumentRefused, is_about_content
from connectors.session import HubSession, accepted, refusal
from connectors.watch.jobs import UPLOAD_SECONDS_MAX, finished, items_of, told, unsettled
from connectors.watch.tables import DONE, FAILED

PATH = "/v1/interchanges"
HEADERS = {"Content-Type": "application/edifact"}
FORMS = ("contrl", "aperak")

Judged = tuple[dict[str, Any], list[dict[str, Any]], dict[str, bytes]]
"""A job as the hub tells it, its items (at most `ITEMS_MAX`), and its answers by the ends of their names."""


class Interchanges:
    """Sends EDIFACT with the parameters `query`."""

    def __init__(self, session: HubSession, query: Mapping[str, str]) -> None:
        self._session, self._query = session, query

    async def send(self, document: bytes, *, job: str, note_job: Callable[[str], None]) -> Judged:
        """Send a document, or go on with `job`. `note_job`: as of a table. Raises `NotNow`, `DocumentRefused`,
        `HubRefused`, `HubUnreachable`."""
        if not job or await told(self._session, f"{PATH}/{job}") is None:
            job = await self._post(document)
            note_job(job)
        path = f"{PATH}/{job}"
        ended = await finished(self._session, path, lambda each: each["state"] in (DONE, FAILED))
        if ended["state"] == DONE:
            unsettled(ended["counts"], note_job)
        answers = {f".{form}.edi": await self._answer(path, form) for form in FORMS}
        return ended, await items_of(self._session, path), {end: said for end, said in answers.items() if said}

    async def _post(self, document: bytes) -> str:
        """The job. One that failed is answered with a problem, which names it."""
        answer = await self._session.request(
            "POST", PATH, body=document, headers=HEADERS, query=self._query, answer_seconds_max=UPLOAD_SECONDS_MAX
        )
        said = answer.json() if answer.body[:1] == b"{" else {}
        if isinstance(job := said.get("id"), str):
            return job
        refused = refusal(answer)
        raise DocumentRefused(refused) if is_about_content(refused) else refused

    async def _answer(self, path: str, form: str) -> bytes:
        """Empty: no interchange names a sender to be answered, and the hub answers in JSON."""
        query, seconds_max = {"answer": form}, UPLOAD_SECONDS_MAX
        answer = await self._session.request("GET", path, query=query, answer_seconds_max=seconds_max)
        said = accepted(answer).body
        return b"" if said[:1] == b"{" else said
