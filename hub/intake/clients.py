"""Which client asks, at the endpoints of the authorisation server.

It proves itself by an assertion (`private_key_jwt`, RFC 7523) or by the registered certificate of its TLS connection
(`self_signed_tls_client_auth`, `tls_client_auth`, RFC 8705 §2).

Whatever is wrong with a client's proof, it gets one answer; the reason is counted. Errors are those of RFC 6749 §5.2,
and of RFC 9449 §5 and §8 once the client is known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256

from msgspec import Struct

from hub.core.certificate import Certificate
from hub.core.evidence import Credentials
from hub.core.operator import CLIENT_PREFIX, Operator
from hub.core.partner import Partner, PublicKey
from hub.core.registry import Snapshot
from hub.core.settings import AuthSettings
from hub.intake.proofs import Proofs
from hub.ports.replay_guard import ReplayGuard
from hub.ports.system import Clock
from hub.trust.certificate_name import Authorities
from hub.trust.jws import Flaw
from hub.trust.tokens import Assertion, Binding, Issuer, verify_assertion

ASSERTED = {"client_assertion", "client_assertion_type"}
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class OAuthRefusal(Struct, frozen=True):
    """An error of RFC 6749 §5.2 with its HTTP status."""

    error: str
    error_description: str
    status: int = 400
    nonce: str = ""
    """To be used in the next proof (RFC 9449 §8)."""


INVALID_CLIENT = OAuthRefusal(
    "invalid_client", "The client is unknown, its assertion is not accepted, or it may not ask for tokens now.", 401
)
"""One answer for every reason, so that a forger learns nothing."""


class Client(Struct, frozen=True):
    """A system that proved itself with `key_id`, and what it showed beside: a token is bound to that."""

    id: str
    key_id: str
    binding: Binding


class _Pinned(Struct, frozen=True):
    """A client that its connection's certificate proved."""

    client: str
    key_id: str


class Clients:
    """Authenticates systems of partners that are not suspended."""

    def __init__(
        self,
        issuer: Callable[[], Issuer],
        *,
        snapshot: Callable[[], Snapshot],
        replay: ReplayGuard,
        proofs: Proofs,
        clock: Clock,
        settings: AuthSettings,
        authorities: Authorities,
        seen: Callable[[str, int], None] = lambda client, offset: None,
    ) -> None:
        """`authorities`: whose certificates name clients. `seen` is told of each accepted assertion: the client, and
        how many seconds its clock was ahead of ours."""
        self._authorities = authorities
        self._seen = seen
        self._issuer = issuer
        self._snapshot = snapshot
        self._replay = replay
        self._proofs = proofs
        self._clock = clock
        self._settings = settings

    async def prove(self, form: Mapping[str, str], credentials: Credentials) -> Client | Flaw | OAuthRefusal:
        """The client that sent this form. Verify first, write down the use last: a forged assertion costs no write.

        Raises `StorageUnavailable` or `StorageFull` if the use of the assertion cannot be written down.
        """
        now = self._clock.now_us() // 1_000_000
        # 1. One of the client's own keys signed the assertion, for us, now; or its certificate opened the connection.
        named = "" if form.keys() & ASSERTED else form.get("client_id", "")
        certificate = self._certificate_of(credentials, named, now)
        shown = self._verify(form, certificate, now)
        if isinstance(shown, Flaw):
            return shown
        # 2. It holds the key that it wants its token bound to. Asked before the assertion is used up: with a new
        #    nonce the same one is sent again (RFC 9449 §8).
        own = certificate is not None and certificate.system == shown.client
        binding = self._bind(credentials, (credentials.certificate or "") if own else "", now)
        if isinstance(binding, OAuthRefusal):
            return binding
        # 3. The assertion is used for the first time (RFC 7523 §3 item 7).
        if isinstance(shown, Assertion):
            use = sha256(shown.client.encode() + b"\x00" + shown.jti.encode()).digest()
            if not await self._replay.use(use, expires=shown.expires, now=now):
                return Flaw.REPLAYED
        # 4. The full stop is asked for after the last await, so that it is current when something is granted.
        operator, partner = self.operator_of(shown.client), self.partner_of(shown.client)
        if operator is not None and operator.may_act(now, self._snapshot().operators.get):
            return Client(shown.client, shown.key_id, binding)
        if partner is None or partner.stopped:
            return Flaw.SUSPENDED
        if isinstance(shown, Assertion):
            self._seen(shown.client, shown.issued - now)
        return Client(shown.client, shown.key_id, binding)

    def partner_of(self, client: str) -> Partner | None:
        snapshot = self._snapshot()
        system = snapshot.systems.get(client)
        return snapshot.partners.get(system.partner) if system is not None else None

    def operator_of(self, client: str) -> Operator | None:
        """The operator who asks as `operator.<name>`."""
        name = client.removeprefix(CLIENT_PREFIX)
        return self._snapshot().operators.get(name) if name != client else None

    def nonce(self) -> str:
        """For a client's next proof."""
        return self._proofs.nonce()

    def _certificate_of(self, credentials: Credentials, named: str, now: int) -> Certificate | None:
        """The connection's certificate, or the name in it of the client that is `named` (empty: nobody is looked for),
        if registered and in force."""
        if not credentials.certificate:
            return None
        registered = self._snapshot().certificates
        # A certificate that is registered itself, though revoked, is not asked for its names.
        if (found := registered.get(credentials.certificate)) is not None:
            return found if found.usable_at(now) else None
        if not named:
            return None
        names = (registered.get(name) for name in self._authorities.names(credentials.certificate_der, now))
        return next((each for each in names if each and each.system == named and each.usable_at(now)), None)

    def _verify(self, form: Mapping[str, str], certificate: Certificate | None, now: int) -> Assertion | _Pinned | Flaw:
        if not form.keys() & ASSERTED:
            if certificate is None:
                return Flaw.MISSING
            # RFC 8705 §2: the client names itself, and the certificate is its own.
            own = form.get("client_id") == certificate.system
            return _Pinned(certificate.system, certificate.id) if own else Flaw.CLIENT
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            return Flaw.MISSING
        assertion = verify_assertion(
            form.get("client_assertion", ""),
            issuer=self._issuer().url,
            keys_of=self._keys_of,
            now=now,
            settings=self._settings,
        )
        if isinstance(assertion, Assertion) and form.get("client_id", assertion.client) != assertion.client:
            return Flaw.CLIENT
        return assertion

    def _keys_of(self, client: str) -> Sequence[PublicKey]:
        if (operator := self.operator_of(client)) is not None:
            return [
                PublicKey(key.id, client, key.algorithm, key.jwk, not_after=key.not_after)
                for key in reversed(operator.keys)
            ]
        return list(reversed(self._snapshot().keys_of(client)))

    def _bind(self, credentials: Credentials, certificate: str, now: int) -> Binding | OAuthRefusal:
        """What the token will be bound to: all that the client shows that it holds (RFC 8705 §3, RFC 9449 §5)."""
        if not credentials.unverified_proofs:
            return Binding(certificate=certificate)
        proof = self._proofs.check(credentials, token=None, bound_to=None, now=now)
        if proof is Flaw.NONCE:
            return OAuthRefusal("use_dpop_nonce", "Use the nonce in the DPoP-Nonce header.", nonce=self.nonce())
        if isinstance(proof, Flaw):
            return OAuthRefusal("invalid_dpop_proof", "The DPoP proof is not accepted (RFC 9449 §4.3).")
        return Binding(thumbprint=proof.thumbprint, certificate=certificate)
