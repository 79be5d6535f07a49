"""Who sends a request: from its `Credentials` to a `Principal`, before the body is read.

A token's signature is verified once; what it says is then kept under its SHA-256 digest until it expires. What follows
from the registry is kept for the revision it was decided by: a suspended partner, a revoked key or a scope taken away
counts with the revision that brought it, and an unrelated change costs each token one decision but no signature.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256

from msgspec import Struct

from hub.core.errors import Refusal
from hub.core.evidence import Challenge, Credentials, Principal
from hub.core.registry import Snapshot
from hub.core.settings import AuthSettings
from hub.ports.observer import Observer
from hub.ports.system import Clock
from hub.trust.jws import Flaw
from hub.trust.tokens import AccessToken, Issuer, verify_token

_UNDECIDED = -1
"""No registry revision."""
_UNAUTHENTICATED = Challenge(Refusal("UNAUTHENTICATED"), {"WWW-Authenticate": 'Bearer error="invalid_token"'})
"""One refusal for every reason, so that a forger learns nothing."""
_CHALLENGES = {Flaw.SUSPENDED: Challenge(Refusal("PARTNER_SUSPENDED"), {})}

Kind = Callable[[str, Credentials, int], Principal | Flaw]
"""One kind of credential: what stands after the scheme, all that came with it, and now in seconds."""


class _Known(Struct, gc=False):
    """A token whose signature was verified, and what follows from it at `revision`."""

    token: AccessToken
    revision: int
    answer: Principal | Flaw
    expires: int


class Authenticator:
    """Authentication for one worker."""

    def __init__(
        self,
        issuer: Issuer,
        *,
        snapshot: Callable[[], Snapshot],
        clock: Clock,
        observer: Observer,
        settings: AuthSettings,
    ) -> None:
        self._issuer = issuer
        self._snapshot = snapshot
        self._clock = clock
        self._observer = observer
        self._settings = settings
        self._known: dict[bytes, _Known] = {}
        self._kinds: Mapping[str, Kind] = {"bearer": self._bearer}

    def authenticate(self, credentials: Credentials) -> Principal | Challenge:
        """The principal behind a request's credentials, at this moment and registry revision."""
        answer = self._identify(credentials)
        if isinstance(answer, Principal):
            return answer
        self._observer.count("authentications_refused", reason=answer.value)
        return _CHALLENGES.get(answer, _UNAUTHENTICATED)

    def _identify(self, credentials: Credentials) -> Principal | Flaw:
        # 1. There is one Authorization header (RFC 9110 §11.6.2), in ASCII and of a bounded size.
        if not credentials.unverified_authorizations:
            return Flaw.MISSING
        authorization = credentials.unverified_authorizations[0]
        if len(credentials.unverified_authorizations) > 1 or not authorization.isascii():
            return Flaw.MALFORMED
        # 2. Its scheme, in any case, names a kind of credential that is taken here.
        scheme, _, value = authorization.partition(" ")
        kind = self._kinds.get(scheme.lower())
        if kind is None or len(value) > self._settings.token_bytes_max:
            return Flaw.MALFORMED
        # 3. The rest is for that kind to prove.
        return kind(value, credentials, self._clock.now_us() // 1_000_000)

    def _bearer(self, token: str, _: Credentials, now: int) -> Principal | Flaw:
        """An access token (RFC 6750 §2.1)."""
        digest = sha256(token.encode()).digest()
        known = self._known.get(digest) or self._verify(token, digest, now)
        if isinstance(known, Flaw):
            return known
        snapshot = self._snapshot()
        if known.revision != snapshot.revision:
            known.answer, known.expires = _decide(known.token, snapshot)
            known.revision = snapshot.revision
        return known.answer if now < known.expires else Flaw.EXPIRED

    def _verify(self, token: str, digest: bytes, now: int) -> _Known | Flaw:
        """Verify a token that is seen for the first time and remember it; the one remembered longest gives way."""
        verified = verify_token(token, issuer=self._issuer, now=now, bytes_max=self._settings.token_bytes_max)
        if isinstance(verified, Flaw):
            return verified
        while len(self._known) >= self._settings.tokens_cached_max:
            del self._known[next(iter(self._known))]
        known = self._known[digest] = _Known(verified, _UNDECIDED, Flaw.CLIENT, 0)
        return known


def _decide(token: AccessToken, snapshot: Snapshot) -> tuple[Principal | Flaw, int]:
    """What the registry says of the client and key that a verified token names, and until when (seconds)."""
    system, key = snapshot.systems.get(token.client), snapshot.keys.get(token.key_id)
    partner = snapshot.partners.get(system.partner) if system is not None else None
    if system is None or partner is None:
        return Flaw.CLIENT, token.expires
    if key is None or key.system != system.id or key.usable_until() == 0:
        return Flaw.KEY, token.expires
    expires = int(min(token.expires, key.usable_until()))
    if partner.stopped:
        return Flaw.SUSPENDED, expires
    return Principal(partner, system, key.id, token.scopes.intersection(system.scopes), expires), expires
