"""Letting go: what is over goes, and the index never goes before the log and the judge (core protocol, rule 8)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from msgspec.structs import replace

from hub.core.access import Access, Step, runs_of
from hub.core.agreement import Agreement, AgreementState, Provider, Purpose
from hub.core.dead_letter import LetterState
from hub.core.dispatch import Dispatch, Kind
from hub.core.errors import BlobMissing
from hub.core.feed import Feed, Lane, Way, stream_of
from hub.core.record import EVENTS, NOTICES, QUARANTINE, LogRecord, Position, StoredRecord, Stream
from hub.core.registry import Snapshot, Version
from hub.core.retention import kept_seconds
from hub.core.settings import DocumentsSettings, LogSettings, QuarantineSettings
from hub.drivers.memory.access_journal import MemoryAccessJournal
from hub.drivers.memory.blob_store import MemoryBlobStore
from hub.drivers.memory.dead_letters import MemoryDeadLetters
from hub.drivers.memory.dispatches import MemoryDispatches
from hub.drivers.memory.event_log import MemoryEventLog
from hub.drivers.memory.first_occurrence import MemoryFirstOccurrence
from hub.drivers.memory.jobs import MemoryJobs
from hub.drivers.memory.positions import MemoryPositions
from hub.drivers.memory.views import MemoryViews
from hub.operate.retention import Retention
from hub.ports.blob_store import BlobKey
from hub.ports.dead_letters import Which
from hub.ports.first_occurrence import Occurrence
from hub.ports.jobs import Job, JobKind, JobState
from hub.ports.views import Query
from tests.clock import ManualClock
from tests.contracts.dead_letter_grounds import behind, letter
from tests.contracts.views_grounds import follow, known
from tests.faults.virtual import ListObserver

FEED = Feed(name="risk", recipient="customs", purpose=Purpose.SECURITY_RISK)
DAY = 86_400


class World:
    """Two partitions; a slice of the index is a day; events are kept ten, feeds 5, notices 20, quarantine 30."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.log = MemoryEventLog(self.clock)
        self.positions = MemoryPositions(self.clock)
        self.index = MemoryFirstOccurrence(self.positions, slice_seconds=DAY)
        self.blobs = MemoryBlobStore(self.clock)
        self.jobs = MemoryJobs()
        self.views = MemoryViews()
        self.accesses = MemoryAccessJournal()
        self.dispatches = MemoryDispatches()
        self.dead_letters = MemoryDeadLetters()
        self.snapshot = Snapshot()
        self.needed: set[str] = set()
        """Feeds that have ended, and of whose topics something is still to be written down."""
        self.swept = 0
        self.waiting_us: int | None = None
        """When the oldest came that waits to be archived."""
        self.retention = Retention(
            log=self.log,
            index=self.index,
            blobs=self.blobs,
            jobs=self.jobs,
            views=self.views,
            accesses=self.accesses,
            dispatches=self.dispatches,
            dead_letters=self.dead_letters,
            snapshot=lambda: self.snapshot,
            clock=self.clock,
            observer=ListObserver(),
            settings=LogSettings(
                events_retention_seconds=10 * DAY,
                feed_retention_seconds=5 * DAY,
                notices_retention_seconds=20 * DAY,
                quarantine_retention_seconds=30 * DAY,
                index_slice_seconds=DAY,
            ),
            documents=DocumentsSettings(jobs_retention_seconds=7 * DAY),
            access_days=40,
            quarantine=QuarantineSettings(letters_per_partner_max=2, settled_retention_seconds=100),
            partitions=2,
            sweep=self.sweep,
            archived_before_us=self.archived_before_us,
            is_over=lambda feed: feed.name not in self.needed,
        )

    async def sweep(self) -> None:
        self.swept += 1

    async def archived_before_us(self) -> int | None:
        return self.waiting_us

    async def declare(self) -> World:
        for name in (EVENTS, NOTICES, QUARANTINE, FEED.stream):
            await self.log.declare(Stream(name, 2))
        self.register(FEED)
        return self

    def register(self, feed: Feed) -> None:
        self.snapshot.apply([Version(self.snapshot.revision + 1, feed, "test", "", 0)])

    async def append(self, identity: bytes, *, partition: int = 0, judge: bool = True) -> None:
        """One event, judged by the index; the judge has passed it unless told otherwise."""
        record = LogRecord(b"", b"", b"x")
        offset = await self.log.append(EVENTS, partition, [record])
        assert isinstance(offset, int)
        lease = await self.positions.acquire(f"judge/{partition}", "test", 3_600)
        assert lease is not None
        if judge:
            at = Position(1, partition, offset)
            async with self.log.reader(EVENTS) as reader:
                [stored] = await reader.read(partition, offset, records_max=1, bytes_max=1)
            await self.index.judge(lease, [Occurrence(identity, bytes(32), at, stored.time_us)])
            await self.index.set_mark(lease, Position(1, partition, offset + 1))

    async def remembers(self, identity: bytes) -> bool:
        return await self.index.look_up([identity]) != [None]

    async def kept(self, stream: str = EVENTS, partition: int = 0) -> int:
        bounds = await self.log.bounds(stream, partition)
        return bounds.end - bounds.start


async def test_events_go_when_their_time_is_over_and_their_identities_with_them() -> None:
    world = await World().declare()
    await world.append(b"old")
    world.clock.advance(8 * DAY)
    await world.append(b"new")

    await world.retention.purge()
    before = await world.kept(), await world.remembers(b"old")
    world.clock.advance(4 * DAY)
    await world.retention.purge()

    assert before == (2, True)
    assert (await world.kept(), await world.remembers(b"old"), await world.remembers(b"new")) == (1, False, True)


async def test_events_that_wait_to_be_archived_are_kept_as_long_as_they_wait() -> None:
    world = await World().declare()
    await world.append(b"archived")
    world.clock.advance(3 * DAY)
    world.waiting_us = world.clock.now_us()
    await world.append(b"waiting")
    world.clock.advance(20 * DAY)

    await world.retention.purge()
    waiting = await world.kept()
    world.waiting_us = None
    await world.retention.purge()

    assert (waiting, await world.kept()) == (1, 0)


@pytest.mark.parametrize("waited", [8 * DAY, 9 * DAY, 10 * DAY - 60, 10 * DAY, 30 * DAY])
async def test_a_log_that_purges_by_itself_is_told_to_keep_what_waits_for_a_day_beyond_the_next_purge(
    waited: int,
) -> None:
    world, told = await World().declare(), dict[str, int]()

    async def tell(stream: str, before_us: int) -> int:
        told[stream] = (world.clock.now_us() - before_us) // 1_000_000
        return 0

    world.log.purge = tell  # type: ignore[method-assign]
    world.waiting_us = world.clock.now_us()
    world.clock.advance(waited)

    await world.retention.purge()

    assert told[EVENTS] == max(10 * DAY, waited + DAY + 3_600)


async def test_rule_8_no_identity_goes_while_the_log_still_holds_its_record() -> None:
    world = await World().declare()
    await world.append(b"kept", partition=1)
    world.clock.advance(12 * DAY)
    world.log.purge = never  # type: ignore[method-assign]

    await world.retention.purge()

    assert await world.remembers(b"kept")


async def never(stream: str, before_us: int) -> int:
    """A log that purges by itself, and is late."""
    return 0


async def test_rule_8_no_identity_goes_before_the_judge_has_passed_what_the_log_let_go_of() -> None:
    world = await World().declare()
    await world.append(b"judged")
    await world.append(b"waits", partition=1, judge=False)
    world.clock.advance(12 * DAY)

    await world.retention.purge()

    assert await world.remembers(b"judged")


async def test_each_stream_keeps_what_its_setting_says() -> None:
    world = await World().declare()
    for stream in (NOTICES, QUARANTINE, FEED.stream):
        await world.log.append(stream, 0, [LogRecord(b"", b"", b"x")])
    world.clock.advance(6 * DAY)

    await world.retention.purge()
    after_six = await world.kept(FEED.stream), await world.kept(NOTICES)
    world.clock.advance(15 * DAY)
    await world.retention.purge()

    after_21 = await world.kept(NOTICES), await world.kept(QUARANTINE)
    world.clock.advance(10 * DAY)
    await world.retention.purge()

    assert (after_six, after_21) == ((0, 1), (0, 1))
    assert await world.kept(QUARANTINE) == 0


@pytest.mark.parametrize(
    ("days", "kept"),
    [((2,), (0, 0)), ((2, 3), (1, 0)), ((2, None), (1, 1)), ((400,), (1, 1)), ((), (1, 1))],
)
async def test_a_feed_keeps_its_records_as_long_as_any_agreement_lets_its_recipient_keep_them(
    days: tuple[int | None, ...], kept: tuple[int, int]
) -> None:
    world = await World().declare()
    for number, each in enumerate(days):
        agreement = Agreement(f"a{number}", Provider(), ("*",), FEED.recipient, FEED.purpose, ("*",), 0)
        agreement = replace(agreement, retention_days=each)
        world.snapshot.apply([Version(world.snapshot.revision + 1, agreement, "test", "", 0)])
    await world.log.append(FEED.stream, 0, [LogRecord(b"", b"", b"x")])

    world.clock.advance(2 * DAY + 1)
    await world.retention.purge()
    first = await world.kept(FEED.stream)
    world.clock.advance(DAY)
    await world.retention.purge()

    assert (first, await world.kept(FEED.stream)) == kept


SEALS = "customs.seal.*"


@pytest.mark.parametrize("ways", [(Way.PULL,), (Way.PULL, Way.KAFKA)])
@pytest.mark.parametrize(
    ("behind", "longest", "shortest"),
    [
        ([], 30, 30),
        ([{"retention_days": 20}, {"retention_days": 10}], 20, 10),
        ([{"retention_days": None}, {"retention_days": 10}], 30, 10),
        ([{"retention_days": 400}], 30, 30),
        ([{"retention_days": 20}, {"retention_days": 10, "state": AgreementState.ENDED}], 20, 20),
        ([{"retention_days": 10}, {"retention_days": 20, "state": AgreementState.PROPOSED}], 10, 10),
        ([{"retention_days": 20}, {"retention_days": 10, "state": AgreementState.SUSPENDED}], 20, 10),
        ([{"retention_days": 20}, {"retention_days": 10, "types": ("customs.container.*",)}], 20, 20),
        ([{"retention_days": 20}, {"retention_days": 10, "types": ("customs.seal.broken",)}], 20, 10),
    ],
)
def test_what_brokers_show_as_a_whole_is_kept_no_longer_than_each_agreement_behind_it_lets_it(
    ways: tuple[Way, ...], behind: list[dict[str, Any]], longest: int, shortest: int
) -> None:
    agreement = Agreement("a", Provider(), (SEALS,), FEED.recipient, FEED.purpose, ("*",), 0)
    agreements = [replace(agreement, id=f"a{number}", **given) for number, given in enumerate(behind)]
    snapshot = Snapshot()
    feed = replace(FEED, types=(SEALS,), ways=ways)
    snapshot.apply([Version(1, each, "test", "", 0) for each in (feed, *agreements)])

    assert kept_seconds(FEED.name, snapshot, 30 * DAY) == (shortest if Way.KAFKA in ways else longest) * DAY


async def test_who_was_given_what_is_kept_longer_than_the_events() -> None:
    world = await World().declare()
    start_us = world.clock.now_us()
    first = Access(Step.VIEWED, start_us, "customs", "", "", "", "view", "", "", (), 1, 1, 0, runs_of([7]))
    await world.accesses.add([first, replace(first, time_us=start_us + 2 * DAY * 1_000_000)])

    world.clock.advance(39 * DAY)
    await world.retention.purge()
    after_39 = len(await world.accesses.about(Position(1, 0, 7)))
    world.clock.advance(2 * DAY)
    await world.retention.purge()

    assert (after_39, len(await world.accesses.about(Position(1, 0, 7)))) == (2, 1)


async def test_what_customs_answered_is_kept_as_long_as_who_was_given_what() -> None:
    world = await World().declare()
    given: dict[str, Any] = {
        "sender": "watch",
        "digest": b"",
        "by": "",
        "partner": "delta",
        "kind": Kind.HOLD,
        "members": b"{}",
    }
    for name, days in (("old", 0), ("new", 2)):
        sent_us = world.clock.now_us() + days * DAY * 1_000_000
        await world.dispatches.add([Dispatch(id=name, own=name, sent_us=sent_us, **given)])

    world.clock.advance(41 * DAY)
    await world.retention.purge()

    assert [each.dispatch.id for each in await world.dispatches.page("watch", before=None, limit=9)] == ["new"]


async def test_both_streams_of_a_feed_that_has_ended_are_dropped() -> None:
    world = await World().declare()
    urgent = stream_of(FEED.name, Lane.URGENT)
    world.register(replace(FEED, urgent=("customs.seal.*",)))
    await world.log.declare(Stream(urgent, 1))
    world.register(replace(FEED, ended=True))

    await world.retention.purge()

    for stream in (FEED.stream, urgent):
        await world.log.declare(Stream(stream, 7))  # A stream that is there could not change its partitions.
        assert await world.kept(stream, 6) == 0


async def test_the_streams_of_a_feed_that_has_ended_stay_while_they_are_needed() -> None:
    world = await World().declare()
    await world.log.append(FEED.stream, 0, [LogRecord(b"", b"", b"x")])
    world.register(replace(FEED, ended=True))
    world.needed.add(FEED.name)

    await world.retention.purge()

    assert (await world.log.bounds(FEED.stream, 0)).end == 1


async def test_rule_8_no_identity_goes_while_a_repeat_from_within_its_memory_time_waits_for_the_judge() -> None:
    world = await World().declare()
    await world.append(b"first")
    world.clock.advance(9 * DAY)
    await world.append(b"first", judge=False)
    world.clock.advance(9 * DAY)

    await world.retention.purge()
    while_it_waits = await world.kept(), await world.remembers(b"first")
    lease = await world.positions.acquire("judge/0", "test", 3_600)
    assert lease is not None
    await world.index.set_mark(lease, Position(1, 0, 2))
    await world.retention.purge()

    assert while_it_waits == (1, True)
    assert not await world.remembers(b"first")


async def test_rule_8_no_identity_goes_before_its_record_where_the_clock_was_ahead_once() -> None:
    world = await World().declare()
    world.clock.advance(100 * DAY)
    await world.append(b"ahead")
    world.clock.advance(-100 * DAY)
    await world.append(b"right")

    remembered = []
    for _ in range(2):
        world.clock.advance(50 * DAY)
        await world.retention.purge()
        remembered.append((await world.kept(), await world.remembers(b"right")))
    world.clock.advance(12 * DAY)
    await world.retention.purge()

    assert remembered == [(2, True), (2, True)]
    assert (await world.kept(), await world.remembers(b"right")) == (0, False)


async def test_a_feed_whose_stream_is_not_there_keeps_nothing_else_from_its_purge() -> None:
    world = await World().declare()
    await world.append(b"old")
    world.register(replace(FEED, name="late"))
    world.register(replace(FEED, name="later", ended=True))
    world.clock.advance(12 * DAY)

    await world.retention.purge()

    assert (await world.kept(), await world.remembers(b"old")) == (0, False)


@pytest.mark.parametrize("answer", [[], ValueError("a fault of the driver")])
async def test_what_a_purge_does_not_find_or_understand_ends_nothing_and_keeps_the_index(
    answer: list[StoredRecord] | Exception,
) -> None:
    world = await World().declare()
    await world.append(b"old")
    world.clock.advance(9 * DAY)
    await world.append(b"new")
    world.clock.advance(9 * DAY)
    world.log.reader = lambda stream: DeafReader(answer)  # type: ignore[method-assign,assignment,return-value]

    await world.retention.purge()

    assert (await world.kept(), await world.remembers(b"old")) == (1, True)


class DeafReader(AbstractAsyncContextManager["DeafReader"]):
    """Reads nothing, or fails, whatever there is."""

    def __init__(self, answer: list[StoredRecord] | Exception) -> None:
        self._answer = answer

    async def __aexit__(self, *error: object) -> None:
        return None

    async def read(self, partition: int, offset: int, **bounds: int) -> list[StoredRecord]:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


async def put(world: World, name: str) -> BlobKey:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"x"

    await world.blobs.put(BlobKey("acme", name), chunks())
    return BlobKey("acme", name)


async def is_there(world: World, key: BlobKey) -> bool:
    try:
        async with world.blobs.open(key):
            return True
    except BlobMissing:
        return False


async def test_what_is_known_of_events_goes_with_them() -> None:
    world = await World().declare()
    await follow(world.views, known(0), known(2 * DAY))

    world.clock.advance(11 * DAY)
    await world.retention.purge()

    page = await world.views.events(Query(), limit=9, looked_at_max=9, bytes_max=1_000)
    assert [event.position.offset for event in page.events] == [2 * DAY]


async def test_documents_are_kept_as_long_as_the_log_and_those_of_jobs_as_long_as_their_results() -> None:
    world = await World().declare()
    document, of_job = await put(world, "document"), await put(world, "job")
    good = {"partner": "acme", "system": "acme.s", "key_id": "k", "kind": JobKind.TABLE, "media_type": "text/csv"}
    finished_us = world.clock.now_us()
    await world.jobs.add(Job(id="job", digest=b"", stored_us=1, finished_us=finished_us, state=JobState.DONE, **good))

    kept = []
    for days in (6, 2, 3):
        world.clock.advance(days * DAY)
        await world.retention.purge()
        kept.append((await is_there(world, of_job), await is_there(world, document)))

    assert kept == [(True, True), (False, True), (False, False)]


async def test_settled_letters_go_with_their_age_and_those_that_wait_stay() -> None:
    world = await World().declare()
    settled = replace(letter(1), state=LetterState.DISCARDED, settled_us=world.clock.now_us())
    await world.dead_letters.take([settled, letter(2)], behind(3))

    await world.retention.purge()
    young = await world.dead_letters.page(Which(), after=None, limit=9)
    world.clock.advance(101)
    await world.retention.purge()

    assert [each.position.offset for each in young] == [1, 2]
    assert [each.position.offset for each in await world.dead_letters.page(Which(), after=None, limit=9)] == [2]
