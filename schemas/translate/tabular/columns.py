"""The flat columns of each event type, derived from its schema: what a table may say, one row an event.

A column's name is the dotted path under `data`, with slots from 1 (`place.unlocode`, `goods.2.hs`), or `id`,
`type`, `utc_offset`. An identifier has one column for each scheme: `subjects.iso6346`, `consignee.identifiers.eori`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from enum import Enum, StrEnum
from functools import cache
from importlib import resources
from typing import Any

import orjson
from msgspec import Struct
from msgspec.structs import replace

from schemas.catalogue import EventType
from schemas.compile import Schema
from schemas.identifiers import SCHEMES

SLOTS_MAX = 20
"""Entries of an array that one row may have; more are for JSON."""
SLOTS_SHOWN = {"measurements": 1, "corrected_by": 1}
SLOTS_SHOWN_ELSE = 3
"""Entries of an array that a template shows."""


class Kind(StrEnum):
    TEXT = "text"
    CODE = "code"
    """Text that must not be taken for a number: every identifier, and every text with a pattern."""
    CHOICE = "choice"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    INSTANT = "instant"


class Need(Enum):
    """Whether a row must have it."""

    ALWAYS = "*"
    ONE_OF = "(*)"
    """One column of its `group`."""
    OPTIONAL = ""


class Form(Enum):
    """How the cell's value stands in the event."""

    MEMBER = "member"
    IDENTIFIER = "identifier"
    """`{"scheme": …, "value": cell}` at the path."""
    LISTED = "listed"
    """`{"scheme": …, "value": cell}` as an entry of the array at the path."""
    CONTROL = "control"
    """Not a member: the row's type, its zone, the verdict of an earlier upload."""


class Column(Struct, frozen=True, kw_only=True):
    name: str
    path: tuple[str | int, ...]
    """From the event; integers are slots of an array, from 0."""
    kind: Kind
    form: Form = Form.MEMBER
    scheme: str | None = None
    need: Need = Need.OPTIONAL
    group: str = ""
    """The dotted name of what needs one of its columns; only with `Need.ONE_OF`."""
    choices: tuple[str, ...] = ()
    bounds: tuple[float, float] = (-math.inf, math.inf)
    """Of a number."""
    vocabulary: str = ""
    """Of `schemas/vocabularies/`: what the choices are called."""
    description: str = ""
    shown: bool = True
    """Whether a template has it; the others are understood as well."""


TYPE = Column(name="type", path=(), kind=Kind.CODE, form=Form.CONTROL, shown=False)
UTC_OFFSET = Column(name="utc_offset", path=(), kind=Kind.CODE, form=Form.CONTROL)
ID = Column(name="id", path=("id",), kind=Kind.CODE)
RESULT = Column(name="result", path=(), kind=Kind.TEXT, form=Form.CONTROL, shown=False)
"""The verdict that a marked workbook came back with; passed over when it is sent again."""

_OBJECTS: dict[str, list[str]] = orjson.loads(resources.files("schemas").joinpath("naming.json").read_bytes())[
    "objects"
]
_REFERENCES = ("booking", "bill_of_lading", "awb", "ucr", "mrn", "lrn", "document", "iso6346")
_SHOWN = {
    "references": frozenset(_REFERENCES),
    "identifiers": frozenset({"eori", "tin"}),
    "means": frozenset({"imo", "flight", "train", "vehicle_plate"}),
    "identifier": frozenset({"gtin", "sscc", "lot"}),
}
_SCHEMES = {
    "references": tuple(SCHEMES),
    "identifiers": (*_OBJECTS["party"], "scac"),
    "means": tuple(_OBJECTS["transport"]),
    "identifier": tuple(_OBJECTS["goods"]),
}
_FOR_SYSTEMS = frozenset({"uri", "digital_link", "equipment"})
"""Schemes that no template shows: a person does not type them, or should look for a registered number first."""
_PASSED_OVER = frozenset({"extensions", "time_zone_source"})


@cache
def columns_of(event_type: EventType) -> tuple[Column, ...]:
    """Every column that a row of this type may have, in the order of a template."""
    data = event_type.schema.flat["properties"]["data"]
    members = [name for name in data["properties"] if name not in _PASSED_OVER]
    required = data.get("required", [])
    late = ("references", "updated_at", "remarks")  # What most rows leave empty stands at the end.
    between = [name for name in members if name not in _FIRST + late]
    ordered = [*_FIRST, *sorted(between, key=lambda name: name not in required), *late]
    columns: list[Column] = [TYPE]
    for name in ordered:
        need = Need.ALWAYS if name in required else Need.OPTIONAL
        columns.extend(_walk(data["properties"][name], ("data", name), need, "", event_type))
        if name == "occurred_at":
            columns.append(UTC_OFFSET)
    return (*columns, ID, RESULT)


_FIRST = ("subjects", "occurred_at", "time_kind")


def _walk(
    member: Schema, path: tuple[str | int, ...], need: Need, group: str, event_type: EventType
) -> Iterator[Column]:
    """The columns of one member and all under it."""
    if member.get("x-identifier") or member.get("items", {}).get("x-identifier"):
        yield from _identifiers(member, path, need, group, event_type)
    elif member.get("type") == "array":
        shown = SLOTS_SHOWN.get(str(path[-1]), SLOTS_SHOWN_ELSE)
        for slot in range(min(member["maxItems"], SLOTS_MAX)):
            inner = need if slot == 0 and member.get("minItems") else Need.OPTIONAL
            for column in _walk(member["items"], (*path, slot), inner, group, event_type):
                yield column if slot < shown else _hidden(column)
    elif "properties" in member:
        alternatives = {name for each in member.get("anyOf", ()) for name in each["required"]}
        for name, inner in member["properties"].items():
            if need is not Need.OPTIONAL and name in member.get("required", ()):
                yield from _walk(inner, (*path, name), need, group, event_type)
            elif need is not Need.OPTIONAL and name in alternatives:
                yield from _walk(inner, (*path, name), Need.ONE_OF, group or _dotted(path), event_type)
            else:
                yield from _walk(inner, (*path, name), Need.OPTIONAL, "", event_type)
    elif "const" in member:  # What can only be said in one way is not asked for.
        yield _hidden(_leaf({**member, "enum": [member["const"]]}, path, Need.OPTIONAL, ""))
    else:
        yield _leaf(member, path, need, group)


def _identifiers(
    member: Schema, path: tuple[str | int, ...], need: Need, group: str, event_type: EventType
) -> Iterator[Column]:
    """One column for each scheme that the identifier may be of."""
    name = str(path[-1])
    about = tuple(dict.fromkeys(event_type.object_schemes))
    schemes: tuple[str, ...] = about if name == "subjects" else _SCHEMES[name]
    shown = frozenset(about) - _FOR_SYSTEMS if name == "subjects" else _SHOWN[name]
    if name == "references":
        shown -= frozenset(about)
    elif name == "identifiers" and path[-2] == "carrier":
        shown |= {"scac"}
    elif name == "subjects" and about == ("event",):  # It follows from what the event retracts or corrects.
        need, shown = Need.OPTIONAL, frozenset()
    if name == "subjects":
        schemes = (*about, *(each for each in SCHEMES if each not in about))
    for scheme in schemes:
        wanted = need is not Need.OPTIONAL and (name != "subjects" or scheme in about)
        yield Column(
            name=f"{_dotted(path)}.{scheme}",
            path=path,
            kind=Kind.CODE,
            form=Form.LISTED if member.get("type") == "array" else Form.IDENTIFIER,
            scheme=scheme,
            need=Need.ONE_OF if wanted else Need.OPTIONAL,
            group=(group or _dotted(path)) if wanted else "",
            description=f"{member['description']}: {scheme}",
            shown=scheme in shown,
        )


def _leaf(member: Schema, path: tuple[str | int, ...], need: Need, group: str) -> Column:
    return Column(
        name=_dotted(path),
        path=path,
        kind=Kind.CODE if path[-1] == "id" else _kind(member),
        scheme=member.get("x-scheme"),
        need=need,
        group=group if need is Need.ONE_OF else "",
        choices=tuple(member.get("enum", ())),
        bounds=_bounds(member),
        vocabulary=member.get("x-vocabulary", ""),
        description=member.get("description", ""),
    )


def _bounds(member: Schema) -> tuple[float, float]:
    low = member.get("minimum", member.get("exclusiveMinimum"))
    high = member.get("maximum", member.get("exclusiveMaximum"))
    return -math.inf if low is None else float(low), math.inf if high is None else float(high)


def _kind(member: Schema) -> Kind:
    if "enum" in member:
        return Kind.CHOICE
    if member.get("format") == "date-time":
        return Kind.INSTANT
    if "pattern" in member:
        return Kind.CODE
    return {"number": Kind.NUMBER, "integer": Kind.INTEGER, "boolean": Kind.BOOLEAN}.get(member["type"], Kind.TEXT)


def _hidden(column: Column) -> Column:
    return replace(column, shown=False)


def _dotted(path: tuple[Any, ...]) -> str:
    return ".".join(str(each + 1) if isinstance(each, int) else each for each in path[1:])
