"""From published JSON Schemas to what the hot path runs: one validator for clean events, one for the faults.

The published schema is *open*: unknown members are allowed. From it, its references resolved, the *closed* one is
derived, which refuses unknown members: one call says of a clean event that it is valid and holds nothing unknown. Only
an event that fails it is looked at again. The *sparse* form of a schema asks for no member under `data` that a format
of others may be unable to carry. All is offline, formats are checked, and patterns run in linear time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from jsonschema_rs import Draft202012Validator, RegexOptions

Schema = dict[str, Any]

PATTERNS = RegexOptions(size_limit=1 << 20, dfa_size_limit=1 << 20)

ALWAYS = ("occurred_at", "time_kind", "subjects")
"""Members of `data` without which nothing can be said to have happened to anything; every format carries them."""


class Compiled:
    """One schema: `flat` as data with every reference resolved; `open` and `closed` as validators, made when asked for:
    a command that looks at one type does not pay for all."""

    def __init__(self, flat: Schema) -> None:
        self.flat = flat

    @cached_property
    def open(self) -> Draft202012Validator:
        return validator(self.flat)

    @cached_property
    def closed(self) -> Draft202012Validator:
        return validator(_closed(self.flat))

    @cached_property
    def sparse(self) -> Compiled:
        """The schema of an event whose format may lack members: under `data` only `ALWAYS` is asked for."""
        data = self.flat["properties"]["data"]
        kept = [name for name in data["required"] if name in ALWAYS]
        sparse = _sparse(data) | {"required": kept}
        return Compiled(self.flat | {"properties": self.flat["properties"] | {"data": sparse}})

    def personal(self) -> tuple[str, ...]:
        """JSON Pointers of the members marked `x-personal`; `*` stands for every index of an array."""
        return tuple(f"/{'/'.join(path)}" for path, schema in _members(self.flat, ()) if schema.get("x-personal"))


def compile_schema(schema: Schema, shared: Mapping[str, Schema]) -> Compiled:
    """The schema with its `urn:` references, which name schemas of `shared` by `$id`, resolved. Raises `ValueError` for
    a reference to anything else: nothing is fetched."""
    return Compiled(_flattened(schema, schema["$id"], {**shared, schema["$id"]: schema}))


def validator(flat: Schema) -> Draft202012Validator:
    """The validator of a schema without references. Raises `ValueError` for what is no schema, or costs too much."""
    return Draft202012Validator(
        flat, validate_formats=True, ignore_unknown_formats=False, offline=True, pattern_options=PATTERNS
    )


def _flattened(
    schema: Schema, base: str, known: Mapping[str, Schema], within: frozenset[tuple[str, str]] = frozenset()
) -> Schema:
    """The schema without `$ref`: what it refers to, with its own members laid over. `within`: the references that are
    being followed. Raises `ValueError` where one of them leads back to itself."""
    own = {name: member for name, member in schema.items() if name not in ("$ref", "$defs", "$id", "$schema")}
    if "properties" in own:
        own["properties"] = {name: _flattened(each, base, known, within) for name, each in own["properties"].items()}
    if "items" in own:
        own["items"] = _flattened(own["items"], base, known, within)
    if "$ref" not in schema:
        return own
    document, _, place = schema["$ref"].partition("#")
    document = document or base
    if (document, place) in within:
        raise ValueError(f"{schema['$ref']} refers to itself")
    target = known.get(document, {})
    for name in place.split("/")[1:]:
        target = target.get(name, {})
    if not target:
        raise ValueError(f"{schema['$ref']} is not in the package")
    return _laid_over(_flattened(target, document, known, within | {(document, place)}), own)


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


def _sparse(flat: Schema) -> Schema:
    """The schema without what asks for members, except of an identifier: half of one is none."""
    if flat.get("x-identifier"):
        return flat
    sparse = {name: member for name, member in flat.items() if name not in ("required", "anyOf")}
    if "properties" in flat:
        sparse["properties"] = {name: _sparse(member) for name, member in flat["properties"].items()}
    if "items" in flat:
        sparse["items"] = _sparse(flat["items"])
    return sparse


def _members(flat: Schema, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Schema]]:
    yield path, flat
    for name, member in flat.get("properties", {}).items():
        yield from _members(member, (*path, name))
    if "items" in flat:
        yield from _members(flat["items"], (*path, "*"))
