"""The store of segments: what was kept of each partition beyond the log's time, found by an index, read with its proof.

Theory of operation. A segment is put first, then the index that names it, each whole or not at all and under a name of
its own, then the name and digest of the index are kept under the lease of who writes: that is what counts, and what it
names, by digests, is bound to its place. Whoever woke up after its lease was taken changes nothing that counts. What a
crash left unnamed is not there, and goes when its place is written again. Letting go is the other way round: the blob
first, then its row, so that a row without a blob is gone as well.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from hashlib import sha256
from typing import Any

from hub.core.errors import BlobDamaged, BlobMissing, StorageUnavailable
from hub.core.record import Position, StoredRecord
from hub.ports.blob_store import BlobKey, BlobStore, read_blob
from hub.ports.key_ring import SealKey
from hub.ports.observer import Observer
from hub.ports.positions import Lease, Positions
from hub.trust.segment import (
    Counting,
    Index,
    Indexed,
    Segment,
    SegmentDamaged,
    read_counting,
    read_index,
    read_segment,
    write_counting,
    write_index,
    write_segment,
)

OWNER = "archive"
OPENED_KEPT_MAX = 4
"""Segments held in memory, for sessions that read them page by page."""
_FOR_EVER_US = 1 << 62


class Segments:
    def __init__(
        self,
        blobs: BlobStore,
        *,
        positions: Positions,
        seal_keys: Callable[[], Sequence[SealKey]],
        observer: Observer,
        beside: Callable[..., Awaitable[Any]] = asyncio.to_thread,
    ) -> None:
        """`beside`: does what takes a tenth of a second where others need not wait for it."""
        self._blobs = blobs
        self._positions = positions
        self._beside = beside
        self._seal_keys = seal_keys
        self._observer = observer
        self._indices: dict[int, Index] = {}
        self._opened: OrderedDict[tuple[str, bytes], Sequence[StoredRecord]] = OrderedDict()

    async def index(self, partition: int) -> Index:
        """Raises `StorageUnavailable`, also where what is there cannot be believed."""
        try:
            index = await self._read_index(partition)
        except (SegmentDamaged, BlobDamaged) as error:
            raise self._damaged(f"index-{partition}", error) from error
        self._indices[partition] = index
        return index

    async def find(self, place: Position) -> Indexed | None:
        """The first row that has anything from a place on, in its generation. Raises as `index` does.

        It is looked for in the index that was read last; one that does not hold the place is read anew.
        """
        entry = _behind(self._indices.get(place.partition, Index()), place)
        if entry is not None and entry.first <= place.offset:
            return entry
        return _behind(await self.index(place.partition), place)

    async def put_index(self, partition: int, index: Index, lease: Lease) -> None:
        """In place of the one that counts. Raises `LeaseLost`, and that one goes on to count, where the lease was."""
        last = await self._counting(partition)
        number = int(last.name.split("-")[2]) + 1 if last is not None else 0
        name = f"index-{partition}-{number:012}-{lease.epoch}"
        content = write_index(index)
        await self._blobs.put(BlobKey(OWNER, name), _whole(content))
        await self._positions.keep(lease, write_counting(Counting(name, sha256(content).digest())))
        await self._delete_others(f"index-{partition}-", name)

    async def put(
        self, segment: Segment, lease: Lease, *, oldest_us: int, newest_us: int, agreements: Sequence[str]
    ) -> Indexed:
        """Keep a segment; return the row that it is to have."""
        name = f"{segment.generation}-{segment.partition}-{segment.first}-{lease.epoch}"
        content: bytes = await self._beside(write_segment, segment)
        await self._blobs.put(BlobKey(OWNER, name), _whole(content))
        digest = sha256(content).digest()
        place = (segment.generation, segment.first, segment.end)
        return Indexed(name, *place, oldest_us, newest_us, digest, tuple(agreements))

    async def let_go_of_others(self, entry: Indexed) -> None:
        """What crashes left of the place that a row of the index that counts now stands for."""
        if entry.name:
            await self._delete_others(entry.name.rpartition("-")[0] + "-", entry.name)

    async def records(self, entry: Indexed) -> Sequence[StoredRecord]:
        """The events of a segment, each verified; none where nothing was wanted, or it has gone.

        Raises `StorageUnavailable`; with an alarm where it is not what was put: nothing of it is shown.
        """
        if not entry.name:
            return ()
        opened = self._opened.get((entry.name, entry.sha256))
        if opened is None:
            opened = await self._open(entry)
            self._opened[entry.name, entry.sha256] = opened
            if len(self._opened) > OPENED_KEPT_MAX:
                self._opened.popitem(last=False)
        return opened

    async def let_go(self, entry: Indexed) -> None:
        if entry.name:
            await self._blobs.delete(BlobKey(OWNER, entry.name))

    async def _counting(self, partition: int) -> Counting | None:
        """Of what counts; where that was lost with the state of the hub, of the newest that there is."""
        kept = await self._positions.kept(lease_of(partition))
        if kept is not None:
            return read_counting(kept)
        names = [key.name for key in await self._blobs.older(f"index-{partition}-", _FOR_EVER_US)]
        return Counting(max(names)) if names else None

    async def _read_index(self, partition: int) -> Index:
        """Raises `SegmentDamaged`, `BlobDamaged`."""
        counting = await self._counting(partition)
        while counting is not None:
            try:
                content = await read_blob(self._blobs, BlobKey(OWNER, counting.name))
            except BlobMissing as error:
                seen, counting = counting, await self._counting(partition)
                if counting == seen:
                    raise SegmentDamaged("the index that counts is not there") from error
                continue  # Another one was put in its place meanwhile.
            if counting.sha256 and sha256(content).digest() != counting.sha256:
                raise SegmentDamaged("it is not the index that counts")
            return read_index(content)
        return Index()

    async def _delete_others(self, prefix: str, name: str) -> None:
        for key in await self._blobs.older(prefix, _FOR_EVER_US):
            if key.name != name:
                await self._blobs.delete(key)

    async def _open(self, entry: Indexed) -> Sequence[StoredRecord]:
        try:
            content = await read_blob(self._blobs, BlobKey(OWNER, entry.name))
            records: Sequence[StoredRecord] = await self._beside(read_segment, content, entry, self._seal_key_at)
            return records
        except BlobMissing:
            return ()
        except (SegmentDamaged, BlobDamaged) as error:
            raise self._damaged(entry.name, error) from error

    def _seal_key_at(self, key_id: str, moment: int) -> bytes | None:
        """What somebody else may have signed is believed no more."""
        for key in self._seal_keys():
            if key.id == key_id and (key.compromised_since is None or moment < key.compromised_since):
                return key.public
        return None

    def _damaged(self, name: str, error: Exception) -> StorageUnavailable:
        self._observer.count("alarms", alarm="segment_damaged")
        self._observer.event("alarm.segment_damaged", segment=name, error=str(error))
        return StorageUnavailable(f"the segment {name} cannot be believed: {error}")


def _behind(index: Index, place: Position) -> Indexed | None:
    rows = (each for each in index.entries if each.generation == place.generation and each.end > place.offset)
    return min(rows, key=lambda each: each.first, default=None)


def lease_of(partition: int) -> str:
    """Whose holder writes segments of the partition, and its index."""
    return f"archive/{partition}"


async def _whole(content: bytes) -> AsyncIterator[bytes]:
    yield content
