"""Public keys of partners' systems: which JSON Web Keys (RFC 7517) are taken, and the one algorithm of each.

A key has exactly one algorithm, which follows from the key and never from a token (RFC 8725 §3.1, §3.2):
P-256 → ES256, Ed25519 → EdDSA, RSA of 2048 to 4096 bits → PS256.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from hub.core.jwk import PublicKeyObject, encode_base64url, public_jwk, thumbprint

ALGORITHMS = ("ES256", "EdDSA", "PS256")
RSA_BITS_MIN = 2048
RSA_BITS_MAX = 4096
RSA_EXPONENT_MIN = 65_537
"""FIPS 186-5 §5.4 (e): the public exponent is odd and greater than 2^16."""
RSA_EXPONENT_MAX = 2**32 - 1
"""What a signature costs to verify grows with it; anybody may choose the key of a DPoP proof."""
PEM_BYTES_MAX = 16_384

_EXPECTED = f"expected a public key: EC P-256, Ed25519, or RSA of {RSA_BITS_MIN} to {RSA_BITS_MAX} bits"
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
"""RFC 7518 §6.2.2, §6.3.2, §6.4.1: members that only a private or a symmetric key has."""


class KeyRefused(ValueError):
    """The key is not one that the hub takes. The text says what was expected and never holds key material."""


def decode_base64url(text: str) -> bytes | None:
    """The bytes, or None unless `text` is exactly what `encode_base64url` makes of them.

    That one comparison refuses padding, white space, foreign characters and stray bits in the last character.
    """
    try:
        content = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (Base64Error, ValueError):
        return None
    return content if encode_base64url(content) == text else None


def algorithm_of(key: PublicKeyObject) -> str:
    """The only JWS algorithm this key is used with (RFC 7518 §3, RFC 8037 §3.1)."""
    match key:
        case EllipticCurvePublicKey():
            return "ES256"
        case Ed25519PublicKey():
            return "EdDSA"
        case RSAPublicKey():
            return "PS256"


def load_public_jwk(jwk: Mapping[str, object]) -> PublicKeyObject:
    """The key object of a public JWK, every value checked. Raises `KeyRefused`."""
    if not _PRIVATE_MEMBERS.isdisjoint(jwk):
        raise KeyRefused("this is a private or symmetric key; keep it, and give its public half")
    if jwk.get("use", "sig") != "sig":
        raise KeyRefused('the key is not for signatures: expected "use" to be "sig" or absent')
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise KeyRefused('the key is not for signatures: expected "key_ops" to hold "verify" or be absent')
    key = _key_from_members(jwk)
    if jwk.get("alg", algorithm_of(key)) != algorithm_of(key):
        raise KeyRefused(f'the key names another algorithm: expected "alg" to be {algorithm_of(key)} or absent')
    return key


def public_jwk_from_pem(pem: bytes) -> dict[str, str]:
    """The JWK of a public key in PEM (RFC 7468 §13). Raises `KeyRefused`, also for private keys, without echo."""
    if len(pem) > PEM_BYTES_MAX:
        raise KeyRefused(f"the file is larger than {PEM_BYTES_MAX} bytes; {_EXPECTED}")
    if b"PRIVATE KEY" in pem:
        raise KeyRefused("this is a private key; keep it, and give its public half (openssl pkey -pubout)")
    try:
        key = load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyRefused(f'no "PUBLIC KEY" in PEM was found; {_EXPECTED}') from None
    if not isinstance(key, EllipticCurvePublicKey | Ed25519PublicKey | RSAPublicKey):
        raise KeyRefused(f"the key is of another kind; {_EXPECTED}")
    return public_jwk(checked(key))


def _key_from_members(jwk: Mapping[str, object]) -> PublicKeyObject:
    kind = (jwk.get("kty"), jwk.get("crv")) if jwk.get("kty") != "RSA" else ("RSA", None)
    try:
        match kind:
            case ("EC", "P-256"):
                x, y = (int.from_bytes(_member(jwk, name, 32), "big") for name in ("x", "y"))
                return EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()
            case ("OKP", "Ed25519"):
                return Ed25519PublicKey.from_public_bytes(_member(jwk, "x", 32))
            case ("RSA", _):
                e, n = (int.from_bytes(_member(jwk, name), "big") for name in ("e", "n"))
                return checked(RSAPublicNumbers(e, n).public_key())
    except KeyRefused:
        raise
    except ValueError:
        raise KeyRefused(f"the numbers are not those of a key; {_EXPECTED}") from None
    raise KeyRefused(f"the key is of another kind; {_EXPECTED}")


def _member(jwk: Mapping[str, object], name: str, size: int | None = None) -> bytes:
    """A number as RFC 7518 §6.2.1.2 and §6.3.1.1 write it: full size for points, no leading zero byte for RSA."""
    text = jwk.get(name)
    content = decode_base64url(text) if isinstance(text, str) else None
    if not content or (len(content) != size if size else content[0] == 0 or len(content) > RSA_BITS_MAX // 8):
        raise KeyRefused(f'member "{name}" is not a canonical base64url number; {_EXPECTED}')
    return content


def checked(key: PublicKeyObject) -> PublicKeyObject:
    """The key, if it is one that is taken. Raises `KeyRefused`."""
    if isinstance(key, EllipticCurvePublicKey) and not isinstance(key.curve, SECP256R1):
        raise KeyRefused(f"the key is on curve {key.curve.name}; {_EXPECTED}")
    if isinstance(key, RSAPublicKey):
        if not RSA_BITS_MIN <= key.key_size <= RSA_BITS_MAX:
            raise KeyRefused(f"the RSA key has {key.key_size} bits; {_EXPECTED}")
        if not RSA_EXPONENT_MIN <= key.public_numbers().e <= RSA_EXPONENT_MAX:
            raise KeyRefused(f"the RSA exponent is out of bounds: expected {RSA_EXPONENT_MIN} to {RSA_EXPONENT_MAX}")
    return key


__all__ = [
    "ALGORITHMS",
    "KeyRefused",
    "PublicKeyObject",
    "algorithm_of",
    "checked",
    "decode_base64url",
    "encode_base64url",
    "load_public_jwk",
    "public_jwk",
    "public_jwk_from_pem",
    "thumbprint",
]
