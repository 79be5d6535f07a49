"""Documents of the trade over HTTP: events of other formats, and dry runs of whatever is taken."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from functools import partial

from aiohttp import web

from hub.core.errors import Refusal
from hub.core.evidence import Admitted, Mode
from hub.intake.documents import Documents, Sent
from hub.intake.pipeline import SMALL_BATCH_BYTES, Answer, Pipeline
from hub.ports.system import Clock, Entropy
from hub.web.answers import events_answer, feedback_of
from hub.web.edge import BodyReader, Handler, language_of
from hub.web.edi import FORMS as EDI_FORMS
from hub.web.edi import edi_answer
from hub.web.gate import Gate
from hub.web.native import MODES, atomic, attribute_headers
from hub.web.problems import Refused, granted
from hub.web.route import BINARY, EDIFACT, LINKED, TABLES
from hub.web.signatures import Signatures
from schemas.identity import SOURCE_BYTES_MAX
from schemas.translate.item import Context

EVENT_FAMILIES = frozenset({"epcis", "dcsa", "onerecord", "edifact"})
"""What `POST /v1/events` tells apart by shape."""
TABLE_FAMILIES = frozenset({"tabular"})


def is_document(request: web.BaseRequest) -> bool:
    """Whether the body is a document of the trade: JSON-LD, EDIFACT, or JSON that no `ce-` header makes data."""
    media_type = request.content_type
    if media_type != BINARY:
        return media_type in (LINKED, EDIFACT)
    return not any(name.lower().startswith("ce-") for name in request.headers)


class DocumentAPI:
    """Handlers of what brings documents that are answered at once."""

    def __init__(
        self,
        *,
        gate: Gate,
        pipeline: Pipeline,
        documents: Documents,
        bodies: BodyReader,
        clock: Clock,
        entropy: Entropy,
        items_max: int,
        rows_max: int,
        signatures: Signatures,
    ) -> None:
        self._gate = gate
        self._signatures = signatures
        self._pipeline = pipeline
        self._documents = documents
        self._bodies = bodies
        self._clock = clock
        self._entropy = entropy
        self._items_max = items_max
        self._rows_max = rows_max

    def handlers(self) -> Mapping[str, Handler]:
        return {"validate": self.validate}

    async def post(self, request: web.BaseRequest) -> web.StreamResponse:
        """`POST /v1/events` of a document: authenticate ▸ admit ▸ read ▸ submit, as for native events."""
        admitted = self.admit(request)
        form = wanted_form(request)
        with self._bodies.hold(request, sender=admitted.principal.sender.id) as held:
            body = await held.read()
            if not self._pipeline.is_current(admitted):
                admitted = self.admit(request)
            admitted = await self._signatures.proven(request, admitted, body)
            judged = granted(await self._documents.submit(admitted, self._sent(request, admitted, body)))
        return self._signatures.told(await self._answer(request, form, body, judged), admitted)

    async def validate(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        """`POST /v1/validate`: what would become of whatever is taken anywhere; nothing is stored."""
        admitted = self.admit(request, (*MODES, LINKED, EDIFACT, *TABLES))
        form = wanted_form(request)
        with self._bodies.hold(request, sender=admitted.principal.sender.id) as held:
            body = await held.read()
            if is_document(request) or request.content_type in TABLES:
                judged = await self._documents.check(admitted, self._sent(request, admitted, body))
            else:
                headers = attribute_headers(request) if admitted.mode is Mode.BINARY else {}
                judged = await self._pipeline.check(admitted, body, headers)
        return await self._answer(request, form, body, granted(judged))

    async def _answer(self, request: web.BaseRequest, form: str | None, body: bytes, judged: Answer) -> web.Response:
        """In the form asked for. One about a long document is written on a thread: it is gone through once more."""
        language = language_of(request)
        if form in EDI_FORMS:
            written = partial(
                edi_answer, form, body, judged, language=language, clock=self._clock, entropy=self._entropy
            )
            large = len(body) > SMALL_BATCH_BYTES
            if (answered := await asyncio.to_thread(written) if large else written()) is not None:
                return answered
        return events_answer(judged, language, feedback_of(judged.items, language) if form == "dcsa" else None)

    def admit(self, request: web.BaseRequest, taken: Iterable[str] = (BINARY, LINKED, EDIFACT)) -> Admitted:
        principal = self._gate.enter(request, "events:write")
        media_type = self._bodies.media_type(request, taken, any_charset=request.content_type in TABLES)
        mode = Mode.BATCHED if is_document(request) else MODES.get(media_type, Mode.BATCHED)
        return granted(self._pipeline.admit(principal, mode=mode, atomic=atomic(request)))

    def _sent(self, request: web.BaseRequest, admitted: Admitted, body: bytes) -> Sent:
        """A body with what the request and the registry say of it that it does not say itself."""
        is_table = request.content_type in TABLES
        context = Context(
            source=source_of(request),
            event_type=request.query.get("type"),
            items_max=self._rows_max if is_table else self._items_max,
        )
        return Sent(body, request.content_type, context, TABLE_FAMILIES if is_table else EVENT_FAMILIES)


def wanted_form(request: web.BaseRequest) -> str | None:
    """The form that the request asks to be answered in; None: plain JSON. Raises `Refused`."""
    form = request.query.get("answer")
    if form not in (None, "dcsa", *EDI_FORMS):
        raise Refused(Refusal("BAD_REQUEST", "answer: dcsa, contrl or aperak, or left out"))
    if form in EDI_FORMS and request.content_type != EDIFACT:
        raise Refused(Refusal("BAD_REQUEST", "answer: contrl and aperak only of what is sent as application/edifact"))
    return form


def source_of(request: web.BaseRequest) -> str | None:
    """The source that the request names for what a document holds. Raises `Refused`."""
    source = request.query.get("source") or request.headers.get("Hub-Source") or None
    if source is not None and (len(source.encode(errors="replace")) > SOURCE_BYTES_MAX or not source.isprintable()):
        raise Refused(Refusal("BAD_REQUEST", f"source: at most {SOURCE_BYTES_MAX} bytes of printable text"))
    return source
