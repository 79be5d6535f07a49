"""What an event itself says of places, goods and modes of transport, beside what an agreement asks of these.

Looked at are the members that the naming table has for it, and nothing that a sender put beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from hub.core.agreement import Conditions
from schemas.filter_schema import PLACES

COUNTRY_CHARACTERS = CHAPTER_CHARACTERS = 2
"""Of a UN/LOCODE, and of an HS code."""


class Said(Struct, frozen=True):
    places: frozenset[str]
    """UN/LOCODEs and countries."""
    chapters: frozenset[str]
    modes: frozenset[str]

    def meets(self, conditions: Conditions) -> bool:
        """Whether of every kind that is named, one of the values is said."""
        asked = ((conditions.places, self.places), (conditions.chapters, self.chapters), (conditions.modes, self.modes))
        return all(not wanted or not said.isdisjoint(wanted) for wanted, said in asked)


def said_by(event: Mapping[str, Any]) -> Said:
    """Of an event as parsed; what has not the form that the schemas ask for says nothing."""
    data = _members(event.get("data"))
    goods = data.get("goods")
    codes = (_members(each).get("hs") for each in (goods if isinstance(goods, list) else ()))
    return Said(
        frozenset(_places(data)),
        frozenset(code[:CHAPTER_CHARACTERS] for code in _texts(codes)),
        frozenset(_texts((_members(data.get("transport")).get("mode"),))),
    )


def _places(data: Mapping[str, Any]) -> Iterator[str]:
    for place in (_members(data.get(name)) for name in PLACES):
        yield from _texts((place.get("country"),))
        for code in _texts((place.get("unlocode"),)):
            yield from (code, code[:COUNTRY_CHARACTERS])


def _members(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(values: Iterable[object]) -> Iterator[str]:
    return (value for value in values if isinstance(value, str))
