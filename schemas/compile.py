"""From published JSON Schemas to what the hot path runs: one validator for clean events, one for the faults.

The published schema is *open*: unknown members are allowed. From it, its references resolved, the *closed* one is
derived, which refuses unknown members: one call says of a clean event that it is valid and holds nothing unknown. Only
an event that fails it is looked at again. All is offline, formats are checked, and patterns run in linear time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema_rs import Draft202012Validator, RegexOptions
from msgspec import Struct

Schema = dict[str, Any]

_PATTERNS = RegexOptions(size_limit=1 << 20, dfa_size_limit=1 << 20)


class Compiled(Struct, frozen=True):
    """One schema: `open` and `closed` as validators, `flat` as data with every reference resolved."""

    open: Draft202012Validator
    closed: Draft202012Validator
    flat: Schema

    def personal(self) -> tuple[str, ...]:
        """JSON Pointers of the members marked `x-personal`; `*` stands for every index of an array."""
        return tuple(f"/{'/'.join(path)}" for path, schema in _members(self.flat, ()) if schema.get("x-personal"))


def compile_schema(schema: Schema, shared: Mapping[str, Schema]) -> Compiled:
    """Compile a schema whose `urn:` references name schemas of `shared`, by `$id`. Raises `ValueError` if it cannot."""
    flat = _flattened(schema, schema["$id"], {**shared, schema["$id"]: schema})
    return Compiled(_validator(flat), _validator(_closed(flat)), flat)


def _validator(flat: Schema) -> Draft202012Validator:
    return Draft202012Validator(
        flat, validate_formats=True, ignore_unknown_formats=False, offline=True, pattern_options=_PATTERNS
    )


def _flattened(schema: Schema, base: str, known: Mapping[str, Schema]) -> Schema:
    """The schema without `$ref`: what it refers to, with its own members laid over (no schema refers to itself)."""
    own = {name: member for name, member in schema.items() if name not in ("$ref", "$defs", "$id", "$schema")}
    if "properties" in own:
        own["properties"] = {name: _flattened(each, base, known) for name, each in own["properties"].items()}
    if "items" in own:
        own["items"] = _flattened(own["items"], base, known)
    if "$ref" not in schema:
        return own
    document, _, place = schema["$ref"].partition("#")
    target = known[document or base]
    for name in place.split("/")[1:]:
        target = target[name]
    return _laid_over(_flattened(target, document or base, known), own)


def _laid_over(below: Schema, above: Schema) -> Schema:
    merged = below | above
    if "properties" in below and "properties" in above:
        members = dict(below["properties"])
        for name, member in above["properties"].items():
            members[name] = _laid_over(members[name], member) if name in members else member
        merged["properties"] = members
    if "required" in below and "required" in above:
        merged["required"] = list(dict.fromkeys([*below["required"], *above["required"]]))
    return merged


def _closed(flat: Schema) -> Schema:
    closed = dict(flat)
    if "properties" in flat:
        closed["properties"] = {name: _closed(member) for name, member in flat["properties"].items()}
        closed["additionalProperties"] = False
    if "items" in flat:
        closed["items"] = _closed(flat["items"])
    return closed


def _members(flat: Schema, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Schema]]:
    yield path, flat
    for name, member in flat.get("properties", {}).items():
        yield from _members(member, (*path, name))
    if "items" in flat:
        yield from _members(flat["items"], (*path, "*"))
