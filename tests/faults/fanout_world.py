"""A small world around fan-out: a registry, a log written as intake writes it, and processes that run and die."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from hub.core.agreement import Agreement, Provider, Purpose
from hub.core.feed import Feed
from hub.core.partner import Partner, Role, Tier
from hub.core.record import EVENTS, NOTICES, QUARANTINE, LogRecord, StoredRecord, Stream, partition_of
from hub.core.registry import Registered, Snapshot, Version
from hub.core.settings import FanoutSettings
from hub.drivers.memory.event_log import MemoryEventLog
from hub.drivers.memory.first_occurrence import MemoryFirstOccurrence
from hub.drivers.memory.positions import MemoryPositions
from hub.fanout.router import Fanout
from hub.ports.event_log import EventLog
from hub.ports.first_occurrence import FirstOccurrence
from hub.ports.key_ring import SealKey
from hub.ports.positions import Positions
from hub.trust.feed_seal import FeedSealer
from hub.trust.merkle import leaf_hash
from hub.trust.seal import make_seal
from hub.trust.statement import statement_bytes
from schemas.headers import EventHeader, FeedHeader, FeedSealHeader, NoticeHeader, pack, unpack
from tests.faults.virtual import ListObserver, VirtualClock

TYPE = "customs.container.gate_in"
SECRET = bytes(32)
RECEIVED_US = 1_795_338_000_000_000
_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
SEAL_KEY = SealKey("key", _KEY.public_key().public_bytes_raw(), 0)
SEALER = FeedSealer("hub", key_id=lambda: SEAL_KEY.id, sign=_KEY.sign, now_us=lambda: RECEIVED_US)

COMPANY = Partner(id="acme", name="Acme", country="NL", roles=(Role.EXPORTER,), tier=Tier.AEO)
AUTHORITY = Partner(id="customs", name="Customs", country="NL", roles=(Role.AUTHORITY,), tier=Tier.TRUSTED)
AGREEMENT = Agreement(
    id="all-to-customs",
    provider=Provider(),
    types=("*",),
    recipient="customs",
    purpose=Purpose.SECURITY_RISK,
    fields=("*",),
    valid_from=0,
)
FEED = Feed(name="risk", recipient="customs", purpose=Purpose.SECURITY_RISK)


def event_record(
    event_id: str = "e1",
    *,
    source: str = "urn:tos",
    publisher: str = "acme",
    event_type: str = TYPE,
    content: str = "x",
    revision: int = 1,
    received_us: int = RECEIVED_US,
    value: bytes | None = None,
) -> LogRecord:
    """A record of `hub.events` as intake writes it; `content` is what the event means."""
    event = {
        "specversion": "1.0",
        "id": event_id,
        "source": source,
        "type": event_type,
        "time": "2026-11-22T09:00:00Z",
        "dataschema": f"urn:customs-hub:schema:{event_type}:1.0",
        "data": {"occurred_at": "2026-11-22T09:00:00Z", "time_kind": "ACTUAL", "content": content},
    }
    raw = orjson.dumps(event) if value is None else value
    header = EventHeader(
        publisher=publisher,
        submitted_by=f"{publisher}.tos",
        source=source,
        id=event_id,
        version=None,
        type=event_type,
        dataschema=f"urn:customs-hub:schema:{event_type}:1.0",
        received_us=received_us,
        raw_digest=sha256(raw).digest(),
        canonical_digest=sha256(content.encode()).digest(),
        salt=bytes(16),
        revision=revision,
        facts=("aeo", "NL", ("exporter",), None),
        format="ce-json/1",
        key="iso6346:MSCU1234566",
    )
    return LogRecord(source.encode(), pack(header), raw)


def sealed(records: Sequence[LogRecord]) -> list[LogRecord]:
    """A batch with its seal as the last record."""
    headers = [header for record in records if isinstance(header := unpack(record.header), EventHeader)]
    leaves = [leaf_hash(statement_bytes("hub", header)) for header in headers]
    seal = make_seal(leaves, hub="hub", time_us=RECEIVED_US, key_id="key", sign=lambda message: b"s" * 64)
    return [*records, seal.record(leaves)]


def by_reader_rule(records: Iterable[StoredRecord]) -> list[StoredRecord]:
    """What a reader keeps of one partition: whatever is above its mark."""
    mark, kept = (0, -1), []
    for record in records:
        stamp = unpack(record.header)
        if isinstance(stamp, FeedSealHeader):
            continue
        assert isinstance(stamp, FeedHeader | NoticeHeader)
        if (stamp.generation, stamp.offset) > mark:
            mark = stamp.generation, stamp.offset
            kept.append(record)
    return kept


class FanoutWorld:
    """`log`, `index` and `positions` are what processes use: tests put faulty ports in their place."""

    def __init__(self, partitions: int = 1, *, batch_records_max: int = 2_000) -> None:
        self.clock = VirtualClock()
        self.observer = ListObserver()
        self.truth = MemoryEventLog(self.clock)
        self.leases = MemoryPositions(self.clock)
        self.memory = MemoryFirstOccurrence(self.leases, slice_seconds=16 * 86_400)
        self.log: EventLog = self.truth
        self.positions: Positions = self.leases
        self.index: FirstOccurrence = self.memory
        self.events = Stream(EVENTS, partitions, 30 * 86_400)
        self.settings = FanoutSettings(batch_records_max=batch_records_max)
        self.snapshot = Snapshot()
        self.confirmed = True

    async def declare(self) -> FanoutWorld:
        for name in (EVENTS, NOTICES, QUARANTINE):
            await self.truth.declare(replace(self.events, name=name))
        return self

    def register(self, *items: Registered) -> int:
        revision = self.snapshot.revision + 1
        self.snapshot.apply([Version(revision, item, "test", "", self.clock.now_us()) for item in items])
        return revision

    async def publish(self, *records: LogRecord, partition: int | None = None) -> None:
        header = unpack(records[0].header)
        if partition is None:
            assert isinstance(header, EventHeader)
            partition = partition_of(header.publisher, header.source, self.events.partitions)
        await self.truth.append(EVENTS, partition, sealed(records))

    def process(self, holder: str = "one", snapshot: Snapshot | None = None) -> Fanout:
        return Fanout(
            log=self.log,
            index=self.index,
            positions=self.positions,
            snapshot=lambda: snapshot or self.snapshot,
            confirmed=lambda: self.confirmed,
            secret=lambda use: SECRET,
            sealer=SEALER,
            clock=self.clock,
            observer=self.observer,
            settings=self.settings,
            events=self.events,
            feed_retention_seconds=30 * 86_400,
            holder=holder,
        )

    @asynccontextmanager
    async def running(self, *processes: Fanout) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(process.run()) for process in processes or (self.process(),)]
            yield
            for task in tasks:
                task.cancel()

    async def elapse(self, seconds: float) -> None:
        await self.clock.sleep(seconds)

    async def records(self, stream: str, partition: int = 0) -> list[StoredRecord]:
        async with self.truth.reader(stream) as reader:
            return list(await reader.read(partition, 0, records_max=1_000_000, bytes_max=1 << 40))

    async def shown(self, feed: str = "risk", partition: int = 0) -> list[str]:
        """The ids that a reader of the feed sees, in order."""
        return [
            orjson.loads(record.value)["id"]
            for record in by_reader_rule(await self.records(f"hub.feed.{feed}", partition))
        ]
