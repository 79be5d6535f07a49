"""What one worker remembers of proofs of possession (RFC 9449): the nonces that it gave, and the proofs that it saw.

Theory of operation. A nonce is an HMAC under a secret that this worker made when it started and never told: no other
worker, and not this one after a restart, accepts it. So a proof is good at one worker, and that worker's own memory of
`jti` is enough to take it once. A nonce is given out for `nonce_seconds` and accepted as long again; when its time is
over it goes together with all that was seen under it. If so much is seen under one nonce that memory would grow, the
next begins early: a sender is then asked for a new proof, and no old one is ever taken twice.
"""

from __future__ import annotations

import hmac
from hashlib import sha256

from hub.core.evidence import Credentials
from hub.core.jwk import encode_base64url
from hub.core.settings import AuthSettings
from hub.ports.system import Clock, Entropy
from hub.trust.dpop import Proof, verify_proof
from hub.trust.jws import Flaw

_SECRET_BYTES = 32
_NONCE_BYTES = 16
_SEEN_BYTES = 16


class Proofs:
    """Checks the proofs that one worker is sent."""

    def __init__(self, *, clock: Clock, entropy: Entropy, settings: AuthSettings) -> None:
        self._secret = entropy.bytes(_SECRET_BYTES)
        self._clock = clock
        self._settings = settings
        self._number = 0
        self._began = clock.monotonic()
        self._current = self._make_nonce()
        self._seen: dict[str, set[bytes]] = {self._current: set()}
        """Per nonce that is accepted: the current one, and the one before."""

    def nonce(self) -> str:
        """The nonce to give out now."""
        self._turn()
        return self._current

    def check(self, credentials: Credentials, *, token: str | None, bound_to: str | None, now: int) -> Proof | Flaw:
        """The one proof that came with a request, made for it, and never seen before. `token` and `bound_to`: see
        `verify_proof`."""
        self._turn()
        # 1. There is one proof (RFC 9449 §4.3 item 1).
        if not credentials.unverified_proofs:
            return Flaw.BINDING
        if len(credentials.unverified_proofs) > 1:
            return Flaw.MALFORMED
        # 2. It is a good one for this request at this worker.
        proof = verify_proof(
            credentials.unverified_proofs[0],
            method=credentials.method,
            url=credentials.url,
            token=token,
            bound_to=bound_to,
            nonces=self._seen,
            now=now,
            settings=self._settings,
        )
        if isinstance(proof, Flaw):
            return proof
        # 3. It is seen for the first time (item 12 of §4.3 and §11.1).
        use = sha256(f"{proof.thumbprint} {proof.jti}".encode()).digest()[:_SEEN_BYTES]
        if any(use in seen for seen in self._seen.values()):
            return Flaw.REPLAYED
        self._seen[proof.nonce].add(use)
        return proof

    def _make_nonce(self) -> str:
        mac = hmac.digest(self._secret, self._number.to_bytes(8, "big"), "sha256")
        return encode_base64url(mac[:_NONCE_BYTES])

    def _turn(self) -> None:
        """Begin the next nonce if this one's time is over, or enough was seen under it."""
        life = self._settings.nonce_seconds
        lives = (self._clock.monotonic() - self._began) // life
        if lives < 1 and len(self._seen[self._current]) < self._settings.proofs_per_nonce_max:
            return
        kept = {self._current: self._seen[self._current]} if lives < 2 else {}
        self._began = self._began + lives * life if lives else self._clock.monotonic()
        self._number += 1
        self._current = self._make_nonce()
        self._seen = {**kept, self._current: set()}
