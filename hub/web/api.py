"""The partner's side of the API: tokens, keys, events and what became of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qsl

import orjson
from aiohttp import web

from hub.core.errors import Refusal
from hub.core.evidence import Admitted, Item, Mode, Principal, Verdict
from hub.intake.authenticate import Authenticator
from hub.intake.grant import OAuthRefusal, TokenEndpoint
from hub.intake.pipeline import Answer, Pipeline
from hub.web import render
from hub.web.edge import JSON, RETRY_AFTER_SECONDS, BodyReader, Handler, Refused, answer, language_of, problem
from hub.web.routes import BATCHED, BINARY, NDJSON, STRUCTURED

_MODES = {STRUCTURED: Mode.STRUCTURED, BATCHED: Mode.BATCHED, NDJSON: Mode.NDJSON, BINARY: Mode.BINARY}
_ATOMIC = "Hub-Batch"
_PARAMETERS_MAX = 16
TOKEN_BODY_BYTES_MAX = 16_384
_NEVER_CACHED = {"Cache-Control": "no-store"}


class Gate:
    """Who asks: the first check of every route with a scope, before a body is read."""

    def __init__(self, authenticator: Authenticator, *, standing: Callable[[], int | None]) -> None:
        """`standing`: None while the registry is not confirmed; who is who is not said then."""
        self._authenticator = authenticator
        self._standing = standing

    def enter(self, request: web.BaseRequest, scope: str) -> Principal:
        """The principal, with the scope that the route asks for. Raises `Refused`."""
        if self._standing() is None:
            raise Refused(Refusal("REGISTRY_STALE"))
        principal = self._authenticator.authenticate(request.headers.get("Authorization"))
        if isinstance(principal, Refusal):
            raise Refused(principal)
        if scope not in principal.scopes:
            raise Refused(Refusal("SCOPE_MISSING", scope))
        return principal


class PartnerAPI:
    """Handlers of the routes that partners use."""

    def __init__(self, *, gate: Gate, pipeline: Pipeline, tokens: TokenEndpoint, bodies: BodyReader) -> None:
        self._gate = gate
        self._pipeline = pipeline
        self._tokens = tokens
        self._bodies = bodies

    def handlers(self) -> Mapping[str, Handler]:
        return {"token": self.token, "post_events": self.post_events}

    async def post_events(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        """Authenticate ▸ admit ▸ read ▸ submit: each before the next costs anything."""
        admitted = self._admit(request)
        with self._bodies.hold(request) as held:
            body = await held.read()
            if not self._pipeline.is_current(admitted):
                admitted = self._admit(request)  # The body may have taken seconds: who asks is looked at again.
            headers = _attribute_headers(request) if admitted.mode is Mode.BINARY else {}
            judged = await self._pipeline.submit(admitted, body, headers)
        if isinstance(judged, Refusal):
            raise Refused(judged)
        return _events_answer(judged, language_of(request))

    def _admit(self, request: web.BaseRequest) -> Admitted:
        principal = self._gate.enter(request, "events:write")
        media_type = self._bodies.media_type(request, _MODES)
        admitted = self._pipeline.admit(principal, mode=_MODES[media_type], atomic=_atomic(request))
        if isinstance(admitted, Refusal):
            raise Refused(admitted)
        return admitted

    async def token(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        """RFC 6749 §4.4: parameters once each, in a form; never cached."""
        self._bodies.media_type(request, ("application/x-www-form-urlencoded",))
        pairs = _form(await self._bodies.read(request, bytes_max=TOKEN_BODY_BYTES_MAX))
        form = dict(pairs)
        if len(form) != len(pairs):
            return _oauth_refused(OAuthRefusal("invalid_request", "Every parameter once (RFC 6749 §3.2)."))
        granted = await self._tokens.grant(form)
        if isinstance(granted, OAuthRefusal):
            return _oauth_refused(granted)
        document = {
            "access_token": granted.access_token,
            "token_type": granted.token_type,
            "expires_in": granted.expires_in,
            "scope": granted.scope,
        }
        return answer(document, 200, _NEVER_CACHED)


def _atomic(request: web.BaseRequest) -> bool:
    wanted = request.headers.get(_ATOMIC)
    if wanted not in (None, "atomic"):
        raise Refused(Refusal("BAD_REQUEST", "Hub-Batch: atomic, or no such header"))
    return wanted is not None


def _attribute_headers(request: web.BaseRequest) -> dict[str, str]:
    """The `ce-` headers; an attribute given twice has no meaning."""
    found: dict[str, str] = {}
    for name, value in request.headers.items():
        if (name := name.lower()).startswith("ce-"):
            if name in found:
                raise Refused(Refusal("BAD_REQUEST", f"{name} is given twice"))
            found[name] = value
    return found


def _events_answer(judged: Answer, language: str) -> web.Response:
    """The status of design §2: of the item for a single event, of what all items share for a batch."""
    items = judged.items
    if judged.mode in (Mode.STRUCTURED, Mode.BINARY):
        return _single_answer(items[0], language)
    status = 422 if judged.refused_whole else _batch_status(items)
    document = render.batch(items, language)
    if judged.refused_whole:
        document["code"] = "BATCH_REFUSED"
    response = web.Response(status=status, body=orjson.dumps(document), content_type=JSON)
    if status in (503, 507):
        response.headers["Retry-After"] = RETRY_AFTER_SECONDS
    return response


_SINGLE = {Verdict.ACCEPTED: 201, Verdict.DUPLICATE: 200, Verdict.HELD: 202}


def _single_answer(item: Item, language: str) -> web.Response:
    document = render.single_item(item, language)
    if item.refusal is not None:
        return problem(
            item.refusal, language=language, extra={"id": item.id, "source": item.source, "verdict": item.verdict}
        )
    return web.Response(status=_SINGLE[item.verdict], body=orjson.dumps(document), content_type=JSON)


def _batch_status(items: Sequence[Item]) -> int:
    verdicts = {item.verdict for item in items}
    if verdicts <= {Verdict.ACCEPTED, Verdict.DUPLICATE}:
        return 200
    if verdicts == {Verdict.HELD}:
        return 202
    refusals = [item.refusal.row for item in items if item.refusal]
    if verdicts <= {Verdict.REJECTED, Verdict.CONFLICT}:
        return 403 if all(row.status == 403 for row in refusals) else 422
    if verdicts <= {Verdict.UNKNOWN, Verdict.NOT_ATTEMPTED}:
        return 507 if any(row.status == 507 for row in refusals) else 503
    return 207


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
    if refusal.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer error="invalid_client"'
    return response
