"""Mutations of documents: of their bytes, of their JSON, of their text encoding, of the members of a zip."""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from random import Random
from typing import Any

from tests.soak.seeds import Seed, one_of

BYTES_MAX = 10 * 1024 * 1024
GROWN_BYTES_MAX = 1024 * 1024
"""One edit of the tree makes a document no larger than this many bytes more."""
KEPT_READABLE_SHARE = 0.7
"""Of the documents, those that are changed in what they say and not in how it is written: the others go no further than
the parser, most of them."""

Mutation = Callable[[Random, bytes], bytes]


def mutated(seed: int, number: int) -> tuple[Seed, bytes]:
    """The document of a number: the same for the same seed and the same samples."""
    chance = Random(f"{seed}:{number}")
    origin = one_of(chance)
    content = origin.content
    kinds = _kinds(content)
    if chance.random() < KEPT_READABLE_SHARE:
        kinds = kinds[:1]
    for _ in range(chance.choice((1, 1, 1, 2, 3, 5))):
        content = chance.choice(kinds)(chance, content)[:BYTES_MAX]
    return origin, content


def _kinds(content: bytes) -> tuple[Mutation, ...]:
    if content.startswith(b"PK"):
        return _ZIP
    return _JSON if content.lstrip(b"\xef\xbb\xbf \n")[:1] in (b"{", b"[") else _TEXT


# Of bytes.


def _flip(chance: Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 3, 20)) if changed else 0):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _truncate(chance: Random, content: bytes) -> bytes:
    return content[: chance.randrange(len(content) + 1)]


def _duplicate(chance: Random, content: bytes) -> bytes:
    start, end = _slice(chance, content)
    return content[:end] + content[start:end] * chance.choice((1, 1, 2, 50)) + content[end:]


def _delete(chance: Random, content: bytes) -> bytes:
    start, end = _slice(chance, content)
    return content[:start] + content[end:]


def _swap(chance: Random, content: bytes) -> bytes:
    start, end = _slice(chance, content)
    middle = (start + end) // 2
    return content[:start] + content[middle:end] + content[start:middle] + content[end:]


def _insert(chance: Random, content: bytes) -> bytes:
    at = chance.randrange(len(content) + 1)
    return content[:at] + chance.choice(_MORSELS) + content[at:]


def _grow(chance: Random, content: bytes) -> bytes:
    """Much of the same, seldom: large documents cost time."""
    if chance.random() > 0.05 or not content:
        return content
    start, end = _slice(chance, content)
    piece = content[start:end] or b"["
    return content[:start] + piece * (chance.choice((100_000, 1_000_000, 4_000_000)) // len(piece)) + content[end:]


def _recode(chance: Random, content: bytes) -> bytes:
    coding = chance.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "cp1252", "cp037", "utf-7"))
    return content.decode("utf-8", "replace").encode(coding, "replace")


def _slice(chance: Random, content: bytes) -> tuple[int, int]:
    start = chance.randrange(len(content) + 1)
    return start, min(len(content), start + int(chance.expovariate(1 / 40)))


_MORSELS = (
    b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\\ud800", b"\\u0000", b'"', b"\\", b"{", b"}", b"[", b"]",
    b",", b":", b"\n", b"\r\n", b"\t", b";", b"null", b"NaN", b"-Infinity", b"1e999", b"-0", b"1e-400", b"9" * 400,
    b'"id":1,', b'"eventID":"x",', b"[" * 70, b"[" * 5_000, b'{"a":' * 70, b"\xf0\x9f\x9a\xa2", b"\xc3", b"\x1f",
    b"=1+1", b"@SUM(A1)", b"1.23E+17", b"31/12/2026", b"12/11/2026 10:00", b"NA", b"\xa0", "é".encode("cp1252"),
)  # fmt: skip
_BYTES: tuple[Mutation, ...] = (_flip, _truncate, _duplicate, _delete, _swap, _insert, _grow)
_TEXT: tuple[Mutation, ...] = (*_BYTES, _recode)


# Of JSON.


def _json(chance: Random, content: bytes) -> bytes:
    """One edit of the document's tree, written back in one of the ways in which JSON may be written."""
    try:
        document = json.loads(content)
        for _ in range(chance.choice((1, 2, 4)) if len(content) < GROWN_BYTES_MAX else 0):
            document = json.loads(json.dumps(_edited(chance, document)))  # It may hold itself now: no JSON any more.
        text = json.dumps(document, ensure_ascii=chance.random() < 0.5, indent=chance.choice((None, None, 1)))
    except (ValueError, RecursionError, MemoryError):
        return _flip(chance, content)
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
_JSON: tuple[Mutation, ...] = (_many, *[_json] * 16, *_TEXT)


# Of a zip.


def _zip(chance: Random, content: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [(name, archive.read(name)) for name in archive.namelist()]
    except Exception:  # noqa: BLE001 -- mutated before, it is any file
        return _flip(chance, content)
    members = _members(chance, members)
    out = io.BytesIO()
    method = chance.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED))
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", method) as archive:
        warnings.simplefilter("ignore")  # Two members of one name are what is wanted.
        for name, member in members:
            archive.writestr(name, member)
    return out.getvalue()


def _members(chance: Random, members: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    index = chance.randrange(len(members)) if members else 0
    name, member = members[index] if members else ("x", b"")
    match chance.randrange(6):
        case 0:
            return members[:index] + members[index + 1 :]
        case 1:
            return [*members, (chance.choice(("../x", "xl/worksheets/sheet9.xml", "xl/vbaProject.bin")), member)]
        case 2:
            old, new = chance.choice(_XML)
            member = member.replace(old, new, chance.choice((1, -1)))
        case 3:
            start, end = _slice(chance, member)
            member = member[:start] + member[start:end] * chance.choice((2, 1_000, 100_000)) + member[end:]
        case _:
            member = chance.choice(_BYTES)(chance, member)
    return [*members[:index], (name, member[: 4 * BYTES_MAX]), *members[index + 1 :]]


_XML = (
    (b'r="2"', b'r="1048576"'), (b'r="A1"', b'r="XFD1048576"'), (b't="s"', b't="b"'), (b't="s"', b't="e"'),
    (b't="s"', b't="inlineStr"'), (b"<v>0</v>", b"<v>99999999</v>"), (b"<v>", b"<v>-"), (b"<v>1", b"<v>1e999"),
    (b'ref="', b'ref="ZZZZZ1:'), (b"</sheetData>", b"</sheetData><mergeCells><mergeCell ref='A1:XFD9'/></mergeCells>"),
    (b"UTF-8", b"UTF-16"), (b"<?xml", b"<!DOCTYPE x [<!ENTITY a 'aaaa'>]><?xml"), (b'sheetId="1"', b'sheetId="-1"'),
    (b"rId1", b"rId99"), (b"uniqueCount=", b'count="4000000000" uniqueCount='), (b"<row", b"<row" * 1_000),
)  # fmt: skip
_ZIP: tuple[Mutation, ...] = (*[_zip] * 16, *_BYTES)
