"""Data-integrity proofs whose canonical form is that of JSON (RFC 8785), so that no context is needed to verify them.

`eddsa-jcs-2022` (W3C VC-DI-EdDSA §3.3) by Ed25519, `ecdsa-jcs-2019` (VC-DI-ECDSA §3.3) by P-256.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from hub.core.jwk import PublicKeyObject
from hub.trust.did import decode_base58btc

_SIGNATURE_BYTES = 64
_DIGEST_BYTES = 64


def holds(suite: str, digest: bytes, value: str, key: PublicKeyObject) -> bool:
    """Whether `value` (multibase) is the key's signature over the digest of options and document. The suite has one
    kind of key, and the key is of that kind."""
    signature = decode_base58btc(value)
    if signature is None or len(signature) != _SIGNATURE_BYTES or len(digest) != _DIGEST_BYTES:
        return False
    try:
        match suite, key:
            case "eddsa-jcs-2022", Ed25519PublicKey():
                key.verify(signature, digest)
            case "ecdsa-jcs-2019", EllipticCurvePublicKey():
                r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
                key.verify(encode_dss_signature(r, s), digest, ECDSA(SHA256()))
            case _:
                return False
    except InvalidSignature:
        return False
    return True
