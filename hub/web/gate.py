"""Who asks: the first check of every route with a scope, before a body is read."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from hub.core.errors import Refusal
from hub.core.evidence import Challenge, Principal
from hub.intake.authenticate import Authenticator
from hub.web.credentials import CredentialReader
from hub.web.edge import Refused


class Gate:
    """Lets a principal in, or nobody."""

    def __init__(
        self, authenticator: Authenticator, reader: CredentialReader, *, standing: Callable[[], int | None]
    ) -> None:
        """`standing`: None while the registry is not confirmed; who is who is not said then."""
        self._authenticator = authenticator
        self._reader = reader
        self._standing = standing

    def enter(self, request: web.BaseRequest, *scopes: str) -> Principal:
        """The principal, with one of the scopes that the route asks for. Raises `Refused`."""
        if self._standing() is None:
            raise Refused(Refusal("REGISTRY_STALE"))
        principal = self._authenticator.authenticate(self._reader.read(request))
        if isinstance(principal, Challenge):
            raise Refused(principal.refusal, **principal.headers)
        if principal.scopes.isdisjoint(scopes):
            raise Refused(Refusal("SCOPE_MISSING", " or ".join(scopes)))
        return principal
