"""OAuth 2 tokens: the assertion by which a system proves itself, and the access token that it gets for it.

Assertions: `private_key_jwt`, RFC 7523 §2.2 and §3, with the audience rule of its revision
(draft-ietf-oauth-rfc7523bis): `aud` is the issuer, as one string, so that an assertion made for this hub is good at no
other server. Access tokens: RFC 9068 (`at+jwt`), ES256 under the token key, never under the seal key. `hub_key` names
the client's key that the assertion was signed with, so that revoking the key ends the tokens it has fetched.
Both arrive through the gate (`jws`), and every claim's shape is checked by a struct before its meaning is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import ceil
from typing import Annotated

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from msgspec import UNSET, Meta, Struct, UnsetType, field

from hub.core.api_key import ApiKey
from hub.core.certificate import Certificate
from hub.core.credential import PublicKey
from hub.core.settings import AuthSettings
from hub.trust.jws import Flaw, UnverifiedJWS, claims_of, open_jws, verify_signature
from hub.trust.keys import encode_base64url, load_public_jwk

ACCESS_TOKEN_TYPE = "at+jwt"  # noqa: S105 (a media type)
ASSERTION_TYPES = ("", "jwt", "client-authentication+jwt")
"""`typ` of an assertion, lower-cased: absent or `JWT` (RFC 7519 §5.1), or as the revision of RFC 7523 names it."""
TOKEN_ID_BYTES = 16
KEYS_TRIED_MAX = 4
"""Without `kid`, so many of the client's keys of the token's algorithm are tried, newest first."""

Instant = Annotated[int, Meta(ge=0, le=2**53)] | Annotated[float, Meta(ge=0, le=2**53)]
"""NumericDate (RFC 7519 §2): seconds since 1970, fractions allowed; never a string or a boolean."""
Name = Annotated[str, Meta(min_length=1, max_length=128)]


class Assertion(Struct, frozen=True):
    """A system proved that it holds `key_id`; its `jti` still has to be used up."""

    client: str
    key_id: str
    jti: str
    expires: int
    """Seconds since 1970, rounded up: so long is the `jti` to be remembered."""
    issued: int
    """Seconds since 1970, by the client's clock."""


class Binding(Struct, frozen=True, omit_defaults=True):
    """What a token's sender has to show: `cnf` (RFC 7800 §3.1). Without either member anybody may use the token."""

    thumbprint: str = field(default="", name="jkt")
    """Of the key that DPoP proofs are signed with (RFC 9449 §6.1)."""
    certificate: str = field(default="", name="x5t#S256")
    """Of the client certificate of the TLS connection (RFC 8705 §3.1)."""


UNBOUND = Binding()


class AccessToken(Struct, frozen=True):
    """What a verified access token says. What its client may still do, the registry says."""

    client: str
    key_id: str
    scopes: frozenset[str]
    expires: int
    id: str
    issued: int
    binding: Binding = UNBOUND


class Issuer(Struct, frozen=True):
    """The hub as an authorisation server: its name and the keys of its access tokens."""

    url: str
    key_id: str
    key: EllipticCurvePrivateKey
    public_keys: Mapping[str, EllipticCurvePublicKey]


class _AssertionClaims(Struct, frozen=True):
    iss: Name
    sub: Name
    aud: str
    exp: Instant
    iat: Instant
    jti: Name
    nbf: Instant | UnsetType = UNSET


class _AccessClaims(Struct, frozen=True):
    iss: str
    sub: Name
    client_id: Name
    aud: str
    scope: str
    iat: int
    exp: int
    jti: Name
    hub_key: Name
    cnf: Binding = UNBOUND


def load_issuer(url: str, *, key_id: str, key_pem: bytes, jwks: Sequence[Mapping[str, str]]) -> Issuer:
    """The issuer from what the key ring holds. Raises `ValueError` if the token key is not P-256."""
    key = load_pem_private_key(key_pem, password=None)
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise ValueError("the token key is not on P-256")
    public_keys = {jwk["kid"]: load_public_jwk(jwk) for jwk in jwks}
    curve_keys = {kid: public for kid, public in public_keys.items() if isinstance(public, EllipticCurvePublicKey)}
    return Issuer(url, key_id, key, curve_keys)


def verify_assertion(
    token: str,
    *,
    issuer: str,
    keys_of: Callable[[str], Sequence[PublicKey]],
    now: int,
    settings: AuthSettings,
) -> Assertion | Flaw:
    """Check a client assertion at `now` (seconds). `keys_of` gives all keys of a client, newest first."""
    # 1. The gate: form, header, allow-list.
    jws = open_jws(token, bytes_max=settings.token_bytes_max)
    if isinstance(jws, Flaw):
        return jws
    # 2. It is meant to be an assertion: an access token, which we signed ourselves, is none (RFC 8725 §3.11).
    if jws.header.typ.lower() not in ASSERTION_TYPES:
        return Flaw.TYPE
    # 3. Its claims have their shapes; `aud` as an array ends here.
    claims = claims_of(jws, _AssertionClaims)
    if isinstance(claims, Flaw):
        return claims
    # 4. Issuer and subject are the client (RFC 7523 §3 items 1 and 2.B), and it is for us alone (item 3).
    if claims.iss != claims.sub:
        return Flaw.CLIENT
    if claims.aud != issuer:
        return Flaw.AUDIENCE
    # 5. It lives now, and not for long (items 4, 5 and 6).
    if flaw := _flaw_of_times(claims, now, settings):
        return flaw
    # 6. One of the client's own keys signed it. Only now is what it says believed.
    key = _signing_key(jws, keys_of(claims.sub), now)
    if isinstance(key, Flaw):
        return key
    # 7. And that key counts now.
    if not key.usable_at(now):
        return flaw_of(key, now)
    return Assertion(claims.sub, key.id, claims.jti, ceil(claims.exp), int(claims.iat))


def flaw_of(key: PublicKey | Certificate | ApiKey, now: int) -> Flaw:
    """Why a credential that is not usable at `now` (seconds) is refused."""
    return Flaw(f"key_{key.state_at(now)}")


def issue_token(
    client: str,
    key_id: str,
    scopes: Sequence[str],
    *,
    binding: Binding,
    issuer: Issuer,
    now: int,
    seconds: int,
    chance: bytes,
) -> str:
    """An access token for the system `client` that proved itself with `key_id`, good from `now` for `seconds`."""
    claims: dict[str, object] = {
        "iss": issuer.url,
        "sub": client,
        "client_id": client,
        "aud": issuer.url,
        "scope": " ".join(scopes),
        "iat": now,
        "exp": now + seconds,
        "jti": encode_base64url(chance[:TOKEN_ID_BYTES]),
        "hub_key": key_id,
    }
    if binding != UNBOUND:
        claims["cnf"] = msgspec.to_builtins(binding)
    header = {"typ": ACCESS_TOKEN_TYPE, "kid": issuer.key_id}
    return jwt.encode(claims, issuer.key, algorithm="ES256", headers=header, sort_headers=True)


def verify_token(token: str, *, issuer: Issuer, now: int, bytes_max: int) -> AccessToken | Flaw:
    """Check an access token (RFC 9068 §4) at `now` (seconds). The registry is asked by the caller."""
    # 1. The gate: form, header, allow-list.
    jws = open_jws(token, bytes_max=bytes_max)
    if isinstance(jws, Flaw):
        return jws
    # 2. It is meant to be an access token: an assertion is none.
    if jws.header.typ != ACCESS_TOKEN_TYPE:
        return Flaw.TYPE
    # 3. We signed it, under a token key that is still published.
    key = issuer.public_keys.get(jws.header.kid)
    if key is None:
        return Flaw.KEY
    payload = verify_signature(jws, key)
    if isinstance(payload, Flaw):
        return payload
    # 4. Its claims are those that we write, for us, about one client.
    claims = claims_of(jws, _AccessClaims)
    if isinstance(claims, Flaw):
        return claims
    if claims.iss != issuer.url:
        return Flaw.ISSUER
    if claims.aud != issuer.url:
        return Flaw.AUDIENCE
    if claims.sub != claims.client_id:
        return Flaw.CLIENT
    # 5. It lives.
    if now >= claims.exp:
        return Flaw.EXPIRED
    scopes = frozenset(claims.scope.split())
    return AccessToken(claims.client_id, claims.hub_key, scopes, claims.exp, claims.jti, claims.iat, claims.cnf)


def _flaw_of_times(claims: _AssertionClaims, now: int, settings: AuthSettings) -> Flaw | None:
    latest = now + settings.clock_skew_seconds
    if now >= claims.exp:
        return Flaw.EXPIRED
    if claims.iat > latest or (claims.nbf is not UNSET and claims.nbf > latest):
        return Flaw.EARLY
    if not 0 < claims.exp - claims.iat <= settings.assertion_seconds_max:
        return Flaw.LIFETIME
    return None


def _signing_key(jws: UnverifiedJWS, keys: Sequence[PublicKey], now: int) -> PublicKey | Flaw:
    """The key that signed, among the client's own: the one named by `kid`, else of the algorithm's, usable first."""
    kid, algorithm = jws.header.kid, jws.header.alg
    named = sorted((key for key in keys if kid in ("", key.id)), key=lambda key: not key.usable_at(now))
    if not named:
        return Flaw.KEY
    candidates = [key for key in named if key.algorithm == algorithm][:KEYS_TRIED_MAX]
    for key in candidates:
        if not isinstance(verify_signature(jws, load_public_jwk(key.jwk)), Flaw):
            return key
    return Flaw.SIGNATURE if candidates else Flaw.ALGORITHM
