"""The vault: a blob store in front of another, which is never given anything that could be read.

Digests and sizes are those of what was put; the store behind knows only those of what it holds.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256

from hub.ports.blob_store import BlobKey, BlobStore, Stored
from hub.ports.key_ring import KeyRing
from hub.ports.system import Entropy
from hub.trust.at_rest import CHANCE_BYTES, Opener, Sealer


class Vault:
    """Keeps the `BlobStore` port over any of its drivers."""

    def __init__(self, blobs: BlobStore, *, keys: KeyRing, entropy: Entropy) -> None:
        self._blobs = blobs
        self._keys = keys
        self._entropy = entropy

    async def put(self, key: BlobKey, chunks: AsyncIterable[bytes]) -> Stored:
        number = self._keys.wrapping_key_number
        wrapping_key = self._keys.wrapping_key(number)
        chance = self._entropy.bytes(CHANCE_BYTES)
        sealer = Sealer(key.partner, number=number, wrapping_key=wrapping_key, chance=chance)
        digest, size = sha256(), 0

        async def sealed() -> AsyncIterator[bytes]:
            nonlocal size
            async for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                if out := sealer.add(chunk):
                    yield out
            yield sealer.end()

        stored = await self._blobs.put(key, sealed())
        return Stored(digest.digest(), size, stored.new)

    async def copy(self, source: BlobKey, target: BlobKey) -> bool:
        """Under a key of its own: what is erased here is not erased there."""
        async with self.open(source) as chunks:
            return (await self.put(target, chunks)).new

    async def move(self, source: BlobKey, target: BlobKey) -> None:
        await self._blobs.move(source, target)

    @asynccontextmanager
    async def open(self, key: BlobKey) -> AsyncIterator[AsyncIterator[bytes]]:
        async with self._blobs.open(key) as sealed:
            yield _opened(Opener(key.partner, self._keys.wrapping_key), sealed)

    async def delete(self, key: BlobKey) -> None:
        await self._blobs.delete(key)

    async def older(self, prefix: str, before_us: int) -> Sequence[BlobKey]:
        return await self._blobs.older(prefix, before_us)

    async def purge(self, before_us: int) -> int:
        return await self._blobs.purge(before_us)


async def _opened(opener: Opener, sealed: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for chunk in sealed:
        if plain := opener.add(chunk):
            yield plain
    yield opener.end()
