"""Signatures of webhooks as Standard Webhooks 1.0 writes them; the page is `schemas/formats/webhook.md`."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct

SECRET_PREFIX, PUBLIC_PREFIX = "whsec_", "whpk_"
SECRET_BYTES = 32
CHALLENGE_BYTES = 24
_ANSWERING = b"customs-hub-endpoint/2"
_ID_BYTES = 18


class SigningKey(Struct, frozen=True):
    secret: bytes
    """Shared with the receiver."""
    seed: bytes
    """Of the hub's Ed25519 key: 32 bytes."""


def secret_text(secret: bytes) -> str:
    return SECRET_PREFIX + b64encode(secret).decode()


def secret_bytes(text: str) -> bytes:
    """Raises `ValueError` for what is no `whsec_` secret."""
    if not text.startswith(SECRET_PREFIX):
        raise ValueError("a secret begins with whsec_")
    return b64decode(text.removeprefix(SECRET_PREFIX), validate=True)


def public_text(seed: bytes) -> str:
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    return PUBLIC_PREFIX + b64encode(public).decode()


def signatures(keys: Sequence[SigningKey], message_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`: two signatures of each key, the newest key first."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    parts = []
    for key in reversed(keys):
        parts.append("v1," + b64encode(hmac.digest(key.secret, signed, "sha256")).decode())
        ed25519 = Ed25519PrivateKey.from_private_bytes(key.seed)
        parts.append("v1a," + b64encode(ed25519.sign(signed)).decode())
    return " ".join(parts)


def message_id(secret: bytes, meant: bytes) -> str:
    """The id of the message that means these records; it tells nobody which."""
    digest = hmac.digest(secret, meant, "sha256")[:_ID_BYTES]
    return "msg_" + b64encode(digest, b"-_").decode()


def answer_to(challenge: str, secret: bytes) -> str:
    """What a receiver that has the secret answers to a verification; under a key of its own, it signs no message."""
    key = hmac.digest(secret, _ANSWERING, "sha256")
    return b64encode(hmac.digest(key, challenge.encode(), "sha256")).decode()


def is_answer(given: str, challenge: str, keys: Sequence[SigningKey]) -> bool:
    """Whether it was given by somebody who has one of the secrets."""
    return any(hmac.compare_digest(given.encode(), answer_to(challenge, key.secret).encode()) for key in keys)
