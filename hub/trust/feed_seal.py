"""A feed seal signs the Merkle root of the cut records of one feed batch, before the append, and travels in it; or of
those that a reader is given.

The page is `schemas/formats/feed-seal.md`. A record is proved by its value, not by its place: one that lands a second
time is under another seal, and either will do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct

from hub.core.jwk import encode_base64url
from hub.core.record import LogRecord
from hub.trust.merkle import Tree, leaf_hash
from hub.trust.segment import SealKeyAt
from hub.trust.statement import utc_text
from hub.trust.withheld import is_cut
from schemas.headers import FeedSealHeader, pack
from schemas.identity import instant_us

FEED_SEAL_FORMAT = "customs-hub-feed-seal/1"
_CONTEXT = f"{FEED_SEAL_FORMAT}\n".encode()
LEAF_BYTES = 32
OVERHEAD_BYTES = 1_024
"""What the seal's record takes of an append at most, beside its leaves."""


class FeedSeal(Struct, frozen=True):
    """A seal as it lies in the log: the signed body (canonical JSON), its signature, and the leaves under its root."""

    body: bytes
    signature: bytes
    leaves: Sequence[bytes]

    @classmethod
    def from_log(cls, header: FeedSealHeader, value: bytes) -> FeedSeal:
        leaves = [value[begin : begin + LEAF_BYTES] for begin in range(0, len(value), LEAF_BYTES)]
        return cls(header.body, header.signature, leaves)

    @property
    def header(self) -> str:
        """As a webhook brings it: without its leaves, which the receiver makes himself."""
        return f"{encode_base64url(self.body)}.{encode_base64url(self.signature)}"

    def holds(self, feed: str, key_at: SealKeyAt) -> bool:
        """Whether it is the hub's own, over just these leaves of this lane, by a key that was the hub's alone then."""
        try:
            body = orjson.loads(self.body)
            public = key_at(body["key"], (instant_us(body["time"]) or 0) // 1_000_000)
            Ed25519PublicKey.from_public_bytes(public or b"").verify(self.signature, _CONTEXT + self.body)
            told = body["feed"], body["root"], body["size"]
        except (InvalidSignature, ValueError, LookupError, TypeError, AttributeError):
            return False
        return bool(self.leaves) and told == (feed, Tree(self.leaves).root.hex(), len(self.leaves))


class FeedSealer(Struct, frozen=True):
    """What signs for one hub."""

    hub: str
    key_id: Callable[[], str]
    """Of the seal key; asked before each signature, since asking takes up a key that was rotated in."""
    sign: Callable[[bytes], bytes]
    now_us: Callable[[], int]

    def sealed(self, feed: str, batch: Sequence[LogRecord]) -> Sequence[LogRecord]:
        """The batch as it is appended to a lane (`name`, `name/urgent`): where it holds cut records, with their seal as
        the last one."""
        leaves = [leaf_hash(record.value) for record in batch if is_cut(record.value)]
        if not leaves:
            return batch
        seal = self.over(feed, leaves)
        return [*batch, LogRecord(b"", pack(FeedSealHeader(seal.body, seal.signature)), b"".join(leaves))]

    def given(self, feed: str, values: Sequence[bytes]) -> FeedSeal | None:
        """A seal over those that are cut records, if there are any."""
        leaves = [leaf_hash(value) for value in values if is_cut(value)]
        return self.over(feed, leaves) if leaves else None

    def over(self, feed: str, leaves: Sequence[bytes]) -> FeedSeal:
        """A seal over these leaves, at least one."""
        key = self.key_id()
        body = orjson.dumps(
            {
                "feed": feed,
                "format": FEED_SEAL_FORMAT,
                "hub": self.hub,
                "key": key,
                "root": Tree(leaves).root.hex(),
                "size": len(leaves),
                "time": utc_text(self.now_us()),
            }
        )
        return FeedSeal(body, self.sign(_CONTEXT + body), leaves)
