"""What enrolment stands on: a nonce that needs no memory, and an offline code that is made again the same
(`schemas/formats/enrolment.md`). Pure: secrets, digests and times in, texts out."""

from __future__ import annotations

import hmac
from hashlib import sha256

from hub.core.codes import REVOCATION, make_code
from hub.trust.keys import decode_base64url, encode_base64url

NONCE_SECONDS = 300
_TIME_BYTES, _MAC_BYTES = 8, 16


def make_nonce(secret: bytes, code_sha256: str, now: int) -> str:
    """For a proof over the code of this digest; it says nothing of whether there is such a code."""
    time = now.to_bytes(_TIME_BYTES, "big")
    return encode_base64url(time + _mac(secret, code_sha256, time))


def is_good_nonce(secret: bytes, nonce: str, code_sha256: str, now: int) -> bool:
    """Whether it was given out for this digest at most `NONCE_SECONDS` ago."""
    content = decode_base64url(nonce) or b""
    time, mac = content[:_TIME_BYTES], content[_TIME_BYTES:]
    if not hmac.compare_digest(mac, _mac(secret, code_sha256, time)):
        return False
    return 0 <= now - int.from_bytes(time, "big") < NONCE_SECONDS


def revocation_code(secret: bytes, invitation: str, key_id: str) -> str:
    """The offline code of a key that came by an invitation: the same whenever its company asks again for an answer that
    it lost, and known to nobody who has not the hub's secret."""
    text = f"revocation\n{invitation}\n{key_id}"
    return make_code(REVOCATION, hmac.digest(secret, text.encode(), sha256))


def _mac(secret: bytes, code_sha256: str, time: bytes) -> bytes:
    return hmac.digest(secret, b"nonce\n" + time + code_sha256.encode(), sha256)[:_MAC_BYTES]
