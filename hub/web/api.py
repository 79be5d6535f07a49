"""The partner's side of the API: tokens, keys, events and what became of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

from aiohttp import web

from hub.core.errors import Refusal
from hub.core.evidence import Admitted, Mode
from hub.intake.clients import OAuthRefusal
from hub.intake.grant import TokenEndpoint
from hub.intake.pipeline import Pipeline
from hub.web.answers import events_answer
from hub.web.charge import too_many_failures
from hub.web.credentials import CredentialReader
from hub.web.documents import DocumentAPI, is_document, wanted_form
from hub.web.edge import PAUSE, BodyReader, Handler, Refused, answer, language_of
from hub.web.gate import Gate
from hub.web.native import MODES, atomic, attribute_headers
from hub.web.route import EDIFACT, LINKED

_PARAMETERS_MAX = 16
TOKEN_BODY_BYTES_MAX = 16_384
_NEVER_CACHED = {"Cache-Control": "no-store"}


class PartnerAPI:
    """Handlers of the routes that partners use."""

    def __init__(
        self,
        *,
        gate: Gate,
        pipeline: Pipeline,
        documents: DocumentAPI,
        tokens: TokenEndpoint,
        nonce: Callable[[], str],
        credentials: CredentialReader,
        bodies: BodyReader,
    ) -> None:
        self._gate = gate
        self._documents = documents
        self._pipeline = pipeline
        self._tokens = tokens
        self._nonce = nonce
        self._credentials = credentials
        self._bodies = bodies

    def handlers(self) -> Mapping[str, Handler]:
        return {"token": self.token, "post_events": self.post_events}

    async def post_events(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        """Authenticate ▸ admit ▸ read ▸ submit: each before the next costs anything."""
        if is_document(request):
            return await self._documents.post(request)
        admitted = self._admit(request)
        wanted_form(request)
        with self._bodies.hold(request, sender=admitted.principal.partner.id) as held:
            body = await held.read()
            if not self._pipeline.is_current(admitted):
                admitted = self._admit(request)  # The body may have taken seconds: who asks is looked at again.
            headers = attribute_headers(request) if admitted.mode is Mode.BINARY else {}
            judged = await self._pipeline.submit(admitted, body, headers)
        if isinstance(judged, Refusal):
            raise Refused(judged)
        return events_answer(judged, language_of(request))

    def _admit(self, request: web.BaseRequest) -> Admitted:
        principal = self._gate.enter(request, "events:write")
        media_type = self._bodies.media_type(request, (*MODES, LINKED, EDIFACT))
        admitted = self._pipeline.admit(principal, mode=MODES[media_type], atomic=atomic(request))
        if isinstance(admitted, Refusal):
            raise Refused(admitted)
        return admitted

    async def token(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        """RFC 6749 §4.4: parameters once each, in a form; never cached."""
        address = request.remote or ""
        if self._gate.strangers.must_wait(address):
            raise too_many_failures()
        self._bodies.media_type(request, ("application/x-www-form-urlencoded",))
        pairs = _form(await self._bodies.read(request, bytes_max=TOKEN_BODY_BYTES_MAX))
        form = dict(pairs)
        if len(form) != len(pairs):
            return _oauth_refused(OAuthRefusal("invalid_request", "Every parameter once (RFC 6749 §3.2)."))
        granted = await self._tokens.grant(form, self._credentials.read(request))
        if isinstance(granted, OAuthRefusal):
            if granted.status == 401:
                request[PAUSE] = self._gate.strangers.failed(address)
            return _oauth_refused(granted)
        document = {
            "access_token": granted.access_token,
            "token_type": granted.token_type,
            "expires_in": granted.expires_in,
            "scope": granted.scope,
        }
        return answer(document, 200, {**_NEVER_CACHED, "DPoP-Nonce": self._nonce()})


def _form(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            body.decode("ascii"), keep_blank_values=True, max_num_fields=_PARAMETERS_MAX, strict_parsing=True
        )
    except ValueError as e:
        raise Refused(Refusal("BAD_REQUEST", "not a form of at most 16 parameters")) from e


def _oauth_refused(refusal: OAuthRefusal) -> web.Response:
    document = {"error": refusal.error, "error_description": refusal.error_description}
    response = answer(document, refusal.status, _NEVER_CACHED)
    if refusal.nonce:
        response.headers["DPoP-Nonce"] = refusal.nonce
    if refusal.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer error="invalid_client"'
    return response
