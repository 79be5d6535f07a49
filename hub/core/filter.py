"""A feed's filter as what runs: compiled once to JSON Schema, never interpreted (`schemas/formats/feed.md`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import jsonschema_rs

from schemas.compile import PATTERNS
from schemas.filter_language import parse
from schemas.filter_schema import DIALECT as DIALECT
from schemas.filter_schema import Schema as Schema
from schemas.filter_schema import compile_node, matcher_of

EventSchemas = Mapping[str, Sequence[Schema]]
"""Every event type of the naming table with the schemas of its versions, none for a planned one."""
FILTERS_KEPT_MAX = 1_024


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
    return _canonical(schema).satisfiability() is jsonschema_rs.canonical.Satisfiability.NO


def widens(before: str, after: str) -> bool:
    """Whether the second filter may let through what the first did not; False only where it is proved that not."""
    proof = _canonical(compile_filter(before)).covers(_canonical(compile_filter(after)))
    return bool(before) and proof is not jsonschema_rs.canonical.Containment.YES


def _canonical(schema: Schema) -> Any:
    return jsonschema_rs.canonicalize(schema, draft=jsonschema_rs.Draft202012, pattern_options=PATTERNS, offline=True)
