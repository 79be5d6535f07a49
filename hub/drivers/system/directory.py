"""The data directory: one process at a time, and only a format that this program knows.

`lock` is held with flock(2) for as long as the directory is open; the kernel gives it back when the process ends,
however it ends. `format.json` says which version wrote the directory: a newer one is refused before anything is read.
`log.json` says which event log the state beside it was derived from: on another one, positions of the same generation
would name other events, so acknowledged ones would be passed over and one partner shown the receipt of another's.
"""

from __future__ import annotations

import fcntl
import os
import stat
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import orjson
from msgspec import Struct

from hub.core.errors import DirectoryInUse, HubError
from hub.drivers.system import private_files

FORMAT = 1
"""The layout of the files in the directory; raised together with the step that upgrades the one before."""


class LogIdentity(Struct, frozen=True):
    """Which event log it is. Its address is not part of it: brokers move."""

    ground: str
    topic_prefix: str
    partitions: int
    id: str = ""
    """Made with the log, where the log can keep one; empty if it cannot, or has not been opened yet."""


class DataDirectory:
    """Everything that the hub keeps on this machine. Enter it before any driver opens a file in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = -1

    def __enter__(self) -> Self:
        """Make the directory if it is not there, close it to others, lock it, check its format.

        Raises `HubError` if another process holds it, a newer program wrote it, or it cannot be made; `NotPrivate`
        if others can look into it and it holds what the hub did not put there, so that it is not the hub's to close.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._close_to_others()
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

    @property
    def lock(self) -> int:
        """The descriptor of the lock: whoever inherits it holds the directory as well."""
        return self._lock

    def belong_to(self, log: LogIdentity) -> None:
        """Check that the state kept here was derived from this log; remember it at the first start.

        Raises `HubError` if it was another one.
        """
        file = self.path / "log.json"
        try:
            known = msgspec.json.decode(private_files.read(file), type=LogIdentity) if file.exists() else None
        except msgspec.DecodeError as error:
            raise HubError(f"{file} cannot be read: {error}") from error
        if known is not None:
            either_unknown = not (known.id and log.id)
            names = [name for name in LogIdentity.__struct_fields__ if name != "id" or not either_unknown]
            differ = [name for name in names if getattr(known, name) != getattr(log, name)]
            if differ:
                found = ", ".join(f"{name} {getattr(known, name)!r}" for name in differ)
                given = ", ".join(f"{name} {getattr(log, name)!r}" for name in differ)
                raise HubError(
                    f"the data directory {self.path} belongs to another event log: it was made with {found}, the "
                    f"settings lead to {given}; set `log.directory` to another directory, or go back to that log"
                )
        if known is None or (log.id and not known.id):
            private_files.write(file, msgspec.json.encode(log) + b"\n")

    def _close_to_others(self) -> None:
        """The files in it hold what partners sent, and take their modes from the process: the directory keeps them."""
        try:
            private_files.check(self.path.resolve(), expected=stat.S_IFDIR)
        except private_files.NotPrivate:
            found = self.path.stat()
            hubs_own = (self.path / "format.json").exists() or not any(self.path.iterdir())
            if found.st_uid != os.geteuid() or not hubs_own:
                raise
            self.path.chmod(0o700)

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
        private_files.write(file, orjson.dumps({"format": FORMAT}) + b"\n")
