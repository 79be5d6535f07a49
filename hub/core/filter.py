"""A feed's filter as what runs: compiled once to JSON Schema, never interpreted (`schemas/formats/feed.md`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from math import prod
from typing import Any

import jsonschema_rs
import orjson

from schemas.compile import PATTERNS
from schemas.filter_language import AllOf, AnyOf, Condition, Node, Not, conditions, parse
from schemas.filter_schema import DIALECT as DIALECT
from schemas.filter_schema import Schema as Schema
from schemas.filter_schema import compile_node, leaves_of, matcher_of, paths_of

EventSchemas = Mapping[str, Sequence[Schema]]
"""Every event type of the naming table with the schemas of its versions, none for a planned one."""
FILTERS_KEPT_MAX = 1_024
PROOFS_KEPT_MAX = 4_096
CONDITIONS_PROVED_MAX = 16
BRANCHES_PROVED_MAX = 16
"""Of the filter as alternatives of conditions that hold together: what a proof takes grows with them."""
TOKENS_PROVED_MAX = 4
"""Of a pointer: an array may stand at each."""


def compile_filter(text: str) -> Schema:
    """The filter as one self-contained JSON Schema (2020-12) over a record as its recipient sees it.

    Raises `ValueError` for what is no filter: the registry holds none such.
    """
    if not text:
        return {"$schema": DIALECT}
    node = parse(text, registered=True)
    if isinstance(node, Sequence):
        raise ValueError(f"no filter: {node[0].expected} expected at {node[0].column}" if node else "no filter")
    return compile_node(node)


@lru_cache(FILTERS_KEPT_MAX)
def matcher(text: str) -> Callable[[Mapping[str, Any]], bool]:
    """The filter as a test of one record."""
    return matcher_of(compile_filter(text))


def is_void(schema: Schema) -> bool:
    """Whether it is proved that nothing is valid against it; False also where nothing can be proved."""
    return _is_void(orjson.dumps(schema))


@lru_cache(PROOFS_KEPT_MAX)
def _is_void(schema: bytes) -> bool:
    return _canonical(orjson.loads(schema)).satisfiability() is jsonschema_rs.canonical.Satisfiability.NO


def widens(before: str, after: str) -> bool:
    """Whether the second filter may let through what the first did not; False only where it is proved that not."""
    if not before or before == after:
        return False
    nodes = [parse(text, registered=True) for text in (before, after) if text]
    read = tuple(node for node in nodes if not isinstance(node, Sequence))
    if len(read) < 2 or not is_provable(AllOf(read)):
        return True
    try:
        proof = _canonical(compile_filter(before)).covers(_canonical(compile_filter(after)))
    except jsonschema_rs.canonical.UnsupportedOperand:
        return True
    return proof is not jsonschema_rs.canonical.Containment.YES


def is_provable(node: Node) -> bool:
    """Whether anything is to be proved of it: of some filters that would take minutes, with everybody waiting."""
    said = list(conditions(node))
    depth = max(len(path) for each in said for path in paths_of(each.field))
    within = len(said) <= CONDITIONS_PROVED_MAX and depth <= TOKENS_PROVED_MAX
    return within and 0 < _branches(node) <= BRANCHES_PROVED_MAX


def _branches(node: Node) -> int:
    """0: it denies more than one condition at a time, which has no end."""
    match node:
        case Condition(field, operator, values):
            return 1 if operator == "!=" else len(leaves_of(field, operator, values))
        case Not(part):
            return 1 if isinstance(part, Condition) else 0
        case AllOf(parts):
            return prod(map(_branches, parts))
        case AnyOf(parts):
            each = [*map(_branches, parts)]
            return sum(each) if all(each) else 0


def _canonical(schema: Schema) -> Any:
    return jsonschema_rs.canonicalize(schema, draft=jsonschema_rs.Draft202012, pattern_options=PATTERNS, offline=True)
