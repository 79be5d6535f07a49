"""Signing what is sent (HTTP Message Signatures, RFC 9421): the company's own proof, kept by the hub with the events.

What the hub keeps of it (`schemas/formats/request-proof.md`) is looked at here without the hub.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from hashlib import sha256, sha512
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from connectors.errors import ConnectorError
from connectors.keys import SigningKey, jwk_thumbprint

ON_BEHALF_OF = "Hub-On-Behalf-Of"
PROOF_FORMAT = "customs-hub-request-proof/1"
_PSS = padding.PSS(mgf=padding.MGF1(SHA512()), salt_length=64)
_DIGEST = re.compile(r"(?:^|, ?)(sha-256|sha-512)=:([A-Za-z0-9+/=]+):")
_KEY_ID = re.compile(r'\([^)]*\)(?:;[^;]*)*;keyid="([A-Za-z0-9_-]{43})"(?:;|$)')
_HASHES = {"sha-256": sha256, "sha-512": sha512}


class ProofWrong(ConnectorError, ValueError):
    """What was kept proves nothing; the text says why."""


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request that its sender signed."""

    base: str
    key_id: str
    body: bytes
    method: str
    target: str
    """The URL; where the sender signed its parts, without the scheme."""
    on_behalf_of: str
    """The partner that it was sent for; empty: the sender's own."""


def signature_headers(
    key: SigningKey, method: str, url: str, body: bytes, *, now: int, on_behalf_of: str = ""
) -> dict[str, str]:
    """The headers that sign a request, with the partner that it is sent for; `now` in seconds since 1970."""
    digest = f"sha-256=:{_b64(sha256(body).digest())}:"
    covered = {"@method": method, "@target-uri": url, "content-digest": digest}
    covered |= {ON_BEHALF_OF.lower(): on_behalf_of} if on_behalf_of else {}
    names = " ".join(f'"{name}"' for name in covered)
    parameters = f'({names});created={now};keyid="{key.id}"'
    lines = [f'"{name}": {value}' for name, value in covered.items()]
    signature = _sign(key.private, "\n".join([*lines, f'"@signature-params": {parameters}']).encode())
    return {
        "Content-Digest": digest,
        "Signature-Input": f"customs={parameters}",
        "Signature": f"customs=:{_b64(signature)}:",
    }


def read_proof(content: bytes) -> SignedRequest:
    """Look at a signed request as the hub keeps it. Raises `ProofWrong`."""
    line, _, body = content.partition(b"\n")
    try:
        stated: dict[str, Any] = orjson.loads(line)
        base, jwk = str(stated["base"]), dict(stated["jwk"])
        signature = base64.urlsafe_b64decode(str(stated["signature"]) + "==")
        public = PyJWK(jwk, algorithm={"EC": "ES256", "OKP": "EdDSA", "RSA": "PS256"}[jwk["kty"]]).key
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, PyJWTError) as e:
        raise ProofWrong("this is no signed request as a hub keeps it") from e
    if stated.get("format") != PROOF_FORMAT:
        raise ProofWrong(f"this is of another format than {PROOF_FORMAT}")
    if not _holds(public, signature, base.encode()):
        raise ProofWrong("the signature is not that of its key")
    signed = _components(base)
    digests = _DIGEST.findall(signed.get("content-digest", ""))
    if not digests or any(digest != _b64(_HASHES[name](body).digest()) for name, digest in digests):
        raise ProofWrong("the body is not the one that was signed")
    named = _KEY_ID.match(signed.get("@signature-params", ""))
    if named is None or named[1] != jwk_thumbprint(jwk):
        raise ProofWrong("the key is not the one that the signature names")
    target = signed.get("@target-uri") or signed.get("@authority", "") + signed.get("@path", "")
    if "@method" not in signed or not target:
        raise ProofWrong("what was signed names no method and target")
    query = "" if "@target-uri" in signed else signed.get("@query", "").removesuffix("?")
    return SignedRequest(base, named[1], body, signed["@method"], target + query, signed.get(ON_BEHALF_OF.lower(), ""))


def _components(base: str) -> dict[str, str]:
    """What the lines of a signature base say (RFC 9421 §2.5). A component that is cut down by a parameter counts for
    nothing here, and each may stand once. Raises `ProofWrong`."""
    lines = [line.partition(": ") for line in base.split("\n")]
    found = {name[1:-1]: value for name, _, value in lines if name.startswith('"') and name.endswith('"')}
    if len({name for name, _, _ in lines}) < len(lines):
        raise ProofWrong("a component was signed twice")
    return found


def _sign(key: Any, base: bytes) -> bytes:
    """RFC 9421 §3.3.1, §3.3.4, §3.3.6."""
    match key:
        case ec.EllipticCurvePrivateKey():
            r, s = decode_dss_signature(key.sign(base, ec.ECDSA(SHA256())))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        case ed25519.Ed25519PrivateKey():
            return key.sign(base)
    signature: bytes = key.sign(base, _PSS, SHA512())
    return signature


def _holds(key: object, signature: bytes, base: bytes) -> bool:
    try:
        match key:
            case ec.EllipticCurvePublicKey():
                r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
                key.verify(encode_dss_signature(r, s), base, ec.ECDSA(SHA256()))
            case ed25519.Ed25519PublicKey():
                key.verify(signature, base)
            case rsa.RSAPublicKey():
                key.verify(signature, base, _PSS, SHA512())
            case _:
                return False
    except (InvalidSignature, ValueError):
        return False
    return True


def _b64(content: bytes) -> str:
    return base64.b64encode(content).decode()
