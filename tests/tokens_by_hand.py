"""Tokens made by hand, byte by byte, so that a test can make the wrong ones too."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from hub.core.jwk import public_jwk, thumbprint
from hub.core.partner import PublicKey
from hub.trust.keys import algorithm_of

NOW = 1_795_338_000
ISSUER = "https://hub.example"
CLIENT = "acme.erp"

P256 = ec.derive_private_key(8480, ec.SECP256R1())  # its thumbprint is in the names of tests, which stay the same
ED25519 = ed25519.Ed25519PrivateKey.generate()
HELD = ec.generate_private_key(ec.SECP256R1())
"""The key that a client's DPoP proofs are signed with."""
RSA = rsa.generate_private_key(65_537, 2048)
Signer = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


def b64(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def registered(key: Signer, system: str = CLIENT, **more: Any) -> PublicKey:
    public = key.public_key()
    jwk = public_jwk(public)
    return PublicKey(thumbprint(jwk), system, algorithm_of(public), jwk, **more)


def signature(key: Signer | bytes, message: bytes) -> bytes:
    match key:
        case bytes():
            return hmac.digest(key, message, "sha256")
        case ec.EllipticCurvePrivateKey():
            r, s = decode_dss_signature(key.sign(message, ec.ECDSA(SHA256())))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        case ed25519.Ed25519PrivateKey():
            return key.sign(message)
        case _:
            return key.sign(message, padding.PSS(padding.MGF1(SHA256()), 32), SHA256())


def sign(header: bytes | dict[str, Any], payload: bytes | dict[str, Any], key: Signer | bytes = P256) -> str:
    """A token over exactly these bytes, signed with the key, or by HMAC if the key is bytes."""
    parts = [part if isinstance(part, bytes) else orjson.dumps(part) for part in (header, payload)]
    signed = ".".join(b64(part) for part in parts)
    return f"{signed}.{b64(signature(key, signed.encode()))}"


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good assertion, with changes; None takes a claim away."""
    good = {"iss": CLIENT, "sub": CLIENT, "aud": ISSUER, "iat": NOW, "exp": NOW + 300, "jti": "one"}
    return {name: value for name, value in (good | changes).items() if value is not None}


def header(key: Signer = P256, **changes: Any) -> dict[str, Any]:
    good = {"alg": algorithm_of(key.public_key()), "typ": "JWT", "kid": registered(key).id}
    return {name: value for name, value in (good | changes).items() if value is not None}


EVENTS_URL = f"{ISSUER}/v1/events"


def proof_header(key: Signer = HELD, **changes: Any) -> dict[str, Any]:
    public = key.public_key()
    good = {"typ": "dpop+jwt", "alg": algorithm_of(public), "jwk": public_jwk(public)}
    return {name: value for name, value in (good | changes).items() if value is not None}


def proof_claims(token: str = "", **changes: Any) -> dict[str, Any]:
    """The claims of a good proof for a post of events with `token`; None takes a claim away."""
    ath = b64(sha256(token.encode()).digest())
    good = {"jti": "one", "htm": "POST", "htu": EVENTS_URL, "iat": NOW, "ath": ath, "nonce": "nonce"}
    return {name: value for name, value in (good | changes).items() if value is not None}


def proof(token: str = "", *, key: Signer = HELD, **changes: Any) -> str:
    return sign(proof_header(key), proof_claims(token, **changes), key)
