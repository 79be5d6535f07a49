"""Private keys in files for the hub's user alone: PKCS 8 in PEM, unencrypted."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from hub.core.errors import HubError
from hub.drivers.system import private_files

K = TypeVar("K", Ed25519PrivateKey, EllipticCurvePrivateKey)


class KeyRingRefused(HubError):
    """The hub's keys cannot be read; the message says what was found and what was expected."""


def load(file: Path, kind: type[K]) -> K:
    """Raises `KeyRingRefused`, `NotPrivate`, `OSError`."""
    try:
        key = load_pem_private_key(private_files.read(file), password=None)
    except (ValueError, TypeError):
        raise KeyRingRefused(f"{file} is not a private key in PEM without a password") from None
    if not isinstance(key, kind):
        raise KeyRingRefused(f"{file} holds a key of another kind than expected")
    return key


def pem(key: Ed25519PrivateKey | EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
