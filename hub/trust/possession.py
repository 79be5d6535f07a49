"""A key shows that whoever brings it holds it, before it is registered (`schemas/formats/enrolment.md`).

The proof names its own key, which is trusted for nothing else: whose it is, and whether it may be registered, follows
from what came with it.
"""

from __future__ import annotations

from msgspec import Struct

from hub.core.settings import AuthSettings
from hub.trust.jws import JWK, Flaw, JOSEHeader, claims_of, open_jws, verify_signature
from hub.trust.keys import KeyRefused, public_jwk

PROOF_TYPE = "customs-hub-enrolment+jws"


class _Header(JOSEHeader, frozen=True, kw_only=True):
    jwk: JWK


class Claims(Struct, frozen=True):
    """What the holder of the key says; `code` and `nonce` where it enrols."""

    hub: str
    """The issuer URL."""
    system: str
    time: int
    """Seconds since 1970."""
    code: str = ""
    nonce: str = ""


class Possession(Struct, frozen=True):
    jwk: dict[str, str]
    claims: Claims


def verify_possession(proof: str, *, hub: str, now: int, settings: AuthSettings) -> Possession | Flaw:
    """Check a proof at `now` (seconds). What it says of a system, the caller compares."""
    # 1. The gate: one spelling, allowed header members only, and meant to be such a proof (RFC 8725 §3.11).
    jws = open_jws(proof, bytes_max=settings.proof_bytes_max, header_type=_Header)
    if isinstance(jws, Flaw):
        return jws
    assert isinstance(jws.header, _Header)
    if jws.header.typ != PROOF_TYPE:
        return Flaw.TYPE
    # 2. The key that it names signed it. Its algorithm is the key's own.
    try:
        key = jws.header.jwk.load()
    except KeyRefused:
        return Flaw.KEY
    if isinstance(verified := verify_signature(jws, key), Flaw):
        return verified
    # 3. It was made for this hub, now.
    claims = claims_of(jws, Claims)
    if isinstance(claims, Flaw):
        return claims
    if claims.hub != hub:
        return Flaw.AUDIENCE
    if claims.time > now + settings.clock_skew_seconds:
        return Flaw.EARLY
    if claims.time < now - settings.proof_seconds_max:
        return Flaw.EXPIRED
    return Possession(public_jwk(key), claims)
