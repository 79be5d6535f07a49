"""A seal signs the Merkle root of one batch of one partition, before the batch is appended, and travels in it.

The page is `schemas/formats/seal.md`. Ed25519 (RFC 8032) over `customs-hub-seal/1`, a newline, and the canonical body.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import orjson
from msgspec import Struct

from hub.core.record import LogRecord
from hub.trust.merkle import Tree, leaf_hash
from hub.trust.statement import utc_text
from schemas.headers import SealHeader, pack

SEAL_FORMAT = "customs-hub-seal/1"
_CONTEXT = f"{SEAL_FORMAT}\n".encode()


class Seal(Struct, frozen=True):
    """The signed body (canonical JSON), its signature, and the tree that the body's root stands for."""

    body: bytes
    signature: bytes
    tree: Tree

    def record(self, leaves: Sequence[bytes]) -> LogRecord:
        """The last record of the batch: the seal as header, all leaf hashes as value."""
        return LogRecord(b"", pack(SealHeader(self.body, self.signature)), b"".join(leaves))


def message(body: bytes) -> bytes:
    """The bytes that are signed."""
    return _CONTEXT + body


def make_seal(leaves: Sequence[bytes], *, hub: str, time_us: int, key_id: str, sign: Callable[[bytes], bytes]) -> Seal:
    """Seal the leaves (leaf hashes, at least one) of a batch that is about to be appended."""
    tree = Tree(leaves)
    body = orjson.dumps(
        {
            "format": SEAL_FORMAT,
            "hub": hub,
            "key": key_id,
            "root": tree.root.hex(),
            "size": tree.size,
            "time": utc_text(time_us),
        }
    )
    return Seal(body, sign(message(body)), tree)


def seal_from_log(header: SealHeader, value: bytes) -> Seal:
    """A seal as it was written, with its tree built again from the leaf hashes beside it."""
    return Seal(header.body, header.signature, Tree([value[i : i + 32] for i in range(0, len(value), 32)]))


__all__ = ["SEAL_FORMAT", "Seal", "leaf_hash", "make_seal", "message", "seal_from_log"]
