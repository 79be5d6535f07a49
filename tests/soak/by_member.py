"""Mutations of the members of a zip, such as those of a workbook."""

from __future__ import annotations

import io
import warnings
import zipfile
from random import Random

from tests.soak.by_bytes import OF_BYTES, flip, some_slice
from tests.soak.mutation import BYTES_MAX, Mutation


def _zip(chance: Random, content: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [(name, archive.read(name)) for name in archive.namelist()]
    except Exception:  # noqa: BLE001 -- mutated before, it is any file
        return flip(chance, content)
    members = _members(chance, members)
    out = io.BytesIO()
    method = chance.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED))
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", method) as archive:
        warnings.simplefilter("ignore")  # Two members of one name are what is wanted.
        for name, member in members:
            archive.writestr(zipfile.ZipInfo(name), member, method)  # Without the time of day: the same each time.
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
            start, end = some_slice(chance, member)
            member = member[:start] + member[start:end] * chance.choice((2, 1_000, 100_000)) + member[end:]
        case _:
            member = chance.choice(OF_BYTES)(chance, member)
    return [*members[:index], (name, member[: 4 * BYTES_MAX]), *members[index + 1 :]]


_XML = (
    (b'r="2"', b'r="1048576"'), (b'r="A1"', b'r="XFD1048576"'), (b't="s"', b't="b"'), (b't="s"', b't="e"'),
    (b't="s"', b't="inlineStr"'), (b"<v>0</v>", b"<v>99999999</v>"), (b"<v>", b"<v>-"), (b"<v>1", b"<v>1e999"),
    (b'ref="', b'ref="ZZZZZ1:'), (b"</sheetData>", b"</sheetData><mergeCells><mergeCell ref='A1:XFD9'/></mergeCells>"),
    (b"UTF-8", b"UTF-16"), (b"<?xml", b"<!DOCTYPE x [<!ENTITY a 'aaaa'>]><?xml"), (b'sheetId="1"', b'sheetId="-1"'),
    (b"rId1", b"rId99"), (b"uniqueCount=", b'count="4000000000" uniqueCount='), (b"<row", b"<row" * 1_000),
)  # fmt: skip
OF_ZIP: tuple[Mutation, ...] = (*[_zip] * 16, *OF_BYTES)
