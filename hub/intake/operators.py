"""Which operator asks, at the network's door to the admin interface: a token of the client `operator.<name>` with the
scope `admin`, bound to the key that signs a proof at each request (DPoP, RFC 9449). No other token is good there.
"""

from __future__ import annotations

from collections.abc import Callable, Container

from hub.core.evidence import Credentials
from hub.core.operator import ADMIN_SCOPE, CLIENT_PREFIX, Operator
from hub.core.registry import Snapshot
from hub.core.settings import AuthSettings
from hub.intake.proofs import Proofs
from hub.ports.observer import Observer
from hub.ports.system import Clock
from hub.trust.jws import Flaw
from hub.trust.tokens import AccessToken, Issuer, verify_token


class Operators:
    """Authentication of operators for one process."""

    def __init__(
        self,
        issuer: Callable[[], Issuer],
        *,
        snapshot: Callable[[], Snapshot],
        revoked: Container[str],
        proofs: Proofs,
        clock: Clock,
        observer: Observer,
        settings: AuthSettings,
    ) -> None:
        """`revoked`: ids of tokens that are good no more."""
        self._issuer = issuer
        self._snapshot = snapshot
        self._revoked = revoked
        self._proofs = proofs
        self._clock = clock
        self._observer = observer
        self._settings = settings

    def authenticate(self, credentials: Credentials) -> Operator | Flaw:
        answer = self._identify(credentials, self._clock.now_us() // 1_000_000)
        if isinstance(answer, Flaw):
            self._observer.count("authentications_refused", reason=answer.value)
        return answer

    def nonce(self) -> str:
        """For an operator's next proof."""
        return self._proofs.nonce()

    def lets_in(self, token: AccessToken, now: int) -> bool:
        """Whether the operator of a verified token may look, with a proof."""
        return isinstance(self._holder(token, now), Operator)

    def _identify(self, credentials: Credentials, now: int) -> Operator | Flaw:
        # 1. There is one Authorization header, of the one scheme that is taken here.
        if not credentials.unverified_authorizations:
            return Flaw.MISSING
        scheme, _, token = credentials.unverified_authorizations[0].partition(" ")
        if len(credentials.unverified_authorizations) > 1 or scheme.lower() != "dpop":
            return Flaw.MALFORMED
        # 2. We issued it, to an operator, for this; it lives, and was not revoked.
        verified = verify_token(token, issuer=self._issuer(), now=now, bytes_max=self._settings.token_bytes_max)
        if isinstance(verified, Flaw):
            return verified
        operator = self._holder(verified, now)
        if isinstance(operator, Flaw):
            return operator
        # 4. The proof is by the key that it is bound to, for this request, and new.
        proof = self._proofs.check(credentials, token=token, bound_to=verified.binding.thumbprint, now=now)
        return proof if isinstance(proof, Flaw) else operator

    def _holder(self, token: AccessToken, now: int) -> Operator | Flaw:
        if not token.client.startswith(CLIENT_PREFIX) or ADMIN_SCOPE not in token.scopes:
            return Flaw.CLIENT
        if token.id in self._revoked:
            return Flaw.REVOKED
        if not token.binding.thumbprint:
            return Flaw.UNBOUND
        # 3. The operator may act now, and has the key that fetched it.
        known = self._snapshot().operators.get
        operator = known(token.client.removeprefix(CLIENT_PREFIX))
        if operator is None or not operator.may_act(now, known):
            return Flaw.SUSPENDED
        if token.key_id not in {key.id for key in operator.live_keys(now)}:
            return Flaw.KEY
        return operator
