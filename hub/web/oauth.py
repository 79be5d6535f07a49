"""The endpoints of the authorisation server: forms in, JSON out (RFC 6749, RFC 7009, RFC 7662)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

from aiohttp import web

from hub.core.errors import Refusal
from hub.intake.clients import OAuthRefusal
from hub.intake.grant import TokenEndpoint
from hub.intake.inspect import TokenDesk
from hub.web.charge import too_many_failures
from hub.web.credentials import CredentialReader
from hub.web.edge import BodyReader, Handler, answer
from hub.web.gate import Gate
from hub.web.problems import Refused
from hub.web.under_way import PAUSE, ROUTE

_PARAMETERS_MAX = 16
TOKEN_BODY_BYTES_MAX = 16_384
_NEVER_CACHED = {"Cache-Control": "no-store"}
_REPEATED = OAuthRefusal("invalid_request", "Every parameter once (RFC 6749 §3.2).")


class OAuthAPI:
    """Handlers of the endpoints at which a client proves itself in the form."""

    def __init__(
        self,
        *,
        gate: Gate,
        tokens: TokenEndpoint,
        desk: TokenDesk,
        nonce: Callable[[], str],
        credentials: CredentialReader,
        bodies: BodyReader,
    ) -> None:
        self._gate = gate
        self._tokens = tokens
        self._desk = desk
        self._nonce = nonce
        self._credentials = credentials
        self._bodies = bodies

    def handlers(self) -> Mapping[str, Handler]:
        return {"token": self.token, "introspect": self.introspect, "revoke": self.revoke}

    async def token(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        """RFC 6749 §4.4."""
        form = await self._form(request)
        if isinstance(form, OAuthRefusal):
            return self._refused(request, form)
        granted = await self._tokens.grant(form, self._credentials.read(request))
        if isinstance(granted, OAuthRefusal):
            return self._refused(request, granted)
        document = {
            "access_token": granted.access_token,
            "token_type": granted.token_type,
            "expires_in": granted.expires_in,
            "scope": granted.scope,
        }
        return answer(document, 200, {**_NEVER_CACHED, "DPoP-Nonce": self._nonce()})

    async def introspect(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        """RFC 7662 §2."""
        form = await self._form(request)
        if isinstance(form, OAuthRefusal):
            return self._refused(request, form)
        said = await self._desk.introspect(form, self._credentials.read(request))
        return self._refused(request, said) if isinstance(said, OAuthRefusal) else answer(said, 200, _NEVER_CACHED)

    async def revoke(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        """RFC 7009 §2: 200 without a body, also where there was nothing to revoke."""
        form = await self._form(request)
        refusal = (
            form if isinstance(form, OAuthRefusal) else await self._desk.revoke(form, self._credentials.read(request))
        )
        return self._refused(request, refusal) if refusal is not None else web.Response(headers=_NEVER_CACHED)

    async def _form(self, request: web.BaseRequest) -> Mapping[str, str] | OAuthRefusal:
        """Parameters, once each. Raises `Refused`, also for an address that failed too often of late."""
        if self._gate.strangers.must_wait(self._gate.address(request)):
            raise too_many_failures()
        self._bodies.media_type(request, ("application/x-www-form-urlencoded",))
        body = await self._bodies.read(request, bytes_max=TOKEN_BODY_BYTES_MAX)
        try:
            text = body.decode("ascii")
            pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_PARAMETERS_MAX, strict_parsing=True)
        except ValueError as e:
            raise Refused(Refusal("BAD_REQUEST", "not a form of at most 16 parameters")) from e
        form = dict(pairs)
        return form if len(form) == len(pairs) else _REPEATED

    def _refused(self, request: web.BaseRequest, refusal: OAuthRefusal) -> web.Response:
        document = {"error": refusal.error, "error_description": refusal.error_description}
        response = answer(document, refusal.status, _NEVER_CACHED)
        if refusal.nonce:
            response.headers["DPoP-Nonce"] = refusal.nonce
        if refusal.status == 401:
            response.headers["WWW-Authenticate"] = 'Bearer error="invalid_client"'
            address, door = self._gate.address(request), request[ROUTE].name
            request[PAUSE] = self._gate.strangers.refused(address, door=door, reason=refusal.error)
        return response
