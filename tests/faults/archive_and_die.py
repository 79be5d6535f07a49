"""Archives what is in a data directory, and ends itself on the way: `python -m tests.faults.archive_and_die DIR POINT`.

POINT is `before-index` (the segment is there, the index is not) or `after-index`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec.structs import replace

from hub.core.record import EVENTS, Position, Stream
from hub.core.registry import Snapshot, Version
from hub.drivers.files.blob_store import FileBlobStore
from hub.drivers.sqlite.event_log import SQLiteEventLog
from hub.drivers.sqlite.state import SQLiteState
from hub.drivers.system.key_ring import FileKeyRing
from hub.operate.archivist import Archivist
from hub.operate.history import History
from hub.operate.segments import Segments
from hub.ports.first_occurrence import Occurrence
from hub.ports.positions import Lease
from hub.trust.merkle import leaf_hash
from hub.trust.seal import make_seal
from hub.trust.segment import Index
from hub.trust.statement import statement_bytes
from schemas.headers import EventHeader, unpack
from schemas.identity import identity_key
from tests.clock import ManualClock
from tests.faults.fanout_world import AGREEMENT, event_record
from tests.faults.virtual import ListObserver

DAY = 86_400
KEEPING = replace(AGREEMENT, id="keeping", archive_days=365)


class Keeping:
    """What is kept in a directory, `days` after the events came."""

    def __init__(self, directory: Path, log: SQLiteEventLog, state: SQLiteState, clock: ManualClock) -> None:
        self.log, self.state, self.clock = log, state, clock
        self.keys = FileKeyRing(directory / "keys", now=0)
        blobs = FileBlobStore.open_at(directory / "archive", clock)
        self.segments = Segments(
            blobs, positions=state.positions, seal_keys=self.keys.seal_keys, observer=ListObserver()
        )
        self.history = History(log, self.segments, state.occurrences, partitions=1)
        snapshot = Snapshot()
        snapshot.apply([Version(1, KEEPING, "test", "", 0)])
        self.archivist = Archivist(
            log=log,
            index=state.occurrences,
            positions=state.positions,
            segments=self.segments,
            snapshot=lambda: snapshot,
            clock=clock,
            observer=ListObserver(),
            partitions=1,
            retention_seconds=30 * DAY,
            interval_seconds=3_600,
            holder="one",
        )

    async def take(self, *event_ids: str) -> None:
        """Accept and judge events, each in a batch of its own."""
        await self.log.declare(Stream(EVENTS, 1))
        lease = await self.state.positions.acquire("judge/0", "test", 60)
        assert lease is not None
        for event_id in event_ids:
            record = event_record(event_id, received_us=self.clock.now_us())
            header = unpack(record.header)
            assert isinstance(header, EventHeader)
            leaves = [leaf_hash(statement_bytes("hub", header))]
            seal = make_seal(
                leaves,
                hub="hub",
                time_us=self.clock.now_us(),
                key_id=self.keys.seal_key_id,
                sign=self.keys.sign_seal,
            )
            offset = await self.log.append(EVENTS, 0, [record, seal.record(leaves)])
            assert isinstance(offset, int)
            identity = identity_key(header.publisher, header.source, header.id, header.version)
            occurrence = Occurrence(identity, header.canonical_digest, Position(1, 0, offset), self.clock.now_us())
            await self.state.occurrences.judge(lease, [occurrence])
            await self.state.occurrences.set_mark(lease, Position(1, 0, offset + 2))

    async def read(self) -> list[str]:
        """The ids of all that is kept anywhere."""
        found: list[str] = []
        [track] = await self.history.between(0, 1 << 62)
        offset = track.first
        while offset < track.end:
            place = Position(track.generation, 0, offset)
            stretch = await self.history.read(place, track.end, records_max=10, bytes_max=1 << 20)
            headers = [unpack(record.header) for record in stretch.records]
            found += [header.id for header in headers if isinstance(header, EventHeader)]
            offset = stretch.next
        return found


@asynccontextmanager
async def keeping(directory: Path, *, days: int) -> AsyncIterator[Keeping]:
    clock = ManualClock()
    clock.advance(days * DAY)
    async with (
        SQLiteEventLog(directory / "log.db", clock, append_bytes_max=1 << 20) as log,
        SQLiteState(directory / "state.db", clock, slice_seconds=16 * DAY) as state,
    ):
        yield Keeping(directory, log, state, clock)


async def main(directory: Path, point: str) -> None:
    async with keeping(directory, days=10) as kept:
        put_index = kept.segments.put_index

        async def deadly(partition: int, index: Index, lease: Lease) -> None:
            if point == "after-index":
                await put_index(partition, index, lease)
            os.kill(os.getpid(), signal.SIGKILL)

        kept.segments.put_index = deadly  # type: ignore[method-assign]
        await kept.archivist.archive()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
