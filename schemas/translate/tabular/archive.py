"""The zip archive of a workbook, unpacked within bounds and packed anew with nothing but the members that hold cells.

What a stranger's archive declares and what is in it may differ, and two readers may see two archives in one file:
calamine gets one that was written here, without links, macros, pictures, or a second member of the same name.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import BinaryIO

from schemas.faults import Fault, fault

MEMBERS_MAX = 1_000
UNPACKED_BYTES_MAX = 48 * 1024 * 1024
CHUNK_BYTES = 262_144

_ENTRY = b"PK\x01\x02"
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, struct.error, ValueError, OSError, IndexError)
_AROUND = ("[content_types].xml", "_rels/.rels", "xl/_rels/workbook.xml.rels")


class Bounded(Exception):
    """The archive is beyond a bound; the fault says which."""

    def __init__(self, wrong: Fault) -> None:
        self.wrong = wrong


def unpacked(file: BinaryIO) -> dict[str, bytes]:
    """The members that hold cells, by name. Raises `Bounded`."""
    try:
        _count_entries(file)
        with zipfile.ZipFile(file) as archive:
            return {name: _read(archive, info) for info, name in _wanted(archive)}
    except _BROKEN as e:
        raise Bounded(fault("TABLE_UNREADABLE", "", str(e), "an .xlsx workbook that Excel can open")) from e


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """A member, unpacked no further than it declares: `ZipFile.read` would unpack all there is, and then cut."""
    with archive.open(info) as content:
        return content.read(info.file_size + 1)


def packed(members: dict[str, bytes]) -> io.BytesIO:
    """A new archive of those members, which are let go of one by one."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in list(members):
            archive.writestr("[Content_Types].xml" if name == _AROUND[0] else name, members.pop(name))
    buffer.seek(0)
    return buffer


def _count_entries(file: BinaryIO) -> None:
    """Before the directory is read: a hostile one has a hundred thousand entries."""
    file.seek(0)
    count, tail = 0, b""
    while chunk := file.read(CHUNK_BYTES):
        count += (tail + chunk).count(_ENTRY)
        tail = chunk[-3:]
    file.seek(0)
    if count > MEMBERS_MAX:
        raise _too_large(f"{count} members", f"at most {MEMBERS_MAX} members in the archive")


def _wanted(archive: zipfile.ZipFile) -> list[tuple[zipfile.ZipInfo, str]]:
    """What of the archive holds cells, each name once."""
    wanted: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        name = info.filename.replace("\\", "/").lower().removeprefix("/")
        if not _holds_cells(name):
            continue
        if name in wanted:
            raise zipfile.BadZipFile(f"two members of the name {name}")
        if info.compress_type not in _METHODS or info.flag_bits & _ENCRYPTED:
            raise zipfile.BadZipFile("a member that is encrypted, or packed in an unusual way")
        wanted[name] = info
    if "xl/workbook.xml" not in wanted:
        raise zipfile.BadZipFile("an archive that is no .xlsx workbook")
    declared = sum(info.file_size for info in wanted.values())
    if declared > UNPACKED_BYTES_MAX:
        raise _too_large(f"{declared} bytes unpacked", f"at most {UNPACKED_BYTES_MAX} bytes")
    return [(info, name) for name, info in wanted.items()]


def _holds_cells(name: str) -> bool:
    folder, _, last = name.rpartition("/")
    if name in _AROUND:
        return True
    return last.endswith(".xml") and (folder == "xl" or folder.endswith("sheets"))


def _too_large(found: str, expected: str) -> Bounded:
    return Bounded(fault("TABLE_TOO_LARGE", "", found, expected))
