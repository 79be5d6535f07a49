"""Files for the hub's user alone: written whole or not at all, refused once others could have read or changed them."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hub.core.errors import HubError

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class NotPrivate(HubError):
    """A file or directory is not one to keep secrets in; the message says what to do."""


def read(file: Path) -> bytes:
    """Raises `NotPrivate`, or `OSError` if there is none."""
    check(file, expected=stat.S_IFREG)
    return file.read_bytes()


def check(path: Path, *, expected: int) -> None:
    """Refuse what others could have read or put there (a link counts as another kind)."""
    found = path.lstat()
    if stat.S_IFMT(found.st_mode) != expected:
        raise NotPrivate(f"{path} is not a plain {'directory' if expected == stat.S_IFDIR else 'file'}")
    if found.st_uid != os.geteuid():
        raise NotPrivate(f"{path} belongs to user {found.st_uid}, the hub runs as user {os.geteuid()}")
    if found.st_mode & _OTHERS:
        wanted = "700" if expected == stat.S_IFDIR else "600"
        raise NotPrivate(f"{path} is open to others (mode {found.st_mode & 0o777:o}); run: chmod {wanted} {path}")


def version(file: Path) -> tuple[int, int]:
    """Which file lies under this name: each replacement is another one. Raises `OSError`."""
    found = file.stat()
    return found.st_ino, found.st_mtime_ns


def write(file: Path, content: bytes) -> None:
    """Write a file whole or not at all, for the owner alone, and let it survive the loss of power."""
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    new.rename(file)
    sync(file.parent)


def sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the directory (flock(2)) against all other processes that ask to."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
