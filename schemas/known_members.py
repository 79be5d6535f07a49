"""Which members the published schemas know: names beside them may say what was to be kept back."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from schemas.catalogue import EventType, catalogue
from schemas.compile import Schema


@lru_cache(maxsize=512)
def known_members(name: str, dataschema: str) -> frozenset[str]:
    """JSON Pointers of all members of one version of an event type, none of them inside an array; without the version,
    those of the newest. Of a type that is not in the catalogue none is known, the event itself apart."""
    found = catalogue().find(name, dataschema)
    kind = found if isinstance(found, EventType) else catalogue().find(name)
    return frozenset(("", *_members(kind.schema.flat, ""))) if isinstance(kind, EventType) else frozenset(("",))


def _members(flat: Schema, parent: str) -> Iterator[str]:
    for name, member in flat.get("properties", {}).items():
        pointer = f"{parent}/{name}"
        yield pointer
        yield from _members(member, pointer)
