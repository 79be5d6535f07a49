"""Documents of the trade over HTTP: events of other formats, and dry runs of whatever is taken."""

from __future__ import annotations

from aiohttp import web

from hub.core.errors import Refusal
from hub.core.evidence import Admitted, Mode, Principal
from hub.intake.documents import Documents, Sent
from hub.intake.pipeline import Pipeline
from hub.web.answers import events_answer
from hub.web.edge import BodyReader, Refused, language_of
from hub.web.gate import Gate
from hub.web.native import atomic
from hub.web.routes import BINARY, LINKED
from schemas.identity import SOURCE_BYTES_MAX
from schemas.translate.item import Context

EVENT_FAMILIES = frozenset({"epcis", "dcsa", "onerecord"})
"""What `POST /v1/events` tells apart by shape."""


def is_document(request: web.BaseRequest) -> bool:
    """Whether the body is a document of the trade: JSON-LD, or JSON that no `ce-` header makes data of a CloudEvent."""
    media_type = request.content_type
    if media_type != BINARY:
        return media_type == LINKED
    return not any(name.lower().startswith("ce-") for name in request.headers)


class DocumentAPI:
    """Handlers of what brings documents that are answered at once."""

    def __init__(
        self, *, gate: Gate, pipeline: Pipeline, documents: Documents, bodies: BodyReader, items_max: int
    ) -> None:
        self._gate = gate
        self._pipeline = pipeline
        self._documents = documents
        self._bodies = bodies
        self._items_max = items_max

    async def post(self, request: web.BaseRequest) -> web.StreamResponse:
        """`POST /v1/events` of a document: authenticate ▸ admit ▸ read ▸ submit, as for native events."""
        admitted = self.admit(request)
        with self._bodies.hold(request) as held:
            body = await held.read()
            if not self._pipeline.is_current(admitted):
                admitted = self.admit(request)
            context = self.context(request, admitted.principal)
            sent = Sent(body, request.content_type, context, EVENT_FAMILIES)
            judged = await self._documents.submit(admitted, sent)
        if isinstance(judged, Refusal):
            raise Refused(judged)
        return events_answer(judged, language_of(request))

    def admit(self, request: web.BaseRequest) -> Admitted:
        principal = self._gate.enter(request, "events:write")
        self._bodies.media_type(request, (BINARY, LINKED))
        admitted = self._pipeline.admit(principal, mode=Mode.BATCHED, atomic=atomic(request))
        if isinstance(admitted, Refusal):
            raise Refused(admitted)
        return admitted

    def context(self, request: web.BaseRequest, principal: Principal) -> Context:
        """What the request and the registry say of a document that does not say it itself."""
        source = request.query.get("source") or request.headers.get("Hub-Source") or None
        if source is not None and (len(source.encode(errors="replace")) > SOURCE_BYTES_MAX or not source.isprintable()):
            raise Refused(Refusal("BAD_REQUEST", f"source: at most {SOURCE_BYTES_MAX} bytes of printable text"))
        return Context(source=source, time_zone=principal.partner.time_zone, items_max=self._items_max)
