"""Who sends a request: from its `Credentials` to a `Principal`, before the body is read.

A token's signature is verified once; what it says is then kept under its SHA-256 digest until it expires. What follows
from the registry is kept for the revision it was decided by: a suspended partner, a revoked key or a scope taken away
counts with the revision that brought it, and an unrelated change costs each token one decision but no signature.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from hashlib import sha256

from msgspec import Struct
from msgspec.structs import replace

from hub.core.api_key import SCOPES_OF, scopes_for
from hub.core.certificate import Certificate
from hub.core.codes import API_KEY, digest_of, is_api_key
from hub.core.errors import Refusal
from hub.core.evidence import Challenge, Credentials, Principal
from hub.core.partner import PublicKey, Tier
from hub.core.registry import Snapshot
from hub.core.settings import AuthSettings
from hub.core.standing import standing_of
from hub.intake.proofs import Proofs
from hub.ports.observer import Observer
from hub.ports.system import Clock
from hub.trust.jws import Flaw
from hub.trust.keys import ALGORITHMS
from hub.trust.tokens import UNBOUND, AccessToken, Issuer, flaw_of, verify_token

_UNDECIDED = -1
"""No registry revision."""
_UNAUTHENTICATED = Refusal("UNAUTHENTICATED")
"""One refusal for every reason, so that a forger learns nothing."""
_ALGORITHMS = " ".join(ALGORITHMS)
_NO_PROOF = Challenge(
    _UNAUTHENTICATED, {"WWW-Authenticate": f'Bearer error="invalid_token", DPoP algs="{_ALGORITHMS}"'}
)
_SUSPENDED = Challenge(Refusal("PARTNER_SUSPENDED"), {})

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
        self._known: dict[bytes, _Known] = {}
        self._published: frozenset[str] = frozenset()
        self._looked = 0
        self._kinds: Mapping[str, Kind] = {"bearer": self._bearer, "dpop": self._dpop}

    def authenticate(self, credentials: Credentials) -> Principal | Challenge:
        """The principal behind a request's credentials, at this moment and registry revision."""
        answer = self._identify(credentials)
        if isinstance(answer, Principal):
            return answer
        self._observer.count("authentications_refused", reason=answer.value)
        challenge = _SUSPENDED if answer is Flaw.SUSPENDED else self._challenge(credentials, answer)
        return replace(challenge, reason=answer.value)

    def _challenge(self, credentials: Credentials, flaw: Flaw) -> Challenge:
        """One body for every reason. A sender that holds a key is told the nonce to use (RFC 9449 §7.1, §9)."""
        if not credentials.unverified_proofs:
            return _NO_PROOF
        asks_again = flaw is Flaw.NONCE
        error = "use_dpop_nonce" if asks_again else "invalid_token"
        headers = {
            "WWW-Authenticate": f'DPoP error="{error}", algs="{_ALGORITHMS}"',
            "DPoP-Nonce": self._proofs.nonce(),
        }
        return Challenge(_UNAUTHENTICATED, headers, asks_again)

    def knows(self, credentials: Credentials) -> bool:
        """Whether they name an API key, or a token whose signature was verified before: looking at it costs little."""
        authorization = next(iter(credentials.unverified_authorizations), "")
        token = authorization.partition(" ")[2]
        if token.startswith(API_KEY):
            return self._snapshot().api_keys.get(digest_of(token)) is not None
        return sha256(token.encode(errors="replace")).digest() in self._known

    def lets_in(self, token: AccessToken, now: int) -> bool:
        """Whether the registry lets the client of a verified token in."""
        answer, expires = _decide(token, self._snapshot(), now)
        return isinstance(answer, Principal) and now < expires

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

    def _bearer(self, token: str, credentials: Credentials, now: int) -> Principal | Flaw:
        """An API key, or an access token (RFC 6750 §2.1), good alone or with the certificate that it is bound to."""
        if token.startswith(API_KEY):
            return self._api_key(token, credentials, now)
        known = self._look_up(token, now)
        if isinstance(known, Flaw):
            return known
        # 1. No token that is bound to a key passes without its proof (RFC 9449 §7.2), whatever the settings say.
        if known.token.binding.thumbprint:
            return Flaw.BINDING
        # 2. The connection is the certificate's that it is bound to (RFC 8705 §3).
        if not _on_its_connection(known.token, credentials):
            return Flaw.BINDING
        # 3. One that is bound to nothing is good for those who may go without.
        answer = self._answer(known, now)
        if isinstance(answer, Principal) and known.token.binding == UNBOUND and not self._may_go_without(answer, now):
            return Flaw.UNBOUND
        return answer

    def _api_key(self, key: str, credentials: Credentials, now: int) -> Principal | Flaw:
        """What a small firm sends as it was given it."""
        # 1. Nobody could read it on its way here.
        if not credentials.is_confidential:
            return Flaw.EXPOSED
        # 2. It is in the one spelling of a key, and found by its digest: nothing is compared character by character.
        snapshot = self._snapshot()
        found = snapshot.api_keys.get(digest_of(key)) if is_api_key(key) else None
        system = snapshot.systems.get(found.system) if found is not None else None
        partner = snapshot.partners.get(system.partner) if system is not None else None
        if found is None or system is None or partner is None:
            return Flaw.KEY
        # 3. It is good now, and from here. Then only is its sender told of a suspension.
        if not found.usable_at(now):
            return flaw_of(found, now)
        if not found.may_come_from(credentials.address):
            return Flaw.NETWORK
        if partner.stopped:
            return Flaw.SUSPENDED
        # 4. Its partner counts as of a tier that may go without a proof, and then for so much only.
        tier = standing_of(partner, snapshot, now).facts.tier
        if tier not in SCOPES_OF:
            return Flaw.UNBOUND
        scopes = scopes_for(partner, tier).intersection(found.scopes, system.scopes)
        return Principal(partner, system, found.id, scopes, found.not_after)

    def _dpop(self, token: str, credentials: Credentials, now: int) -> Principal | Flaw:
        """An access token that is bound to a key, with a proof by that key for this very request (RFC 9449 §7.1)."""
        known = self._look_up(token, now)
        if isinstance(known, Flaw):
            return known
        # 1. It is bound to a key; and to the connection's certificate, if to one as well.
        bound_to = known.token.binding.thumbprint
        if not bound_to or not _on_its_connection(known.token, credentials):
            return Flaw.BINDING
        # 2. The registry lets its client in, or would but for a suspension: nobody else costs a signature.
        answer = self._answer(known, now)
        if isinstance(answer, Flaw) and answer is not Flaw.SUSPENDED:
            return answer
        # 3. The proof is by that key, for this request, and new. Then only is its sender told of a suspension.
        if credentials.proof_taken:
            return answer
        proof = self._proofs.check(credentials, token=token, bound_to=bound_to, now=now)
        return proof if isinstance(proof, Flaw) else answer

    def _look_up(self, token: str, now: int) -> _Known | Flaw:
        if now != self._looked:
            self._forget_if_keys_changed(now)
        digest = sha256(token.encode()).digest()
        return self._known.get(digest) or self._verify(token, digest, now)

    def _forget_if_keys_changed(self, now: int) -> None:
        """Once a second: a token under a key that is published no more, because it leaked, is good no more."""
        self._looked = now
        published = frozenset(self._issuer().public_keys)
        if published != self._published:
            self._published = published
            self._known.clear()

    def _answer(self, known: _Known, now: int) -> Principal | Flaw:
        """What the registry says of a verified token at its newest revision."""
        if known.token.id in self._revoked:
            return Flaw.REVOKED
        snapshot = self._snapshot()
        if known.revision != snapshot.revision:
            known.answer, known.expires = _decide(known.token, snapshot, now)
            known.revision = snapshot.revision
        if now < known.expires:
            return known.answer
        ended = next((each for each in _proofs_of(known.token, snapshot) if each and not each.usable_at(now)), None)
        return Flaw.EXPIRED if ended is None or now >= known.token.expires else flaw_of(ended, now)

    def _may_go_without(self, principal: Principal, now: int) -> bool:
        if self._settings.sender_constrained == "offered":
            return True
        return standing_of(principal.partner, self._snapshot(), now).facts.tier is Tier.SANDBOX

    def _verify(self, token: str, digest: bytes, now: int) -> _Known | Flaw:
        """Verify a token that is seen for the first time and remember it; the one remembered longest gives way."""
        verified = verify_token(token, issuer=self._issuer(), now=now, bytes_max=self._settings.token_bytes_max)
        if isinstance(verified, Flaw):
            return verified
        while len(self._known) >= self._settings.tokens_cached_max:
            del self._known[next(iter(self._known))]
        known = self._known[digest] = _Known(verified, _UNDECIDED, Flaw.CLIENT, 0)
        return known


def _on_its_connection(token: AccessToken, credentials: Credentials) -> bool:
    """Whether the connection's client certificate is the one that the token is bound to, if it is bound to any."""
    return token.binding.certificate in ("", credentials.certificate)


def _proofs_of(token: AccessToken, snapshot: Snapshot) -> Iterator[PublicKey | Certificate | None]:
    """The key, certificate or name that fetched a token, and the certificate that it is bound to; that one need not be
    registered if the name in it is (RFC 8705 §2.1)."""
    named = snapshot.certificates.get(token.key_id)
    yield snapshot.keys.get(token.key_id) or named
    bound = snapshot.certificates.get(token.binding.certificate) if token.binding.certificate else None
    if token.binding.certificate and (bound is not None or named is None or not named.is_name):
        yield bound


def _decide(token: AccessToken, snapshot: Snapshot, now: int) -> tuple[Principal | Flaw, int]:
    """What the registry says of the client and key that a verified token names, and until when (seconds)."""
    system = snapshot.systems.get(token.client)
    partner = snapshot.partners.get(system.partner) if system is not None else None
    if system is None or partner is None:
        return Flaw.CLIENT, token.expires
    # A token ends with the key or certificate that fetched it, and with the certificate that it is bound to.
    expires: float = token.expires
    for proof in _proofs_of(token, snapshot):
        if proof is None or proof.system != system.id:
            return Flaw.KEY, token.expires
        if not proof.usable_at(now):
            return flaw_of(proof, now), token.expires
        expires = min(expires, proof.usable_until())
    expires = int(expires)
    if partner.stopped:
        return Flaw.SUSPENDED, expires
    return Principal(partner, system, token.key_id, token.scopes.intersection(system.scopes), expires), expires
