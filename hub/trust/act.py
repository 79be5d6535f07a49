"""Signatures of operators over acts: a JWS with detached content (RFC 7515, Appendix F; `schemas/formats/act.md`)."""

from __future__ import annotations

from typing import Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from msgspec import Struct

from hub.trust.dpop import PROOF_TYPE, token_hash
from hub.trust.jws import Flaw, UnverifiedJWS, attached, open_jws, verify_signature
from hub.trust.keys import KeyRefused, algorithm_of, load_public_jwk, public_jwk, thumbprint

ACT_TYPE = "customs-hub-act+jws"
ASSERTION_SECONDS = 60
STATEMENT_BYTES_MAX = 4_194_304
"""A file of ten thousand partners, and what it makes of them, is signed as one act."""
_AROUND_BYTES_MAX = 2_048
"""The header, and an RSA signature of 4096 bits."""


class Holder(Protocol):
    """Whatever names a public key: an operator's, as registered."""

    @property
    def jwk(self) -> dict[str, str]: ...


class OperatorKeyPair(Struct, frozen=True):
    """A private key as its owner uses it, the one algorithm that it is used with, and its id (RFC 7638)."""

    private: EllipticCurvePrivateKey | Ed25519PrivateKey | RSAPrivateKey
    algorithm: str
    jwk: dict[str, str]

    @property
    def id(self) -> str:
        return thumbprint(self.jwk)

    def sign_act(self, statement: bytes) -> str:
        header = {"typ": ACT_TYPE, "kid": self.id}
        token = jwt.api_jws.encode(statement, self.private, algorithm=self.algorithm, headers=header)
        head, _, signature = token.split(".")
        return f"{head}..{signature}"

    def assertion(self, client: str, issuer: str, *, jti: str, now: int) -> str:
        """By which the client asks `issuer` for a token (RFC 7523 §3); `now` in seconds since 1970."""
        claims = {"iss": client, "sub": client, "aud": issuer, "jti": jti, "iat": now, "exp": now + ASSERTION_SECONDS}
        return jwt.encode(claims, self.private, algorithm=self.algorithm, headers={"kid": self.id})

    def proof(self, method: str, url: str, *, nonce: str, jti: str, now: int, token: str = "") -> str:
        """That whoever sends this request holds the key (RFC 9449 §4.2); `url` without its query."""
        claims: dict[str, object] = {"jti": jti, "htm": method, "htu": url, "iat": now, "nonce": nonce}
        if token:
            claims["ath"] = token_hash(token)
        header = {"typ": PROOF_TYPE, "jwk": self.jwk}
        return jwt.encode(claims, self.private, algorithm=self.algorithm, headers=header)


def load_key_pair(pem: bytes) -> OperatorKeyPair:
    """From an unencrypted PEM (PKCS 8). Raises `KeyRefused`, without echo."""
    try:
        private = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        raise KeyRefused("no private key in PEM, without a passphrase, was found") from None
    if not isinstance(private, EllipticCurvePrivateKey | Ed25519PrivateKey | RSAPrivateKey):
        raise KeyRefused("the key is of another kind: expected EC P-256, Ed25519, or RSA")
    try:
        jwk = public_jwk(private.public_key())
        return OperatorKeyPair(private, algorithm_of(load_public_jwk(jwk)), jwk)
    except ValueError:
        raise KeyRefused("the key is not one that the hub takes: expected EC P-256, Ed25519, or RSA") from None


def open_act(statement: bytes, signature: str) -> UnverifiedJWS | Flaw:
    """A signature put together with what it is over; its `kid` says who is to be believed to have made it."""
    # 1. It is detached: what it is over is what we were given, and nothing else.
    whole = attached(signature, statement)
    if isinstance(whole, Flaw):
        return whole
    # 2. The gate: one spelling, allowed header members only.
    jws = open_jws(whole, bytes_max=STATEMENT_BYTES_MAX * 4 // 3 + _AROUND_BYTES_MAX)
    if isinstance(jws, Flaw):
        return jws
    # 3. It is meant to be a signature over an act, by a key that it names.
    if jws.header.typ != ACT_TYPE:
        return Flaw.TYPE
    return jws if jws.header.kid else Flaw.KEY


def is_signed_by(holder: Holder, jws: UnverifiedJWS) -> bool:
    return not isinstance(verify_signature(jws, load_public_jwk(holder.jwk)), Flaw)
