"""Sets of allowed fields: JSON Pointers, each with all that is under it, or `*` alone."""

from __future__ import annotations

from collections.abc import Iterable

from hub.core.agreement import ALL_FIELDS


def join(sets: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """What any of the sets allows, without pointers that lie under others."""
    pointers = sorted({pointer for fields in sets for pointer in fields})
    if "*" in pointers:
        return ALL_FIELDS
    return tuple(p for p in pointers if not any(_under(p, other) for other in pointers if other != p))


def meet(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    """What both sets allow."""
    if "*" in one:
        return other
    if "*" in other:
        return one
    both = {p for p in one if any(_under(p, q) for q in other)} | {q for q in other if any(_under(q, p) for p in one)}
    return tuple(sorted(both))


def beyond(fields: tuple[str, ...], allowed: tuple[str, ...]) -> bool:
    """Whether `fields` allow anything that `allowed` do not."""
    return "*" not in allowed and not all(any(_under(p, q) for q in allowed) for p in fields)


def _under(pointer: str, other: str) -> bool:
    return pointer == other or pointer.startswith(other + "/")
