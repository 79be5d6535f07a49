"""Whether a filter means anything: that it can be read, and that some event of its feed may pass it.

Every condition, wherever it stands, has to be one that some event of the feed's types can meet as the agreements show
it: a misspelt field behind `not` would let everything through. What is not proved impossible is let be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from hub.core.agreement import ALL_FIELDS, type_matches, types_cover
from hub.core.feed import Feed
from hub.core.filter import DIALECT, EventSchemas, Schema, is_provable, is_void
from hub.core.pointer import array_index, tokens
from hub.operate.acts import Basis
from hub.operate.checks import Checks
from hub.trust.feed_schema import Given, given, record_schema
from schemas.codes import COUNTRIES
from schemas.compile import Compiled
from schemas.faults import FAULTS, Severity
from schemas.filter_language import AllOf, AnyOf, Condition, Node, Not, Value, conditions, parse
from schemas.filter_schema import COUNTRY_CHARACTERS, Path, leaves_of, paths_of, schema_of

PLACE = "/filter"
_EVERYTHING = Given((ALL_FIELDS,), (ALL_FIELDS,))
_WORDS_SHOWN_MAX = 12


class _Kind(Struct, frozen=True):
    """One version of one type, as it is and as agreements show it."""

    whole: Schema
    shown: Schema


def check_filter(feed: Feed, basis: Basis, checks: Checks) -> None:
    """Tell every fault of the feed's filter, with its column."""
    if not feed.filter:
        return
    node = parse(feed.filter)
    if isinstance(node, Sequence):
        for mistake in node:
            checks.fault("ACT_FILTER_MALFORMED", _at(mistake.column), mistake.found, mistake.expected)
        return
    kinds = _kinds(feed, basis)
    if not kinds:
        return  # The feed rests on no agreement, which is told elsewhere, or asks for types that are planned.
    faults = len(checks.faults)
    for condition in conditions(node):
        _check(condition, kinds, checks)
    if len(checks.faults) == faults and not any(_passes(node, kind.shown) for kind in kinds):
        checks.fault("ACT_FILTER_EMPTY", PLACE, feed.filter, "conditions that one event can meet together")


def is_member(pointer: str, types: Sequence[str], known: EventSchemas) -> bool:
    """Whether an event of any of these types can have it; of none, or of one that is only planned, nobody can tell."""
    path = tokens(pointer)
    versions = [schemas for name, schemas in known.items() if types_cover(types, name)]
    return not versions or any(
        not schemas or any(_has(record_schema(Compiled(each).sparse.flat, _EVERYTHING), path) for each in schemas)
        for schemas in versions
    )


def _kinds(feed: Feed, basis: Basis) -> list[_Kind]:
    """The types that the feed asks for and any agreement covers."""
    found = []
    for name, schemas in basis.event_types.items():
        allowed = given(feed, name, basis.snapshot)
        if allowed.now and any(type_matches(pattern, name) for pattern in feed.types):
            sparse = [Compiled(each).sparse.flat for each in schemas]
            found += [_Kind(record_schema(each, _EVERYTHING), record_schema(each, allowed)) for each in sparse]
    return found


def _check(condition: Condition, kinds: Sequence[_Kind], checks: Checks) -> None:
    """Each value has to be of the field's vocabulary, and one of them one that it may have."""
    place, field = _at(condition.column), condition.field
    if not any(_has(kind.whole, path) for kind in kinds for path in paths_of(field)):
        checks.fault("ACT_FILTER_FIELD_UNKNOWN", place, field, "a member of a type that the feed asks for")
        return
    equal = replace(condition, operator="in") if condition.operator in ("=", "!=") else condition
    wrong = [value.text for value in equal.values if not _is_word(equal, value, kinds)]
    if not wrong and not any(_may_hold(equal, kind.whole) for kind in kinds):
        wrong = [value.text for value in equal.values] or [field]
    for text in wrong:
        checks.fault("ACT_FILTER_VALUE_IMPOSSIBLE", place, text, _expected(condition, kinds))
    if not wrong and not any(_may_hold(equal, kind.shown) for kind in kinds):
        checks.fault("ACT_FILTER_FIELD_WITHHELD", place, field, "a field that an agreement shows")


def _passes(node: Node, schema: Schema) -> bool:
    """Whether an event of this schema may pass; False only where it is proved that none can."""
    if not _possible(node, schema):
        return False
    return not is_provable(node) or not is_void({"$schema": DIALECT, "allOf": [schema, schema_of(node)]})


def _possible(node: Node, schema: Schema) -> bool:
    match node:
        case Condition():
            return node.operator == "!=" or _may_hold(node, schema)
        case Not():
            return True
        case AllOf(parts):
            return all(_possible(part, schema) for part in parts)
        case AnyOf(parts):
            return any(_possible(part, schema) for part in parts)


def _may_hold(condition: Condition, schema: Schema, *, as_word: bool = False) -> bool:
    """Whether at any of the places that the condition reads there may be what it asks for.

    `as_word`: whatever a type makes of it, as long as the vocabulary has it.
    """
    return any(
        leaf is True or (isinstance(leaf, dict) and not is_void({"$schema": DIALECT, "allOf": [member, leaf]}))
        for path, leaf in leaves_of(condition.field, condition.operator, condition.values)
        for member in (_vocabulary(each) if as_word else each for each in _members(schema, path))
    )


def _vocabulary(member: Schema) -> Schema:
    return {name: each for name, each in member.items() if name != "const"} if "enum" in member else member


def _has(schema: Schema, path: Path) -> bool:
    return any(True for _ in _members(schema, path))


def _members(schema: Schema, path: Path) -> Iterator[Schema]:
    """What a schema says of the values at a path; of an object of which it says nothing: anything."""
    if "items" in schema:
        yield from _members(schema["items"], path)
        if path and array_index(path[0]) is not None:
            yield from _members(schema["items"], path[1:])
    elif not path:
        yield schema
    elif "properties" in schema:
        if path[0] in schema["properties"]:
            yield from _members(schema["properties"][path[0]], path[1:])
    elif schema.get("type", "object") == "object" and not {"enum", "const"} & schema.keys():
        yield {}


def _is_word(condition: Condition, value: Value, kinds: Sequence[_Kind]) -> bool:
    """Whether a value that is asked for is of the field's vocabulary, be it ever used by these types or not."""
    if condition.operator != "in":
        return True
    match condition.field:
        case "country":
            return value.text in COUNTRIES
        case "place":
            return value.text[:COUNTRY_CHARACTERS] in COUNTRIES
        case "warnings":
            return value.text in FAULTS and FAULTS[value.text].severity is Severity.WARNING
    alone = replace(condition, values=(value,))
    return any(_may_hold(alone, kind.whole, as_word=True) for kind in kinds)


def _expected(condition: Condition, kinds: Sequence[_Kind]) -> str:
    known = {
        "country": "an ISO 3166-1 alpha-2 code, such as NL",
        "place": "a UN/LOCODE such as NLRTM, or a country such as NL",
        "warnings": "the code of a warning, such as CHECK_DIGIT_WRONG",
        "type": "a type that the feed asks for",
    }
    if condition.field in known:
        return known[condition.field]
    members = [member for kind in kinds for path in paths_of(condition.field) for member in _members(kind.whole, path)]
    words = dict.fromkeys(str(word) for member in members for word in _words(member))
    if words:
        return f"one of {', '.join([*words][:_WORDS_SHOWN_MAX])}{', …' if len(words) > _WORDS_SHOWN_MAX else ''}"
    return str(next((member["description"] for member in members if "description" in member), "another value"))


def _words(member: Schema) -> Sequence[Any]:
    return [member["const"]] if "const" in member else member.get("enum", ())


def _at(column: int) -> str:
    return f"{PLACE}, column {column}"
