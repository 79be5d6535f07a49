"""A few values that a schema takes, at its edges: what a new version is tried on where nothing can be proved.

A value that the old schema takes and the new one refuses is a proof of its own. Nothing follows from there being none.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from jsonschema_rs import Draft202012Validator

from schemas.compile import Schema, validator
from schemas.identifiers import SCHEMES

PROBES_MAX = 64
"""Of one place; of what lies inside, fewer are tried."""
_INSIDE_MAX = 6

_TEXTS = (
    "", "a", "A", "0", " ", "é", "-", "12", "123", "NL", "22G1", "NLRTM", "MSKU1234565", "1234567890128", "a_word",
    "A longer text, with (some) signs.", "urn:example:a", "2026-11-22T10:00:00+01:00", "2026-11-22T23:59:59.999Z",
)  # fmt: skip
_LENGTHS_MAX = 1_024


def probes(flat: Schema) -> list[Any]:
    """Values that the flattened schema takes, at most `PROBES_MAX`. Raises `ValueError` for what is no schema."""
    takes = validator(flat).is_valid
    return list(islice((value for value in _guesses(flat, takes) if takes(value)), PROBES_MAX))


def _guesses(flat: Schema, takes: Any) -> Iterator[Any]:
    if "const" in flat:
        yield flat["const"]
    yield from flat.get("enum", ())
    named = flat.get("type", ())
    for name in [named] if isinstance(named, str) else named or _GUESSES:
        yield from _GUESSES[name](flat)


def _texts(flat: Schema) -> Iterator[str]:
    yield from (scheme.example for scheme in [SCHEMES.get(flat.get("x-scheme", ""))] if scheme)
    yield from _TEXTS
    for length in (flat.get("minLength", 0), flat.get("maxLength", 64)):
        yield from (sign * min(length, _LENGTHS_MAX) for sign in "Aa1")


def _numbers(flat: Schema) -> Iterator[float]:
    bounds = [flat[name] for name in _BOUNDS if name in flat]
    yield from (0, 1, 0.5, -1, *bounds)
    yield from (bound + step for bound in bounds for step in (-1, 1, -0.5, 0.5))


_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


def _arrays(flat: Schema) -> Iterator[list[Any]]:
    inner = probes(flat["items"])[:_INSIDE_MAX] if "items" in flat else [1, 1, "a"]
    yield []
    for count in {1, flat.get("minItems", 1), min(flat.get("maxItems", 2), _LENGTHS_MAX)}:
        yield from ([value] * count for value in inner)
    yield inner


def _objects(flat: Schema) -> Iterator[dict[str, Any]]:
    """All that is asked for; with one member more, or in another way; with one that nobody named."""
    inner = {name: probes(member)[:_INSIDE_MAX] for name, member in flat.get("properties", {}).items()}
    least = {name: inner[name][0] for name in flat.get("required", ()) if inner.get(name)}
    asked = [each.get("required", ()) for each in flat.get("anyOf", ())] or [()]
    for names in asked:
        whole = least | {name: inner[name][0] for name in names if inner.get(name)}
        yield whole
        yield whole | {"not_named_by_anybody": 1}
    yield from (whole | {name: value} for name, values in inner.items() for value in values)


_GUESSES = {
    "string": _texts,
    "number": _numbers,
    "integer": _numbers,
    "boolean": lambda _: iter((True, False)),
    "null": lambda _: iter((None,)),
    "array": _arrays,
    "object": _objects,
}


def refused(new: Schema, old: Schema) -> bool:
    """Whether the new schema certainly refuses a value that the old one takes."""
    judge: Draft202012Validator = validator(new)
    return not all(map(judge.is_valid, probes(old)))
