"""Events and edits by chance: values that a flattened schema may take, and ways in which its next version differs."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

from schemas.probes import probes

Schema = dict[str, Any]

MARGIN = 0.004
"""How often a value is one that nobody would think of."""


def instance(flat: Schema, chance: random.Random) -> Any:
    """A value that is valid more often than not."""
    if chance.random() < MARGIN:
        return chance.choice([None, True, -1, 0.5, "", "é" * 40, [], {}, {"x": 1}, "A" * 300])
    if "properties" in flat:
        asked = {name for each in [flat, *flat.get("anyOf", ())[:1]] for name in each.get("required", ())}
        kept = [name for name in flat["properties"] if name in asked or chance.random() < 0.4]
        made = {name: instance(flat["properties"][name], chance) for name in kept if chance.random() > MARGIN}
        return made | (
            {f"unheard_{chance.randrange(9)}": chance.choice([1, "a", None])} if chance.random() < 0.2 else {}
        )
    if "items" in flat:
        return [instance(flat["items"], chance) for _ in range(_count(flat, chance))]
    edges = _edges(flat)
    return chance.choice(edges) if edges else "x"


def _count(flat: Schema, chance: random.Random) -> int:
    edges = [flat.get("minItems", 0), flat.get("maxItems", 3)]
    return chance.choice(edges) if chance.random() < MARGIN else chance.choice([0, 1, 1, 2])


_kept: dict[str, list[Any]] = {}


def _edges(flat: Schema) -> list[Any]:
    key = repr({name: value for name, value in flat.items() if name != "description"})
    if key not in _kept:
        _kept[key] = probes(flat)
    return _kept[key]


def places(flat: Schema) -> Iterator[Schema]:
    yield flat
    for member in flat.get("properties", {}).values():
        yield from places(member)
    if "items" in flat:
        yield from places(flat["items"])


def next_version(flat: Schema, chance: random.Random, edits: int) -> Schema:
    """A copy with some keywords changed, here and there."""
    changed = copy.deepcopy(flat)
    for _ in range(edits):
        _edit(chance.choice(list(places(changed))), chance)
    return changed


def _edit(node: Schema, chance: random.Random) -> None:
    keyword = chance.choice([*node, *_VALUES])
    if keyword == "properties":
        members = node.get("properties", {})
        if members and chance.random() < 0.5:
            del members[chance.choice(list(members))]
        elif "properties" in node:
            members[f"fresh_{chance.randrange(9)}"] = {"type": "string", "maxLength": chance.randrange(9)}
    elif keyword in ("type", "items"):
        node["type"] = chance.choice(_TYPES)
    elif chance.random() < 0.4:
        node.pop(keyword, None)
    elif keyword in ("required", "enum", "anyOf") and isinstance(node.get(keyword), list) and node[keyword]:
        chosen = node[keyword]
        node[keyword] = chosen[:-1] if chance.random() < 0.5 and len(chosen) > 1 else [*chosen, _more(keyword)]
    elif keyword in _VALUES:
        node[keyword] = chance.choice(_VALUES[keyword])


def _more(keyword: str) -> Any:
    return {"required": "size_type", "enum": "OTHER", "anyOf": {"required": ["country"]}}[keyword]


_TYPES = ["string", "number", "integer", "boolean", "array", "object", ["string", "null"], ["integer", "string"]]
_VALUES: dict[str, list[Any]] = {
    "minLength": [0, 1, 2, 5],
    "maxLength": [0, 1, 4, 35, 40, 256, 2000],
    "minimum": [-1000, 0, 0.5, 1],
    "maximum": [0, 1, 100, 10**9, 10**13],
    "exclusiveMinimum": [-1, 0, 0.5],
    "multipleOf": [1, 0.5, 3],
    "minItems": [0, 1, 2],
    "maxItems": [0, 1, 20, 100, 200],
    "uniqueItems": [True, False],
    "pattern": ["^[A-Z]{2}$", "^[A-Z0-9]{2,5}$", "^[ -~]*$", "[0-9]", "^.{0,40}$", "^$"],
    "format": ["date-time", "date", "uri-reference", "email"],
    "const": ["ACTUAL", "1.0", 1],
    "enum": [["NL", "DE"], ["ACTUAL"], [1, "1"]],
    "required": [[], ["name"], ["scheme"]],
    "x-scheme": ["imo", "country", "seal"],
    "x-identifier": [True],
    "x-personal": [True],
    "additionalProperties": [False, {"type": "string"}],
    "properties": [],
}
