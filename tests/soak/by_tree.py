"""Mutations of what a JSON document says: wrong types, members swapped or brought in from elsewhere, far too many."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from random import Random
from typing import Any

from tests.soak.by_bytes import OF_TEXT, flip
from tests.soak.mutation import BYTES_MAX, GROWN_BYTES_MAX, Mutation
from tests.soak.seeds import one_of


def _json(chance: Random, content: bytes) -> bytes:
    """One edit of the document's tree, written back in one of the ways in which JSON may be written."""
    try:
        document = json.loads(content)
        for _ in range(chance.choice((1, 2, 4)) if len(content) < GROWN_BYTES_MAX else 0):
            document = json.loads(json.dumps(_edited(chance, document)))  # It may hold itself now: no JSON any more.
        text = json.dumps(document, ensure_ascii=chance.random() < 0.5, indent=chance.choice((None, None, 1)))
    except (ValueError, RecursionError, MemoryError):
        return flip(chance, content)
    return text.encode("utf-8", "surrogatepass")[:BYTES_MAX]


def _many(chance: Random, content: bytes) -> bytes:
    """As many events as a request may have, each as wrong as the last edit made it; seldom, for it takes long."""
    if chance.random() > 0.1 or len(content) > GROWN_BYTES_MAX // 8:
        return _json(chance, content)
    try:
        document = json.loads(_json(chance, content))
    except (ValueError, RecursionError):
        return content
    lists = [each for each in ([document], *_holders(document)) if isinstance(each, list) and each]
    of_objects = [each for each in lists[1:] if isinstance(each[0], dict)]
    events = max(of_objects, key=lambda each: len(repr(each)), default=lists[0])
    room = 4 * GROWN_BYTES_MAX // (len(json.dumps(events)) + 2)
    events *= max(1, min(room, chance.choice((100, 1_000)) // len(events)))
    return json.dumps(events if events is lists[0] else document).encode("utf-8", "surrogatepass")


def _holders(document: Any) -> Iterator[Any]:
    seen: set[int] = set()
    for holder, _ in _nodes(document):
        if id(holder) not in seen:
            seen.add(id(holder))
            yield holder


def _edited(chance: Random, document: Any) -> Any:
    nodes = list(_nodes(document))
    if not nodes:
        return chance.choice(_VALUES)
    holder, name = chance.choice(nodes)
    match chance.randrange(8):
        case 0 | 1:
            holder[name] = chance.choice(_UNREADABLE if chance.random() < 0.02 else _VALUES)
        case 2:
            del holder[name]
        case 3:
            other, at = chance.choice(nodes)
            with suppress(KeyError, IndexError):
                holder[name], other[at] = other[at], holder[name]
        case 4:
            holder[name] = json.loads(json.dumps(chance.choice(nodes)[0]))
        case 5:
            room = GROWN_BYTES_MAX // (len(json.dumps(holder[name])) + 2)
            holder[name] = [holder[name]] * min(room, chance.choice((2, 101, 101, 1_001, 100_000)))
        case 6 if isinstance(holder, dict):
            holder[chance.choice(("", "a/b", "~", "é", "@type", "type", "x" * 5_000, name + "s"))] = holder.pop(name)
        case _:
            donor, at = _donor(chance)
            holder[name] = donor[at] if donor else None
    return document


def _nodes(document: Any, depth: int = 0) -> Iterator[tuple[Any, Any]]:
    if isinstance(document, dict | list) and depth < 100:
        for name in list(document) if isinstance(document, dict) else range(len(document)):
            yield document, name
            yield from _nodes(document[name], depth + 1)


def _donor(chance: Random) -> Any:
    """A place in another document: what belongs elsewhere is the likeliest mistake of all."""
    with suppress(ValueError):
        nodes = list(_nodes(json.loads(one_of(chance).content)))
        if nodes:
            return chance.choice(nodes)
    return None, ""


def _deep(count: int) -> Any:
    value: Any = 1
    for index in range(count):
        value = [value] if index % 2 else {"a": value}
    return value


_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 2**53 - 1, 1e308, 5e-324, "", " ", "\x00", "\U0001f6a2", "é" * 300, "x" * 100_000,
    [], {}, [[]], [{}], [None], {"": ""}, ["x"] * 1_001, _deep(50), "2026-02-30T10:00:00Z", "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:60Z", "2026-11-22T10:00:00", "2026-11-22T10:00:00.123456789123+01:00", "urn:epc:", "MSKU1234565",
    "urn:epc:id:sgtin:0614141.107346.2017", "https://id.gs1.org/01/09506000134352/21/2017", "9074729", "ObjectEvent",
    "https://id.gs1.org/" + "01/" * 50, "customs.container.gate_in", {"@value": "x"}, {"@id": "x"},
    {"@list": [{"@set": []}]}, "../..", "NA",
)  # fmt: skip
_UNREADABLE: tuple[Any, ...] = (
    2**53, -(2**64), 10**400, float("inf"), float("nan"), "\ud800", _deep(63), _deep(64), _deep(150), {"\ud800": 1},
)  # fmt: skip
OF_JSON: tuple[Mutation, ...] = (_many, *[_json] * 16, *OF_TEXT)
