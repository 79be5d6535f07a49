"""IATA ONE Record: logistics events of air cargo, in JSON-LD.

Taken is `cargo:LogisticsEvent` of data model 3, compact or expanded: one, an array of them, those of an `@graph`, and
the list that a ONE Record server answers with (`api:Collection`). Objects of other kinds are refused by name; inside of
an `@graph` they only say more of what events refer to.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemas.faults import Fault, fault
from schemas.translate.document import read
from schemas.translate.item import Context, Item, Translation
from schemas.translate.onerecord.canonical import item_of
from schemas.translate.onerecord.linked import API, CARGO, STANDARD, Node, local, name_of, types_of
from schemas.translate.onerecord.objects import Known, Placed

__all__ = ["translate"]

FORMAT = "onerecord/3"
EVENT = CARGO + "LogisticsEvent"
OBJECTS_PER_ITEM = 10
"""How many objects an `@graph` may have for each event that the hub takes at once."""


def translate(document: bytes, context: Context) -> Translation | list[Fault]:
    """Open a document of logistics events. Raises nothing."""
    value, faults = read(document)
    if faults:
        return faults
    placed = _listed(value, context.items_max)
    if isinstance(value, dict) and "@graph" in value:
        if (many := _too_many(placed, OBJECTS_PER_ITEM * context.items_max)) is not None:
            return [many]
        placed, known = _events(placed)
    else:
        known = {}
    if not placed:
        return [fault("EMPTY", "", "no events", "at least one LogisticsEvent")]
    if (many := _too_many(placed, context.items_max)) is not None:
        return [many]
    if placed[0][0] is value and (refused := _refused(Node(*placed[0]))) is not None:
        return [refused]
    stated = all(
        isinstance(each, dict) and Node(each, place, outer).values("creationDate") for each, place, outer in placed
    )
    return Translation(format=FORMAT, items=_items(placed, known, context), time_stated=stated)


def _too_many(placed: list[Placed], objects_max: int) -> Fault | None:
    if len(placed) <= objects_max:
        return None
    return fault("TOO_MANY_ITEMS", "", f"{len(placed)} events", f"at most {objects_max} events")


def _listed(value: Any, items_max: int) -> list[Placed]:
    """What a document holds: its array, the items of a collection, an `@graph`, or itself."""
    if isinstance(value, list):
        return [(each, f"/{index}", STANDARD) for index, each in enumerate(value)]
    terms = STANDARD.inside(value)
    if "@graph" in value:
        graph = value["@graph"]
        if not isinstance(graph, list):
            return [(graph, "/@graph", terms)]
        return [(each, f"/@graph/{index}", terms) for index, each in enumerate(graph)]
    if API + "Collection" in types_of(value, STANDARD):
        return [
            (each, place, terms) for each, place in Node(value, "", STANDARD).values("hasItem", at_most=items_max + 1)
        ]
    return [(value, "", STANDARD)]


def _events(placed: list[Placed]) -> tuple[list[Placed], Known]:
    """The events of an `@graph`, and its other objects by their IRI; where it has no event, all of it."""
    events, known = [], {}
    for each in placed:
        value, _, terms = each
        if not isinstance(value, dict) or EVENT in types_of(value, terms):
            events.append(each)
        elif (name := name_of(value, terms)) is not None:
            known[name] = each
    return events or placed, known


def _items(placed: list[Placed], known: Known, context: Context) -> Iterator[Item]:
    for index, (value, place, outer) in enumerate(placed):
        if not isinstance(value, dict):
            wrong = fault("JSON_NOT_AN_OBJECT", place, value, "a LogisticsEvent")
            yield Item(index=index, place=place, faults=(wrong,))
            continue
        node = Node(value, place, outer)
        refused = _refused(node)
        if refused is None:
            yield item_of(index, node, known, context.source)
        else:
            yield Item(index=index, place=place, faults=(refused,), id=node.id or "")


def _refused(node: Node) -> Fault | None:
    """The fault of an object that is no event, by its name."""
    types = node.types
    if EVENT in types:
        return None
    if not types:
        return fault("MEMBER_MISSING", f"{node.base}/@type", "nothing", "cargo:LogisticsEvent")
    kind = "api" if types[0].startswith(API) else "cargo" if types[0].startswith(CARGO) else ""
    name = f"{kind}:{local(types[0])}" if kind else types[0]
    return fault("FORMAT_NOT_TAKEN", f"{node.base}/@type", name, "cargo:LogisticsEvent objects")
