"""Signed requests: a signature that came with a request is verified and kept with its events, the sender's own proof.

What is kept (`schemas/formats/request-proof.md`) verifies without the hub: what was signed, by which key, and the body.
It lies under its SHA-256, which the records of its events name, as long as the log keeps those.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from hashlib import sha256

from msgspec.structs import replace

from hub.core.errors import BlobMissing, Refusal
from hub.core.evidence import Admitted
from hub.core.jwk import PublicKeyObject, encode_base64url
from hub.core.registry import Snapshot
from hub.ports.blob_store import BlobKey, BlobStore, read_blob
from hub.ports.system import Clock
from hub.trust.keys import load_public_jwk
from hub.trust.signature_base import Message
from hub.trust.signed_request import Proven, Wrong, is_signed, verify_request
from schemas.canonical import canonical_bytes

_HEX = re.compile(r"[0-9a-f]{64}")
PROOF_FORMAT = "customs-hub-request-proof/1"


class SignedRequests:
    def __init__(self, *, blobs: BlobStore, snapshot: Callable[[], Snapshot], clock: Clock) -> None:
        self._blobs = blobs
        self._snapshot = snapshot
        self._clock = clock

    async def prove(self, admitted: Admitted, message: Message, body: bytes) -> Admitted | Refusal:
        """The admitted request, with its proof if it is signed. Raises StorageFull and StorageUnavailable."""
        if not is_signed(message.fields):
            return admitted
        now = self._clock.now_us() // 1_000_000
        system = admitted.principal.system.id
        proven = verify_request(message, body, key=lambda key_id: self._key(system, key_id, now), now=now)
        if isinstance(proven, Wrong):
            return Refusal("REQUEST_SIGNATURE_INVALID", proven.value)
        content = self._proof(proven, body)
        digest = sha256(content).digest()
        await self._blobs.put(_key(admitted.principal.partner.id, digest.hex()), _once(content))
        return replace(admitted, proof=digest)

    async def kept(self, partner: str, sha256_hex: str) -> bytes | None:
        """What was kept of a signed request of the partner's; None: there is none. Raises StorageUnavailable."""
        if not _HEX.fullmatch(sha256_hex):
            return None
        try:
            return await read_blob(self._blobs, _key(partner, sha256_hex))
        except BlobMissing:
            return None

    def _key(self, system: str, key_id: str, now: int) -> PublicKeyObject | None:
        key = self._snapshot().keys.get(key_id)
        if key is None or key.system != system or not key.usable_at(now):
            return None
        return load_public_jwk(key.jwk)

    def _proof(self, proven: Proven, body: bytes) -> bytes:
        key = self._snapshot().keys.get(proven.key_id)
        assert key is not None
        stated = {
            "base": proven.base.decode(),
            "format": PROOF_FORMAT,
            "jwk": key.jwk,
            "signature": encode_base64url(proven.signature),
        }
        return canonical_bytes(stated) + b"\n" + body


def _key(partner: str, sha256_hex: str) -> BlobKey:
    return BlobKey(partner, f"proof-{sha256_hex}")


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
