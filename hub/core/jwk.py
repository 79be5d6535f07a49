"""JSON Web Keys as the hub writes them: base64url, the members of a public key, its thumbprint."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256

import orjson
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

PublicKeyObject = EllipticCurvePublicKey | Ed25519PublicKey | RSAPublicKey
"""P-256, Ed25519 or RSA."""

_THUMBPRINT_MEMBERS = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}
"""RFC 7638 §3.2, RFC 8037 §2, in lexicographic order."""


def encode_base64url(content: bytes) -> str:
    """RFC 7515 §2: without padding."""
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def public_jwk(key: PublicKeyObject) -> dict[str, str]:
    """The JWK of a key (RFC 7518 §6, RFC 8037 §2): the members that make its thumbprint, nothing else."""
    match key:
        case EllipticCurvePublicKey():
            point = key.public_numbers()
            x, y = (encode_base64url(n.to_bytes(32, "big")) for n in (point.x, point.y))
            return {"kty": "EC", "crv": "P-256", "x": x, "y": y}
        case Ed25519PublicKey():
            return {"kty": "OKP", "crv": "Ed25519", "x": encode_base64url(key.public_bytes_raw())}
        case RSAPublicKey():
            public = key.public_numbers()
            n, e = (encode_base64url(i.to_bytes((i.bit_length() + 7) // 8, "big")) for i in (public.n, public.e))
            return {"kty": "RSA", "n": n, "e": e}


def thumbprint(jwk: Mapping[str, str]) -> str:
    """RFC 7638 §3: base64url of the SHA-256 of the required members, in lexicographic order, without white space."""
    members = {name: jwk[name] for name in _THUMBPRINT_MEMBERS[jwk["kty"]]}
    return encode_base64url(sha256(orjson.dumps(members)).digest())
