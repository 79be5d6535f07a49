"""Status and receipts, read again from index and log."""

from __future__ import annotations

import orjson

from hub.core.record import EVENTS, Position
from hub.trust.merkle import leaf_hash, root_from_path, root_from_range
from hub.views.receipts import Receipts
from hub.views.status import EventStatus, Judged, Judgement, Statuses
from tests.faults import virtual
from tests.faults.fanout_world import RECEIVED_US, FanoutWorld, event_record

LATER_US = RECEIVED_US + 5_000_000


def views(world: FanoutWorld) -> tuple[Statuses, Receipts]:
    statuses = Statuses(log=world.log, index=world.index, partitions=world.events.partitions)
    return statuses, Receipts(log=world.log, index=world.index, hub="hub")


def test_the_status_names_the_first_its_repeats_and_its_conflicts() -> None:
    async def main() -> EventStatus:
        world = await FanoutWorld().declare()
        await world.publish(event_record("a"), event_record("b"))
        await world.publish(event_record("a", received_us=LATER_US), event_record("a", content="y"))
        async with world.running():
            await world.elapse(1)
        return await views(world)[0].of("acme", "urn:tos", "a")

    assert virtual.run(main()).occurrences == [
        Judged(Judgement.FIRST, RECEIVED_US),
        Judged(Judgement.REPEAT, LATER_US),
        Judged(Judgement.CONFLICT, RECEIVED_US),
    ]


def test_an_event_that_is_not_judged_yet_is_answered_with_how_far_judging_has_come() -> None:
    async def main() -> tuple[EventStatus, EventStatus]:
        world = await FanoutWorld().declare()
        statuses, _ = views(world)
        before = await statuses.of("acme", "urn:tos", "a")
        await world.elapse(7)
        await world.publish(event_record("another"))
        async with world.running():
            await world.elapse(1)
        await world.publish(event_record("a"))
        return before, await statuses.of("acme", "urn:tos", "a")

    before, after = virtual.run(main())

    assert before == EventStatus([], None)
    assert after == EventStatus([], virtual.START_US + 7_000_000)


def test_receipts_come_first_occurrence_first_and_lead_to_the_roots_of_their_seals() -> None:
    async def main() -> None:
        world = await FanoutWorld().declare()
        await world.publish(event_record("x"), event_record("a"), event_record("y"))
        await world.publish(event_record("a", received_us=LATER_US))
        async with world.running():
            await world.elapse(1)

        receipts = await views(world)[1].of("acme", "urn:tos", "a")

        assert [receipt.leaf for receipt in receipts] == [1, 0]
        assert [orjson.loads(receipt.statement)["received"][17:19] for receipt in receipts] == ["00", "05"]
        for receipt in receipts:
            body, leaf = orjson.loads(receipt.seal.body), leaf_hash(receipt.statement)
            assert receipt.path is not None
            assert root_from_path(leaf, receipt.leaf, body["size"], receipt.path).hex() == body["root"]  # type: ignore[union-attr]
            assert root_from_range([leaf], receipt.leaf, body["size"], receipt.seal.proof).hex() == body["root"]  # type: ignore[union-attr]

    virtual.run(main())


def test_a_receipt_goes_with_its_record() -> None:
    async def main() -> None:
        world = await FanoutWorld().declare()
        await world.publish(event_record("a"))
        async with world.running():
            await world.elapse(1)
        _, receipts = views(world)
        assert await receipts.at(Position(1, 0, 0)) is not None

        await world.truth.purge(EVENTS, world.clock.now_us())

        assert await receipts.of("acme", "urn:tos", "a") == []
        assert await receipts.at(Position(1, 0, 0)) is None

    virtual.run(main())
