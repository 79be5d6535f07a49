"""Feed seals in the log: with the batch they are over or not at all, and no reader takes one for an event."""

from __future__ import annotations

import orjson
from msgspec.structs import replace

from hub.core.agreement import AgreementState, Provider
from hub.core.errors import Refusal
from hub.core.record import QUARANTINE, LogRecord, StoredRecord
from hub.delivery.pull import EARLIEST, Page
from hub.drivers.memory.event_log import MemoryEventLog
from hub.trust.feed_seal import OVERHEAD_BYTES, FeedSeal, FeedSealer
from hub.trust.merkle import leaf_hash
from hub.trust.withheld import is_cut
from schemas.headers import FeedSealHeader, unpack
from tests.faults import virtual
from tests.faults.fanout_world import AGREEMENT, AUTHORITY, COMPANY, FEED, FanoutWorld, event_record
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


def test_a_page_that_ends_before_a_seal_leaves_it_to_the_next_one() -> None:
    async def main() -> None:
        at = Desk(await registered())
        await passed_on(at.world, "a", "b")

        first = await page(at, limit=2)
        second = await page(at, first.cursor, limit=2, wait=5.0)

        assert (len(first.records), first.seals) == (2, [])
        assert second.records == []
        assert [seal.leaves for seal in second.seals or ()] == [[*map(leaf_hash, first.records)]]

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


def header_of(record: LogRecord) -> FeedSealHeader:
    header = unpack(record.header)
    assert isinstance(header, FeedSealHeader)
    return header
