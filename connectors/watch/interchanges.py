"""EDIFACT with more than is answered at once: sent, waited for while the hub judges it, and answered in EDIFACT."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from connectors.session import HubSession, accepted
from connectors.watch.jobs import UPLOAD_SECONDS_MAX, items_of, judged

PATH = "/v1/interchanges"
EDIFACT = "application/edifact"
FORMS = ("contrl", "aperak")

Judged = tuple[dict[str, Any], list[dict[str, Any]], dict[str, bytes]]
"""A job as the hub tells it, its items (at most `ITEMS_MAX`), and its answers by the ends of their names."""


class Interchanges:
    """Sends EDIFACT with the parameters `query`."""

    def __init__(self, session: HubSession, query: Mapping[str, str]) -> None:
        self._session, self._query = session, query

    async def send(self, document: bytes, *, job: str, note_job: Callable[[str], None]) -> Judged:
        """Send a document, or go on with `job`, as `judged` does."""
        place, ended = await judged(self._session, PATH, document, EDIFACT, self._query, job=job, note_job=note_job)
        answers = {f".{form}.edi": await self._answer(place, form) for form in FORMS}
        return ended, await items_of(self._session, place), {end: said for end, said in answers.items() if said}

    async def _answer(self, path: str, form: str) -> bytes:
        """Empty: no interchange names a sender to be answered, and the hub answers in JSON."""
        query, seconds_max = {"answer": form}, UPLOAD_SECONDS_MAX
        answer = await self._session.request("GET", path, query=query, answer_seconds_max=seconds_max)
        said = accepted(answer).body
        return b"" if said[:1] == b"{" else said
