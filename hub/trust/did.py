"""Decentralised identifiers that are a key themselves: `did:key` and `did:jwk`. Nothing is resolved or fetched.

Such a name proves that its holder signed, and nothing of who that is: anyone makes one in a second.
"""

from __future__ import annotations

from contextlib import suppress

import orjson
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from hub.trust.keys import KeyRefused, PublicKeyObject, decode_base64url, load_public_jwk

DID_CHARACTERS_MAX = 255
"""Longer names are cut where credentials are read (`schemas.documents.trade`); those of RSA keys are."""
_BASE58 = {
    character: value for value, character in enumerate("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")
}
_BASE58_CHARACTERS_MAX = 128
_ED25519, _P256 = b"\xed\x01", b"\x80\x24"
"""Multicodec `ed25519-pub` and `p256-pub` as unsigned varints."""


def key_of_did(did: str) -> tuple[PublicKeyObject, str] | None:
    """The key that a DID is, and the fragment of its verification method; None if it is no such DID, or of a kind of
    key that is not taken here."""
    method, _, name = did.removeprefix("did:").partition(":")
    if not did.startswith("did:") or len(did) > DID_CHARACTERS_MAX:
        return None
    with suppress(KeyRefused, ValueError):
        if method == "key":
            return _of_multikey(name), name
        if method == "jwk":
            return _of_jwk(name), "0"
    return None


def decode_base58btc(text: str) -> bytes | None:
    """The bytes of multibase `z…` (W3C Controlled Identifiers §2.4); None if it is something else, or too long."""
    digits = text[1:]
    if not text.startswith("z") or len(text) > _BASE58_CHARACTERS_MAX or not _BASE58.keys() >= set(digits):
        return None
    number = 0
    for digit in digits:
        number = number * 58 + _BASE58[digit]
    zeros = len(digits) - len(digits.lstrip("1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def _of_multikey(name: str) -> PublicKeyObject:
    """did:key §3.1: the multibase value of a Multikey."""
    content = decode_base58btc(name) or b""
    match content[:2]:
        case b if b == _ED25519:
            return Ed25519PublicKey.from_public_bytes(content[2:])
        case b if b == _P256 and len(content) == 35:
            return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), content[2:])
    raise KeyRefused("a key of another kind")


def _of_jwk(name: str) -> PublicKeyObject:
    """did:jwk: the JWK as base64url."""
    members = orjson.loads(decode_base64url(name) or b"")
    if not isinstance(members, dict):
        raise KeyRefused("not a JWK")
    return load_public_jwk(members)
