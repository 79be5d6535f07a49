"""What an event names: the identifiers by which it is found, and those that tie a thing to a consignment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

import orjson

Event = Mapping[str, Any]
Name = tuple[str, str]
"""Scheme and value."""


def names_of(event: Event) -> list[Name]:
    """Every identifier among its subjects, its references, and its means of transport; each once, in this order.

    What is not where the schemas have it is passed over: a recipient may have been given only a part.
    """
    data = event.get("data")
    if not isinstance(data, dict):
        return []
    return list(dict.fromkeys(name for each in _places(data) if (name := _name(each)) is not None))


def text_of(name: Name) -> str:
    return f"{name[0]}:{name[1]}"


def _places(data: Mapping[str, Any]) -> Iterator[object]:
    for member in ("subjects", "references"):
        listed = data.get(member)
        if isinstance(listed, list):
            yield from listed
    transport = data.get("transport")
    if isinstance(transport, dict) and "means" in transport:
        yield transport["means"]


def _name(identifier: object) -> Name | None:
    if not isinstance(identifier, dict):
        return None
    scheme, value = identifier.get("scheme"), identifier.get("value")
    return (scheme, value) if isinstance(scheme, str) and isinstance(value, str) else None


@cache
def kinds() -> Mapping[str, tuple[str, ...]]:
    """Scheme → the kinds of object that it may identify (`schemas/naming.json`, `objects`), the first its own."""
    naming = orjson.loads(resources.files("schemas").joinpath("naming.json").read_bytes())
    found: dict[str, tuple[str, ...]] = {}
    for kind, schemes in naming["objects"].items():
        for scheme in schemes:
            found[scheme] = (*found.get(scheme, ()), kind)
    return found


def kind_of(scheme: str) -> str | None:
    """The kind of object; None for a scheme that names no object, such as a country."""
    found = [kind for kind in kinds().get(scheme, ()) if kind != "consignment" or identifies_consignment(scheme)]
    return found[0] if found else None


@cache
def identifies_consignment(scheme: str) -> bool:
    """Whether it is a consignment's and cannot be that of goods: a bare URI does not say of what it is."""
    found = kinds().get(scheme, ())
    return "consignment" in found and "goods" not in found
