"""The grounds: which driver keeps which port, by the settings. Drivers are named here and in `state.py` alone."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from hub.assembly.state import open_state
from hub.core.settings import Settings
from hub.core.worker import ALONE, Worker
from hub.drivers.clamd.scanner import ClamdScanner
from hub.drivers.files.blob_store import FileBlobStore
from hub.drivers.files.spending import FileSpending
from hub.drivers.files.turns import FileTurns
from hub.drivers.files.uptime import FileUptime
from hub.drivers.kafka.event_log import KafkaEventLog
from hub.drivers.kafka.feed_access import KafkaFeedAccess
from hub.drivers.memory.access_journal import MemoryAccessJournal
from hub.drivers.memory.blob_store import MemoryBlobStore
from hub.drivers.memory.dead_letters import MemoryDeadLetters
from hub.drivers.memory.dispatches import MemoryDispatches
from hub.drivers.memory.document_judge import MemoryDocumentJudge
from hub.drivers.memory.event_log import MemoryEventLog
from hub.drivers.memory.feed_access import MemoryFeedAccess
from hub.drivers.memory.first_occurrence import MemoryFirstOccurrence
from hub.drivers.memory.jobs import MemoryJobs
from hub.drivers.memory.key_ring import MemoryKeyRing
from hub.drivers.memory.last_use import MemoryLastUse
from hub.drivers.memory.positions import MemoryPositions
from hub.drivers.memory.registry import MemoryRegistry
from hub.drivers.memory.replay_guard import MemoryReplayGuard
from hub.drivers.memory.spending import MemorySpending, MemoryUptime
from hub.drivers.memory.turns import MemoryTurns
from hub.drivers.memory.views import MemoryViews
from hub.drivers.s3.blob_store import S3BlobStore
from hub.drivers.sqlite.event_log import SQLiteEventLog
from hub.drivers.system.directory import DataDirectory, LogIdentity
from hub.drivers.system.jail.judge import JailedDocumentJudge
from hub.drivers.system.key_ring import FileKeyRing
from hub.ports.access_journal import AccessJournal
from hub.ports.blob_store import BlobStore
from hub.ports.dead_letters import DeadLetters
from hub.ports.dispatches import Dispatches
from hub.ports.document_judge import DocumentJudge, VirusScanner
from hub.ports.event_log import EventLog
from hub.ports.feed_access import FeedAccess
from hub.ports.first_occurrence import FirstOccurrence
from hub.ports.jobs import Jobs
from hub.ports.key_ring import KeyRing
from hub.ports.last_use import LastUse
from hub.ports.positions import Positions
from hub.ports.registry import Registry
from hub.ports.replay_guard import ReplayGuard
from hub.ports.spending import Spending
from hub.ports.system import Clock
from hub.ports.turns import Turns
from hub.ports.uptime import Uptime
from hub.ports.views import Views


class Ports(Struct, frozen=True):
    """Every port that the stages need, kept by one ground."""

    log: EventLog
    index: FirstOccurrence
    positions: Positions
    registry: Registry
    replay: ReplayGuard
    keys: KeyRing
    blobs: BlobStore
    segments: BlobStore
    """What is archived: nothing of it goes by its age alone."""
    jobs: Jobs
    last_use: LastUse
    dispatches: Dispatches
    views: Views
    accesses: AccessJournal
    dead_letters: DeadLetters
    judge: DocumentJudge
    spending: Spending
    uptime: Uptime
    turns: Turns
    feed_access: FeedAccess | None
    """None: the hub's log is none that recipients could read."""
    scanner: VirusScanner | None
    """None: no scanner is set, and documents are not scanned."""


APPEND_BYTES_MAX = 8_388_608
"""What one append takes on embedded storage; Kafka's own bound is `kafka.batch_bytes_max`."""


async def open_ports(settings: Settings, clock: Clock, stack: AsyncExitStack, worker: Worker = ALONE) -> Ports:
    """Every store of the ground that the settings name, open until the stack ends.

    Whoever started a worker holds the directory's lock for it.
    Raises `HubError` where a store cannot be opened, or the data directory belongs to another log.
    """
    log = settings.log
    if log.ground == "memory":
        positions = MemoryPositions(clock)
        return Ports(
            log=MemoryEventLog(clock),
            index=MemoryFirstOccurrence(positions, slice_seconds=log.index_slice_seconds),
            positions=positions,
            registry=MemoryRegistry(),
            replay=MemoryReplayGuard(),
            keys=MemoryKeyRing(now=clock.now_us() // 1_000_000),
            blobs=MemoryBlobStore(clock),
            segments=MemoryBlobStore(clock),
            jobs=MemoryJobs(),
            last_use=MemoryLastUse(),
            dispatches=MemoryDispatches(),
            views=MemoryViews(),
            accesses=MemoryAccessJournal(),
            dead_letters=MemoryDeadLetters(),
            judge=MemoryDocumentJudge(),
            spending=MemorySpending(),
            uptime=MemoryUptime(),
            turns=MemoryTurns(clock),
            feed_access=MemoryFeedAccess(),
            scanner=_scanner(settings, clock),
        )
    directory = Path(log.directory)
    home = DataDirectory(directory)
    if worker.is_alone:
        stack.enter_context(home)
    topic_prefix = settings.kafka.topic_prefix if log.ground == "kafka" else ""
    identity = LogIdentity(log.ground, topic_prefix, events_partitions(settings))
    home.belong_to(identity)
    event_log: SQLiteEventLog | KafkaEventLog = await stack.enter_async_context(_event_log(settings, clock))
    if isinstance(event_log, SQLiteEventLog):
        identity = replace(identity, id=event_log.id)
        home.belong_to(identity)
    state = await open_state(settings, clock, stack, log=identity)
    return Ports(
        log=event_log,
        index=state.index,
        positions=state.positions,
        registry=state.registry,
        replay=state.replay,
        keys=open_keys(directory, now=clock.now_us() // 1_000_000),
        blobs=blobs_at(settings, directory, clock),
        segments=segments_at(settings, directory, clock),
        jobs=state.jobs,
        last_use=state.last_use,
        dispatches=state.dispatches,
        views=state.views,
        accesses=state.accesses,
        dead_letters=state.dead_letters,
        judge=await stack.enter_async_context(_judge(settings, worker)),
        spending=_spending(directory, worker),
        uptime=FileUptime(directory),
        turns=MemoryTurns(clock) if worker.is_alone else FileTurns(directory, clock),
        feed_access=stack.enter_context(kafka_feed_access(settings, clock)) if reads_kafka(settings) else None,
        scanner=_scanner(settings, clock),
    )


def blobs_at(settings: Settings, directory: Path, clock: Clock) -> BlobStore:
    if settings.s3.bucket:
        return S3BlobStore.open_at(settings.s3, clock)
    return FileBlobStore.open_at(directory / "documents", clock)


def segments_at(settings: Settings, directory: Path, clock: Clock) -> BlobStore:
    """Beside the documents, never among them."""
    if settings.s3.bucket:
        return S3BlobStore.open_at(replace(settings.s3, prefix=f"{settings.s3.prefix}archive/"), clock)
    return FileBlobStore.open_at(directory / "archive", clock)


def _spending(directory: Path, worker: Worker) -> Spending:
    if worker.is_alone:
        return MemorySpending()
    return FileSpending(directory, worker=worker.number, workers=worker.of)


def _judge(settings: Settings, worker: Worker) -> JailedDocumentJudge:
    """Workers share out how many documents are examined at once; each examines one at least."""
    checks = settings.checks
    return JailedDocumentJudge(
        wardens=max(1, checks.pdfs_at_once_max // worker.of),
        seconds_max=checks.pdf_seconds_max,
        memory_bytes_max=checks.pdf_memory_bytes_max,
        document_bytes_max=settings.documents.body_bytes_max,
    )


def _scanner(settings: Settings, clock: Clock) -> VirusScanner | None:
    checks = settings.checks
    return (
        ClamdScanner(checks.virus_scanner, clock, seconds_max=checks.virus_seconds_max)
        if checks.virus_scanner
        else None
    )


def events_partitions(settings: Settings) -> int:
    """How many partitions `hub.events` has, and so every stream."""
    return settings.log.events_partitions or (8 if settings.log.ground == "kafka" else 1)


def _event_log(settings: Settings, clock: Clock) -> SQLiteEventLog | KafkaEventLog:
    if settings.log.ground == "kafka":
        return kafka_log(settings, clock)
    return SQLiteEventLog(Path(settings.log.directory) / "log.db", clock, append_bytes_max=APPEND_BYTES_MAX)


def kafka_log(settings: Settings, clock: Clock) -> KafkaEventLog:
    return KafkaEventLog(
        settings.kafka,
        clock=clock,
        event_bytes_max=settings.intake.event_bytes_max,
        group_records_max=max(settings.intake.group_records_max, settings.fanout.batch_records_max),
    )


def reads_kafka(settings: Settings) -> bool:
    """Whether recipients may read their feeds from Kafka itself."""
    return settings.log.ground == "kafka" and bool(settings.kafka.recipients_scram or settings.kafka.recipients_mtls)


def kafka_feed_access(settings: Settings, clock: Clock) -> KafkaFeedAccess:
    return KafkaFeedAccess(settings.kafka, clock=clock, event_bytes_max=settings.intake.event_bytes_max)


def open_keys(directory: Path, *, now: int) -> FileKeyRing:
    """The hub's keys in a data directory, made at the first start. Raises `HubError`."""
    return FileKeyRing(directory / "keys", now=now)
