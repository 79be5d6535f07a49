"""Passwords on their way to the hub: sealed to its public key by whoever makes one, opened where brokers are told.

HPKE in base mode (RFC 9180): DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM; the page is
`schemas/formats/direct-reading.md`. What is bound in as `info` keeps a sealed password from being told as another's.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from hub.trust.keys import decode_base64url, encode_base64url

FORMAT = "customs-hub-kafka-password/1"
USE = "kafka-passwords"
"""The use for which the key ring derives the private half."""
SEALED_BYTES_MAX = 512
PASSWORD_CHARACTERS_MIN = 26
"""130 bits in base32: a password is made by chance, and brokers keep no count of guesses."""
_OVERHEAD_BYTES = 32 + 16
"""The encapsulated key and the tag."""
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class SealBroken(Exception):
    """It was not sealed to this hub, or for this user."""


def sealing_key(secret: bytes) -> str:
    """The public half of the key whose private half are these 32 bytes: base64url."""
    return encode_base64url(X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw())


def seal_password(password: str, user: str, key: str) -> str:
    """base64url; only the hub whose `sealing_key` it is can open it, and only as this user's."""
    public = X25519PublicKey.from_public_bytes(decode_base64url(key) or b"")
    return encode_base64url(_SUITE.encrypt(password.encode(), public, _info(user)))


def open_password(sealed: str, user: str, secret: bytes) -> str:
    """Raises `SealBroken`."""
    try:
        private = X25519PrivateKey.from_private_bytes(secret)
        return _SUITE.decrypt(decode_base64url(sealed) or b"", private, _info(user)).decode()
    except (InvalidTag, ValueError) as error:
        raise SealBroken(f"the password of {user} was not sealed to this hub") from error


def is_sealed(text: str) -> bool:
    """Whether it may be a sealed password: it has room for one that is long enough."""
    size = len(decode_base64url(text) or b"")
    return _OVERHEAD_BYTES + PASSWORD_CHARACTERS_MIN <= size <= SEALED_BYTES_MAX


def _info(user: str) -> bytes:
    return f"{FORMAT}\0{user}".encode()
