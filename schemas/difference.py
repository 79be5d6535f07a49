"""What changed between two versions of a schema, as a person reads it: member by member, keyword by keyword."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from msgspec import Struct

from schemas.compile import Schema
from schemas.faults import pointer

Kind = Literal["added", "gone", "changed"]


class Change(Struct, frozen=True):
    """One difference at a place of the flattened schema; `was` or `is_` is None where there was or is nothing."""

    kind: Kind
    place: str
    was: Any = None
    is_: Any = None


def differences(old: Schema, new: Schema, place: str = "") -> Iterator[Change]:
    """Of two flattened schemas; a member that came or went is told by its description, and its inside is not."""
    for keyword in sorted((old.keys() | new.keys()) - {"properties", "items", "$id", "$schema"}):
        if (was := old.get(keyword)) != (is_ := new.get(keyword)):
            yield Change(_kind(keyword in old, keyword in new), place + pointer(keyword), was, is_)
    before, after = old.get("properties", {}), new.get("properties", {})
    for name in [*before, *(name for name in after if name not in before)]:
        yield from _member(before.get(name), after.get(name), place + pointer("properties", name))
    if "items" in old or "items" in new:
        yield from _member(old.get("items"), new.get("items"), f"{place}/items")


def _member(old: Schema | None, new: Schema | None, place: str) -> Iterator[Change]:
    if old is not None and new is not None:
        yield from differences(old, new, place)
    else:
        yield Change(_kind(old is not None, new is not None), place, _told(old), _told(new))


def _told(member: Schema | None) -> str | None:
    return None if member is None else str(member.get("description") or member.get("type", ""))


def _kind(was: bool, is_: bool) -> Kind:
    return "changed" if was and is_ else "added" if is_ else "gone"
