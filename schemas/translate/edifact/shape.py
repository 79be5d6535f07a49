"""How many elements, and components of each, the segments that events are made of have: what is beyond that is told.

Surplus comes mostly of a separator that was not released: `DTM+7:20261122083000+0800:304` is a time without its zone
and an element too many. Counts are the largest of directories D.95B to D.04A.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import gt

from schemas.faults import Fault, fault
from schemas.translate.edifact.report import Segment

_SHAPES = {
    "BGM": (1, 4, 3, 1, 1), "CNI": (1, 1, 6, 1), "DTM": (1, 3), "EQD": (1, 1, 4, 4, 1, 1, 1, 1),
    "FTX": (1, 1, 1, 3, 5, 1, 1), "LOC": (1, 1, 4, 4, 4, 1), "MEA": (1, 1, 4, 5, 1),
    "NAD": (1, 1, 3, 5, 6, 4, 1, 4, 1, 1), "RFF": (1, 5), "RNG": (1, 1, 3), "SEL": (1, 1, 4, 1, 2, 1),
    "STS": (1, 3, 4, 4, 4, 4, 4, 4), "TDT": (1, 1, 1, 2, 2, 4, 1, 3, 5, 1, 4), "TMP": (1, 1, 2),
}  # fmt: skip
"""The components of each element, the tag first."""
_GRAVE = frozenset({"BGM", "DTM", "EQD", "MEA", "RFF", "RNG", "STS", "TMP"})
"""Of these a value that was cut short says something else: a time elsewhere, another reference, another mass."""


def surplus(segments: Iterable[Segment]) -> Iterator[Fault]:
    """A fault for each segment that has more than its directory gives it, at the first element that is too many."""
    for segment in segments:
        shape, elements = _SHAPES.get(segment.tag), segment.elements
        if shape is not None and (len(elements) > len(shape) or any(map(gt, map(len, elements), shape))):
            yield from _first(segment, shape)


def _first(segment: Segment, shape: tuple[int, ...]) -> Iterator[Fault]:
    """The fault of the first element that is too many or too long, if what is too much says anything."""
    for number, components in enumerate(segment.elements):
        room = shape[number] if number < len(shape) else 0
        if any(each.strip() for each in components[room:]):
            yield _fault(segment, number, room)
            return


def _fault(segment: Segment, number: int, room: int) -> Fault:
    code = "ELEMENT_SURPLUS" if segment.tag in _GRAVE else "ELEMENT_LEFT_OUT"
    place = segment.place(f"{number}.{room + 1}" if room else str(number))
    expected = f"at most {room} components here" if room else f"at most {number - 1} elements in {segment.tag}"
    return fault(code, place, ":".join(segment.elements[number][room:]), expected)
