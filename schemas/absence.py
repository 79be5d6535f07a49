"""Which members an event lacks, where a format of others may be unable to carry them: warnings, and nothing else.

Found once per schema, like the places of identifiers: what asks for members is visited, the rest of an event is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from schemas.compile import ALWAYS, Schema
from schemas.faults import FAULTS_MAX, Fault, Severity, fault, pointer
from schemas.place import Place, pointer_of
from schemas.sites import Visit


def absence_of(data: Schema) -> Visit:
    """The visit of a type's `data` that adds a warning for each member that the full schema asks for and the sparse one
    (`schemas.compile`) does not."""
    asked = [name for name in data["required"] if name not in ALWAYS]
    return _asking(data | {"required": asked}) or _nothing


def _nothing(value: object, place: Place, faults: list[Fault]) -> None:
    pass


def _asking(flat: Schema) -> Visit | None:
    if flat.get("x-identifier"):
        return None  # Half of an identifier is none: the sparse schema refuses it too.
    if "items" in flat:
        each = _asking(flat["items"])
        return _array(each) if each is not None else None
    members = [(name, _asking(member)) for name, member in flat.get("properties", {}).items()]
    visits = [(name, visit) for name, visit in members if visit is not None]
    return _object(flat, visits) if visits or flat.get("required") or "anyOf" in flat else None


def _array(item: Visit) -> Visit:
    def visit(value: object, place: Place, faults: list[Fault]) -> None:
        if isinstance(value, list):
            for index, each in enumerate(value):
                if len(faults) > FAULTS_MAX:
                    return
                item(each, (place, index), faults)

    return visit


def _object(flat: Schema, members: list[tuple[str, Visit]]) -> Visit:
    required = frozenset(flat.get("required", ()))
    chosen = "anyOf" in flat

    def visit(value: object, place: Place, faults: list[Fault]) -> None:
        if not isinstance(value, dict):
            return
        if not required <= value.keys():
            faults.extend(map(_warning, missing(flat, pointer_of(place), value)))
        if chosen:
            faults.extend(map(_warning, missing_alternative(flat, pointer_of(place), value)))
        for name, member in members:
            if name in value:
                member(value[name], (place, name), faults)

    return visit


def _warning(error: Fault) -> Fault:
    return replace(error, code="FACT_NOT_CARRIED", severity=Severity.WARNING)


def missing(member: Schema, place: str, value: dict[str, Any]) -> Iterator[Fault]:
    """The members that `required` asks for and that are not there."""
    for name in member["required"]:
        if name not in value:
            described = member.get("properties", {}).get(name, {}).get("description", name)
            yield fault("MEMBER_MISSING", place + pointer(name), "nothing", described)


def missing_alternative(member: Schema, place: str, value: dict[str, Any]) -> Iterator[Fault]:
    """Our schemas use `anyOf` for one thing: of some members one, or one pair, must be there."""
    alternatives = [each["required"] for each in member["anyOf"]]
    if not any(all(name in value for name in names) for names in alternatives):
        listed = ", or ".join(" and ".join(names) for names in alternatives)
        yield fault("MEMBER_MISSING", place, value, f"at least {listed}")
