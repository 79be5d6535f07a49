"""What a cut record says of the members that it does not show: where they are, and a salted digest of each.

The page is `schemas/formats/feed-record.md`, *What is withheld*. Salt and digest are the same in every record of the
event, so they are made once for all feeds and kept with it; only a pointer that is not told has a pseudonym of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import sha256

import orjson
from msgspec import Raw

from hub.core.event import Event
from hub.trust.merkle import leaf_hash
from hub.trust.statement import statement_bytes
from schemas.known_members import known_members

WITHHELD_MAX = 64
"""Entries of one record: where there would be more, they are put together."""
SALT_CONTEXT = b"customs-hub-member/1\x00"
_MEMBER = b"\x02"
_HMAC_BLOCK_BYTES = 64
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))

Left = tuple[str, bytes | Raw]
"""A member that is not shown as it was sent: its JSON Pointer, and its bytes as they were sent."""
Pseudonym = Callable[[str, str], str]


@lru_cache(maxsize=4_096)
def member_pointer(parent: str, name: str) -> str:
    """RFC 6901 §3."""
    if "~" in name or "/" in name:
        name = name.replace("~", "~0").replace("/", "~1")
    return f"{parent}/{name}"


def proof_of(event: Event, hub: str, left: Sequence[Left], pseudonym: Pseudonym) -> bytes:
    """The attributes `hubwithheld` and `hubleaf`, each behind a comma, for a record that leaves out at least one."""
    left = _bounded(event, left)
    known = known_members(event.header.type, event.header.dataschema)
    entries = [
        f'{_opened(pointer if pointer in known else pseudonym("member", pointer))}{digest}"}}'
        for (pointer, _), digest in zip(left, _digests(event, left), strict=True)
    ]
    return f',"hubwithheld":[{",".join(entries)}],"hubleaf":"{_leaf(event, hub)}"'.encode()


def is_cut(value: bytes) -> bool:
    """Whether a record of the hub's own making leaves something out: `hubleaf` is the last member of those."""
    return value[-_LEAF_TAIL_BYTES:].startswith(_LEAF)


_LEAF = b',"hubleaf":"'
_LEAF_TAIL_BYTES = len(_LEAF) + 64 + len(b'"}')


def _bounded(event: Event, left: Sequence[Left]) -> Sequence[Left]:
    """As few as a record may have: at worst all as one, the event itself."""
    if len(left) <= WITHHELD_MAX:
        return left
    beside = [each for each in left if not f"{each[0]}/".startswith("/data/")]
    fewer = [*beside, ("/data", event.members["data"])]
    return fewer if len(fewer) <= WITHHELD_MAX else [("", event.record.value)]


def _digests(event: Event, left: Sequence[Left]) -> list[str]:
    """HMAC-SHA-256 is written out (RFC 2104 §2): its two keyed blocks are hashed once an event, not once a member."""
    kept = event.digests
    if kept is None:
        kept = event.digests = {}
    if missing := [each for each in left if each[0] not in kept]:
        key = event.header.salt.ljust(_HMAC_BLOCK_BYTES, b"\x00")
        inner, outer = sha256(key.translate(_INNER)), sha256(key.translate(_OUTER))
        for pointer, member in missing:
            message, place = _encoded(pointer)
            hashed, salt = inner.copy(), outer.copy()
            hashed.update(message)
            salt.update(hashed.digest())
            kept[pointer] = sha256(b"".join((_MEMBER, salt.digest(), place, member))).hexdigest()
    return [kept[pointer] for pointer, _ in left]


@lru_cache(maxsize=4_096)
def _encoded(pointer: str) -> tuple[bytes, bytes]:
    """What is salted with, and what stands before the member's bytes."""
    at = pointer.encode()
    return SALT_CONTEXT + at, at + b"\x00"


def _leaf(event: Event, hub: str) -> str:
    if not event.leaf:
        event.leaf = leaf_hash(statement_bytes(hub, event.header)).hex()
    return event.leaf


@lru_cache(maxsize=4_096)
def _opened(at: str) -> str:
    """An entry up to its digest."""
    return f'{{"at":{orjson.dumps(at).decode()},"sha256":"'
