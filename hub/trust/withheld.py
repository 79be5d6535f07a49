"""What a cut record says of the members that it does not show: where they are, and a salted digest of each.

The page is `schemas/formats/feed-record.md`, *What is withheld*. Salt and digest are the same in every record of the
event, so they are made once for all feeds and kept with it; only a pointer that is not told has a pseudonym of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import sha256

import orjson
from msgspec import Raw

from hub.core.event import Event
from hub.trust.merkle import leaf_hash
from hub.trust.pseudonym import KEPT_CHARACTERS_MAX, keyed, lasting_pseudonym
from hub.trust.statement import statement_bytes
from schemas.known_members import known_members

WITHHELD_MAX = 64
"""Entries of one record: where there would be more, they are put together."""
POINTERS_KEPT_MAX = 4_096
"""At most 6 MB."""
SALT_CONTEXT = b"customs-hub-member/1\x00"
_MEMBER, _END = b"\x02", b"\x00"

Left = tuple[str, bytes | Raw]
"""A member that is not shown as it was sent: its JSON Pointer, and its bytes as they were sent."""


def member_pointer(parent: str, name: str) -> str:
    """RFC 6901 §3."""
    make = _kept_pointer if len(parent) + len(name) < KEPT_CHARACTERS_MAX else _pointer
    return make(parent, name)


def _pointer(parent: str, name: str) -> str:
    if "~" in name or "/" in name:
        name = name.replace("~", "~0").replace("/", "~1")
    return f"{parent}/{name}"


_kept_pointer = lru_cache(POINTERS_KEPT_MAX)(_pointer)


def proof_of(event: Event, hub: str, left: Sequence[Left], secret: bytes) -> bytes:
    """The attributes `hubwithheld` and `hubleaf`, each behind a comma, for a record that leaves out at least one.

    `secret`: of the feed's pseudonyms.
    """
    left = _bounded(event, left)
    digests = event.digests
    if digests is None:
        digests = event.digests = {}
    if missing := [each for each in left if each[0] not in digests]:
        _digest(event.header.salt, missing, digests)
    told = _told(event.header.type, event.header.dataschema)
    entries = "},".join([f'{told.get(at) or _hidden(secret, at)}{digests[at]}"' for at, _ in left])
    return f',"hubwithheld":[{entries}}}],"hubleaf":"{_leaf(event, hub)}"'.encode()


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


def _digest(event_salt: bytes, members: Sequence[Left], digests: dict[str, str]) -> None:
    """Add the digest of each member by its pointer: written for speed, it runs once a member of every cut event."""
    inner, outer = keyed(event_salt)
    inner.update(SALT_CONTEXT)
    for pointer, member in members:
        at = pointer.encode()
        hashed, salt = inner.copy(), outer.copy()
        hashed.update(at)
        salt.update(hashed.digest())
        digests[pointer] = sha256(b"".join((_MEMBER, salt.digest(), at, _END, member))).hexdigest()


def _leaf(event: Event, hub: str) -> str:
    if not event.leaf:
        event.leaf = leaf_hash(statement_bytes(hub, event.header)).hex()
    return event.leaf


@lru_cache(maxsize=512)
def _told(event_type: str, dataschema: str) -> Mapping[str, str]:
    """How the entry of each member begins that the type's schema knows."""
    return {pointer: _opened(pointer) for pointer in known_members(event_type, dataschema)}


def _hidden(secret: bytes, pointer: str) -> str:
    """How that of another one does."""
    return _opened(lasting_pseudonym(secret, "member", pointer))


def _opened(at: str) -> str:
    """An entry up to its digest."""
    return f'{{"at":{orjson.dumps(at).decode()},"sha256":"'
