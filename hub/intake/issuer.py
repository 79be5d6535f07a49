"""The hub as issuer of tokens, under the keys that are published at this moment."""

from __future__ import annotations

from collections.abc import Sequence

from hub.ports.key_ring import KeyRing, TokenKey, published, signing
from hub.ports.system import Clock
from hub.trust.tokens import Issuer, load_issuer


class Issuers:
    """Called for the issuer of now; keys are loaded again only where they changed."""

    def __init__(self, url: str, keys: KeyRing, *, clock: Clock) -> None:
        self._url = url
        self._keys = keys
        self._clock = clock
        self._issuer: Issuer | None = None

    def __call__(self) -> Issuer:
        """Raises the key ring's errors."""
        keys = self._published()
        signs = signing(keys, self._now()).id
        known = self._issuer
        if known is None or known.key_id != signs or known.public_keys.keys() != {key.id for key in keys}:
            jwks = [key.jwk for key in keys]
            known = load_issuer(self._url, key_id=signs, key_pem=self._keys.token_key_pem(signs), jwks=jwks)
            self._issuer = known
        return known

    def jwks(self) -> Sequence[dict[str, str]]:
        """The public halves, as they are published (RFC 7517)."""
        return [key.jwk for key in self._published()]

    def _published(self) -> Sequence[TokenKey]:
        return published(self._keys.token_keys(), self._now())

    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000
