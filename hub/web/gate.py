"""Who asks: the first check of every route with a scope, before a body is read."""

from __future__ import annotations

import re
from collections.abc import Callable

from aiohttp import web
from msgspec.structs import replace

from hub.core.errors import Refusal
from hub.core.evidence import Challenge, Credentials, Principal
from hub.core.permission import mandate_missing, may_stand_in
from hub.core.registry import Snapshot
from hub.intake.authenticate import Authenticator
from hub.intake.last_use import UseBook
from hub.intake.quota import Quotas
from hub.intake.strangers import Strangers
from hub.ports.system import Clock
from hub.web.charge import RequestCharge, too_many_failures
from hub.web.credentials import CredentialReader
from hub.web.edge import ANSWER_HEADERS
from hub.web.problems import Refused
from hub.web.under_way import CHARGE, ROUTE

_CREDENTIALS = web.RequestKey("credentials", Credentials)
ON_BEHALF_OF = "Hub-On-Behalf-Of"
"""The header by which an agent names the partner whose events it brings."""
ASKED = "on_behalf_of"
"""The parameter by which it asks for what became of them."""
SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


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
        snapshot: Callable[[], Snapshot],
        clock: Clock,
    ) -> None:
        """`nonce`: for the next proof. `standing`: None while the registry is not confirmed: nobody is let in then."""
        self._authenticator = authenticator
        self._quotas = quotas
        self.strangers = strangers
        self._reader = reader
        self._uses = uses
        self._nonce = nonce
        self._standing = standing
        self._snapshot = snapshot
        self._clock = clock

    def address(self, request: web.BaseRequest) -> str:
        """Whose failures are counted together: the sender's, also behind a proxy that is trusted."""
        return self._reader.address(request)

    def decides(self) -> bool:
        """Whether the registry is confirmed: nobody is let in, or left in, while it is not."""
        return self._standing() is not None

    def enter(self, request: web.BaseRequest, *scopes: str) -> Principal:
        """The principal, with one of the scopes that the route asks for; its quota is charged once a request, and that
        of the partner that it sends for as well.

        Raises `Refused`.
        """
        if not self.decides():
            raise Refused(Refusal("REGISTRY_STALE"))
        credentials, address = request.get(_CREDENTIALS) or self._reader.read(request), self.address(request)
        if self.strangers.must_wait(address) and not self._authenticator.knows(credentials):
            raise too_many_failures()
        principal = self._authenticator.authenticate(credentials)
        if isinstance(principal, Challenge):
            refused = Refused(principal.refusal, **principal.headers)
            raise (
                refused
                if principal.asks_again
                else refused.pausing(self.strangers.refused(address, door=request[ROUTE].name, reason=principal.reason))
            )
        if credentials.unverified_proofs:
            # A proof is good once, and whoever sent it may have to be looked at again before the answer.
            request[_CREDENTIALS] = replace(credentials, proof_taken=True)
            request[ANSWER_HEADERS] = {"DPoP-Nonce": self._nonce()}
        acting = self._acting(request, principal)
        if CHARGE not in request:
            charged = principal if isinstance(acting, Refusal) else acting
            request[CHARGE] = charge = RequestCharge(self._quotas, charged, request)
            charge.enter()
            self._uses.note(principal.key_id, address, request.headers.get("User-Agent", ""))
        if principal.scopes.isdisjoint(scopes):
            acting = Refusal("SCOPE_MISSING", " or ".join(scopes))
        if isinstance(acting, Refusal):
            door, system = request[ROUTE].name, principal.system.id
            self.strangers.kept_out(address, door=door, reason=acting.code, system=system)
            raise Refused(acting)
        return acting

    def _acting(self, request: web.BaseRequest, principal: Principal) -> Principal | Refusal:
        """The same sender, for the partner whose events it says that it brings."""
        route, named = request[ROUTE], request.headers.getall(ON_BEHALF_OF, ())
        reads = route.method == "GET"
        if (named and (reads or not route.for_another)) or (
            ASKED in request.query and not (reads and route.for_another)
        ):
            return Refusal("BAD_REQUEST", f"{ON_BEHALF_OF} on what is sent, {ASKED} on what is asked; not here")
        if len(named) > 1 or len(request.query.getall(ASKED, ())) > 1:
            # Two readers of a repeated field may differ about whom it names.
            return Refusal("BAD_REQUEST", f"{ON_BEHALF_OF if named else ASKED}: one partner")
        if not named or named[0] == principal.partner.id:
            return principal
        publisher, now = named[0], self._clock.now_us() // 1_000_000
        if not SLUG.fullmatch(publisher):
            return Refusal("BAD_REQUEST", f"{ON_BEHALF_OF}: one partner")
        snapshot, agent = self._snapshot(), principal.partner
        partner = snapshot.partners.get(publisher)
        if partner is None or not may_stand_in(agent.id, publisher, snapshot, now):
            return mandate_missing(agent.id, publisher, "")
        return replace(principal, partner=partner, agent=agent)


def publisher_asked(request: web.BaseRequest, principal: Principal) -> str:
    """Whose events the request asks about: the principal's own, or those that it sent in another partner's place.

    Nobody needs a mandate to see what he sent himself, and nothing else is shown. Raises `Refused`.
    """
    publisher = request.query.get(ASKED, principal.partner.id)
    if not SLUG.fullmatch(publisher):
        raise Refused(Refusal("BAD_REQUEST", f"{ASKED}: one partner"))
    return publisher
