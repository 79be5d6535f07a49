"""The token endpoint: OAuth 2 client credentials (RFC 6749 §4.4) for systems with a `private_key_jwt` (RFC 7523).

Tokens are bound to a key that the client shows (DPoP, RFC 9449). Errors are those of RFC 6749 §5.2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from hub.core.errors import StaleRegistry
from hub.core.evidence import Credentials
from hub.core.operator import ADMIN_SCOPE
from hub.core.partner import SCOPES, Tier
from hub.core.registry import Snapshot
from hub.core.settings import AuthSettings
from hub.core.standing import standing_of
from hub.intake.clients import INVALID_CLIENT, Client, Clients, OAuthRefusal
from hub.ports.observer import Observer
from hub.ports.system import Clock, Entropy
from hub.trust.jws import Flaw
from hub.trust.keys import ALGORITHMS
from hub.trust.tokens import TOKEN_ID_BYTES, UNBOUND, Issuer, issue_token

TOKEN_PATH = "/oauth/token"  # noqa: S105 (a path)
INTROSPECTION_PATH = "/oauth/introspect"
REVOCATION_PATH = "/oauth/revoke"
JWKS_PATH = "/.well-known/jwks.json"
METADATA_PATH = "/.well-known/oauth-authorization-server"
AUTH_METHODS = ("private_key_jwt", "self_signed_tls_client_auth", "tls_client_auth")
GRANT_TYPE = "client_credentials"


class TokenGranted(Struct, frozen=True):
    """A successful answer (RFC 6749 §5.1): 200, never to be cached."""

    access_token: str
    expires_in: int
    """Seconds."""
    scope: str
    token_type: str
    """The scheme to send it with: `DPoP` with a proof at each request, or `Bearer`."""


_PROOF_MISSING = OAuthRefusal(
    "invalid_dpop_proof", "Tokens are bound here: send a DPoP proof (RFC 9449), or use a client certificate (RFC 8705)."
)


class TokenEndpoint:
    """Grants access tokens to systems of partners that are not suspended."""

    def __init__(
        self,
        issuer: Callable[[], Issuer],
        *,
        clients: Clients,
        snapshot: Callable[[], Snapshot],
        standing: Callable[[], int | None],
        clock: Clock,
        entropy: Entropy,
        observer: Observer,
        settings: AuthSettings,
    ) -> None:
        self._issuer = issuer
        self._clients = clients
        self._snapshot = snapshot
        self._standing = standing
        self._clock = clock
        self._entropy = entropy
        self._observer = observer
        self._settings = settings

    async def grant(self, form: Mapping[str, str], credentials: Credentials) -> TokenGranted | OAuthRefusal:
        """Answer a token request, which came with these credentials.

        A parameter without a value counts as left out (RFC 6749 §3.2).

        Raises `StorageUnavailable` or `StorageFull` if the use of the assertion cannot be written down, and
        `StaleRegistry` while nothing may be decided.
        """
        self._make_sure_of_the_registry()
        form = {name: value for name, value in form.items() if value}
        if refusal := _refusal_of_form(form):
            return self._refused(refusal, refusal.error)
        client = await self._clients.prove(form, credentials)
        self._make_sure_of_the_registry()  # Writing may have taken long.
        if isinstance(client, Flaw):
            return self._refused(INVALID_CLIENT, client.value)
        if isinstance(client, OAuthRefusal):
            return self._refused(client, client.error)
        if client.binding == UNBOUND and not self._may_go_without(client):
            return self._refused(_PROOF_MISSING, Flaw.UNBOUND.value)
        scopes = _granted(form.get("scope"), self._scopes_of(client))
        if not scopes:
            refusal = OAuthRefusal("invalid_scope", "Ask for scopes that this client was granted, or leave scope out.")
            return self._refused(refusal, refusal.error)
        seconds = self._settings.token_seconds
        token = issue_token(
            client.id,
            client.key_id,
            scopes,
            binding=client.binding,
            issuer=self._issuer(),
            now=self._clock.now_us() // 1_000_000,
            seconds=seconds,
            chance=self._entropy.bytes(TOKEN_ID_BYTES),
        )
        self._observer.count("tokens", outcome="granted")
        return TokenGranted(token, seconds, " ".join(scopes), "DPoP" if client.binding.thumbprint else "Bearer")

    def _may_go_without(self, client: Client) -> bool:
        """Whether this client may have a token that is bound to nothing; an operator never."""
        if self._clients.operator_of(client.id) is not None:
            return False
        if self._settings.sender_constrained == "offered":
            return True
        partner = self._clients.partner_of(client.id)
        now = self._clock.now_us() // 1_000_000
        return partner is not None and standing_of(partner, self._snapshot(), now).facts.tier is Tier.SANDBOX

    def _scopes_of(self, client: Client) -> Sequence[str]:
        if self._clients.operator_of(client.id) is not None:
            return (ADMIN_SCOPE,)
        system = self._snapshot().systems.get(client.id)
        return system.scopes if system is not None else ()

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
        "introspection_endpoint": issuer + INTROSPECTION_PATH,
        "introspection_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "introspection_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "revocation_endpoint": issuer + REVOCATION_PATH,
        "revocation_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "revocation_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "jwks_uri": issuer + JWKS_PATH,
        "scopes_supported": list(SCOPES),
        "response_types_supported": [],
        "grant_types_supported": [GRANT_TYPE],
        "token_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "tls_client_certificate_bound_access_tokens": True,
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
    }


def _refusal_of_form(form: Mapping[str, str]) -> OAuthRefusal | None:
    if "grant_type" not in form:
        return OAuthRefusal("invalid_request", f"The parameter grant_type is missing: expected {GRANT_TYPE}.")
    if form["grant_type"] != GRANT_TYPE:
        return OAuthRefusal("unsupported_grant_type", f"The only grant type is {GRANT_TYPE}.")
    if "client_secret" in form:
        return OAuthRefusal("invalid_request", "A client proves itself by private_key_jwt or by its certificate.")
    return None


def _granted(asked: str | None, scopes: Sequence[str]) -> list[str]:
    """The scopes to grant, in the table's order: what was asked for if all of it may be had, else nothing."""
    may = set(scopes)
    wanted = may if asked is None else set(asked.split(" "))
    return [scope for scope in (*SCOPES, ADMIN_SCOPE) if scope in wanted] if wanted <= may else []
