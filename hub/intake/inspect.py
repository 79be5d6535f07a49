"""What a client asks of its own tokens: whether one is good (RFC 7662), and that one be good no more (RFC 7009).

A client learns about its own tokens only; of anybody else's, and of whatever is no token, it learns that it is not
active for it, and nothing is revoked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from hub.core.errors import StaleRegistry
from hub.core.evidence import Credentials
from hub.core.settings import AuthSettings
from hub.intake.clients import INVALID_CLIENT, Client, Clients, OAuthRefusal
from hub.intake.revoked import RevokedTokens
from hub.ports.observer import Observer
from hub.ports.system import Clock
from hub.trust.jws import Flaw
from hub.trust.tokens import AccessToken, Issuer, verify_token

_TOKEN_MISSING = OAuthRefusal("invalid_request", "The parameter token is missing.")

Answerable = Callable[[AccessToken, int], bool]
"""Whether the registry lets a verified token's client in, at a time in seconds."""


class TokenDesk:
    """Answers clients about their own tokens."""

    def __init__(
        self,
        issuer: Callable[[], Issuer],
        *,
        clients: Clients,
        lets_in: Answerable,
        revoked: RevokedTokens,
        standing: Callable[[], int | None],
        clock: Clock,
        observer: Observer,
        settings: AuthSettings,
    ) -> None:
        self._issuer = issuer
        self._clients = clients
        self._lets_in = lets_in
        self._revoked = revoked
        self._standing = standing
        self._clock = clock
        self._observer = observer
        self._settings = settings

    async def introspect(
        self, form: Mapping[str, str], credentials: Credentials
    ) -> Mapping[str, object] | OAuthRefusal:
        """RFC 7662 §2.2: `active`, and what the token says if it is. Raises as `Clients.prove`, and `StaleRegistry`."""
        token = await self._own_token(form, credentials)
        if isinstance(token, OAuthRefusal):
            return token
        now = self._clock.now_us() // 1_000_000
        if token is None or token.id in self._revoked or not self._lets_in(token, now):
            return {"active": False}
        binding = msgspec.to_builtins(token.binding)
        return {
            "active": True,
            "client_id": token.client,
            "sub": token.client,
            "iss": self._issuer().url,
            "aud": self._issuer().url,
            "scope": " ".join(sorted(token.scopes)),
            "iat": token.issued,
            "exp": token.expires,
            "jti": token.id,
            "token_type": "DPoP" if token.binding.thumbprint else "Bearer",
            **({"cnf": binding} if binding else {}),
        }

    async def revoke(self, form: Mapping[str, str], credentials: Credentials) -> OAuthRefusal | None:
        """RFC 7009 §2: None also where there was nothing to revoke. Raises as `introspect`, and the store's errors."""
        token = await self._own_token(form, credentials)
        if isinstance(token, OAuthRefusal):
            return token
        if token is not None:
            await self._revoked.revoke(token.id, expires=token.expires)
            self._observer.count("tokens", outcome="revoked")
        return None

    async def _own_token(self, form: Mapping[str, str], credentials: Credentials) -> AccessToken | OAuthRefusal | None:
        """The client's own token that the form names, if it is a live one of ours."""
        if self._standing() is None:
            raise StaleRegistry("the registry was not confirmed within its bound")
        form = {name: value for name, value in form.items() if value}
        client = await self._clients.prove(form, credentials)
        if not isinstance(client, Client):
            refusal = INVALID_CLIENT if isinstance(client, Flaw) else client
            self._observer.count("tokens", outcome=client.value if isinstance(client, Flaw) else client.error)
            return refusal
        if "token" not in form:
            return _TOKEN_MISSING
        now = self._clock.now_us() // 1_000_000
        bytes_max = self._settings.token_bytes_max
        token = verify_token(form["token"], issuer=self._issuer(), now=now, bytes_max=bytes_max)
        return token if isinstance(token, AccessToken) and token.client == client.id else None
