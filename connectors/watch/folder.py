"""The folder: which files in it are whole, reading them, laying results, moving them out of the way.

A file is whole when its size and time of change were the same at two looks. What had a passed-over name at the last
look (`.name`, `name.part`, `name.tmp`) and is unchanged under its new one is whole at once: that is how programs write.
The details of a document (`NAME.txt`) are no file to send: they go where their document goes.
"""

from __future__ import annotations

import heapq
import os
import stat
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

from connectors.errors import ConnectorError
from connectors.watch.details import BYTES_MAX, ENDING, described

STATE = ".customs-connect"
"""The folder within the folder that holds the journal."""
PASSED_OVER = (".part", ".tmp", ".filepart", ".crdownload")
"""Ends of names under which programs write."""
HIDDEN = (".", "~$")
"""Beginnings; the second is Excel's, of a workbook that is open."""
LOOKED_AT_MAX = 1_000
"""Files that one look takes in, oldest first; the others have their turn when these are gone."""
NAME_BYTES_MAX = 200
"""Of a file's name at its new place, so that the names of its results fit in 255."""
READ_BYTES = 1 << 20
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class Entry(Struct, frozen=True):
    """A file as one look saw it."""

    name: str
    size: int
    mtime_ns: int
    inode: int

    @property
    def key(self) -> int | str:
        """What stays the same over a rename, where the file system tells."""
        return self.inode or self.name


class Content(Struct, frozen=True):
    """What a file holds; `document` is None where it is too large to be sent."""

    sha256: str
    document: bytes | None


class DetailsNotWhole(ConnectorError):
    """What lies beside a document is still being written."""


class Folder:
    """The folder `directory`, with `done` and `refused` in it. Raises `OSError`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._seen: dict[int | str, tuple[int, int]] = {}
        self._details: dict[str, Entry] = {}
        """Those that were asked for once, by their document's name."""
        self.alone: list[str] = []
        """Details, at the last look, whose document is not there; at most `LOOKED_AT_MAX`."""
        for name in (STATE, "done", "refused"):
            (directory / name).mkdir(exist_ok=True)

    def look(self) -> list[Entry]:
        """The files that are whole, oldest first."""
        hidden: list[Entry] = []
        self.alone = []
        entries = heapq.nsmallest(LOOKED_AT_MAX, self._entries(hidden), key=lambda e: (e.mtime_ns, e.name))
        whole = [each for each in entries if self._seen.get(each.key) == (each.size, each.mtime_ns)]
        self._seen = {each.key: (each.size, each.mtime_ns) for each in (*hidden, *entries)}
        return whole

    def details(self, name: str) -> bytes | None:
        """What lies beside a document to say what it is, if the last call saw the same; None: nothing of use.

        Raises `DetailsNotWhole`, `OSError`.
        """
        before, entry = self._details.pop(name, None), self._entry(name + ENDING)
        if entry is None:
            return None
        content = self.read(entry, BYTES_MAX) if entry == before else None
        if content is None:
            self._details[name] = entry
            raise DetailsNotWhole(entry.name)
        return content.document

    def _entries(self, hidden: list[Entry]) -> Iterator[Entry]:
        with os.scandir(self.directory) as found:
            for each in found:
                entry = self._entry(each.name)
                if entry is None:
                    continue
                document = described(each.name)
                if document is not None:
                    if len(self.alone) < LOOKED_AT_MAX and not self.holds(document):
                        self.alone.append(each.name)
                elif not each.name.startswith(HIDDEN) and not each.name.lower().endswith(PASSED_OVER):
                    yield entry
                elif len(hidden) < LOOKED_AT_MAX:
                    hidden.append(entry)

    def _entry(self, name: str) -> Entry | None:
        """None: it is no file of its own, or it has just gone."""
        try:
            seen = (self.directory / name).lstat()
        except OSError:
            return None
        return Entry(name, seen.st_size, seen.st_mtime_ns, seen.st_ino) if stat.S_ISREG(seen.st_mode) else None

    def read(self, entry: Entry, bytes_max: int) -> Content | None:
        """What the file holds; None: it is not as it was seen."""
        digest, kept = sha256(), bytearray()
        with os.fdopen(os.open(self.directory / entry.name, os.O_RDONLY | _NO_LINKS), "rb") as file:
            while chunk := file.read(READ_BYTES):
                digest.update(chunk)
                if entry.size <= bytes_max:
                    kept += chunk
                if file.tell() > entry.size:
                    return None
        if self._entry(entry.name) != entry:
            return None
        return Content(digest.hexdigest(), bytes(kept) if entry.size <= bytes_max else None)

    def holds(self, name: str) -> bool:
        return self._entry(name) is not None

    def free(self, room: str, name: str) -> str:
        """A name under which nothing lies in `done` or `refused`, nor a result: the file's own, or with a number."""
        stem, ending = Path(name).stem, Path(name).suffix
        while len(os.fsencode(stem + ending)) > NAME_BYTES_MAX:
            stem, ending = (stem[:-1], ending) if stem else (ending[:-1], "")
        taken, number = stem + ending, 1
        while self.lies(room, taken) or os.path.lexists(self.directory / room / f"{taken}.result.json"):
            number += 1
            taken = f"{stem}.{number}{ending}"
        return taken

    def lies(self, room: str, name: str) -> bool:
        return os.path.lexists(self.directory / room / name)

    def lay(self, room: str, name: str, content: bytes) -> None:
        """Lay a result, whole or not at all; what lies under its name is the same, of a run that was cut off."""
        path = self.directory / room / name
        new = self.directory / STATE / "result.new"
        with new.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        _sync(path.parent)

    def move(self, entry: Entry, room: str, name: str) -> bool:
        """Move a file to where it stays; False: it is another one by now, or gone, and stays."""
        if self._entry(entry.name) != entry:
            return False
        (self.directory / entry.name).rename(self.directory / room / name)
        _sync(self.directory / room)
        _sync(self.directory)
        return True

    def remove_details(self, name: str, content: bytes) -> None:
        """Remove what lies beside a document, if it is this: it has been laid at its new place."""
        entry = self._entry(name + ENDING)
        if entry is None or (found := self.read(entry, BYTES_MAX)) is None or found.document != content:
            return
        (self.directory / entry.name).unlink(missing_ok=True)
        _sync(self.directory)

    def prune(self, before_ns: int) -> None:
        """Delete what has lain in `done` since before this time (ns since 1970)."""
        with os.scandir(self.directory / "done") as found:
            for each in found:
                seen = each.stat(follow_symlinks=False)
                changed_ns = max(seen.st_mtime_ns, seen.st_ctime_ns)
                if stat.S_ISREG(seen.st_mode) and changed_ns < before_ns:
                    Path(each.path).unlink(missing_ok=True)


def _sync(directory: Path) -> None:
    """Bring names to the disk. Windows has no such call for folders: NTFS keeps its own journal of them."""
    if sys.platform == "win32":
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
