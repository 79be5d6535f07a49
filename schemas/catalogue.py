"""The event types that the hub takes, each with its schema, who may report it, and what it is about.

Everything comes from the package's own data: `naming.json` and `events/`. It is read once, when the catalogue is first
asked for, and a type's validators are compiled when its first event comes; nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

import orjson
from msgspec import Struct

from schemas.absence import absence_of
from schemas.compile import Compiled, Schema, compile_schema
from schemas.faults import Fault, fault, pointer
from schemas.sites import Visit, visit_of


class AEORule(StrEnum):
    """Whether a type is taken only from a publisher whose AEO status is valid at the event."""

    REQUIRED = "required"
    NOT_REQUIRED = "not_required"


class EventType(Struct, frozen=True, eq=False):
    """One version of one event type."""

    name: str
    dataschema: str
    roles: frozenset[str]
    """A publisher that has one of these roles may report it."""
    only: Mapping[str, frozenset[str]]
    """By role, the schemes of what it may report it about, where that is not all: what it handles itself."""
    aeo: AEORule
    object_schemes: tuple[str, ...]
    """Schemes of what the type is about; the first that is there makes the object key."""
    personal: tuple[str, ...]
    """JSON Pointers of personal members; `*` stands for every index of an array."""
    schema: Compiled
    visit: Visit
    """Looks at every identifier and time in an event of this type."""
    absence: Visit
    """Looks at the `data` of an event of this type whose format may lack members."""

    def reportable(self, roles: Iterable[str]) -> frozenset[str] | None:
        """The schemes of the objects that a publisher with these roles may report it about; None: all."""
        if not self.only:
            return None
        may = [self.only.get(role) for role in roles if role in self.roles]
        return None if None in may else frozenset().union(*(each for each in may if each is not None))

    def object_key(self, event: Mapping[str, Any]) -> str:
        """`scheme:value` of the object that a valid event is about: the first subject by the type's scheme order."""
        subjects = event["data"]["subjects"]
        if len(subjects) > 1:
            order = self.object_schemes
            subjects = sorted(subjects, key=lambda each: _place(order, each["scheme"]))
        return f"{subjects[0]['scheme']}:{subjects[0]['value']}"


def _place(order: tuple[str, ...], scheme: str) -> int:
    return order.index(scheme) if scheme in order else len(order)


class Catalogue:
    """All active event types by name and version, and the names that are settled for later."""

    def __init__(self, types: list[EventType], planned: frozenset[str]) -> None:
        self.types = tuple(types)
        self.planned = planned
        self._by_schema = {each.dataschema: each for each in types}
        self._newest = {each.name: each for each in sorted(types, key=lambda each: _version(each.dataschema))}

    def find(self, name: object, dataschema: object = None) -> EventType | Fault:
        """The type of an event by its `type` and `dataschema` as sent; without `dataschema` the newest version."""
        newest = self._newest.get(name) if isinstance(name, str) else None
        if newest is None:
            return self._unknown(name)
        if dataschema is None:
            return newest
        version = self._by_schema.get(dataschema) if isinstance(dataschema, str) else None
        if version is None or version.name != name:
            return fault("DATASCHEMA_UNKNOWN", "/dataschema", dataschema, newest.dataschema)
        return version

    def _unknown(self, name: object) -> Fault:
        if not isinstance(name, str):
            code, found = ("MEMBER_MISSING", "nothing") if name is None else ("TYPE_WRONG", name)
            return fault(code, "/type", found, "the name of an event type")
        if name in self.planned:
            return fault("TYPE_PLANNED", "/type", name, self._families())
        guess = get_close_matches(name[:64], self._newest, n=1)
        return fault("TYPE_UNKNOWN", "/type", name, f"perhaps {guess[0]}" if guess else self._families())

    def _families(self) -> str:
        families = sorted({name.split(".")[1] for name in self._newest})
        return f"a type of the naming table, of the families {', '.join(families)}"


def _version(dataschema: str) -> tuple[int, ...]:
    return tuple(map(int, dataschema.rpartition(":")[2].split(".")))


@cache
def catalogue() -> Catalogue:
    """The catalogue of this release, read once."""
    active = [row for row in _naming()["types"] if row["status"] == "active"]
    types = [
        _event_type(row, _read(file), shared(), _naming()["objects"])
        for row in active
        for file in sorted((_ROOT / "events" / row["type"]).iterdir(), key=lambda each: each.name)
        if file.name.endswith(".json")
    ]
    return Catalogue(types, frozenset(row["type"] for row in _naming()["types"] if row["status"] == "planned"))


@cache
def by_name() -> frozenset[str]:
    """Types that are shared only where an agreement names them: a family or `*` asks for what customs can make
    something of, not for all that a company does."""
    return frozenset(row["type"] for row in _naming()["types"] if row.get("by_name"))


def drafted(schema: Schema) -> EventType:
    """The event type as a version that is not published would have it. Raises `ValueError` where its `type` is not in
    the naming table, or where it is no schema at all."""
    try:
        _objects_only(schema, "")
        name = schema["properties"]["type"]["const"]
        row = next(row for row in _naming()["types"] if row["type"] == name and "roles" in row)
        kind = _event_type(row, schema, shared(), _naming()["objects"])
        _ = kind.schema.open, kind.schema.closed, kind.schema.sparse.closed
    except StopIteration as e:
        raise ValueError(f"{name} is not a type of the naming table") from e
    except (KeyError, TypeError, AttributeError) as e:
        raise ValueError("an object with $id, properties/type/const and properties/data is asked for") from e
    except RecursionError as e:
        raise ValueError("it is nested too deeply") from e
    return kind


def _objects_only(schema: Any, place: str) -> None:
    """JSON Schema has `true` and `false` for schemas too; ours say what a member is. Raises `ValueError`: the place."""
    if not isinstance(schema, dict):
        raise ValueError(f"a schema is an object{place and ': ' + place}")
    for name in ("properties", "$defs"):
        for member, inner in schema.get(name, {}).items():
            _objects_only(inner, place + pointer(name, member))
    for index, inner in enumerate(schema.get("anyOf", ())):
        _objects_only(inner, place + pointer("anyOf", index))
    if "items" in schema:
        _objects_only(schema["items"], place + pointer("items"))


def published(name: str, version: str) -> bytes | None:
    """A schema as it lies in the package: a version of a type, or `envelope` or `common`, which the types refer to."""
    if name in _SHARED and version == "1.0":
        return (_ROOT / "events" / f"{name}.json").read_bytes()
    kind = catalogue().find(name, f"urn:customs-hub:schema:{name}:{version}")
    return None if isinstance(kind, Fault) else (_ROOT / "events" / name / f"{version}.json").read_bytes()


def examples(name: str) -> dict[str, dict[str, Any]]:
    """The examples of a type by name: `valid-*` are events, the others hold an event and the faults that it has."""
    folder = _ROOT / "events" / name / "examples"
    files = sorted(folder.iterdir(), key=lambda each: each.name) if folder.is_dir() else []
    return {file.name.removesuffix(".json"): _read(file) for file in files}


_ROOT = resources.files("schemas")
_SHARED = ("envelope", "common")


@cache
def shared() -> dict[str, Schema]:
    """What the types refer to, by `$id`."""
    return {each["$id"]: each for each in (_read(_ROOT / "events" / f"{name}.json") for name in _SHARED)}


@cache
def _naming() -> dict[str, Any]:
    naming: dict[str, Any] = orjson.loads(_ROOT.joinpath("naming.json").read_bytes())
    return naming


@cache
def data_members() -> frozenset[str]:
    """The members of `data` that the naming table has."""
    return frozenset(row["name"] for row in _naming()["data"] if row["status"] == "active")


def meaning(name: str) -> str:
    """What a type of the naming table means, in English."""
    return next((str(row["meaning"]) for row in _naming()["types"] if row["type"] == name), "")


def _read(file: Traversable) -> Schema:
    schema: Schema = orjson.loads(file.read_bytes())
    return schema


def _event_type(
    row: Mapping[str, Any], schema: Schema, shared: Mapping[str, Schema], objects: Mapping[str, list[str]]
) -> EventType:
    compiled = compile_schema(schema, shared)
    visit = visit_of(compiled.flat)
    if visit is None:
        raise ValueError(f"{schema['$id']} has neither time nor subjects")
    return EventType(
        row["type"],
        schema["$id"],
        frozenset(row["roles"]),
        {role: frozenset(_schemes(kinds, objects)) for role, kinds in row.get("only", {}).items()},
        AEORule(row["aeo"]),
        _schemes(row["about"], objects),
        compiled.personal(),
        compiled,
        visit,
        absence_of(compiled.flat["properties"]["data"]),
    )


def _schemes(kinds: Iterable[str], objects: Mapping[str, list[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(scheme for kind in kinds for scheme in objects[kind]))
