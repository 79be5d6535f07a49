"""The strict gate in front of PyJWT: JSON Web Signatures in compact form (RFC 7515), taken only in one spelling.

PyJWT 2.15 takes `=` padding, acts on header members that a sender chooses, and lets the last of repeated members win.
So nothing reaches it before steps 1 to 6 hold, and its algorithms are asked for one thing only: whether a signature is
a key's (step 7). Its own way there takes the token apart a second time, which costs as much as the signature.
Everything that a token says is `unverified` until then.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.api_jws import PyJWS
from msgspec import Meta, Struct

from hub.trust.keys import (
    ALGORITHMS,
    PublicKeyObject,
    algorithm_of,
    decode_base64url,
    encode_base64url,
    load_public_jwk,
)
from schemas.guard import parse_as

LABEL_CHARACTERS_MAX = 128
_CURVE_SIGNATURE_BYTES = 64
"""RFC 7518 §3.4 (R ‖ S of P-256) and RFC 8032 §5.1.6 (Ed25519)."""


class Flaw(StrEnum):
    """Why a token is not accepted: a closed set of metric labels for the operator, never told to the sender."""

    MISSING = "missing"
    MALFORMED = "malformed"
    HEADER = "header"
    TYPE = "type"
    ALGORITHM = "algorithm"
    SIGNATURE = "signature"
    CLAIMS = "claims"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    CLIENT = "client"
    KEY = "key"
    KEY_REQUESTED = "key_requested"
    KEY_APPROVED = "key_approved"
    """It counts from a later time on."""
    KEY_EXPIRED = "key_expired"
    KEY_REVOKED = "key_revoked"
    KEY_ROTATED_OUT = "key_rotated_out"
    LIFETIME = "lifetime"
    EXPIRED = "expired"
    EARLY = "early"
    REPLAYED = "replayed"
    SUSPENDED = "suspended"
    METHOD = "method"
    URL = "url"
    NONCE = "nonce"
    BINDING = "binding"
    """The token is bound to another key or certificate, or was sent without the proof that it is bound to."""
    UNBOUND = "unbound"
    """A token that anybody could use, where only bound ones are taken."""
    EXPOSED = "exposed"
    """An API key over a connection that others can read."""
    NETWORK = "network"
    """An API key from another address than it is good for."""
    REVOKED = "revoked"


T = TypeVar("T", bound=Struct)

_Label = Annotated[str, Meta(min_length=1, max_length=LABEL_CHARACTERS_MAX)]
_Member = Annotated[str, Meta(max_length=1_024)]


class JOSEHeader(Struct, frozen=True, forbid_unknown_fields=True):
    """The only members a header may have; so `jku`, `x5u`, `jwk`, `x5c`, `crit`, `b64` and `zip` are refused. A kind of
    token that has others says so in a header of its own (where a proof names its own key, a `JWK`).

    An empty string stands for a member that is absent; one that is sent is never empty.
    """

    alg: str
    typ: _Label = ""
    kid: _Label = ""


class JWK(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The key that a proof names as its own, by the members that its thumbprint is made of (RFC 7638 §3.2), and no
    other: no private or symmetric one, no certificate, no address of any."""

    kty: _Member
    crv: _Member = ""
    x: _Member = ""
    y: _Member = ""
    e: _Member = ""
    n: _Member = ""

    def members(self) -> dict[str, str]:
        members: dict[str, str] = msgspec.to_builtins(self)
        return members

    def load(self) -> PublicKeyObject:
        """Raises `KeyRefused`."""
        return load_public_jwk(self.members())


class UnverifiedJWS(Struct, frozen=True):
    """A token in its one spelling, whose signature nobody has looked at yet."""

    token: str
    header: JOSEHeader
    unverified_payload: bytes
    signature: bytes


_verifiers = {name: PyJWS(algorithms=ALGORITHMS).get_algorithm_by_name(name) for name in ALGORITHMS}


def open_jws(token: str, *, bytes_max: int, header_type: type[JOSEHeader] = JOSEHeader) -> UnverifiedJWS | Flaw:
    """Steps 1 to 4: the token's form, before any key is known. `header_type` names the members that it may have."""
    # 1. It is ASCII of a bounded size. A str of surrogates or of other digits never reaches a decoder.
    if len(token) > bytes_max or not token.isascii():
        return Flaw.MALFORMED
    # 2. It has three segments (RFC 7515 §3.1): not five (JWE), not JSON serialisation.
    segments = token.split(".")
    if len(segments) != 3:
        return Flaw.MALFORMED
    # 3. Each segment is base64url without padding, in the only spelling of its bytes (§2).
    header, payload, signature = (decode_base64url(segment) for segment in segments)
    if header is None or payload is None or signature is None:
        return Flaw.MALFORMED
    # 4. The header is one JSON object without repeated members (§5.2 step 4) and with allowed members only.
    members = parse_as(header, header_type)
    return Flaw.HEADER if members is None else UnverifiedJWS(token, members, payload, signature)


def attached(signature: str, content: bytes) -> str | Flaw:
    """A signature with detached content (RFC 7515, Appendix F) put together with what it is over: what we were given,
    and nothing else."""
    segments = signature.split(".")
    if len(segments) != 3 or segments[1]:
        return Flaw.MALFORMED
    return f"{segments[0]}.{encode_base64url(content)}.{segments[2]}"


def claims_of(jws: UnverifiedJWS, shape: type[T]) -> T | Flaw:
    """The claims by the hub's parsing rules: no repeated members, finite numbers; unknown claims are passed over."""
    claims = parse_as(jws.unverified_payload, shape)
    return Flaw.CLAIMS if claims is None else claims


def verify_signature(jws: UnverifiedJWS, key: PublicKeyObject) -> bytes | Flaw:
    """Steps 5 to 7: the payload, now believed to come from the holder of `key`."""
    # 5. The algorithm is the key's own; what the header says can only agree (RFC 8725 §3.1).
    algorithm = algorithm_of(key)
    if jws.header.alg != algorithm:
        return Flaw.ALGORITHM
    # 6. The signature has exactly the length of that algorithm and key.
    if len(jws.signature) != (key.key_size // 8 if isinstance(key, RSAPublicKey) else _CURVE_SIGNATURE_BYTES):
        return Flaw.SIGNATURE
    # 7. The signature is the key's over exactly these bytes (RFC 7515 §5.2 step 8). A key object, never PEM.
    signed = jws.token.rpartition(".")[0].encode("ascii")
    if not _verifiers[algorithm].verify(signed, key, jws.signature):
        return Flaw.SIGNATURE
    return jws.unverified_payload


def verify_jws(token: str, key: PublicKeyObject, *, bytes_max: int) -> bytes | Flaw:
    """All seven steps under one key: the payload, or why not."""
    jws = open_jws(token, bytes_max=bytes_max)
    return jws if isinstance(jws, Flaw) else verify_signature(jws, key)
