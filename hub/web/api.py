"""The partner's side of the API: events, pushed."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from hub.core.evidence import Admitted, Mode
from hub.intake.pipeline import Pipeline
from hub.web.answers import events_answer
from hub.web.documents import DocumentAPI, is_document, wanted_form
from hub.web.edge import BodyReader, Handler, language_of
from hub.web.gate import Gate
from hub.web.native import MODES, atomic, attribute_headers
from hub.web.problems import granted
from hub.web.route import EDIFACT, LINKED
from hub.web.signatures import Signatures


class PartnerAPI:
    """Handlers of the routes that partners use."""

    def __init__(
        self,
        *,
        gate: Gate,
        pipeline: Pipeline,
        documents: DocumentAPI,
        bodies: BodyReader,
        signatures: Signatures,
    ) -> None:
        self._gate = gate
        self._signatures = signatures
        self._documents = documents
        self._pipeline = pipeline
        self._bodies = bodies

    def handlers(self) -> Mapping[str, Handler]:
        return {"post_events": self.post_events}

    async def post_events(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        """Authenticate ▸ admit ▸ read ▸ submit: each before the next costs anything."""
        if is_document(request):
            return await self._documents.post(request)
        admitted = self._admit(request)
        wanted_form(request)
        with self._bodies.hold(request, sender=admitted.principal.sender.id) as held:
            body = await held.read()
            if not self._pipeline.is_current(admitted):
                admitted = self._admit(request)  # The body may have taken seconds: who asks is looked at again.
            admitted = await self._signatures.proven(request, admitted, body)
            headers = attribute_headers(request) if admitted.mode is Mode.BINARY else {}
            judged = granted(await self._pipeline.submit(admitted, body, headers))
        return self._signatures.told(events_answer(judged, language_of(request)), admitted)

    def _admit(self, request: web.BaseRequest) -> Admitted:
        principal = self._gate.enter(request, "events:write")
        media_type = self._bodies.media_type(request, (*MODES, LINKED, EDIFACT))
        return granted(self._pipeline.admit(principal, mode=MODES[media_type], atomic=atomic(request)))
