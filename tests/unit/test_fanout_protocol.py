"""Fan-out under the rules of the core protocol; each test names the rule it guards."""

from __future__ import annotations

import random
from collections.abc import Sequence

import msgspec
import orjson
import pytest
from msgspec.structs import replace

from hub.core.agreement import AgreementState
from hub.core.errors import HubError, StorageFull, StorageUnavailable, Unknown
from hub.core.feed import FeedStart
from hub.core.partner import PartnerState
from hub.core.record import EVENTS, NOTICES, QUARANTINE, LogRecord, Position
from hub.drivers.memory.event_log import MemoryEventLog
from hub.drivers.memory.first_occurrence import MemoryFirstOccurrence
from hub.drivers.memory.positions import MemoryPositions
from hub.fanout.means import bytes_of
from hub.ports.positions import Lease
from schemas.headers import FeedHeader, NoticeHeader, pack, unpack
from tests.faults import virtual
from tests.faults.fanout_world import AGREEMENT, AUTHORITY, COMPANY, FEED, FanoutWorld, by_reader_rule, event_record
from tests.faults.ports import Fate, FatedIndex, FatedPositions

DAY = 86_400
RISK = "hub.feed.risk"


async def registered(partitions: int = 1) -> FanoutWorld:
    world = await FanoutWorld(partitions).declare()
    world.register(COMPANY, AUTHORITY, AGREEMENT, FEED)
    return world


class ForgetfulLog(MemoryEventLog):
    """Stores appends to some streams, but answers that it cannot tell, `times` times."""

    def __init__(self, world: FanoutWorld, *streams: str, times: int = 1, stores: bool = True) -> None:
        super().__init__(world.clock)
        self._streams = world.truth._streams
        self._forgotten = streams
        self._times = times
        self._stores = stores

    async def append(self, stream: str, partition: int, records: Sequence[LogRecord]) -> int | Unknown:
        if stream not in self._forgotten or self._times == 0:
            return await super().append(stream, partition, records)
        self._times -= 1
        if self._stores:
            await super().append(stream, partition, records)
        return Unknown("no acknowledgement")


class MarklessIndex(MemoryFirstOccurrence):
    """Judges, but cannot store its mark until it is told to."""

    marks = False

    async def set_mark(self, lease: Lease, position: Position) -> None:
        if not self.marks:
            raise StorageUnavailable("not now")
        await super().set_mark(lease, position)


def test_rule_3_a_repeat_never_reaches_a_feed_and_a_conflict_goes_to_quarantine_with_a_notice() -> None:
    async def main() -> None:
        world = await registered()
        await world.publish(event_record("a"), event_record("b"))
        await world.publish(event_record("a"), event_record("b", content="another"), event_record("c"))

        async with world.running():
            await world.elapse(1)

        assert await world.shown() == ["a", "b", "c"]
        assert len(await world.records(QUARANTINE)) == 1
        [notice] = await world.records(NOTICES)
        assert orjson.loads(notice.value)["id"] == "b"

    virtual.run(main())


def test_rule_3_the_judge_judges_where_there_are_no_feeds() -> None:
    async def main() -> None:
        world = await FanoutWorld().declare()
        await world.publish(event_record("a"))

        async with world.running():
            await world.elapse(1)

        assert await world.memory.mark(1, 0) == 2

    virtual.run(main())


def test_rule_3_nothing_reaches_a_feed_before_the_mark_is_stored() -> None:
    async def main() -> None:
        world = await registered()
        world.index = index = MarklessIndex(world.leases, slice_seconds=16 * DAY)
        await world.publish(event_record("a"))

        async with world.running():
            await world.elapse(5)
            before = await world.shown()
            index.marks = True
            await world.elapse(1)

        assert (before, await world.shown()) == ([], ["a"])

    virtual.run(main())


def test_rule_3_notices_written_again_after_a_crash_are_repeats_by_the_reader_rule() -> None:
    async def main() -> None:
        world = await registered()
        world.index = index = MarklessIndex(world.leases, slice_seconds=16 * DAY)
        await world.publish(event_record("a"), event_record("a", content="another"))

        async with world.running():
            await world.elapse(2)
            index.marks = True
            await world.elapse(1)

        written = await world.records(NOTICES)
        assert len(written) > 1
        assert len(by_reader_rule(written)) == 1

    virtual.run(main())


def test_rule_4_a_process_that_was_overtaken_writes_neither_index_nor_mark_nor_position() -> None:
    async def main() -> None:
        world = await registered()
        fate = Fate(random.Random(1), trouble=0.0)
        world.index, world.positions = FatedIndex(world.memory, fate), FatedPositions(world.leases, fate)
        asleep = world.process("one")
        world.index, world.positions = world.memory, world.leases
        async with world.running(asleep):
            await world.elapse(1)
            fate.pause()
            await world.publish(event_record("a"))
            await world.elapse(world.settings.lease_seconds + 1)
            async with world.running(world.process("two")):
                await world.elapse(world.settings.lease_seconds)
                fate.go_on()
                await world.elapse(1)

        assert ("fanout.lease_lost", {"partition": 0}) in world.observer.events
        assert await world.shown() == ["a"]

    virtual.run(main())


@pytest.mark.parametrize("stores", [True, False], ids=["landed", "never landed"])
def test_rule_5_after_an_unknown_append_the_feed_goes_on_behind_what_landed(stores: bool) -> None:
    async def main() -> None:
        world = await registered()
        world.log = ForgetfulLog(world, RISK, times=3, stores=stores)
        await world.publish(event_record("a"), event_record("b"))

        async with world.running():
            await world.elapse(5)

        assert [orjson.loads(record.value)["id"] for record in await world.records(RISK)] == ["a", "b"]

    virtual.run(main())


def test_rule_5_the_truth_is_the_highest_stamp_in_the_tail_not_the_last() -> None:
    async def main() -> None:
        world = await registered()
        await world.publish(*[event_record(name) for name in "abc"])
        async with world.running():
            await world.elapse(1)
        first, *_ = [LogRecord(r.key, r.header, r.value) for r in await world.records(RISK)]
        await world.truth.append(RISK, 0, [first])  # A batch of a process that was overtaken lands late.
        world.leases._positions.clear()  # The hint is lost.
        await world.publish(event_record("d"))

        async with world.running():
            await world.elapse(1)

        assert [orjson.loads(record.value)["id"] for record in await world.records(RISK)] == [*"abcad"]
        assert await world.shown() == [*"abcd"]

    virtual.run(main())


def test_rule_5_a_stamp_above_the_end_of_its_source_stops_the_partition_with_an_alarm() -> None:
    async def main() -> None:
        world = await registered()
        await world.publish(event_record("a"))
        async with world.running():
            await world.elapse(1)
        stamp = FeedHeader(1, 0, 999, 1, 1, 0)
        await world.truth.append(RISK, 0, [LogRecord(b"", pack(stamp), b"{}")])

        async with world.running():
            await world.elapse(1)
            await world.publish(event_record("b"))
            await world.elapse(60)

        assert world.observer.alarms() == {"log_cut_short"}
        assert len(await world.records(RISK)) == 2

    virtual.run(main())


def test_rule_6_a_process_whose_registry_is_stale_decides_nothing() -> None:
    async def main() -> None:
        world = await registered()
        async with world.running():
            await world.elapse(1)
            world.confirmed = False
            await world.publish(event_record("a"))
            await world.elapse(60)
            while_stale = await world.shown()
            world.confirmed = True
            await world.elapse(1)

        assert (while_stale, await world.shown()) == ([], ["a"])

    virtual.run(main())


def test_rule_8_below_the_mark_what_the_index_has_forgotten_is_a_repeat() -> None:
    async def main() -> None:
        world = await registered()
        await world.publish(event_record("a"))
        async with world.running():
            await world.elapse(1)
        await world.memory.purge(before_us=world.clock.now_us() + 17 * DAY * 1_000_000)
        world.register(replace(FEED, name="later"))
        await world.publish(event_record("b"))

        async with world.running():
            await world.elapse(1)

        assert await world.shown("later") == ["b"]

    virtual.run(main())


def test_rule_8_an_alarm_is_raised_when_judging_comes_near_the_end_of_retention() -> None:
    async def main() -> None:
        world = await registered()
        await world.publish(event_record("a"))
        await world.elapse(29 * DAY)

        async with world.running():
            await world.elapse(1)

        assert world.observer.alarms() == {"judge_lag"}

    virtual.run(main())


def test_rule_11_an_agreement_that_has_ended_passes_nothing_on_also_of_what_was_accepted_before() -> None:
    async def main() -> None:
        world = await registered()
        async with world.running():
            await world.publish(event_record("a"))
            await world.elapse(1)
            world.confirmed = False
            await world.publish(event_record("b"))
            await world.elapse(1)
            world.register(replace(AGREEMENT, state=AgreementState.ENDED))
            world.confirmed = True
            await world.elapse(1)

        assert await world.shown() == ["a"]

    virtual.run(main())


def test_a_feed_that_is_new_catches_up_in_order_before_it_shows_anything_live() -> None:
    async def main() -> None:
        world = await registered()
        world.settings = replace(world.settings, batch_records_max=3)
        await world.publish(*[event_record(f"old{n}") for n in range(20)])
        async with world.running():
            await world.elapse(1)
            world.register(replace(FEED, name="later"))
            for number in range(10):
                await world.publish(event_record(f"live{number}"))
                await world.elapse(0.1)
            await world.elapse(1)

        assert await world.shown("later") == await world.shown()
        assert len(await world.shown()) == 30

    virtual.run(main())


def test_a_feed_that_starts_now_shows_the_records_stamped_with_its_revision_or_a_later_one() -> None:
    async def main() -> None:
        world = await registered()
        await world.publish(event_record("before", revision=1))
        revision = world.register(replace(FEED, name="fresh", start=FeedStart.NOW))
        await world.publish(event_record("at", revision=revision))
        await world.publish(
            event_record("stale worker", revision=revision - 1), event_record("after", revision=revision)
        )

        async with world.running():
            await world.elapse(1)

        assert await world.shown("fresh") == ["at", "after"]

    virtual.run(main())


def test_a_record_stamped_with_a_revision_not_seen_here_yet_waits_for_it() -> None:
    async def main() -> None:
        world = await registered()
        async with world.running():
            await world.publish(event_record("a", revision=2))
            await world.elapse(5)
            before = await world.shown()
            world.register(replace(COMPANY, name="Acme again"))
            await world.elapse(1)

        assert (before, await world.shown()) == ([], ["a"])

    virtual.run(main())


def test_a_suspended_recipients_feed_keeps_its_place_and_goes_on_when_it_is_resumed() -> None:
    async def main() -> None:
        world = await registered()
        async with world.running():
            await world.elapse(1)
            world.register(replace(AUTHORITY, state=PartnerState.SUSPENDED))
            await world.publish(event_record("a"))
            await world.elapse(5)
            suspended = await world.shown()
            world.register(AUTHORITY)
            await world.elapse(1)

        assert (suspended, await world.shown()) == ([], ["a"])

    virtual.run(main())


def test_a_feed_whose_stream_takes_nothing_delays_no_other() -> None:
    async def main() -> None:
        world = await registered()
        world.register(replace(FEED, name="stuck"))
        world.log = ForgetfulLog(world, "hub.feed.stuck", times=1_000_000, stores=False)
        async with world.running():
            for name in "abc":
                await world.publish(event_record(name))
                await world.elapse(0.1)

            assert await world.shown() == [*"abc"]

    virtual.run(main())


@pytest.mark.parametrize(
    "broken",
    [
        event_record("broken", value=b'{"id": "broken", '),
        replace(event_record("broken"), header=b"\xc1"),
        replace(event_record("broken"), header=pack(FeedHeader(1, 0, 0, 1, 1, 0))),
    ],
    ids=["its value is cut short", "its header is no header", "its header is of another kind"],
)
def test_a_record_that_cannot_be_projected_goes_to_quarantine_and_the_partition_goes_on(broken: LogRecord) -> None:
    async def main() -> None:
        world = await registered()
        await world.truth.append(EVENTS, 0, [event_record("a"), broken, event_record("b")])

        async with world.running():
            await world.elapse(1)

        assert await world.shown() == ["a", "b"]
        [aside] = await world.records(QUARANTINE)
        assert broken.value in aside.value
        assert unpack(aside.header).offset == 1  # type: ignore[union-attr]
        assert world.observer.alarms() & {"record_not_projected", "record_unreadable"}

    virtual.run(main())


class SmallLog(MemoryEventLog):
    """Refuses what is larger than an append takes, but not from the test itself."""

    async def append(self, stream: str, partition: int, records: Sequence[LogRecord]) -> int | Unknown:
        if stream != EVENTS and sum(map(bytes_of, records)) > self.append_bytes_max:
            raise HubError("the append is too large")
        return await super().append(stream, partition, records)


def amplified(record: LogRecord) -> LogRecord:
    """As sent in binary mode, with an attribute that a feed shows in twice as many bytes: quotes are escaped."""
    header, sent = unpack(record.header), orjson.loads(record.value)
    data = orjson.dumps(sent.pop("data"))
    return replace(record, header=pack(replace(header, attributes={**sent, "note": '"' * 2_000})), value=data)


@pytest.mark.parametrize(
    ("large", "bytes_max", "header_kept", "value_kept"),
    [
        (amplified(event_record("large")), 3_900, True, True),
        (event_record("large", content="x" * 4_000), 3_000, True, False),
        (amplified(event_record("large")), 1_500, False, False),
    ],
)
def test_a_record_larger_than_an_append_takes_goes_to_quarantine_with_what_fits_and_the_partition_goes_on(
    large: LogRecord, bytes_max: int, header_kept: bool, value_kept: bool
) -> None:
    async def main() -> None:
        world = await registered()
        world.log = world.truth = SmallLog(world.clock, append_bytes_max=bytes_max)
        await world.declare()
        await world.publish(event_record("a"), large, event_record("b"))

        async with world.running():
            await world.elapse(1)

        assert await world.shown() == ["a", "b"]
        [aside] = await world.records(QUARANTINE)
        kept = [large.header if header_kept else b"", large.value if value_kept else b""]
        *parts, said = msgspec.msgpack.decode(aside.value)
        assert parts == kept
        assert unpack(aside.header) == NoticeHeader("acme", "INTERNAL", 1, 0, 1, "risk")
        assert (msgspec.json.decode(said)["feed"], b"ValueError" in said) == ("risk", True)
        assert "record_not_projected" in world.observer.alarms()

    virtual.run(main())


class FullPositions(MemoryPositions):
    """Renews nothing while the disk is full."""

    full = False

    async def renew(self, lease: Lease, seconds: float) -> Lease:
        if self.full:
            raise StorageFull("no space left")
        return await super().renew(lease, seconds)


def test_a_full_disk_costs_the_lease_and_not_the_process() -> None:
    async def main() -> None:
        world = await registered()
        world.leases = world.positions = leases = FullPositions(world.clock)
        world.index = MemoryFirstOccurrence(leases, slice_seconds=16 * DAY)
        async with world.running():
            leases.full = True
            await world.elapse(3 * world.settings.lease_seconds)
            leases.full = False
            await world.publish(event_record("a"))
            await world.elapse(world.settings.lease_seconds)

        assert ("fanout.lease_lost", {"partition": 0}) in world.observer.events
        assert await world.shown() == ["a"]

    virtual.run(main())


def test_a_feed_that_has_ended_does_not_make_its_stream_again() -> None:
    async def main() -> None:
        world = await registered()
        async with world.running():
            await world.publish(event_record("a"))
            await world.elapse(1)
            world.register(replace(FEED, ended=True))
            await world.truth.drop(RISK)
            await world.publish(event_record("b"))
            await world.elapse(5)

        with pytest.raises(HubError, match="not declared"):
            await world.records(RISK)

    virtual.run(main())


def test_a_partition_is_taken_over_when_the_lease_of_a_process_that_is_gone_runs_out() -> None:
    async def main() -> None:
        world = await registered()
        fate = Fate(random.Random(1), trouble=0.0)
        world.positions = FatedPositions(world.leases, fate)
        async with world.running(world.process("one")):
            await world.elapse(1)
            fate.dead = True
        world.positions = world.leases
        await world.publish(event_record("a"))

        async with world.running(world.process("two")):
            await world.elapse(1)
            before = await world.shown()
            await world.elapse(2 * world.settings.lease_seconds)

        assert (before, await world.shown()) == ([], ["a"])

    virtual.run(main())
