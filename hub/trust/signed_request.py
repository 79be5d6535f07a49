"""Signed requests: HTTP Message Signatures (RFC 9421) over Content-Digest (RFC 9530), the sender's own proof.

A signature is optional; one that is sent has to hold. The signature base is built from the message (§2.5), never taken
from the sender, and the algorithm is the one of the key (§3.2 step 6): what `alg` says can only agree. Field values
arrive as they were sent, in order, white space around them gone (§2.1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from hashlib import sha256, sha512
from hmac import compare_digest
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import http_sf
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from msgspec import Struct

from hub.core.jwk import PublicKeyObject

FIELD_BYTES_MAX = 4_096
"""Of Signature-Input, Signature and Content-Digest, each."""
COMPONENTS_MAX = 32
SIGNATURES_MAX = 4
AGE_SECONDS_MAX = 300
SKEW_SECONDS = 10

_DERIVED = frozenset({"@method", "@target-uri", "@authority", "@scheme", "@request-target", "@path", "@query"})
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


class Message(Struct, frozen=True):
    """The request as its sender knows it. `fields`: names in lower case with their values, in order."""

    method: str
    url: str
    """`@target-uri`: absolute, with the query."""
    fields: Sequence[tuple[str, str]]


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
    """Check the one signature by a key of the sender; `now` in seconds since 1970."""
    # 1. Both fields are there, within bounds, and name the same signatures.
    inputs, signatures = _dictionary(message, "signature-input"), _dictionary(message, "signature")
    if not inputs or not signatures or set(inputs) != set(signatures) or len(inputs) > SIGNATURES_MAX:
        return Wrong.UNREADABLE
    # 2. One of them is by the client. Proxies may have added theirs.
    own = [(label, each) for label, each in inputs.items() if _named_key(each, key) is not None]
    if len(own) != 1:
        return Wrong.KEY
    [(label, covered)] = own
    public = _named_key(covered, key)
    assert public is not None
    # 3. Its parameters are those of §2.3, and it is fresh.
    components, parameters = covered
    if (wrong := _wrong_parameters(parameters, public, now)) is not None:
        return wrong
    # 4. What makes the request this request is covered, and the digest is the body's.
    if not _covers(components, message, body):
        return Wrong.COMPONENTS
    if body and not _digested(message, body):
        return Wrong.DIGEST
    # 5. The base is built from the message that came.
    base = signature_base(message, components, parameters)
    if base is None:
        return Wrong.MISSING
    # 6. The signature is the key's over exactly these bytes.
    signature = signatures[label][0]
    if not isinstance(signature, bytes) or not holds(public, signature, base):
        return Wrong.SIGNATURE
    return Proven(parameters["keyid"], parameters["created"], base, signature)


def signature_base(message: Message, components: Sequence[Any], parameters: Mapping[str, Any]) -> bytes | None:
    """RFC 9421 §2.5; None where a component is not in the message, comes twice, or cannot be made."""
    lines: dict[str, str] = {}
    for component in components:
        identifier = http_sf.ser(component)
        value = _value(message, component)
        if value is None or identifier in lines or "\n" in value or not value.isascii():
            return None
        lines[identifier] = value
    covered: Any = (list(components), dict(parameters))
    last = f'"@signature-params": {http_sf.ser([covered])}'
    return "\n".join([*(f"{identifier}: {value}" for identifier, value in lines.items()), last]).encode()


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
    try:
        parsed: Any = http_sf.parse(text.encode(), tltype="dictionary")
    except (http_sf.StructuredFieldError, ValueError):
        return None
    return dict(parsed)


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


def _value(message: Message, component: Any) -> str | None:
    """The value of one component (§2.1, §2.2); None where the message has none."""
    name, parameters = component
    if not isinstance(name, str):
        return None
    if name == "@query-param":
        return _query_parameter(message, parameters)
    if name in _DERIVED:
        return None if parameters else _derived(message, name)
    if name.startswith("@") or name != name.lower():
        return None
    values = [value for each, value in message.fields if each == name]
    return _field(values, parameters) if values else None


def _derived(message: Message, name: str) -> str:
    url = urlsplit(message.url)
    path, query = url.path or "/", f"?{url.query}"
    match name:
        case "@method":
            return message.method
        case "@target-uri":
            return message.url
        case "@authority":
            return _authority(url.scheme, url.netloc)
        case "@scheme":
            return url.scheme.lower()
        case "@request-target":
            return path + (query if url.query else "")
        case "@path":
            return path
    return query  # @query


def _authority(scheme: str, netloc: str) -> str:
    """§2.2.3: lower case, without the scheme's default port."""
    default = {"http": ":80", "https": ":443"}.get(scheme.lower(), "")
    authority = netloc.rpartition("@")[2].lower()
    return authority.removesuffix(default) if default else authority


def _query_parameter(message: Message, parameters: Mapping[str, Any]) -> str | None:
    """§2.2.8: the one parameter of that name, both percent-encoded anew."""
    if set(parameters) != {"name"}:
        return None
    pairs = parse_qsl(urlsplit(message.url).query, keep_blank_values=True)
    values = [_encoded(value) for name, value in pairs if _encoded(name) == parameters["name"]]
    return values[0] if len(values) == 1 else None


def _encoded(text: str) -> str:
    """Percent-encoding of application/x-www-form-urlencoded (URL Standard §5), with %20 for a space (§2.2.8)."""
    return quote(text, safe="*-._", encoding="utf-8")


def _field(values: Sequence[str], parameters: Mapping[str, Any]) -> str | None:
    """§2.1: plain, or with `sf`, `key` or `bs`; `req` and `tr` have no place in a request of ours."""
    if not parameters:
        return ", ".join(value.strip() for value in values)
    if set(parameters) == {"bs"} and parameters["bs"] is True:
        return ", ".join(http_sf.ser((value.strip().encode("utf-8", "surrogateescape"), {})) for value in values)
    if set(parameters) == {"key"} and isinstance(parameters["key"], str):
        return _member(values, parameters["key"])
    return None


def _member(values: Sequence[str], key: str) -> str | None:
    try:
        members: Any = http_sf.parse(", ".join(values).encode(), tltype="dictionary")
    except (http_sf.StructuredFieldError, ValueError):
        return None
    return str(http_sf.ser(members[key])) if key in members else None
