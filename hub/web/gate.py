"""Who asks: the first check of every route with a scope, before a body is read."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web
from msgspec.structs import replace

from hub.core.errors import Refusal
from hub.core.evidence import Challenge, Credentials, Principal
from hub.intake.authenticate import Authenticator
from hub.intake.last_use import UseBook
from hub.intake.quota import Quotas
from hub.intake.strangers import Strangers
from hub.web.charge import RequestCharge, too_many_failures
from hub.web.credentials import CredentialReader
from hub.web.edge import ANSWER_HEADERS, Refused
from hub.web.under_way import CHARGE

_CREDENTIALS = web.RequestKey("credentials", Credentials)


class Gate:
    """Lets a principal in, or nobody."""

    def __init__(
        self,
        authenticator: Authenticator,
        reader: CredentialReader,
        *,
        uses: UseBook,
        nonce: Callable[[], str],
        quotas: Quotas,
        strangers: Strangers,
        standing: Callable[[], int | None],
    ) -> None:
        """`nonce`: for the next proof. `standing`: None while the registry is not confirmed: nobody is let in then."""
        self._authenticator = authenticator
        self._quotas = quotas
        self.strangers = strangers
        self._reader = reader
        self._uses = uses
        self._nonce = nonce
        self._standing = standing

    def enter(self, request: web.BaseRequest, *scopes: str) -> Principal:
        """The principal, with one of the scopes that the route asks for; its quota is charged once a request.

        Raises `Refused`.
        """
        if self._standing() is None:
            raise Refused(Refusal("REGISTRY_STALE"))
        credentials, address = request.get(_CREDENTIALS) or self._reader.read(request), request.remote or ""
        if self.strangers.must_wait(address) and not self._authenticator.knows(credentials):
            raise too_many_failures()
        principal = self._authenticator.authenticate(credentials)
        if isinstance(principal, Challenge):
            refused = Refused(principal.refusal, **principal.headers)
            raise refused if principal.asks_again else refused.pausing(self.strangers.failed(address))
        if credentials.unverified_proofs:
            # A proof is good once, and whoever sent it may have to be looked at again before the answer.
            request[_CREDENTIALS] = replace(credentials, proof_taken=True)
            request[ANSWER_HEADERS] = {"DPoP-Nonce": self._nonce()}
        if CHARGE not in request:
            request[CHARGE] = charge = RequestCharge(self._quotas, principal, request)
            charge.enter()
            self._uses.note(principal.key_id, address, request.headers.get("User-Agent", ""))
        if principal.scopes.isdisjoint(scopes):
            raise Refused(Refusal("SCOPE_MISSING", " or ".join(scopes)))
        return principal
