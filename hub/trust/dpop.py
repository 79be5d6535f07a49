"""Proofs of possession (DPoP, RFC 9449): a key shows at each request that whoever sends a token holds it.

A proof names its own key in its header. Beside a key's enrolment (`possession.py`) this is the only place where `jwk`
is read from a header, and the key that it names is trusted for one thing: that the sender of this request holds it.
Whether that is the key that the token is bound to, the thumbprint in the token says, which the hub has signed.
"""

from __future__ import annotations

from collections.abc import Container
from functools import lru_cache
from hashlib import sha256
from typing import Annotated
from urllib.parse import quote_from_bytes, unquote_to_bytes, urlsplit

from msgspec import Meta, Struct

from hub.core.settings import AuthSettings
from hub.trust.jws import JWK, Flaw, JOSEHeader, claims_of, open_jws, verify_signature
from hub.trust.keys import ALGORITHMS, KeyRefused, PublicKeyObject, encode_base64url, thumbprint

PROOF_TYPE = "dpop+jwt"
KEYS_KEPT_MAX = 4_096
"""Loaded keys: a point on a curve is checked once, not at each request."""
_PORTS = {"http": 80, "https": 443}
_PATH_CHARACTERS = "/:@!$&'()*+,;="

_Text = Annotated[str, Meta(max_length=1_024)]
_Instant = Annotated[int, Meta(ge=0, le=2**53)] | Annotated[float, Meta(ge=0, le=2**53)]


class _JWK(JWK, frozen=True):
    """With the members of RFC 7517 §4 that say what a key is for, and its name."""

    alg: _Text = ""
    use: _Text = ""
    kid: _Text = ""


class _ProofHeader(JOSEHeader, frozen=True, kw_only=True):
    """RFC 9449 §4.2: `typ`, `alg`, `jwk`."""

    jwk: _JWK


class _ProofClaims(Struct, frozen=True):
    jti: Annotated[str, Meta(min_length=1, max_length=128)]
    htm: str
    htu: str
    iat: _Instant
    ath: str = ""
    nonce: str = ""


class Proof(Struct, frozen=True):
    """The sender holds a key and made this proof for this request; its `jti` still has to be used up."""

    thumbprint: str
    """RFC 7638."""
    jti: str
    nonce: str


def verify_proof(
    proof: str,
    *,
    method: str,
    url: str,
    token: str | None,
    bound_to: str | None,
    nonces: Container[str],
    now: int,
    settings: AuthSettings,
) -> Proof | Flaw:
    """Check a proof as RFC 9449 §4.3 asks, what is cheap first.

    `token` and `bound_to` (the thumbprint in it) are None at the token endpoint, where a key is shown for the first
    time. `nonces` are those that are good at this worker now.
    """
    # 1. The gate: one spelling, allowed header members only (items 2, 3, 4).
    jws = open_jws(proof, bytes_max=settings.proof_bytes_max, header_type=_ProofHeader)
    if isinstance(jws, Flaw):
        return jws
    assert isinstance(jws.header, _ProofHeader)
    # 2. It is meant to be a proof, signed with an algorithm of ours (items 4, 5). A proof names no key by id.
    if jws.header.typ != PROOF_TYPE:
        return Flaw.TYPE
    if jws.header.alg not in ALGORITHMS:
        return Flaw.ALGORITHM
    if jws.header.kid:
        return Flaw.HEADER
    # 3. Its key is the one that the token is bound to (item 12): no other is even loaded.
    held = _thumbprint_of(jws.header.jwk)
    if held is None:
        return Flaw.KEY
    if bound_to is not None and held != bound_to:
        return Flaw.BINDING
    # 4. It was made for this request, with this token, in this minute, and with a nonce of this worker.
    claims = claims_of(jws, _ProofClaims)
    if isinstance(claims, Flaw):
        return claims
    if flaw := _flaw_of_claims(claims, method, url, token, now, settings):
        return flaw
    if claims.nonce not in nonces:
        return Flaw.NONCE
    # 5. The key signed it (items 6, 7). Only now is what it says believed.
    try:
        key = _load(jws.header.jwk)
    except KeyRefused:
        return Flaw.KEY
    if isinstance(verified := verify_signature(jws, key), Flaw):
        return verified
    return Proof(held, claims.jti, claims.nonce)


def token_hash(token: str) -> str:
    """`ath` (RFC 9449 §4.2): base64url of the SHA-256 of an access token."""
    return encode_base64url(sha256(token.encode()).digest())


def _thumbprint_of(jwk: _JWK) -> str | None:
    try:
        return thumbprint(jwk.members())
    except KeyError:
        return None


@lru_cache(maxsize=KEYS_KEPT_MAX)
def _load(jwk: _JWK) -> PublicKeyObject:
    return jwk.load()


def _flaw_of_claims(
    claims: _ProofClaims, method: str, url: str, token: str | None, now: int, settings: AuthSettings
) -> Flaw | None:
    """Items 8, 9, 11 and 12 of RFC 9449 §4.3."""
    if claims.htm != method:
        return Flaw.METHOD
    if claims.htu != url and ((normal := _normal(claims.htu)) is None or normal != _normal(url)):
        return Flaw.URL
    if claims.iat > now + settings.clock_skew_seconds:
        return Flaw.EARLY
    if claims.iat < now - settings.proof_seconds_max:
        return Flaw.EXPIRED
    if token is not None and claims.ath != token_hash(token):
        return Flaw.BINDING
    return None


def _normal(url: str) -> tuple[str, str, int | None, str] | None:
    """What is compared of a URL (RFC 3986 §6.2.2, §6.2.3; RFC 9449 §4.3 item 9): query and fragment are not."""
    if not url.isascii() or not url.isprintable() or " " in url:
        return None  # `urlsplit` would take some of it away.
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    if not parts.hostname or parts.username is not None:
        return None
    path = "%2F".join(
        quote_from_bytes(unquote_to_bytes(piece), safe=_PATH_CHARACTERS)
        for piece in parts.path.replace("%2f", "%2F").split("%2F")
    )
    return parts.scheme, parts.hostname, port, path or "/"
