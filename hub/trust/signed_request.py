"""Signed requests: HTTP Message Signatures (RFC 9421) over Content-Digest (RFC 9530), the sender's own proof.

A signature is optional; each that is sent by a key of the sender's has to hold. The signature base is built from the
message (§2.5), never taken from the sender, and the algorithm is the one of the key (§3.2 step 6): what `alg` says can
only agree. Shared secrets and RSASSA-PKCS1-v1_5 (§3.3.2, §3.3.3) prove nothing: no key here is of that kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from hashlib import sha256, sha512
from hmac import compare_digest
from typing import Any
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from msgspec import Struct

from hub.core.jwk import PublicKeyObject
from hub.trust.signature_base import Message, parsed, signature_base

FIELD_BYTES_MAX = 4_096
"""Of Signature-Input, Signature and Content-Digest, each."""
COMPONENTS_MAX = 32
SIGNATURES_MAX = 4
AGE_SECONDS_MAX = 300
SKEW_SECONDS = 10

_PARAMETERS = frozenset({"created", "expires", "nonce", "alg", "keyid", "tag"})
_DIGESTS = {"sha-256": sha256, "sha-512": sha512}
_P256_BYTES = 32


ON_BEHALF_OF = "hub-on-behalf-of"
"""The field that says whose events are brought (`schemas/formats/mandate.md`)."""


class Wrong(StrEnum):
    """What keeps a signature from being a proof; told to the sender, who is authenticated already."""

    UNREADABLE = "Signature-Input or Signature is no structured field of RFC 9421, or beyond its bounds"
    PARAMETERS = "created and keyid are asked for; alg, expires, nonce and tag may stand beside them"
    COMPONENTS = (
        "covered are: @method, @target-uri (or @authority, @path and @query), content-digest of a body, "
        "hub-on-behalf-of where it is sent"
    )
    MISSING = "a covered component is not in the request, or cannot be covered"
    KEY = "keyid names no key of this client that is in force"
    ALGORITHM = "alg is not the one of the key: ecdsa-p256-sha256, ed25519 or rsa-pss-sha512"
    TIME = "created or expires: at most 300 s old, and not to come"
    DIGEST = "Content-Digest, sha-256 or sha-512, is not the one of the body"
    SIGNATURE = "the signature is not that key's over this request"


class Proven(Struct, frozen=True):
    """A signature that holds."""

    key_id: str
    created: int
    """Seconds since 1970."""
    base: bytes
    """What was signed."""
    signature: bytes


Key = Callable[[str], PublicKeyObject | None]
"""The key of the authenticated client that `keyid` names, if it is in force."""


def is_signed(fields: Sequence[tuple[str, str]]) -> bool:
    return any(name in ("signature", "signature-input") for name, _ in fields)


def verify_request(message: Message, body: bytes, *, key: Key, now: int) -> Proven | Wrong:
    """Check the signatures by keys of the sender, and answer with the first; `now` in seconds since 1970."""
    # 1. Both fields are there, within bounds, and name the same signatures.
    inputs, signatures = _dictionary(message, "signature-input"), _dictionary(message, "signature")
    if not inputs or not signatures or set(inputs) != set(signatures) or len(inputs) > SIGNATURES_MAX:
        return Wrong.UNREADABLE
    # 2. At least one of them is by the client. Proxies may have added theirs, which say nothing here.
    own = [(label, public) for label, each in inputs.items() if (public := _named_key(each, key)) is not None]
    # 3. Each of the client's holds.
    found = [_verified(message, body, inputs[label], signatures[label][0], public, now) for label, public in own]
    return next((each for each in found if isinstance(each, Wrong)), found[0] if found else Wrong.KEY)


def _verified(
    message: Message, body: bytes, covered: Any, signature: object, public: PublicKeyObject, now: int
) -> Proven | Wrong:
    """`covered`: the member of Signature-Input."""
    components, parameters = covered
    # 1. Its parameters are those of §2.3, and it is fresh.
    if (wrong := _wrong_parameters(parameters, public, now)) is not None:
        return wrong
    # 2. What makes the request this request is covered, and the digest is the body's.
    if not _covers(components, message, body):
        return Wrong.COMPONENTS
    if body and not _digested(message, body):
        return Wrong.DIGEST
    # 3. The base is built from the message that came.
    base = signature_base(message, components, parameters)
    if base is None:
        return Wrong.MISSING
    # 4. The signature is the key's over exactly these bytes.
    if not isinstance(signature, bytes) or not holds(public, signature, base):
        return Wrong.SIGNATURE
    return Proven(parameters["keyid"], parameters["created"], base, signature)


def holds(key: PublicKeyObject, signature: bytes, base: bytes) -> bool:
    """RFC 9421 §3.3.1 (RSASSA-PSS, SHA-512), §3.3.4 (ECDSA on P-256, R ‖ S), §3.3.6 (Ed25519)."""
    try:
        match key:
            case EllipticCurvePublicKey():
                if len(signature) != 2 * _P256_BYTES:
                    return False
                r, s = (int.from_bytes(half, "big") for half in (signature[:_P256_BYTES], signature[_P256_BYTES:]))
                key.verify(encode_dss_signature(r, s), base, ECDSA(SHA256()))
            case Ed25519PublicKey():
                key.verify(signature, base)
            case RSAPublicKey():
                key.verify(signature, base, PSS(mgf=MGF1(SHA512()), salt_length=64), SHA512())
    except (InvalidSignature, ValueError):
        return False
    return True


def algorithm_name(key: PublicKeyObject) -> str:
    """As the registry of RFC 9421 §6.2 has it."""
    match key:
        case EllipticCurvePublicKey():
            return "ecdsa-p256-sha256"
        case Ed25519PublicKey():
            return "ed25519"
        case RSAPublicKey():
            return "rsa-pss-sha512"


def _dictionary(message: Message, name: str) -> dict[str, Any] | None:
    """A dictionary field (RFC 9651 §3.2), its lines put together; None where it is none."""
    text = ", ".join(value for each, value in message.fields if each == name)
    if not text or len(text) > FIELD_BYTES_MAX or not text.isascii():
        return None
    read = parsed(text, "dictionary")
    return dict(read) if read is not None else None


def _named_key(covered: Any, key: Key) -> PublicKeyObject | None:
    """`covered`: a member of Signature-Input, an inner list with parameters if it is as it has to be."""
    items, parameters = covered
    if not isinstance(items, list) or not isinstance(parameters.get("keyid"), str):
        return None
    return key(parameters["keyid"])


def _wrong_parameters(parameters: Mapping[str, Any], key: PublicKeyObject, now: int) -> Wrong | None:
    if not _PARAMETERS.issuperset(parameters) or not all(
        isinstance(parameters.get(name, ""), str) for name in ("nonce", "alg", "tag")
    ):
        return Wrong.PARAMETERS
    created, expires = parameters.get("created"), parameters.get("expires", now + 1)
    if not isinstance(created, int) or not isinstance(expires, int):
        return Wrong.PARAMETERS
    if parameters.get("alg", algorithm_name(key)) != algorithm_name(key):
        return Wrong.ALGORITHM
    if not now - AGE_SECONDS_MAX <= created <= now + SKEW_SECONDS or expires <= now:
        return Wrong.TIME
    return None


def _covers(components: Sequence[Any], message: Message, body: bytes) -> bool:
    """Plain components only count: one that is cut down by a parameter says less than the whole."""
    if len(components) > COMPONENTS_MAX:
        return False
    plain = {name for name, parameters in components if isinstance(name, str) and not parameters}
    wanted = {"@authority", "@path"} | ({"@query"} if urlsplit(message.url).query else set())
    target = "@target-uri" in plain or wanted <= plain
    for_whom = ON_BEHALF_OF in plain or all(name != ON_BEHALF_OF for name, _ in message.fields)
    return "@method" in plain and target and for_whom and (not body or "content-digest" in plain)


def _digested(message: Message, body: bytes) -> bool:
    """RFC 9530 §2: every digest that is known is the body's, and one is known."""
    digests = _dictionary(message, "content-digest") or {}
    known = {name: value for name, (value, _) in digests.items() if name in _DIGESTS}
    return bool(known) and all(
        isinstance(value, bytes) and compare_digest(value, _DIGESTS[name](body).digest())
        for name, value in known.items()
    )
