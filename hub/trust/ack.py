"""Signed acknowledgements: JWS by a key of the system that acknowledges (`schemas/formats/ack.md`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

from hub.core.credential import PublicKey
from hub.trust.jws import Flaw, attached
from hub.trust.mandate import signer_of
from schemas.canonical import canonical_bytes

FORMAT = "customs-hub-ack/1"
ACK_TYPE = "customs-hub-ack+jws"
CLOCK_SECONDS_MAX = 300
"""How far the time of an acknowledgement may be from the hub's clock."""
Marks = Sequence[tuple[int, int, int]]
"""Generation, partition, offset."""


def ack_text(hub: str, feed: str, lane: str, what: str | Marks, time: int) -> bytes:
    """What is signed: everything up to `what`, a sealed cursor or marks, is worked off."""
    reached = {"cursor_sha256": sha256(what.encode()).hexdigest()} if isinstance(what, str) else {"marks": what}
    return canonical_bytes({"format": FORMAT, "hub": hub, "feed": feed, "lane": lane, "time": time, **reached})


def checked_signature(signature: str, text: bytes, keys: Mapping[str, PublicKey]) -> str | Flaw:
    """The signature in compact form, if one of `keys` made it over exactly this text."""
    compact = attached(signature, text) if ".." in signature else signature
    if isinstance(compact, Flaw):
        return compact
    signer = signer_of(compact, text, keys, purpose=ACK_TYPE)
    return signer if isinstance(signer, Flaw) else compact


def signed_now(signature: str, text: bytes, keys: Iterable[PublicKey], *, time: int, now: int) -> str | Flaw:
    """The same of the keys that are in use, if its maker's clock (`time`) is about `now`; seconds since 1970."""
    if abs(time - now) > CLOCK_SECONDS_MAX:
        return Flaw.EXPIRED if time < now else Flaw.EARLY
    return checked_signature(signature, text, {key.id: key for key in keys if key.usable_at(now)})


def detached(signature: str) -> str:
    """The same without what it is over, which tells marks of others."""
    head, _, tail = signature.split(".")
    return f"{head}..{tail}"
