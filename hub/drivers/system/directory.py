"""The data directory: one process at a time, and only a format that this program knows.

`lock` is held with flock(2) for as long as the directory is open; the kernel gives it back when the process ends,
however it ends. `format.json` says which version wrote the directory: a newer one is refused before anything is read.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

import orjson

from hub.core.errors import DirectoryInUse, HubError

FORMAT = 1
"""The layout of the files in the directory; raised together with the step that upgrades the one before."""


class DataDirectory:
    """Everything that the hub keeps on this machine. Enter it before any driver opens a file in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = -1

    def __enter__(self) -> Self:
        """Make the directory if it is not there, lock it, check its format.

        Raises `HubError` if another process holds it, if a newer program wrote it, or if it cannot be made.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise HubError(f"the data directory {self.path} cannot be used: {error.strerror}") from error
        try:
            self._take_lock()
            self._check_format()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._lock)
        self._lock = -1

    def _take_lock(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._lock, 32, 0).decode(errors="replace").strip() or "unknown"
            raise DirectoryInUse(f"the data directory {self.path} is in use by process {holder}") from error
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)

    def _check_format(self) -> None:
        file = self.path / "format.json"
        if not file.exists():
            self._write_format(file)
            return
        try:
            found = orjson.loads(file.read_bytes())["format"]
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise HubError(f"{file} cannot be read: expected an object with a member `format`") from error
        if found != FORMAT:
            raise HubError(f"the data directory {self.path} has format {found}, this program knows format {FORMAT}")

    def _write_format(self, file: Path) -> None:
        """Write it whole or not at all: a torn `format.json` would lock the operator out."""
        new = file.with_suffix(".new")
        with new.open("wb") as out:
            out.write(orjson.dumps({"format": FORMAT}) + b"\n")
            out.flush()
            os.fsync(out.fileno())
        new.rename(file)
        directory = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
