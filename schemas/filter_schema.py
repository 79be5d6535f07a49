"""A filter as JSON Schema 2020-12 over a record, which is what runs (`formats/feed.md`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jsonschema_rs import Draft202012Validator

from schemas.compile import PATTERNS
from schemas.filter_language import AllOf, AnyOf, Condition, Node, Not, Value
from schemas.identifiers import SCHEMES

Schema = dict[str, Any]
Path = tuple[str, ...]
Leaf = Schema | bool

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ARRAY_INDEX_MAX = 99
"""Items before the one that a pointer names are written out one by one; none looks further into an array."""
COUNTRY_CHARACTERS = 2
"""Of a UN/LOCODE."""
PLACES = ("place", "place_of_loading", "place_of_discharge", "place_of_delivery")
"""Members of `data` that are places."""
_SUBJECTS = ("data", "subjects")
_PATHS: Mapping[str, Sequence[Path]] = {
    "type": [("type",)],
    "subject": [(*_SUBJECTS, "value")],
    "place": [("data", place, "unlocode") for place in PLACES],
    "country": [("data", place, member) for place in PLACES for member in ("country", "unlocode")],
    "hs": [("data", "goods", "hs")],
    "mode": [("data", "transport", "mode")],
    "time_kind": [("data", "time_kind")],
    "partner": [("publisher",)],
    "tier": [("hubtier",)],
    "aeo": [("hubaeo",)],
    "warnings": [("hubwarnings",)],
}
_LIMITS = {"<": "exclusiveMaximum", "<=": "maximum", ">": "exclusiveMinimum", ">=": "minimum"}
_SPECIAL = re.compile(r"[\\^$.|?*+()\[\]{}/]")
_INDEX = re.compile(r"0|[1-9][0-9]?")


def compile_node(node: Node) -> Schema:
    """Self-contained, and without references."""
    return {"$schema": DIALECT, **schema_of(node)}


def matcher_of(schema: Schema) -> Callable[[Mapping[str, Any]], bool]:
    """The schema as a test of one record."""
    return Draft202012Validator(schema, pattern_options=PATTERNS, offline=True).is_valid


def paths_of(field: str) -> Sequence[Path]:
    """The places that a field reads."""
    return _PATHS[field] if field in _PATHS else [_tokens(field)]


def schema_of(node: Node) -> Schema:
    match node:
        case Condition():
            return _condition(node)
        case Not(part):
            return {"not": schema_of(part)}
        case AllOf(parts):
            return {"allOf": [schema_of(part) for part in parts]}
        case AnyOf(parts):
            return {"anyOf": [schema_of(part) for part in parts]}


def _condition(condition: Condition) -> Schema:
    if condition.operator == "!=":
        return {"not": _any(condition, "=")}
    return _any(condition, condition.operator)


def _any(condition: Condition, operator: str) -> Schema:
    places = [at(path, leaf) for path, leaf in leaves_of(condition.field, operator, condition.values)]
    return places[0] if len(places) == 1 else {"anyOf": places}


def leaves_of(field: str, operator: str, values: Sequence[Value]) -> list[tuple[Path, Leaf]]:
    """What must hold, at any of these places; `!=` is no operator here."""
    if operator == "exists":
        return [(path, True) for path in paths_of(field)]
    if field == "subject":
        return [_subject(each.text, starts=operator == "starts") for each in values]
    leaf = _leaf(operator, values, as_text=field in _PATHS)
    if field != "country":
        return [(path, leaf) for path in paths_of(field)]
    codes = [each.text for each in values if len(each.text) == COUNTRY_CHARACTERS]
    starts: Leaf = {"type": "string", "pattern": f"^(?:{'|'.join(map(_escaped, codes))})"} if codes else False
    return [(path, leaf if path[-1] == "country" else starts) for path in paths_of(field)]


def _leaf(operator: str, values: Sequence[Value], *, as_text: bool) -> Schema:
    if operator in _LIMITS:
        return {"type": "number", _LIMITS[operator]: values[0].json}
    if operator == "starts":
        return _starts(values[0].text)
    return {"enum": _distinct(each.text if as_text else each.json for each in values)}


def _subject(text: str, *, starts: bool) -> tuple[Path, Leaf]:
    """An identifier by its value, or by scheme and value where the text begins with a scheme."""
    scheme, colon, value = text.partition(":")
    if not colon or scheme not in SCHEMES:
        return (*_SUBJECTS, "value"), _starts(text) if starts else {"const": text}
    wanted = _starts(value) if starts else {"const": value}
    members = {"scheme": {"const": scheme}, "value": wanted}
    return _SUBJECTS, {"type": "object", "required": [*members], "properties": members}


def _starts(text: str) -> Schema:
    return {"type": "string", "pattern": f"^{_escaped(text)}"}


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", text)


def _distinct(values: Any) -> list[Any]:
    """Each once; 1, 1.0 and true are not the same here."""
    return list({(isinstance(value, bool), value): value for value in values}.values())


def at(path: Path, leaf: Leaf) -> Schema:
    """`leaf` holds for a value at `path`, and there is one; an array on the way, or there, means any of its items."""
    inner = leaf if isinstance(leaf, bool) else {"anyOf": [leaf, {"type": "array", "contains": leaf}]}
    for depth in range(len(path) - 1, -1, -1):
        inner = _member(path[depth], inner, surely=depth == 0 or (depth == 1 and path[0] == "data"))
    return inner if isinstance(inner, dict) else {"not": {}}


def _member(token: str, inner: Leaf, *, surely: bool) -> Schema:
    """`surely`: the envelope lets only an object be here."""
    of_object = {"type": "object", "required": [token], "properties": {token: inner}}
    if surely:
        return of_object
    ways: list[Schema] = [of_object, {"type": "array", "contains": of_object}]
    if _INDEX.fullmatch(token):
        index = int(token)
        ways.append({"type": "array", "minItems": index + 1, "prefixItems": [*[True] * index, inner]})
    return {"anyOf": ways}


def _tokens(pointer: str) -> Path:
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:])
