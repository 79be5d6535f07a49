"""Proofs of possession (DPoP) of a load: made beforehand, for the hub is measured and not who signs."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from http.client import HTTPConnection
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from hub.core.jwk import public_jwk
from hub.intake.grant import METADATA_PATH

ANSWER_SECONDS_MAX = 15.0


def new_key() -> str:
    """A P-256 key, PEM."""
    key = generate_private_key(SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def nonce_of(url: str) -> str:
    """The nonce that the hub gives out now."""
    with closing(HTTPConnection(urlsplit(url).netloc, timeout=ANSWER_SECONDS_MAX)) as connection:
        connection.request("GET", METADATA_PATH)
        answer = connection.getresponse()
        answer.read()
        return answer.headers["DPoP-Nonce"]


def proofs(key_pem: str, url: str, path: str, *, nonce: str, token: str = "") -> Iterator[str]:
    """Proofs for one POST after another (RFC 9449 §4.2), all of one length."""
    key = load_pem_private_key(key_pem.encode(), password=None)
    if not isinstance(key, EllipticCurvePrivateKey):
        raise TypeError("a P-256 key was expected")
    header = {"typ": "dpop+jwt", "jwk": public_jwk(key.public_key())}
    begun = time.time_ns()
    claims: dict[str, object] = {"htm": "POST", "htu": url + path, "iat": begun // 10**9, "nonce": nonce}
    if token:
        claims["ath"] = base64.urlsafe_b64encode(sha256(token.encode()).digest()).rstrip(b"=").decode()
    number = 0
    while True:
        yield jwt.encode({**claims, "jti": f"{begun}-{number:09}"}, key, algorithm="ES256", headers=header)
        number += 1
