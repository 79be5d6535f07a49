"""Where copies of documents lie: each with its entry, put there before its event is accepted, and named after.

Theory of operation (`schemas/formats/document.md`). A copy is received under a number, for its digest is known at its
end only. Then the pending entry is written, the copy takes its name, its event is accepted, and the entry takes its
own: in this order, so that whatever the log says is there is there. A copy that is set apart has a mark besides, by
which an operator finds it until it is settled. A crash leaves a number, which goes with its age, or a pending entry,
which the next upload of the same bytes goes on with; else the sweep asks what became of its event.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

import msgspec

from hub.core.copies import Entry, Quarantined, Upload
from hub.core.errors import BlobMissing, HubError
from hub.ports.blob_store import BlobKey, BlobStore, read_blob
from hub.ports.system import Clock, Entropy

UPLOAD, PENDING, COPY, ENTRY, MARK = "upload-", "pending-", "document-", "entry-", "quarantined-"
EVER_US = 1 << 62
"""Later than anything was put, in microseconds since 1970."""
LEFT_SECONDS = 3_600
"""What is older than this and has not come to its end was left by a process that has."""

_decode = msgspec.json.Decoder(Entry).decode

IsKnown = Callable[[str, str], Awaitable[bool]]
"""Whether an event of the partner names the SHA-256 (hex)."""


class Copies:
    def __init__(self, blobs: BlobStore, *, clock: Clock, entropy: Entropy) -> None:
        self._blobs = blobs
        self._clock = clock
        self._entropy = entropy

    @asynccontextmanager
    async def receiving(self, partner: str, chunks: AsyncIterable[bytes]) -> AsyncIterator[Upload]:
        """A copy as it comes; after the block it is gone, unless it was kept.

        Raises StorageFull and StorageUnavailable, and whatever `chunks` raises.
        """
        key = BlobKey(partner, UPLOAD + self._entropy.bytes(16).hex())
        try:
            stored = await self._blobs.put(key, chunks)
            yield Upload(key.name, stored.digest, stored.bytes)
        finally:
            with suppress(HubError):  # Then it goes with its age.
                await asyncio.shield(self._blobs.delete(key))

    def reading(self, partner: str, name: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """An upload, in chunks."""
        return self._blobs.open(BlobKey(partner, name))

    def opening(self, partner: str, sha256: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """A copy, in chunks. Entry raises `BlobMissing`."""
        return self._blobs.open(BlobKey(partner, COPY + sha256))

    async def entry(self, partner: str, sha256: str) -> Entry | None:
        """What lies beside the copy, once its event was accepted."""
        return await self._entry(BlobKey(partner, ENTRY + sha256))

    async def entries(self, partner: str, sha256: str) -> list[Entry]:
        """The same, behind one whose event may have been accepted."""
        found = [await self._entry(BlobKey(partner, prefix + sha256)) for prefix in (PENDING, ENTRY)]
        return [each for each in found if each is not None]

    async def quarantined(self) -> list[Quarantined]:
        """Copies with a mark whose events were accepted, in no order; a thousand of them, if there are more."""
        found = []
        for key in await self._blobs.older(MARK, EVER_US):
            sha256 = key.name.removeprefix(MARK)
            entry = await self.entry(key.partner, sha256)
            if entry is not None and entry.quarantined:
                found.append(Quarantined(key.partner, sha256, entry))
        return found

    async def unmark(self, partner: str, sha256: str) -> None:
        """The copy is settled: the mark has done its work."""
        await self._blobs.delete(BlobKey(partner, MARK + sha256))

    async def keep(self, partner: str, upload: Upload, entry: Entry, *, marked: bool = False) -> None:
        """Entry, mark and copy, before the event. All survive before this returns."""
        sha256 = upload.sha256
        await self._blobs.put(BlobKey(partner, PENDING + sha256), _in_one(msgspec.json.encode(entry)))
        if marked:
            await self._blobs.put(BlobKey(partner, MARK + sha256), _in_one(b""))
        await self._blobs.move(BlobKey(partner, upload.name), BlobKey(partner, COPY + sha256))

    async def settle(self, partner: str, sha256: str) -> None:
        """The event of the pending entry is in the log."""
        await self._blobs.move(BlobKey(partner, PENDING + sha256), BlobKey(partner, ENTRY + sha256))

    async def drop(self, partner: str, sha256: str) -> None:
        """The event of the pending entry is certainly not in the log; an earlier one's copy stays."""
        if await self.entry(partner, sha256) is None:
            await self._blobs.delete(BlobKey(partner, COPY + sha256))
            await self.unmark(partner, sha256)
        await self._blobs.delete(BlobKey(partner, PENDING + sha256))

    async def sweep(self, is_known: IsKnown) -> None:
        """Bring to an end what ended processes left. `is_known` must know all that was accepted until an hour ago."""
        before_us = self._clock.now_us() - LEFT_SECONDS * 1_000_000
        for key in await self._blobs.older(UPLOAD, before_us):
            await self._blobs.delete(key)
        for key in await self._blobs.older(PENDING, before_us):
            sha256 = key.name.removeprefix(PENDING)
            end = self.settle if await is_known(key.partner, sha256) else self.drop
            await end(key.partner, sha256)

    async def _entry(self, key: BlobKey) -> Entry | None:
        try:
            return _decode(await read_blob(self._blobs, key))
        except BlobMissing:
            return None


async def _in_one(content: bytes) -> AsyncIterator[bytes]:
    yield content
