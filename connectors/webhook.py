"""Receive webhooks of a hub: prove that a message is the hub's, and answer its verification.

    keys = Keys("whsec_…", "whpk_…")                 # whsec_ to answer the verification; then either is enough
    verify(request.headers, body, keys)              # raises NotVerified: answer 401
    if (answer := verification_answer(body, keys)) is not None:
        return 200, answer                           # the hub asks once, before it sends anything
    if not seen_before(request.headers["webhook-id"]):
        ...                                          # the same id twice is the same message
    return 204

The page is `schemas/formats/webhook.md`; the form is that of Standard Webhooks 1.0.
"""

from __future__ import annotations

import hmac
import re
import time
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Iterator, Mapping
from hashlib import sha256

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from connectors.errors import ConnectorError

TOLERANCE_SECONDS = 300
VERIFICATION = "customs-hub.endpoint.verification"
SIGNATURES_MAX = 16
"""More are not looked at: a hub sends four at most."""
_CHALLENGE = re.compile("[A-Za-z0-9+/]{32}")


class NotVerified(ConnectorError):
    """The message is not the hub's, or too old to be taken for new; the words say why."""


class Keys:
    """What was shown when the endpoint was made: `whsec_…` (HMAC) and `whpk_…` (Ed25519) texts, in any number."""

    def __init__(self, *texts: str) -> None:
        """Raises `ConnectorError` for a text that is neither."""
        self.secrets: list[bytes] = []
        self._publics: list[Ed25519PublicKey] = []
        for text in texts:
            kind, _, encoded = text.strip().partition("_")
            try:
                raw = b64decode(encoded, validate=True)
                if kind == "whsec" and len(raw) >= 24:
                    self.secrets.append(raw)
                elif kind == "whpk":
                    self._publics.append(Ed25519PublicKey.from_public_bytes(raw))
                else:
                    raise ValueError(kind)
            except ValueError as error:
                raise ConnectorError("a key of a webhook begins with whsec_ or whpk_ and goes on in base64") from error

    def signed(self, version: str, signature: bytes, message: bytes) -> bool:
        """Whether one of the keys made this signature; secrets are compared in constant time."""
        if version == "v1":
            made = (hmac.digest(secret, message, "sha256") for secret in self.secrets)
            return any(hmac.compare_digest(each, signature) for each in made)
        return version == "v1a" and any(_verifies(public, signature, message) for public in self._publics)


def verify(
    headers: Mapping[str, str],
    body: bytes,
    keys: Keys,
    *,
    now: float | None = None,
    tolerance_seconds: int = TOLERANCE_SECONDS,
) -> str:
    """The message's id, if one of its signatures is good and its timestamp is near `now` (seconds since 1970).

    `body`: the bytes as they came, before anybody parsed them. Raises `NotVerified`.
    """
    given = {name.lower(): value for name, value in headers.items()}
    message_id, stamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not message_id or not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12):
        raise NotVerified("webhook-id or webhook-timestamp is missing or malformed")
    if abs((time.time() if now is None else now) - int(stamp)) > tolerance_seconds:
        raise NotVerified(f"the timestamp is more than {tolerance_seconds} s away from this machine's clock")
    message = f"{message_id}.{stamp}.".encode() + body
    if not any(keys.signed(version, raw, message) for version, raw in _signatures(given.get("webhook-signature", ""))):
        raise NotVerified("no signature is good under a key that is known here")
    return message_id


def verification_answer(body: bytes, keys: Keys) -> bytes | None:
    """The body to answer 200 with, where the message asks whether this is the right receiver; else None.

    Raises `NotVerified` where no `whsec_` secret is known, for the answer is made with it, and for a challenge that no
    hub asks.
    """
    try:
        message = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(message, dict) or message.get("type") != VERIFICATION:
        return None
    if not keys.secrets:
        raise NotVerified("a verification is answered with the whsec_ secret, and there is none here")
    data = message.get("data")
    challenge = data.get("challenge") if isinstance(data, dict) else None
    if not isinstance(challenge, str) or not _CHALLENGE.fullmatch(challenge):
        raise NotVerified("a challenge is 24 bytes in base64")
    key = hmac.digest(keys.secrets[-1], b"customs-hub-endpoint/2", "sha256")
    return orjson.dumps({"answer": b64encode(hmac.digest(key, challenge.encode(), "sha256")).decode()})


def signed_headers(secret: bytes, private: Ed25519PrivateKey, body: bytes, *, now: int) -> dict[str, str]:
    """The headers of a message as a hub would send it: for trying a receiver out on one's own machine."""
    message_id = "msg_" + b64encode(sha256(body).digest()[:18], b"-_").decode()
    message = f"{message_id}.{now}.".encode() + body
    hmac_part = b64encode(hmac.digest(secret, message, "sha256")).decode()
    ed25519_part = b64encode(private.sign(message)).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(now),
        "webhook-signature": f"v1,{hmac_part} v1a,{ed25519_part}",
    }


def _signatures(header: str) -> Iterator[tuple[str, bytes]]:
    for part in header.split(" ")[:SIGNATURES_MAX]:
        version, _, encoded = part.partition(",")
        try:
            yield version, b64decode(encoded, validate=True)
        except (NotBase64, ValueError):
            continue


def _verifies(public: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        public.verify(signature, message)
    except InvalidSignature:
        return False
    return True
