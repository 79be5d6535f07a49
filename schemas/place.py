"""A place in a document, carried along from the inside out: cheap, and put in order only when there is a fault."""

from __future__ import annotations

from schemas.faults import pointer

Place = tuple["Place", str | int] | None


def pointer_of(place: Place) -> str:
    """The JSON Pointer (RFC 6901) of a place."""
    names: list[str | int] = []
    while place is not None:
        place, name = place
        names.append(name)
    return pointer(*reversed(names))


def place_of(*names: str | int) -> Place:
    """The place that a path of names leads to."""
    place: Place = None
    for name in names:
        place = (place, name)
    return place
