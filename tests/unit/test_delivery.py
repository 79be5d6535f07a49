"""Delivery: pages behind sealed cursors, acknowledgement, streams, notices. Rules 11 and 12 of the core protocol."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from hub.core.access import Access, Step, mark_of, offsets_of
from hub.core.agreement import AgreementState
from hub.core.errors import Refusal, StorageUnavailable, Trimmed
from hub.core.feed import Way
from hub.core.partner import PartnerState
from hub.core.record import LogRecord
from hub.core.registry import Registered
from hub.core.settings import DeliverySettings
from hub.delivery.acknowledge import Acknowledgements, Said
from hub.delivery.cursors import Cursors
from hub.delivery.journal import Journal, Reader
from hub.delivery.notices import Notices
from hub.delivery.pull import EARLIEST, Page, Pull
from hub.delivery.seals import Seals
from hub.delivery.source import begin_feed
from hub.delivery.stream import Group, Streams
from hub.delivery.tail import IDLE_SECONDS, Tails
from hub.drivers.memory.access_journal import MemoryAccessJournal
from hub.drivers.memory.dispatches import MemoryDispatches
from hub.drivers.memory.event_log import MemoryEventLog
from hub.drivers.memory.positions import MemoryPositions
from hub.ports.access_journal import Query
from tests.faults import virtual
from tests.faults.fanout_world import AGREEMENT, AUTHORITY, COMPANY, FEED, SEAL_KEY, SEALER, FanoutWorld, event_record
from tests.faults.ports import Fate, FatedLog

DAY = 86_400
ENGINE = Reader("customs.engine", "key-1")


class CountingEntropy:
    def __init__(self) -> None:
        self._next = 0

    def bytes(self, count: int) -> bytes:
        self._next += 1
        return self._next.to_bytes(count, "big")


class Desk:
    """A world with fan-out running, and delivery beside it."""

    def __init__(self, world: FanoutWorld, **settings: Any) -> None:
        partitions, clock = world.events.partitions, world.clock
        self.world = world
        self.settings = DeliverySettings(**settings)
        self.tails = Tails(log=world.log, partitions=partitions, clock=clock, observer=world.observer)
        self.cursors = Cursors(
            bytes(32),
            clock=clock,
            entropy=CountingEntropy(),
            generation=1,
            partitions=partitions,
            seconds=self.settings.cursor_seconds,
        )
        self.accesses = MemoryAccessJournal()
        self.journal = Journal(self.accesses, snapshot=lambda: world.snapshot, clock=clock)
        self.seal_keys = [SEAL_KEY]
        self.pull = Pull(
            positions=world.positions,
            snapshot=lambda: world.snapshot,
            cursors=self.cursors,
            observer=world.observer,
            settings=self.settings,
            tails=self.tails,
            journal=self.journal,
            seals=Seals(self.tails, SEALER, lambda: self.seal_keys, world.observer),
            feed_retention_seconds=30 * DAY,
        )
        self.acknowledgements = Acknowledgements(
            self.pull,
            log=world.log,
            positions=world.positions,
            cursors=self.cursors,
            journal=self.journal,
            snapshot=lambda: world.snapshot,
            clock=clock,
            observer=world.observer,
            hub="hub",
        )
        self.streams = Streams(self.pull)
        self.notices = Notices(
            cursors=self.cursors,
            settings=self.settings,
            tails=self.tails,
            dispatches=MemoryDispatches(),
            snapshot=lambda: world.snapshot,
            observer=world.observer,
        )

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self.tails.run())
            yield
            task.cancel()

    @asynccontextmanager
    async def stream(
        self, cursor: str | None, reader: Reader, stop: Callable[[], bool], *, proof: bool = False
    ) -> AsyncIterator[AsyncIterator[Group] | Refusal]:
        begun = await begin_feed(self.pull, "customs", "risk", cursor)
        async with self.streams.open(begun, reader, stop, proof=proof) as groups:
            yield groups

    async def page(self, cursor: str | None = None, *, limit: int = 100, wait: float = 0.0) -> Page:
        page = await self.pull.page("customs", "risk", cursor, reader=ENGINE, limit=limit, wait=wait)
        assert isinstance(page, Page)
        return page

    async def acknowledge(
        self, what: str | tuple[tuple[int, int, int], ...], *, time: int = 0, signature: str = ""
    ) -> Refusal | None:
        return await self.acknowledgements.take("customs", "risk", Said(what, time, signature), ENGINE)

    async def refusal(self, partner: str, feed: str, cursor: str | None = None) -> Refusal:
        refusal = await self.pull.page(partner, feed, cursor, reader=ENGINE, limit=1, wait=0)
        assert isinstance(refusal, Refusal)
        return refusal


def ids(page: Page) -> list[str]:
    return [orjson.loads(record)["id"] for record in page.records]


async def desk(partitions: int = 1, **settings: Any) -> Desk:
    world = await FanoutWorld(partitions).declare()
    world.register(COMPANY, AUTHORITY, AGREEMENT, FEED)
    return Desk(world, **settings)


async def passed_on(at: Desk, *event_ids: str, source: str = "urn:tos") -> None:
    """Publish events and let fan-out pass them on."""
    await at.world.publish(*[event_record(event_id, source=source) for event_id in event_ids])
    async with at.world.running():
        await at.world.elapse(1)


def test_reading_is_repeatable_and_a_reader_without_a_cursor_goes_on_where_it_acknowledged() -> None:
    async def main() -> None:
        at = await desk()
        await passed_on(at, "a", "b", "c")

        first = await at.page(limit=2)
        again = await at.page(limit=2)
        await at.acknowledge(first.cursor)
        after = await at.page()

        assert ids(first) == ids(again) == ["a", "b"]
        assert ids(after) == ["c"]

    virtual.run(main())


def test_acknowledging_an_older_cursor_does_not_move_back() -> None:
    async def main() -> None:
        at = await desk()
        await passed_on(at, "a", "b", "c")
        older = await at.page(limit=1)
        newer = await at.page(older.cursor, limit=1)

        await at.acknowledge(newer.cursor)
        await at.acknowledge(older.cursor)

        assert ids(await at.page()) == ["c"]

    virtual.run(main())


class SlowPositions(MemoryPositions):
    """Yields before every answer, as storage does."""

    async def acknowledged(self, reader: str, feed: str) -> bytes | None:
        await asyncio.sleep(0)
        found = await super().acknowledged(reader, feed)
        await asyncio.sleep(0)
        return found


@pytest.mark.parametrize("newer_first", [True, False])
def test_of_acknowledgements_at_the_same_time_the_furthest_one_counts(newer_first: bool) -> None:
    async def main() -> None:
        at = await desk()
        at.pull._positions = at.acknowledgements._positions = SlowPositions(at.world.clock)
        await passed_on(at, "a", "b", "c")
        older = await at.page(limit=1)
        newer = await at.page(older.cursor, limit=1)
        pages = [newer, older] if newer_first else [older, newer]

        await asyncio.gather(*[at.acknowledge(page.cursor) for page in pages])

        assert ids(await at.page()) == ["c"]

    virtual.run(main())


def test_rule_12_an_expired_cursor_is_answered_with_a_fresh_one_that_keeps_the_mark() -> None:
    async def main() -> None:
        at = await desk(cursor_seconds=DAY)
        await passed_on(at, "a", "b")
        old = await at.page()
        await at.world.elapse(DAY + 1)
        await passed_on(at, "c")

        refusal = await at.refusal("customs", "risk", old.cursor)

        assert refusal.code == "CURSOR_EXPIRED"
        assert ids(await at.page(refusal.cursor)) == ["c"]

    virtual.run(main())


def test_rule_12_what_a_crash_repeated_in_the_feed_is_not_shown_again() -> None:
    async def main() -> None:
        at = await desk()
        await passed_on(at, "a", "b")
        repeated = [LogRecord(r.key, r.header, r.value) for r in await at.world.records("hub.feed.risk")]
        await at.world.truth.append("hub.feed.risk", 0, repeated)
        await passed_on(at, "c")

        page = await at.page()

        assert ids(page) == ["a", "b", "c"]

    virtual.run(main())


@pytest.mark.parametrize("cursor", ["", "garbage", "AQ", "A" * 5_000])
def test_a_cursor_that_the_hub_did_not_make_is_refused(cursor: str) -> None:
    async def main() -> None:
        at = await desk()

        assert (await at.refusal("customs", "risk", cursor)).code == "CURSOR_INVALID"

    virtual.run(main())


def test_a_cursor_of_another_feed_or_reader_is_refused() -> None:
    async def main() -> None:
        at = await desk()
        at.world.register(replace(FEED, name="other"), replace(FEED, name="theirs", recipient="acme"))
        await passed_on(at, "a")
        cursor = (await at.page()).cursor

        assert (await at.refusal("customs", "other", cursor)).code == "CURSOR_INVALID"
        assert (await at.refusal("acme", "theirs", cursor)).code == "CURSOR_INVALID"

    virtual.run(main())


def test_a_foreign_feed_is_not_found_and_an_ended_one_is_gone_only_to_its_own_reader() -> None:
    async def main() -> None:
        at = await desk()
        assert (await at.refusal("acme", "risk")).code == "NOT_FOUND"
        assert (await at.refusal("customs", "nothing")).code == "NOT_FOUND"

        at.world.register(replace(FEED, ended=True))

        assert (await at.refusal("customs", "risk")).code == "FEED_GONE"
        assert (await at.refusal("acme", "risk")).code == "NOT_FOUND"

    virtual.run(main())


def test_rule_11_a_record_whose_agreement_has_ended_is_given_to_nobody() -> None:
    async def main() -> None:
        at = await desk()
        await passed_on(at, "a")
        assert ids(await at.page()) == ["a"]

        at.world.register(replace(AGREEMENT, state=AgreementState.ENDED))

        assert ids(await at.page()) == []

    virtual.run(main())


def test_rule_11_a_record_is_given_to_nobody_from_the_second_of_its_agreements_valid_to_on() -> None:
    async def main() -> None:
        at = await desk()
        await passed_on(at, "a")
        now = at.world.clock.now_us() // 1_000_000
        at.world.register(replace(AGREEMENT, valid_to=now + 60))
        before = await at.page()

        await at.world.elapse(60)

        assert (ids(before), ids(await at.page())) == (["a"], [])

    virtual.run(main())


async def overtaken(at: Desk) -> str:
    """A cursor behind `a`, acknowledged; `b` was purged before it was read, `c` is there."""
    await passed_on(at, "a")
    cursor = (await at.page(limit=1)).cursor
    await at.acknowledge(cursor)
    await passed_on(at, "b")
    await at.world.elapse(10)
    await at.world.truth.purge("hub.feed.risk", at.world.clock.now_us())
    await passed_on(at, "c")
    return cursor


@pytest.mark.parametrize("named", [True, False])
def test_a_reader_whom_retention_has_overtaken_is_told_and_goes_on_behind_the_gap(named: bool) -> None:
    async def main() -> None:
        at = await desk()
        cursor = await overtaken(at)

        refusal = await at.refusal("customs", "risk", cursor if named else None)

        assert refusal.code == "CURSOR_EXPIRED"
        after = await at.page(refusal.cursor)
        await at.acknowledge(after.cursor)
        assert (ids(after), ids(await at.page())) == (["c"], [])

    virtual.run(main())


def test_a_stream_of_a_reader_whom_retention_has_overtaken_is_refused_with_a_fresh_cursor() -> None:
    async def main() -> None:
        at = await desk()
        async with at.stream(await overtaken(at), ENGINE, lambda: False) as groups:
            assert isinstance(groups, Refusal)

        assert groups.code == "CURSOR_EXPIRED"
        assert ids(await at.page(groups.cursor)) == ["c"]

    virtual.run(main())


def test_an_open_stream_that_retention_overtakes_ends() -> None:
    async def main() -> None:
        at = await desk()
        await passed_on(at, "a")
        async with at.stream(None, ENGINE, lambda: False) as groups:
            assert not isinstance(groups, Refusal)
            await anext(groups)
            await overtaken(at)
            with pytest.raises(Trimmed):
                await anext(groups)

    virtual.run(main())


def test_a_reader_who_begins_begins_with_the_earliest_record_kept() -> None:
    async def main() -> None:
        at = await desk()
        await passed_on(at, "a")
        await at.world.elapse(10)
        await at.world.truth.purge("hub.feed.risk", at.world.clock.now_us())
        await passed_on(at, "b")

        assert ids(await at.page()) == ["b"]

    virtual.run(main())


def test_a_page_is_bounded_by_count_and_bytes() -> None:
    async def main() -> None:
        at = await desk(page_records_max=2)
        await passed_on(at, "a", "b", "c")
        size = len((await at.page(limit=1)).records[0])

        by_count = await at.page(limit=1_000)
        by_bytes = await Desk(at.world, page_bytes_max=size // 2).page()

        assert ids(by_count) == ["a", "b"]
        assert ids(by_bytes) == ["a"]

    virtual.run(main())


def test_a_page_takes_from_every_partition_and_in_the_end_all_of_them() -> None:
    async def main() -> None:
        at = await desk(partitions=3)
        sources = [f"urn:{number}" for number in range(12)]
        for source in sources:
            await at.world.publish(event_record(source, source=source), event_record(f"{source}-2", source=source))
        async with at.world.running():
            await at.world.elapse(1)

        page = await at.page(limit=6)
        seen = ids(page)
        while page.records:
            page = await at.page(page.cursor, limit=6)
            seen += ids(page)

        assert sorted(seen) == sorted([*sources, *[f"{source}-2" for source in sources]])
        assert all(seen.index(source) < seen.index(f"{source}-2") for source in sources)

    virtual.run(main())


def test_a_long_poll_comes_back_with_the_first_record_of_any_partition() -> None:
    async def main() -> None:
        at = await desk(partitions=3)
        async with at.world.running(), at.following():
            await at.world.elapse(1)
            async with asyncio.TaskGroup() as group:
                waiting = group.create_task(at.page(wait=20))
                await at.world.elapse(5)
                await at.world.publish(event_record("late"))
            came_after = at.world.clock.monotonic()

        assert ids(waiting.result()) == ["late"]
        assert came_after < 10

    virtual.run(main())


def test_who_follows_the_end_reads_from_memory_what_the_log_is_read_for_once() -> None:
    async def main() -> None:
        at = await desk()
        async with at.world.running(), at.following():
            first = await at.page()
            await at.world.elapse(1)
            await at.world.publish(event_record("a"), event_record("b"))
            await at.world.elapse(1)
            at.tails.log = MemoryEventLog(at.world.clock)  # Whoever asks the log now finds no stream there.

            assert ids(await at.page(first.cursor)) == ids(await at.page(first.cursor)) == ["a", "b"]

    virtual.run(main())


def test_who_has_fallen_behind_what_memory_keeps_misses_nothing() -> None:
    async def main() -> None:
        at = await desk()
        names = [f"e{number}" for number in range(40)]
        async with at.world.running(), at.following():
            page = await at.page()
            for name in names:
                await at.world.publish(event_record(name, content="x" * 30_000))
                await at.world.elapse(0.1)
            seen: list[str] = []
            while (page := await at.page(page.cursor, limit=7)).records:
                seen += ids(page)

        assert seen == names

    virtual.run(main())


def test_following_ends_when_nobody_asks_and_begins_again_when_somebody_does() -> None:
    async def main() -> None:
        at = await desk()
        async with at.world.running(), at.following():
            page = await at.page()
            before = at.tails.of(FEED.stream)
            await at.world.elapse(3 * IDLE_SECONDS)
            await at.world.publish(event_record("a"))
            after = await at.page(page.cursor, wait=5)
            still_the_same = at.tails.of(FEED.stream) is before

        assert ids(after) == ["a"]
        assert not still_the_same

    virtual.run(main())


def test_a_log_that_fails_is_followed_again_when_it_is_back() -> None:
    async def main() -> None:
        at = await desk()
        fate = Fate(random.Random(1), trouble=0.0)
        at.tails.log = FatedLog(at.world.truth, fate)
        async with at.world.running(), at.following():
            page = await at.page()
            await at.world.elapse(1)
            fate.trouble = 1.0
            await at.world.publish(event_record("a"))
            await at.world.elapse(10)
            with pytest.raises(StorageUnavailable):
                await at.page(page.cursor)
            fate.trouble = 0.0
            await at.world.elapse(1)

            assert ids(await at.page(page.cursor)) == ["a"]

    virtual.run(main())


@pytest.mark.parametrize("reads_meanwhile", [True, False])
def test_what_was_not_given_before_a_suspension_comes_no_more_whether_one_reads_meanwhile_or_not(
    reads_meanwhile: bool,
) -> None:
    async def main() -> None:
        at = await desk()
        await passed_on(at, "a", "b")
        first = await at.page(limit=1)
        at.world.register(replace(AGREEMENT, state=AgreementState.SUSPENDED))
        cursor = (await at.page(first.cursor)).cursor if reads_meanwhile else first.cursor
        at.world.register(AGREEMENT)
        await at.world.publish(event_record("c", revision=at.world.snapshot.revision))
        async with at.world.running():
            await at.world.elapse(1)

        assert (ids(first), ids(await at.page(cursor))) == (["a"], ["c"])

    virtual.run(main())


def test_a_stream_gives_groups_with_a_cursor_to_resume_from() -> None:
    async def main() -> None:
        at = await desk()
        await passed_on(at, "a", "b")
        async with at.stream(None, ENGINE, lambda: False) as groups:
            assert not isinstance(groups, Refusal)
            group = await anext(groups)
            await groups.aclose()  # type: ignore[attr-defined]
        await passed_on(at, "c")

        resumed = await at.page(group.cursor)

        assert [orjson.loads(record)["id"] for record in group.records] == ["a", "b"]
        assert ids(resumed) == ["c"]

    virtual.run(main())


@pytest.mark.parametrize("cause", ["stop", "ended", "suspended"])
def test_a_stream_ends_as_soon_as_the_bell_tells_that_it_may_not_go_on(cause: str) -> None:
    async def main() -> None:
        at = await desk()
        stopped = False
        await passed_on(at, "a")
        async with (
            at.stream(None, ENGINE, lambda: stopped) as groups,
            asyncio.TaskGroup() as tasks,
        ):
            assert not isinstance(groups, Refusal)
            await anext(groups)
            waiting = tasks.create_task(anext(groups, None))
            await at.world.elapse(1)
            stopped = cause == "stop"
            if cause == "ended":
                at.world.register(replace(FEED, ended=True))
            if cause == "suspended":
                at.world.register(replace(AUTHORITY, state=PartnerState.SUSPENDED))
            at.tails.ring()
        assert waiting.result() is None
        assert at.world.clock.monotonic() < 3

    virtual.run(main())


def test_nobody_waits_while_the_hub_stops_also_who_came_just_before() -> None:
    async def main() -> None:
        at = await desk()
        async with asyncio.TaskGroup() as tasks:
            waits = tasks.create_task(at.pull.page("customs", "risk", None, reader=ENGINE, limit=1, wait=30))
            await at.world.elapse(1)
            at.tails.end()
            late = tasks.create_task(at.pull.page("customs", "risk", None, reader=ENGINE, limit=1, wait=30))
        assert [isinstance(page.result(), Page) for page in (waits, late)] == [True, True]
        assert at.world.clock.monotonic() < 3

    virtual.run(main())


def test_a_quiet_stream_gives_signs_of_life() -> None:
    async def main() -> None:
        at = await desk(stream_heartbeat_seconds=15.0)
        async with at.stream(None, ENGINE, lambda: False) as groups:
            assert not isinstance(groups, Refusal)
            group = await anext(groups)
            await groups.aclose()  # type: ignore[attr-defined]

        assert group.records == []

    virtual.run(main())


def test_a_reader_has_only_so_many_streams_of_a_feed() -> None:
    async def main() -> None:
        at = await desk(streams_per_reader_max=1)
        one = at.stream(None, ENGINE, lambda: False)
        async with one, at.stream(None, ENGINE, lambda: False) as second:
            assert isinstance(second, Refusal)
            assert second.code == "TOO_MANY_REQUESTS"
        async with at.stream(None, ENGINE, lambda: False) as third:
            assert not isinstance(third, Refusal)

    virtual.run(main())


def test_a_partner_reads_its_own_notices_once_and_no_others() -> None:
    async def main() -> None:
        at = await desk()
        await at.world.publish(event_record("a"), event_record("a", publisher="borealis"))
        await at.world.publish(event_record("a", content="y"), event_record("a", publisher="borealis", content="y"))
        async with at.world.running():
            await at.world.elapse(1)

        page = await at.notices.page("acme", None, limit=10, wait=0)
        assert isinstance(page, Page)
        rest = await at.notices.page("acme", page.cursor, limit=10, wait=0)

        assert [orjson.loads(notice)["code"] for notice in page.records] == ["CONFLICT"]
        assert isinstance(rest, Page)
        assert rest.records == []
        foreign = await at.notices.page("borealis", page.cursor, limit=10, wait=0)
        assert isinstance(foreign, Refusal)

    virtual.run(main())


def test_what_is_given_is_in_the_journal_and_an_empty_page_is_not() -> None:
    async def main() -> None:
        at = await desk()
        await passed_on(at, "a", "b", "c")

        first = await at.page(limit=2)
        await at.page((await at.page(first.cursor)).cursor)

        entries = [entry.access for entry in await at.accesses.entries(Query(), limit=9)]
        shown = [(each.recipient, each.feed, each.way, each.reader, each.credential) for each in entries]
        assert shown == [("customs", "risk", "pull", "customs.engine", "key-1")] * 2
        assert [list(offsets_of(each.runs)) for each in reversed(entries)] == [[0, 1], [2]]
        assert {each.agreements for each in entries} == {("all-to-customs",)}

    virtual.run(main())


class UnwritableJournal(MemoryAccessJournal):
    async def add(self, entries: object) -> None:
        raise StorageUnavailable("away")


def test_nothing_is_given_that_could_not_be_written_down() -> None:
    async def main() -> None:
        at = await desk()
        await passed_on(at, "a")
        at.journal.kept = UnwritableJournal()

        with pytest.raises(StorageUnavailable):
            await at.page()

        async with at.stream(None, ENGINE, lambda: False) as groups:
            assert not isinstance(groups, Refusal)
            with pytest.raises(StorageUnavailable):
                await anext(groups)

    virtual.run(main())


def test_readers_who_stand_together_are_given_one_group_that_is_encoded_once() -> None:
    async def main() -> None:
        at = await desk(streams_per_reader_max=50)
        encoded: list[Group] = []

        def encode(group: Group) -> bytes:
            encoded.append(group)
            return b"".join(group.records)

        async def read() -> bytes:
            async with at.stream(None, ENGINE, lambda: False) as groups:
                assert not isinstance(groups, Refusal)
                return (await anext(groups)).encoded(encode)

        async with at.following(), asyncio.TaskGroup() as tasks:
            reads = [tasks.create_task(read()) for _ in range(50)]
            await at.world.elapse(1)
            await passed_on(at, "a")

        assert len({task.result() for task in reads}) == 1
        assert len(encoded) == 1
        assert len(await at.accesses.entries(Query(), limit=99)) == 1

    virtual.run(main())


def test_systems_that_wait_together_are_written_down_together_and_who_must_stop_is_not() -> None:
    class Counted(MemoryAccessJournal):
        writes = 0

        async def add(self, entries: Sequence[Access]) -> None:
            self.writes += 1
            await super().add(entries)

    async def main() -> None:
        at = await desk(streams_per_reader_max=5)
        kept = at.journal.kept = Counted()
        stopped = False

        async def read(name: str, stop: Callable[[], bool]) -> list[bytes]:
            async with at.stream(None, Reader(name, "k"), stop) as groups:
                assert not isinstance(groups, Refusal)
                group = await anext(groups, None)
                return [] if group is None else group.records

        async with at.following(), asyncio.TaskGroup() as tasks:
            reads = [tasks.create_task(read(name, lambda: False)) for name in "ab"]
            last = tasks.create_task(read("c", lambda: stopped))
            await at.world.elapse(1)
            stopped = True
            await passed_on(at, "a")

        assert [len(task.result()) for task in [*reads, last]] == [1, 1, 0]
        assert kept.writes == 1
        assert sorted(each.access.reader for each in await kept.entries(Query(), limit=9)) == ["a", "b"]

    virtual.run(main())


def test_when_who_waits_for_all_goes_away_another_one_waits() -> None:
    async def main() -> None:
        at = await desk()

        async def read() -> list[bytes]:
            async with at.stream(None, ENGINE, lambda: False) as groups:
                assert not isinstance(groups, Refusal)
                return (await anext(groups)).records

        async with at.following():
            first, *others = [asyncio.create_task(read()) for _ in range(4)]
            await at.world.elapse(1)
            first.cancel()
            await passed_on(at, "a")
            shown = await asyncio.gather(*others)

        assert first.cancelled()
        assert [len(records) for records in shown] == [1, 1, 1]

    virtual.run(main())


def test_who_reads_from_kafka_acknowledges_marks_and_never_beyond_what_there_is() -> None:
    async def main() -> None:
        at = await desk()
        at.world.register(replace(FEED, ways=(Way.KAFKA,)))
        await passed_on(at, "a", "b", "c")
        generation = at.world.log.generation

        refused = [
            await at.acknowledge(((generation + 1, 0, 1),)),
            await at.acknowledge(((generation, 7, 1),)),
            await at.acknowledge(((generation, 0, 10_000),)),
            await at.acknowledge(((generation, 0, -1),)),
        ]
        taken = [await at.acknowledge(((generation, 0, offset),)) for offset in (2, 0, 1, 2)]

        assert [refusal.code for refusal in refused if refusal is not None] == ["CURSOR_INVALID"] * 4
        assert taken == [None] * 4
        [entry] = await at.accesses.entries(Query(), limit=9)
        assert (entry.access.step, entry.access.way, mark_of(entry.access)) == (Step.PROCESSED, "kafka", 2)

    virtual.run(main())


def test_who_comes_a_moment_later_to_where_others_stood_is_given_their_group_until_anything_is_decided_anew() -> None:
    async def main() -> None:
        at = await desk()
        await passed_on(at, "a")

        async def first_group() -> Group:
            async with at.stream(EARLIEST, ENGINE, lambda: False) as groups:
                assert not isinstance(groups, Refusal)
                return await anext(groups)

        one, soon = await first_group(), await first_group()
        await at.world.elapse(1)
        late = await first_group()
        at.world.register(replace(COMPANY, name="Acme and Sons"))
        anew = await first_group()

        assert one is soon
        assert len({id(group) for group in (one, late, anew)}) == 3

    virtual.run(main())


async def asked_while(at: Desk, change: Registered) -> Page:
    """A page, where writing takes six seconds from now on, and this is registered before it is written down."""
    add = at.accesses.add

    async def slow(entries: Sequence[Access]) -> None:
        await at.world.clock.sleep(6)
        await add(entries)

    at.accesses.add = slow  # type: ignore[method-assign]
    async with asyncio.TaskGroup() as tasks:
        page = tasks.create_task(at.page())
        await at.world.elapse(1)
        at.world.register(change)
        await at.world.elapse(20)
    return page.result()


def test_a_page_that_waited_for_the_journal_is_not_given_once_its_agreement_has_ended() -> None:
    async def main() -> None:
        at = await desk()
        await passed_on(at, "a")

        page = await asked_while(at, replace(AGREEMENT, state=AgreementState.ENDED))

        assert ids(page) == []

    virtual.run(main())


def test_a_page_that_a_suspended_reader_waited_for_is_empty_and_moves_it_no_further() -> None:
    async def main() -> None:
        at = await desk()
        await passed_on(at, "a")

        page = await asked_while(at, replace(AUTHORITY, state=PartnerState.SUSPENDED))
        at.world.register(AUTHORITY)
        async with asyncio.TaskGroup() as tasks:
            later = tasks.create_task(at.page(page.cursor))
            await at.world.elapse(20)

        assert (ids(page), ids(later.result())) == ([], ["a"])

    virtual.run(main())
