"""The token endpoint: OAuth 2 client credentials (RFC 6749 §4.4) for systems with a `private_key_jwt` (RFC 7523).

Errors are those of RFC 6749 §5.2. Whatever is wrong with a client's proof, it gets one answer; the reason is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256

from msgspec import Struct

from hub.core.errors import StaleRegistry
from hub.core.partner import SCOPES, PublicKey, System
from hub.core.registry import Snapshot
from hub.core.settings import AuthSettings
from hub.ports.observer import Observer
from hub.ports.replay_guard import ReplayGuard
from hub.ports.system import Clock, Entropy
from hub.trust.jws import Flaw
from hub.trust.keys import ALGORITHMS
from hub.trust.tokens import TOKEN_ID_BYTES, Assertion, Issuer, issue_token, verify_assertion

TOKEN_PATH = "/oauth/token"  # noqa: S105 (a path)
JWKS_PATH = "/.well-known/jwks.json"
METADATA_PATH = "/.well-known/oauth-authorization-server"
GRANT_TYPE = "client_credentials"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class TokenGranted(Struct, frozen=True):
    """A successful answer (RFC 6749 §5.1): 200, never to be cached."""

    access_token: str
    expires_in: int
    """Seconds."""
    scope: str
    token_type: str = "Bearer"  # noqa: S105 (a scheme)


class OAuthRefusal(Struct, frozen=True):
    """An error of RFC 6749 §5.2 with its HTTP status."""

    error: str
    error_description: str
    status: int = 400


_INVALID_CLIENT = OAuthRefusal(
    "invalid_client", "The client is unknown, its assertion is not accepted, or it may not ask for tokens now.", 401
)
"""One answer for every reason, so that a forger learns nothing."""


class TokenEndpoint:
    """Grants access tokens to systems of partners that are not suspended."""

    def __init__(
        self,
        issuer: Issuer,
        *,
        snapshot: Callable[[], Snapshot],
        standing: Callable[[], int | None],
        replay: ReplayGuard,
        clock: Clock,
        entropy: Entropy,
        observer: Observer,
        settings: AuthSettings,
    ) -> None:
        self._issuer = issuer
        self._snapshot = snapshot
        self._standing = standing
        self._replay = replay
        self._clock = clock
        self._entropy = entropy
        self._observer = observer
        self._settings = settings

    async def grant(self, form: Mapping[str, str]) -> TokenGranted | OAuthRefusal:
        """Answer a token request. A parameter without a value counts as left out (RFC 6749 §3.2).

        Raises `StorageUnavailable` or `StorageFull` if the use of the assertion cannot be written down, and
        `StaleRegistry` while nothing may be decided.
        """
        self._make_sure_of_the_registry()
        form = {name: value for name, value in form.items() if value}
        if refusal := _refusal_of_form(form):
            return self._refused(refusal, refusal.error)
        now = self._clock.now_us() // 1_000_000
        assertion = await self._authenticate(form, now)
        self._make_sure_of_the_registry()  # Writing may have taken long.
        if isinstance(assertion, Flaw):
            return self._refused(_INVALID_CLIENT, assertion.value)
        system = self._snapshot().systems.get(assertion.client)
        scopes = _granted(form.get("scope"), system)
        if not scopes:
            refusal = OAuthRefusal("invalid_scope", "Ask for scopes that this client was granted, or leave scope out.")
            return self._refused(refusal, refusal.error)
        seconds = self._settings.token_seconds
        token = issue_token(
            assertion,
            scopes,
            issuer=self._issuer,
            now=now,
            seconds=seconds,
            chance=self._entropy.bytes(TOKEN_ID_BYTES),
        )
        self._observer.count("tokens", outcome="granted")
        return TokenGranted(token, seconds, " ".join(scopes))

    async def _authenticate(self, form: Mapping[str, str], now: int) -> Assertion | Flaw:
        """Verify first, write down the use second: a forged assertion costs no write."""
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            return Flaw.MISSING
        assertion = verify_assertion(
            form.get("client_assertion", ""),
            issuer=self._issuer.url,
            keys_of=lambda client: self._usable_keys(client, now),
            now=now,
            settings=self._settings,
        )
        if isinstance(assertion, Flaw):
            return assertion
        if form.get("client_id", assertion.client) != assertion.client:
            return Flaw.CLIENT
        use = sha256(assertion.client.encode() + b"\x00" + assertion.jti.encode()).digest()
        if not await self._replay.use(use, expires=assertion.expires, now=now):
            return Flaw.REPLAYED
        return Flaw.SUSPENDED if self._suspended(assertion.client) else assertion

    def _usable_keys(self, client: str, now: int) -> Sequence[PublicKey]:
        return [key for key in reversed(self._snapshot().keys_of(client)) if now < key.usable_until()]

    def _suspended(self, client: str) -> bool:
        """Asked after the last await, so that the full stop is current when the token is made."""
        snapshot = self._snapshot()
        system = snapshot.systems.get(client)
        partner = snapshot.partners.get(system.partner) if system is not None else None
        return partner is None or partner.stopped

    def _make_sure_of_the_registry(self) -> None:
        if self._standing() is None:
            raise StaleRegistry("the registry was not confirmed within its bound")

    def _refused(self, refusal: OAuthRefusal, outcome: str) -> OAuthRefusal:
        self._observer.count("tokens", outcome=outcome)
        return refusal


def metadata(issuer: str) -> dict[str, object]:
    """The authorisation server's metadata (RFC 8414 §2)."""
    return {
        "issuer": issuer,
        "token_endpoint": issuer + TOKEN_PATH,
        "jwks_uri": issuer + JWKS_PATH,
        "scopes_supported": list(SCOPES),
        "response_types_supported": [],
        "grant_types_supported": [GRANT_TYPE],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
    }


def _refusal_of_form(form: Mapping[str, str]) -> OAuthRefusal | None:
    if "grant_type" not in form:
        return OAuthRefusal("invalid_request", f"The parameter grant_type is missing: expected {GRANT_TYPE}.")
    if form["grant_type"] != GRANT_TYPE:
        return OAuthRefusal("unsupported_grant_type", f"The only grant type is {GRANT_TYPE}.")
    if "client_secret" in form:
        return OAuthRefusal("invalid_request", "The only client authentication is private_key_jwt (RFC 7523).")
    return None


def _granted(asked: str | None, system: System | None) -> list[str]:
    """The scopes to grant, in the table's order: what was asked for if all of it may be had, else nothing."""
    may = set(system.scopes) if system is not None else set()
    wanted = may if asked is None else set(asked.split(" "))
    return [scope for scope in SCOPES if scope in wanted] if wanted <= may else []
