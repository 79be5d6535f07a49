"""Blobs as files: `<root>/<partner>/<name>`.

Theory of operation. A blob is written under a name of its own in `<root>/.unfinished`, fsynced, renamed to its place
(rename(2) replaces whole or not at all), and then its directory is fsynced: a name is only ever seen on a whole file.
What a crash left in `.unfinished` has no name and goes at the next opening. A file's modification time is when it was
put, set before its fsync; purging asks nothing else. Calls of the file system run on threads, one at a time for a blob.
"""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from hashlib import sha256
from itertools import count, islice
from pathlib import Path
from typing import BinaryIO, Self, TypeVar

from hub.core.errors import BlobMissing, StorageFull, StorageUnavailable
from hub.ports.blob_store import OLDER_MAX, BlobKey, Stored, check_move
from hub.ports.system import Clock

T = TypeVar("T")

CHUNK_BYTES = 262_144
_UNFINISHED = ".unfinished"
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class FileBlobStore:
    """A `BlobStore` in a directory of its own; one process may have it open."""

    def __init__(self, root: Path, clock: Clock) -> None:
        self._root = root
        self._unfinished = root / _UNFINISHED
        self._clock = clock
        self._number = count(1)

    @classmethod
    def open_at(cls, root: Path, clock: Clock) -> Self:
        """Make the directory if it is not there, and drop what a crash left over. Raises StorageUnavailable."""
        store = cls(root, clock)
        with _port_errors():
            shutil.rmtree(store._unfinished, ignore_errors=True)
            store._unfinished.mkdir(mode=0o700, parents=True, exist_ok=True)
            _sync(root.parent)
        return store

    async def put(self, key: BlobKey, chunks: AsyncIterable[bytes]) -> Stored:
        draft = _Draft(self._unfinished / str(next(self._number)))
        await _on_a_thread(draft.begin)
        try:
            async for chunk in chunks:
                await _on_a_thread(draft.write, chunk)
            return await _on_a_thread(self._finish, draft, key)
        finally:
            await asyncio.shield(_on_a_thread(draft.drop))

    async def copy(self, source: BlobKey, target: BlobKey) -> bool:
        async with self.open(source) as chunks:
            return (await self.put(target, chunks)).new

    async def move(self, source: BlobKey, target: BlobKey) -> None:
        check_move(source, target)
        await _on_a_thread(self._move, source, target)

    @asynccontextmanager
    async def open(self, key: BlobKey) -> AsyncIterator[AsyncIterator[bytes]]:
        file = await _on_a_thread(self._open, key)
        try:
            yield _chunks(file)
        finally:
            await asyncio.shield(_on_a_thread(file.close))

    async def delete(self, key: BlobKey) -> None:
        await _on_a_thread(self._delete, self._path(key))

    async def older(self, prefix: str, before_us: int) -> Sequence[BlobKey]:
        return await _on_a_thread(self._older_than, prefix, before_us)

    async def purge(self, before_us: int) -> int:
        return await _on_a_thread(self._purge, before_us)

    # On a thread.

    def _finish(self, draft: _Draft, key: BlobKey) -> Stored:
        path = self._path(key)
        draft.seal(self._clock.now_us() * 1_000)
        if not path.parent.exists():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            _sync(self._root)
        new = not path.exists()
        draft.path.rename(path)
        _sync(path.parent)
        return Stored(draft.digest.digest(), draft.bytes, new)

    def _open(self, key: BlobKey) -> BinaryIO:
        try:
            return self._path(key).open("rb")
        except FileNotFoundError as error:
            raise BlobMissing(f"there is no blob {key.name} of {key.partner}") from error

    def _delete(self, path: Path) -> None:
        if path.exists():
            path.unlink(missing_ok=True)
            _sync(path.parent)

    def _move(self, source: BlobKey, target: BlobKey) -> None:
        path = self._path(target)
        try:
            self._path(source).rename(path)
        except FileNotFoundError as error:
            raise BlobMissing(f"there is no blob {source.name} of {source.partner}") from error
        _sync(path.parent)

    def _older_than(self, prefix: str, before_us: int) -> Sequence[BlobKey]:
        found = (path for path in self._paths(before_us) if path.name.startswith(prefix))
        return [BlobKey(path.parent.name, path.name) for path in islice(found, OLDER_MAX)]

    def _purge(self, before_us: int) -> int:
        gone = 0
        for path in self._paths(before_us):
            path.unlink(missing_ok=True)
            gone += 1
        return gone

    def _paths(self, before_us: int) -> Iterator[Path]:
        """Of the blobs that were put before then."""
        for directory in self._root.iterdir():
            if directory.name == _UNFINISHED:
                continue
            for path in directory.iterdir():
                with suppress(FileNotFoundError):  # It was moved or deleted meanwhile.
                    if path.stat().st_mtime_ns < before_us * 1_000:
                        yield path

    def _path(self, key: BlobKey) -> Path:
        return self._root / key.partner / key.name


class _Draft:
    """A blob that is being written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.digest = sha256()
        self.bytes = 0
        self._file: BinaryIO | None = None

    def begin(self) -> None:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._file = os.fdopen(descriptor, "wb", buffering=0)

    def write(self, chunk: bytes) -> None:
        assert self._file is not None
        self.digest.update(chunk)
        self.bytes += len(chunk)
        rest = memoryview(chunk)
        while rest:  # A raw file may take less than it is given: on a disk that is nearly full, for one.
            rest = rest[self._file.write(rest) :]

    def seal(self, time_ns: int) -> None:
        assert self._file is not None
        os.utime(self._file.fileno(), ns=(time_ns, time_ns))
        os.fsync(self._file.fileno())

    def drop(self) -> None:
        """Close it, and let go of what did not come to its place."""
        if self._file is not None:
            self._file.close()
        self.path.unlink(missing_ok=True)


async def _chunks(file: BinaryIO) -> AsyncIterator[bytes]:
    while chunk := await _on_a_thread(file.read, CHUNK_BYTES):
        yield chunk


async def _on_a_thread(call: Callable[..., T], *given: object) -> T:
    def run() -> T:
        with _port_errors():
            return call(*given)

    return await asyncio.to_thread(run)


@contextmanager
def _port_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        what = f"the file system answered: {error.strerror}"
        raise (StorageFull(what) if error.errno in _NO_ROOM else StorageUnavailable(what)) from error


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
