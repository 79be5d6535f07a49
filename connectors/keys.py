"""A system's signing key: made here, read here, and never sent anywhere.

One algorithm per kind of key: P-256 signs ES256, Ed25519 signs EdDSA, RSA signs PS256 (RFC 7518, RFC 8037).
"""

from __future__ import annotations

import base64
import os
import uuid
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import jwt
import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from connectors.errors import ConnectorError

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey

ASSERTION_SECONDS = 60
"""Life of a client assertion; the hub takes at most 300."""
RSA_BITS_MIN, RSA_BITS_MAX = 2048, 4096


class KeyUnusable(ConnectorError, ValueError):
    """This file holds no private key that the hub's token endpoint takes; the text says what to do."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, the one algorithm it is used with, and its id (RFC 7638 thumbprint)."""

    private: PrivateKey
    algorithm: str
    id: str
    file: Path | None = None
    """Where it was read; a key that is rotated takes its place there."""

    def assertion(self, *, client_id: str, issuer: str, now: int) -> str:
        """A client assertion (RFC 7523 §3) that `client_id` asks a token of `issuer`; `now` in seconds since 1970."""
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": issuer,
            "jti": str(uuid.uuid4()),
            "iat": now,
            "exp": now + ASSERTION_SECONDS,
        }
        return jwt.encode(claims, self.private, algorithm=self.algorithm, headers={"kid": self.id})

    def jws(self, payload: bytes, typ: str) -> str:
        """A signature over it that holds it (RFC 7515, compact form)."""
        headers = {"typ": typ, "kid": self.id}
        return jwt.api_jws.encode(payload, self.private, algorithm=self.algorithm, headers=headers)

    def public_pem(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def read_key(path: Path) -> SigningKey:
    """Read a private key from a PEM (PKCS 8, unencrypted) or JWK file. Raises `KeyUnusable`, `OSError`."""
    content = path.read_bytes()
    try:
        private = _from_jwk(content) if content.lstrip().startswith(b"{") else load_pem_private_key(content, None)
    except (ValueError, TypeError, UnsupportedAlgorithm, jwt.InvalidKeyError) as e:
        raise KeyUnusable(f"{path} holds no private key that can be read here: an unencrypted PEM or a JWK") from e
    return replace(signing_key(private), file=path)


def newest(key: SigningKey) -> SigningKey:
    """The key that lies in this key's place now: a program that runs goes on with a rotated one by itself."""
    if key.file is None:
        return key
    try:
        return read_key(key.file)
    except (KeyUnusable, OSError):
        return key


def _from_jwk(content: bytes) -> object:
    jwk = orjson.loads(content)
    algorithms: dict[str, Any] = {"EC": ECAlgorithm, "OKP": OKPAlgorithm, "RSA": RSAAlgorithm}
    if jwk.get("kty") not in algorithms:
        raise ValueError("kty")
    return algorithms[jwk["kty"]].from_jwk(jwk)


def signing_key(private: object) -> SigningKey:
    """Name the algorithm and the id of a private key. Raises `KeyUnusable` for a kind that the hub does not take."""
    match private:
        case ec.EllipticCurvePrivateKey() if isinstance(private.curve, ec.SECP256R1):
            return SigningKey(private, "ES256", jwk_thumbprint(_public_jwk(private)))
        case ed25519.Ed25519PrivateKey():
            return SigningKey(private, "EdDSA", jwk_thumbprint(_public_jwk(private)))
        case rsa.RSAPrivateKey() if RSA_BITS_MIN <= private.key_size <= RSA_BITS_MAX:
            return SigningKey(private, "PS256", jwk_thumbprint(_public_jwk(private)))
    raise KeyUnusable(
        f"use a P-256, an Ed25519 or an RSA key of {RSA_BITS_MIN} bits or more (`customs-connect keygen`)"
    )


def generate(algorithm: Literal["ES256", "EdDSA"]) -> SigningKey:
    private = ec.generate_private_key(ec.SECP256R1()) if algorithm == "ES256" else ed25519.Ed25519PrivateKey.generate()
    return signing_key(private)


def write_key(key: SigningKey, path: Path) -> Path:
    """Write the private key to `path`, readable by its owner only, and the public one beside it; return the latter.

    Raises `FileExistsError`: a key that is in use is never overwritten.
    """
    pem = key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
    public = path.with_name(f"{path.stem}.pub.pem")
    public.write_bytes(key.public_pem())
    return public


def public_jwk(key: SigningKey) -> dict[str, str]:
    """The public half (RFC 7518 §6, RFC 8037 §2), with the members that make its thumbprint."""
    return _public_jwk(key.private)


def rotation_proof(key: SigningKey, *, hub: str, system: str, time: int) -> str:
    """That its bringer holds the new key of `system` (`schemas/formats/enrolment.md`); `time` in seconds since 1970."""
    headers = {"typ": "customs-hub-enrolment+jws", "jwk": public_jwk(key)}
    claims = {"hub": hub, "system": system, "time": time}
    return jwt.encode(claims, key.private, algorithm=key.algorithm, headers=headers)


def _public_jwk(private: PrivateKey) -> dict[str, str]:
    match private:
        case ec.EllipticCurvePrivateKey():
            point = private.public_key().public_numbers()
            return {"crv": "P-256", "kty": "EC", "x": _unsigned(point.x, 32), "y": _unsigned(point.y, 32)}
        case ed25519.Ed25519PrivateKey():
            return {"crv": "Ed25519", "kty": "OKP", "x": _base64url(private.public_key().public_bytes_raw())}
        case rsa.RSAPrivateKey():
            public = private.public_key().public_numbers()
            return {"e": _unsigned(public.e), "kty": "RSA", "n": _unsigned(public.n)}


def jwk_thumbprint(jwk: dict[str, Any]) -> str:
    """RFC 7638 §3, whatever else the key says of itself. Raises `KeyError` for a kind that the hub does not take."""
    names = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}[jwk["kty"]]
    return _base64url(sha256(orjson.dumps({name: jwk[name] for name in names})).digest())


def _unsigned(number: int, size: int | None = None) -> str:
    return _base64url(number.to_bytes(size or (number.bit_length() + 7) // 8, "big"))


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
