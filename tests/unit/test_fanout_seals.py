"""Feed seals in the log: with the batch they are over or not at all, and no reader takes one for an event."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
import pytest
from msgspec.structs import replace

from hub.core.agreement import AgreementState, Provider
from hub.core.errors import Refusal
from hub.core.record import QUARANTINE, LogRecord, StoredRecord, Stream
from hub.delivery.pull import EARLIEST, Page
from hub.delivery.seals import BATCH_RECORDS
from hub.delivery.stream import one_line
from hub.drivers.memory.event_log import MemoryEventLog
from hub.ports.key_ring import SealKey
from hub.trust.feed_seal import OVERHEAD_BYTES, FeedSeal, FeedSealer
from hub.trust.merkle import leaf_hash
from hub.trust.withheld import is_cut
from schemas.headers import FeedHeader, FeedSealHeader, pack, unpack
from tests.faults import virtual
from tests.faults.fanout_world import AGREEMENT, AUTHORITY, COMPANY, FEED, SEAL_KEY, SEALER, FanoutWorld, event_record
from tests.unit.test_delivery import ENGINE, Desk
from tests.unit.test_fanout_protocol import RISK, ForgetfulLog

CUT = replace(AGREEMENT, fields=("/id", "/data/content"))
BOREALIS = replace(COMPANY, id="borealis")


async def registered(*, whole_too: bool = False) -> FanoutWorld:
    """A feed that cuts; with `whole_too` it shows what borealis sends whole."""
    world = await FanoutWorld().declare()
    whole = replace(AGREEMENT, id="borealis-all", provider=Provider(partner="borealis"))
    cut = replace(CUT, provider=Provider(partner="acme"))
    world.register(COMPANY, BOREALIS, AUTHORITY, cut, *([whole] if whole_too else []), FEED)
    return world


def seals(records: list[StoredRecord]) -> list[tuple[int, FeedSeal]]:
    """By the place in the partition."""
    headers = [(record, unpack(record.header)) for record in records]
    return [
        (record.offset, FeedSeal.from_log(header, record.value))
        for record, header in headers
        if isinstance(header, FeedSealHeader)
    ]


def test_the_last_record_of_a_batch_is_the_seal_over_its_cut_records() -> None:
    async def main() -> None:
        world = await registered(whole_too=True)
        await world.publish(event_record("a"), event_record("w", publisher="borealis"), event_record("b"), partition=0)

        async with world.running():
            await world.elapse(1)

        *records, seal = await world.records(RISK)
        [(_, found)] = seals([*records, seal])
        assert [leaf_hash(record.value) for record in records if is_cut(record.value)] == list(found.leaves)
        assert len(records) == 3
        assert len(found.leaves) == 2
        body = orjson.loads(found.body)
        assert (body["feed"], body["hub"], body["size"]) == ("risk", "hub", 2)
        assert seal.key == b""

    virtual.run(main())


def test_a_feed_that_shows_everything_holds_no_seal() -> None:
    async def main() -> None:
        world = await FanoutWorld().declare()
        world.register(COMPANY, AUTHORITY, AGREEMENT, FEED)
        await world.publish(event_record("a"), event_record("b"))

        async with world.running():
            await world.elapse(1)

        assert await world.shown() == ["a", "b"]
        assert seals(await world.records(RISK)) == []

    virtual.run(main())


def test_every_batch_fits_an_append_with_its_seal_and_is_sealed_itself() -> None:
    async def main() -> None:
        world = await registered()
        bounded = MemoryEventLog(world.clock, append_bytes_max=OVERHEAD_BYTES + 3_000)
        bounded._streams = world.truth._streams
        world.log = bounded
        for number in range(12):
            await world.publish(event_record(f"e{number}", content="x" * 400))

        async with world.running():
            await world.elapse(1)

        records = await world.records(RISK)
        assert await world.shown() == [f"e{number}" for number in range(12)]
        begin, found = 0, seals(records)
        for end, seal in found:
            batch = records[begin : end + 1]
            assert [leaf_hash(record.value) for record in batch[:-1]] == list(seal.leaves)
            assert sum(len(each.key) + len(each.header) + len(each.value) for each in batch) <= bounded.append_bytes_max
            begin = end + 1
        assert begin == len(records)
        assert len(found) > 1

    virtual.run(main())


def test_a_cut_record_that_no_append_takes_with_its_seal_goes_to_quarantine() -> None:
    async def main() -> None:
        world = await registered()
        bounded = MemoryEventLog(world.clock, append_bytes_max=OVERHEAD_BYTES + 1_500)
        bounded._streams = world.truth._streams
        world.log = bounded
        await world.publish(event_record("large", content="x" * 1_400))
        await world.publish(event_record("small"))

        async with world.running():
            await world.elapse(1)

        assert await world.shown() == ["small"]
        assert len(await world.records(QUARANTINE)) == 1

    virtual.run(main())


def test_a_batch_that_lands_twice_lands_twice_with_its_seal_and_is_shown_once() -> None:
    async def main() -> None:
        world = await registered()
        world.log = ForgetfulLog(world, RISK, stores=True)
        await world.publish(event_record("a"), event_record("b"))

        async with world.running():
            await world.elapse(2)

        assert await world.shown() == ["a", "b"]
        sealed_at = [offset for offset, _ in seals(await world.records(RISK))]
        assert sealed_at[-1] == len(await world.records(RISK)) - 1

    virtual.run(main())


def test_the_next_seal_is_by_the_key_that_was_rotated_in() -> None:
    keys = iter(["old", "new"])
    sealer = FeedSealer("hub", key_id=lambda: next(keys), sign=lambda message: message[:0], now_us=lambda: 0)
    cut = LogRecord(b"", b"", b'{"x":1,"hubleaf":"' + b"0" * 64 + b'"}')

    signed = [sealer.sealed("risk", [cut])[-1] for _ in range(2)]

    assert [orjson.loads(header_of(each).body)["key"] for each in signed] == ["old", "new"]


async def page(at: Desk, cursor: str | None = None, *, limit: int = 100, wait: float = 0.0) -> Page:
    found = await at.pull.page("customs", "risk", cursor, reader=ENGINE, limit=limit, wait=wait, proof=True)
    assert isinstance(found, Page)
    assert found.seals is not None
    return found


async def passed_on(world: FanoutWorld, *event_ids: str) -> None:
    await world.publish(*map(event_record, event_ids))
    async with world.running():
        await world.elapse(1)


def test_nothing_withheld_is_in_any_record_of_the_feed_its_cursor_or_its_page() -> None:
    async def main() -> None:
        at = Desk(await registered())
        value = orjson.loads(event_record("canary-id", source="canary-source").value)
        value["data"] |= {"content": "shown", "canary-name": "canary-value", "place": {"unlocode": "canary-place"}}
        value |= {"subject": "canary-subject", "canaryattribute": "canary-text"}
        await at.world.publish(event_record("canary-id", source="canary-source", value=orjson.dumps(value)))
        at.world.register(replace(CUT, provider=Provider(partner="acme"), fields=("/data/content",)))
        async with at.world.running():
            await at.world.elapse(1)

        found = await page(at)

        out = b"".join(each.key + each.header + each.value for each in await at.world.records(RISK))
        out += b"".join([*found.records, *(seal.body for seal in found.seals or ()), found.cursor.encode()])
        assert len(found.records) == 1
        assert b"shown" in out
        assert b"canary" not in out

    virtual.run(main())


def test_a_page_gives_seals_only_where_it_is_asked_for_and_no_seal_is_a_record() -> None:
    async def main() -> None:
        at = Desk(await registered())
        await passed_on(at.world, "a", "b")

        plain, proved = await at.page(), await page(at)

        assert plain.seals is None
        assert plain.records == proved.records
        assert len(plain.records) == 2
        [seal] = proved.seals or ()
        assert [*map(leaf_hash, proved.records)] == list(seal.leaves)
        assert (await at.page(plain.cursor)).records == []

    virtual.run(main())


def over(seal: FeedSeal, *records: bytes) -> bool:
    """Whether it is the hub's, over these records and no other."""
    return seal.holds("risk", lambda key, _: SEAL_KEY.public if key == SEAL_KEY.id else None) and list(seal.leaves) == [
        *map(leaf_hash, records)
    ]


def test_a_page_that_ends_inside_a_batch_has_a_seal_over_what_it_gives() -> None:
    async def main() -> None:
        at = Desk(await registered())
        await passed_on(at.world, "a", "b", "c")

        first = await page(at, limit=2)
        second = await page(at, first.cursor, limit=2)
        third = await page(at, second.cursor)

        assert [len(each.records) for each in (first, second, third)] == [2, 1, 0]
        for each in (first, second):
            [seal] = each.seals or ()
            assert over(seal, *each.records)
        assert third.seals == []

    virtual.run(main())


def test_a_seal_tells_nothing_of_records_that_may_no_longer_be_shown() -> None:
    async def main() -> None:
        at, other = Desk(await registered()), replace(CUT, id="borealis-cut", provider=Provider(partner="borealis"))
        at.world.register(other)
        hidden = (event_record(name, publisher="borealis", revision=2) for name in "hid")
        await at.world.publish(*hidden, event_record("a"), partition=0)
        async with at.world.running():
            await at.world.elapse(1)
        [(_, whole)] = seals(await at.world.records(RISK))
        at.world.register(replace(other, state=AgreementState.ENDED))

        found = await page(at)

        assert (len(whole.leaves), len(found.records)) == (4, 1)
        [seal] = found.seals or ()
        assert over(seal, *found.records)
        assert orjson.loads(seal.body)["size"] == 1

    virtual.run(main())


async def laid(at: Desk, *batch: LogRecord, values: Sequence[bytes] = (), limit: int = 1) -> Page:
    """A page of `limit` records; of `batch` the values may be others by now."""
    others = [replace(each, value=value) for each, value in zip(batch, values, strict=False)]
    await at.world.truth.append(RISK, 0, [*others, *batch[len(others) :]])
    return await page(at, limit=limit)


def cut_record(offset: int, value: bytes = b"1") -> LogRecord:
    stamp = FeedHeader(1, 0, offset, 1, 1, 0, (CUT.id,))
    return LogRecord(b"", pack(stamp), b'{"x":%b%d,"hubleaf":"%b"}' % (value, offset, b"0" * 64))


@pytest.mark.parametrize(
    ("lane", "values", "key"),
    [
        ("risk", [cut_record(0, b"2").value], SEAL_KEY),
        ("other", [], SEAL_KEY),
        ("risk/urgent", [], SEAL_KEY),
        ("risk", [], replace(SEAL_KEY, public=bytes(32))),
        ("risk", [], replace(SEAL_KEY, id="another")),
        ("risk", [], replace(SEAL_KEY, compromised_since=1)),
    ],
    ids=["another record", "another feed", "another lane", "forged", "unknown key", "compromised key"],
)
@pytest.mark.parametrize("limit", [1, 2])
def test_no_new_seal_is_made_over_what_the_batchs_own_does_not_bear_out(
    lane: str, values: Sequence[bytes], key: SealKey, limit: int
) -> None:
    async def main() -> None:
        at = Desk(await registered())
        await at.world.truth.declare(Stream(RISK, 1))
        at.seal_keys = [key]

        found = await laid(at, *SEALER.sealed(lane, [cut_record(0), cut_record(1)]), values=values, limit=limit)

        assert len(found.records) == limit
        assert leaf_hash(found.records[0]) not in {leaf for seal in found.seals or () for leaf in seal.leaves}
        assert at.world.observer.alarms() == {"feed_seal_broken"}

    virtual.run(main())


def test_a_seal_is_found_however_far_behind_its_record() -> None:
    async def main() -> None:
        at = Desk(await registered())
        await at.world.truth.declare(Stream(RISK, 1))

        found = await laid(at, *SEALER.sealed("risk", [cut_record(each) for each in range(3 * BATCH_RECORDS)]))

        [seal] = found.seals or ()
        assert over(seal, *found.records)
        assert at.world.observer.alarms() == set()

    virtual.run(main())


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"7", b'{"key":1,"time":"x"}', b'{"key":[],"time":"2026-11-22T09:00:00Z"}']
)
@pytest.mark.parametrize("limit", [1, 2])
def test_a_seal_that_cannot_be_read_does_not_hold_and_stops_nobody(body: bytes, limit: int) -> None:
    async def main() -> None:
        at = Desk(await registered())
        await at.world.truth.declare(Stream(RISK, 1))
        *cut, seal = SEALER.sealed("risk", [cut_record(0), cut_record(1)])

        found = await laid(at, *cut, replace(seal, header=pack(FeedSealHeader(body, b""))), limit=limit)

        assert (len(found.records), found.seals) == (limit, [])

    virtual.run(main())


def test_a_new_seal_is_made_where_the_batchs_own_bears_it_out() -> None:
    async def main() -> None:
        at = Desk(await registered())
        await at.world.truth.declare(Stream(RISK, 1))

        found = await laid(at, *SEALER.sealed("risk", [cut_record(0), cut_record(1)]))

        [seal] = found.seals or ()
        assert over(seal, *found.records)

    virtual.run(main())


def test_a_seal_is_found_where_memory_ends_inside_its_batch() -> None:
    async def main() -> None:
        at = Desk(await registered())
        await passed_on(at.world, "a", "b")
        *records, _ = await at.world.records(RISK)
        kept = at.tails.of(RISK).partitions[0]
        kept.begin(0)
        kept.push(records)

        found = await page(at)

        [seal] = found.seals or ()
        assert over(seal, *found.records)
        assert not at.world.observer.alarms()

    virtual.run(main())


def test_a_cut_record_without_a_seal_behind_it_is_given_without_one() -> None:
    async def main() -> None:
        at = Desk(await registered())
        await at.world.truth.declare(Stream(RISK, 1))

        found = await laid(at, cut_record(0), cut_record(1))

        assert (len(found.records), found.seals) == (1, [])

    virtual.run(main())


def test_a_seal_over_nothing_but_what_may_no_longer_be_shown_is_not_given() -> None:
    async def main() -> None:
        at = Desk(await registered())
        await passed_on(at.world, "a")
        at.world.register(replace(CUT, provider=Provider(partner="acme"), state=AgreementState.ENDED))

        found = await page(at)

        assert (found.records, found.seals) == ([], [])

    virtual.run(main())


def test_a_stream_passes_over_seals() -> None:
    async def main() -> None:
        at = Desk(await registered(), stream_heartbeat_seconds=1.0)
        await passed_on(at.world, "a")

        async with at.following(), at.stream(EARLIEST, ENGINE, lambda: False) as groups:
            assert not isinstance(groups, Refusal)
            found = [await anext(groups), await anext(groups)]

        assert [len(group.records) for group in found] == [1, 0]

    virtual.run(main())


def test_a_group_of_a_stream_has_the_seals_over_its_records_as_they_are_streamed() -> None:
    async def main() -> None:
        at = Desk(await registered(), stream_heartbeat_seconds=1.0)
        value = orjson.dumps(orjson.loads(event_record("b").value), option=orjson.OPT_INDENT_2)
        at.world.register(replace(CUT, provider=Provider(partner="acme"), fields=("/data",)))
        await at.world.publish(
            event_record("a"), event_record("b", value=value.replace(b"\n", b"\r\n"), revision=2), partition=0
        )
        async with at.world.running():
            await at.world.elapse(1)

        async with at.following(), at.stream(EARLIEST, ENGINE, lambda: False, proof=True) as groups:
            assert not isinstance(groups, Refusal)
            group, idle = await anext(groups), await anext(groups)

        assert any(b"\r\n" in record for record in group.records)
        [seal] = group.seals
        assert over(seal, *map(one_line, group.records))
        assert list(idle.seals) == []

    virtual.run(main())


def header_of(record: LogRecord) -> FeedSealHeader:
    header = unpack(record.header)
    assert isinstance(header, FeedSealHeader)
    return header
