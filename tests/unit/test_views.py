"""Status and receipts, read again from index and log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import orjson
import pytest

from hub.core.errors import HubError
from hub.core.evidence import Receipt
from hub.core.record import EVENTS, LogRecord, Position, StoredRecord
from hub.ports.event_log import EventLog
from hub.trust.merkle import leaf_hash
from hub.views.receipts import Receipts, Wanted
from hub.views.status import EventStatus, Judged, Judgement, Statuses
from schemas.identity import identity_key
from tests.faults import virtual
from tests.faults.fanout_world import RECEIVED_US, FanoutWorld, event_record
from tests.merkle_roots import root_from_path, root_from_range

LATER_US = RECEIVED_US + 5_000_000


def views(world: FanoutWorld) -> tuple[Statuses, Receipts]:
    statuses = Statuses(log=world.log, index=world.index, partitions=world.events.partitions)
    return statuses, Receipts(log=world.log, index=world.index)


def wanted(event_id: str, offset: int) -> Wanted:
    return Position(1, 0, offset), identity_key("acme", "urn:tos", event_id, None)


def given(receipt: Receipt | HubError | None) -> Receipt:
    assert isinstance(receipt, Receipt)
    return receipt


def test_the_status_names_the_first_its_repeats_and_its_conflicts() -> None:
    async def main() -> EventStatus:
        world = await FanoutWorld().declare()
        await world.publish(event_record("a"), event_record("b"))
        await world.publish(event_record("a", received_us=LATER_US), event_record("a", content="y"))
        async with world.running():
            await world.elapse(1)
        return await views(world)[0].of("acme", "urn:tos", "a")

    assert virtual.run(main()).occurrences == [
        Judged(Judgement.FIRST, RECEIVED_US, "acme.tos"),
        Judged(Judgement.REPEAT, LATER_US, "acme.tos"),
        Judged(Judgement.CONFLICT, RECEIVED_US, "acme.tos"),
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

        receipts, _ = await views(world)[1].of("acme", "urn:tos", "a")

        assert [receipt.leaf for receipt in receipts] == [1, 0]
        assert [orjson.loads(receipt.statement)["received"][17:19] for receipt in receipts] == ["00", "05"]
        for receipt in receipts:
            body, leaf = orjson.loads(receipt.seal.body), leaf_hash(receipt.statement)
            assert receipt.path is not None
            assert root_from_path(leaf, receipt.leaf, body["size"], receipt.path).hex() == body["root"]  # type: ignore[union-attr]
            assert root_from_range([leaf], receipt.leaf, body["size"], receipt.seal.proof).hex() == body["root"]  # type: ignore[union-attr]

    virtual.run(main())


def test_receipts_of_one_batch_are_given_by_one_read_in_the_order_asked() -> None:
    async def main() -> None:
        world = await FanoutWorld().declare()
        await world.publish(event_record("a"), event_record("b"), event_record("c"))
        await world.publish(event_record("d"))
        reads = CountedReads(world.truth)
        receipts = Receipts(log=reads, index=world.index)  # type: ignore[arg-type]

        places = {"a": 0, "b": 1, "c": 2, "d": 4}
        found = await receipts.at([wanted(event_id, places[event_id]) for event_id in "dcacb"])

        assert [orjson.loads(given(receipt).statement)["id"] for receipt in found] == ["d", "c", "a", "c", "b"]
        assert reads.count == 2

    virtual.run(main())


class CountedReads:
    """A log that counts the batches that are read from it."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self.count = 0

    @asynccontextmanager
    async def reader(self, stream: str) -> AsyncIterator[CountedReads]:
        async with self._log.reader(stream) as self._reader:
            yield self

    async def read_batch(self, partition: int, offset: int) -> Sequence[StoredRecord]:
        self.count += 1
        return await self._reader.read_batch(partition, offset)


@pytest.mark.parametrize("offset", [1, 2, 9])
def test_where_there_is_no_sealed_event_there_is_no_receipt(offset: int) -> None:
    """A seal, a record without one, and a place that nothing was written to."""

    async def main() -> None:
        world = await FanoutWorld().declare()
        await world.publish(event_record("a"))
        await world.truth.append(EVENTS, 0, [event_record("b")])
        _, receipts = views(world)

        found, beside = await receipts.at([wanted("b", offset), wanted("a", 0)])

        assert isinstance(found, HubError)
        assert given(beside).leaf == 0

    virtual.run(main())


def test_a_receipt_goes_with_its_record() -> None:
    async def main() -> None:
        world = await FanoutWorld().declare()
        await world.publish(event_record("a"))
        async with world.running():
            await world.elapse(1)
        _, receipts = views(world)
        assert None not in await receipts.at([wanted("a", 0)])

        await world.truth.purge(EVENTS, world.clock.now_us())

        assert await receipts.of("acme", "urn:tos", "a") == ([], False)
        assert await receipts.at([wanted("a", 0)]) == [None]

    virtual.run(main())


def test_a_receipt_is_given_for_the_identity_that_was_asked_for_and_for_no_other_event_at_its_place() -> None:
    async def main() -> None:
        world = await FanoutWorld().declare()
        await world.publish(event_record("a"), event_record("secret", publisher="rival"))
        _, receipts = views(world)

        assert await receipts.at([wanted("a", 1), wanted("secret", 1), wanted("b", 0)]) == [None, None, None]

    virtual.run(main())


def test_a_receipt_names_the_hub_as_it_was_called_when_the_event_was_sealed() -> None:
    async def main() -> None:
        world = await FanoutWorld().declare()
        await world.publish(event_record("a"))

        [receipt] = await views(world)[1].at([wanted("a", 0)])

        assert orjson.loads(given(receipt).statement)["hub"] == orjson.loads(given(receipt).seal.body)["hub"]

    virtual.run(main())


def test_a_batch_that_cannot_be_read_costs_only_the_receipts_of_its_own_events() -> None:
    async def main() -> None:
        world = await FanoutWorld().declare()
        await world.publish(event_record("a"))
        await world.truth.append(EVENTS, 0, [LogRecord(b"", b"\xff", b"")])
        await world.publish(event_record("b"))
        _, receipts = views(world)

        first, broken, last = await receipts.at([wanted("a", 0), wanted("x", 2), wanted("b", 3)])

        assert (given(first).leaf, given(last).leaf) == (0, 0)
        assert isinstance(broken, HubError)

    virtual.run(main())
