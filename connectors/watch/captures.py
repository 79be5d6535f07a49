"""EPCIS documents with more events than are answered at once: captured (EPCIS 2.0, `/capture`) and waited for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from connectors.partner.client import not_taken
from connectors.session import HubSession, refusal
from connectors.watch.jobs import finished, posted, told, unsettled

PATH = "/epcis/capture"
HEADERS = {"Content-Type": "application/ld+json", "GS1-Capture-Error-Behaviour": "proceed"}
"""What is right in it is taken, as of a document that is answered at once; it need not fit into one batch then."""


class Captures:
    """Sends EPCIS documents with the parameters `query`."""

    def __init__(self, session: HubSession, query: Mapping[str, str]) -> None:
        self._session, self._query = session, query

    async def send(self, document: bytes, *, job: str, note_job: Callable[[str], None]) -> dict[str, Any]:
        """Send a document, or go on with `job`, and return the job as the hub tells it once it has ended. `note_job`:
        as of `judged`. Raises `NotNow`, `DocumentRefused`, `HubRefused`, `HubUnreachable`."""
        if not job or await told(self._session, f"{PATH}/{job}") is None:
            answer = await posted(self._session, PATH, document, HEADERS, self._query)
            if answer.status >= 300 or not answer.location:
                raise not_taken(refusal(answer))
            job = answer.location.partition("?")[0].rpartition("/")[2]
            note_job(job)
        ended = await finished(self._session, f"{PATH}/{job}", lambda capture: not capture["running"])
        unsettled(ended["counts"], note_job)
        return ended
