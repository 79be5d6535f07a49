"""A world with a past: fan-out that runs, replays beside it, and an archive, all on the memory drivers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import orjson
from msgspec.structs import replace

from hub.core.errors import HubError, Refusal
from hub.core.event import Event
from hub.core.record import EVENTS, LogRecord
from hub.core.replay import Replay
from hub.core.settings import ReplaySettings
from hub.core.terms import kept_agreements
from hub.delivery.cursors import Cursors
from hub.delivery.failed import failed_in
from hub.delivery.journal import Journal, Reader
from hub.delivery.pace import Pace
from hub.delivery.replay import Replaying, ReplayPage
from hub.delivery.replay_start import Starting, Wanted
from hub.delivery.replays import Replays
from hub.drivers.memory.access_journal import MemoryAccessJournal
from hub.drivers.memory.blob_store import MemoryBlobStore
from hub.drivers.memory.dead_letters import MemoryDeadLetters
from hub.drivers.memory.key_ring import MemoryKeyRing
from hub.drivers.system.entropy import SystemEntropy
from hub.fanout.past import Past
from hub.operate.archivist import Archivist
from hub.operate.history import History
from hub.operate.segments import Segments
from hub.trust.merkle import leaf_hash
from hub.trust.replay_cursor import ReplayCursors
from hub.trust.seal import make_seal
from hub.trust.statement import statement_bytes
from schemas.headers import EventHeader, FeedHeader, unpack
from tests.faults.fanout_world import AGREEMENT, AUTHORITY, COMPANY, FEED, SEALER, SECRET, FanoutWorld, event_record
from tests.faults.virtual import START_US

DAY = 86_400
ENGINE = Reader("customs.engine", "key-1")
KEEPING = replace(AGREEMENT, archive_days=365)


async def here(call: Callable[..., Any], *given: Any) -> Any:
    """In virtual time nothing comes from other threads."""
    return call(*given)


class PastWorld(FanoutWorld):
    """One partition unless told otherwise; the log keeps thirty days."""

    def __init__(self, partitions: int = 1, **settings: Any) -> None:
        super().__init__(partitions)
        self.replay_settings = ReplaySettings(**settings)
        self.keys = MemoryKeyRing(now=START_US // 1_000_000)
        self.blobs = MemoryBlobStore(self.clock)
        self.accesses = MemoryAccessJournal()
        self.erased: set[str] = set()
        self.dead_letters = MemoryDeadLetters()

    def build(self) -> PastWorld:
        """One worker's own part; called again, another worker's."""
        clock, observer, entropy = self.clock, self.observer, SystemEntropy()
        self.segments = Segments(
            self.blobs, positions=self.positions, seal_keys=self.keys.seal_keys, observer=observer, beside=here
        )
        self.history = History(self.log, self.segments, self.index, partitions=self.events.partitions)
        self.archivist = self.archiving("one")
        journal = Journal(self.accesses, snapshot=lambda: self.snapshot, clock=clock)
        most = self.replay_settings.sessions_max
        self.replays = Replays(self.positions, clock=clock, entropy=entropy, sessions_max=most)
        self.cursors = Cursors(
            SECRET,
            clock=clock,
            entropy=entropy,
            generation=1,
            partitions=self.events.partitions,
            seconds=DAY,
        )
        self.starting = Starting(
            self.replays,
            history=self.history,
            log=self.log,
            cursors=self.cursors,
            failed=partial(failed_in, self.dead_letters),
            journal=journal,
            snapshot=lambda: self.snapshot,
            clock=clock,
            settings=self.replay_settings,
        )
        self.past = Past(
            index=self.index,
            snapshot=lambda: self.snapshot,
            agreements=kept_agreements(lambda: self.snapshot),
            secret=lambda use: SECRET,
            hub="hub",
            erased=self._is_erased,
            clock=clock,
            observer=observer,
        )
        self.replaying = Replaying(
            self.replays,
            history=self.history,
            past=self.past,
            journal=journal,
            cursors=ReplayCursors(SECRET, entropy.bytes),
            pace=Pace(self.replay_settings.bytes_per_second_max, clock),
            sealer=SEALER,
            snapshot=lambda: self.snapshot,
            clock=clock,
            observer=observer,
            settings=self.replay_settings,
        )
        return self

    def archiving(self, holder: str) -> Archivist:
        return Archivist(
            log=self.log,
            index=self.index,
            positions=self.positions,
            segments=self.segments,
            snapshot=lambda: self.snapshot,
            clock=self.clock,
            observer=self.observer,
            partitions=self.events.partitions,
            retention_seconds=30 * DAY,
            interval_seconds=3_600,
            holder=holder,
        )

    async def take(self, *event_ids: str, partition: int = 0, **facts: Any) -> None:
        """Accept events now under the newest revision, in one sealed batch, and let fan-out pass them on."""
        facts = {"revision": self.snapshot.revision, "received_us": self.clock.now_us()} | facts
        await self.put([event_record(each, **facts) for each in event_ids], partition)
        async with self.running():
            await self.elapse(1)

    async def put(self, records: Sequence[LogRecord], partition: int = 0) -> None:
        headers = [header for each in records if isinstance(header := unpack(each.header), EventHeader)]
        leaves = [leaf_hash(statement_bytes("hub", header)) for header in headers]
        seal = make_seal(
            leaves,
            hub="hub",
            time_us=self.clock.now_us(),
            key_id=self.keys.seal_key_id,
            sign=self.keys.sign_seal,
        )
        await self.truth.append(EVENTS, partition, [*records, seal.record(leaves)])

    async def started(self, recipient: str = "customs", feed: str = "risk", **wanted: Any) -> Replay:
        begun = await self.asked(recipient, feed, **wanted)
        assert isinstance(begun, Replay), begun
        return begun

    async def asked(self, recipient: str = "customs", feed: str = "risk", **wanted: Any) -> Replay | Refusal:
        given = wanted or {"from_us": 0}
        return await self.starting.start(recipient, feed, Wanted(**given), ENGINE)

    async def page(self, replay: Replay, cursor: str | None = None, *, limit: int = 100, wait: float = 0) -> ReplayPage:
        found = await self.refusal(replay, cursor, limit=limit, wait=wait)
        assert isinstance(found, ReplayPage), found
        return found

    async def refusal(
        self, replay: Replay, cursor: str | None = None, *, limit: int = 100, wait: float = 0
    ) -> ReplayPage | Refusal:
        return await self.replaying.page(replay.recipient, replay.id, cursor, reader=ENGINE, limit=limit, wait=wait)

    async def all(self, replay: Replay, *, limit: int = 100) -> list[str]:
        """The ids of everything that a session gives, in order."""
        return [orjson.loads(each)["id"] for each in await self.all_values(replay, limit=limit)]

    async def all_values(self, replay: Replay, *, limit: int = 100) -> list[bytes]:
        values: list[bytes] = []
        cursor: str | None = None
        while True:
            page = await self.page(replay, cursor, limit=limit)
            values += page.records
            cursor = page.cursor
            if page.complete:
                return values

    async def live(self, feed: str = "risk", partition: int = 0) -> list[bytes]:
        """What the feed holds, as it lies there, without its seals."""
        records = await self.records(f"hub.feed.{feed}", partition)
        return [record.value for record in records if isinstance(unpack(record.header), FeedHeader)]

    async def is_declared(self, stream: str) -> bool:
        try:
            await self.truth.bounds(stream, 0)
        except HubError:
            return False
        return True

    def _is_erased(self, event: Event) -> bool:
        return event.header.id in self.erased


async def past_world(
    partitions: int = 1, *, agreement: Any = AGREEMENT, feed: Any = FEED, **settings: Any
) -> PastWorld:
    world = PastWorld(partitions, **settings)
    await world.declare()
    world.register(COMPANY, AUTHORITY, agreement)
    world.register(feed)
    return world.build()


def ids(page: ReplayPage) -> list[str]:
    return [orjson.loads(each)["id"] for each in page.records]
