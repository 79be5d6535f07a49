"""Blobs in memory: what the port says, in the plainest code."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256

from hub.core.errors import BlobMissing
from hub.ports.blob_store import OLDER_MAX, BlobKey, Stored, check_move
from hub.ports.system import Clock


class MemoryBlobStore:
    """A `BlobStore` that ends with its process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._blobs: dict[BlobKey, tuple[int, bytes]] = {}

    async def put(self, key: BlobKey, chunks: AsyncIterable[bytes]) -> Stored:
        content = b"".join([chunk async for chunk in chunks])
        return Stored(sha256(content).digest(), len(content), self._keep(key, content))

    async def copy(self, source: BlobKey, target: BlobKey) -> bool:
        return self._keep(target, self._content(source))

    async def move(self, source: BlobKey, target: BlobKey) -> None:
        check_move(source, target)
        self._content(source)
        self._blobs[target] = self._blobs.pop(source)

    @asynccontextmanager
    async def open(self, key: BlobKey) -> AsyncIterator[AsyncIterator[bytes]]:
        content = self._content(key)

        async def chunks() -> AsyncIterator[bytes]:
            yield content

        yield chunks()

    async def delete(self, key: BlobKey) -> None:
        self._blobs.pop(key, None)

    async def older(self, prefix: str, before_us: int) -> Sequence[BlobKey]:
        return [key for key in self._older_than(before_us) if key.name.startswith(prefix)][:OLDER_MAX]

    async def purge(self, before_us: int) -> int:
        over = self._older_than(before_us)
        for key in over:
            del self._blobs[key]
        return len(over)

    def _older_than(self, before_us: int) -> list[BlobKey]:
        return [key for key, (stored_us, _) in self._blobs.items() if stored_us < before_us]

    def _keep(self, key: BlobKey, content: bytes) -> bool:
        new = key not in self._blobs
        self._blobs[key] = self._clock.now_us(), content
        return new

    def _content(self, key: BlobKey) -> bytes:
        if key not in self._blobs:
            raise BlobMissing(f"there is no blob {key.name} of {key.partner}")
        return self._blobs[key][1]
