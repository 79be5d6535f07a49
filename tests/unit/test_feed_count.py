"""What a filter would have let through of the last day: as a feed made now would decide, told in round numbers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from hub.core.access import Access, Step, offsets_of
from hub.core.agreement import AgreementState, Provider
from hub.core.errors import Refusal, StorageUnavailable
from hub.core.feed import Feed
from hub.core.settings import DeliverySettings
from hub.core.terms import Agreements
from hub.fanout.count import SECONDS, Asker, Count, Counter, Counts, rounded, told
from hub.ports.access_journal import Query
from tests.faults import virtual
from tests.faults.fanout_world import AGREEMENT, FEED, SECRET, event_record
from tests.unit.test_delivery import Desk, desk, passed_on

ASKER = Asker("customs.engine", "key-1")


def counts_of(at: Desk, **settings: Any) -> Counts:
    world = at.world
    counter = Counter(
        hub="hub",
        log=world.log,
        generation=1,
        partitions=world.events.partitions,
        index=world.index,
        snapshot=lambda: world.snapshot,
        agreements=lambda: Agreements(world.snapshot),
        secret=lambda _: SECRET,
        note=at.journal.add,
        clock=world.clock,
        observer=world.observer,
        settings=DeliverySettings(**settings),
    )
    return Counts(counter)


async def counted(at: Desk, text: str = "", **more: Any) -> Count:
    return await done(counts_of(at).count(replace(FEED, filter=text, **more), ASKER))


async def done(counting: Awaitable[Count | Refusal]) -> Count:
    count = await counting
    assert not isinstance(count, Refusal)
    return count


@pytest.mark.parametrize(
    ("events", "said"),
    [
        (0, 0),
        (9, 0),
        (10, 10),
        (14, 10),
        (15, 20),
        (99, 100),
        (104, 100),
        (996, 1_000),
        (1_234, 1_200),
        (98_765, 99_000),
    ],
)
def test_a_figure_is_told_to_two_digits_and_never_finer_than_tens(events: int, said: int) -> None:
    assert rounded(events) == said
    assert ("fewer_than" in told(Count(events, True, 0, 0))) == (events < 10)


def test_each_event_counts_once_however_often_it_was_sent() -> None:
    async def main() -> None:
        at = await desk()
        await passed_on(at, "a", "b")
        await passed_on(at, "a", "c")

        assert (await counted(at)).events == 3
        assert (await counted(at, "/id in (a, c)")).events == 2
        assert (await counted(at, types=("customs.seal.*",))).events == 0

    virtual.run(main())


def test_what_no_agreement_shows_now_does_not_count() -> None:
    async def main() -> None:
        at = await desk()
        await passed_on(at, "a", "b")
        at.world.register(replace(AGREEMENT, provider=Provider(partner="somebody")))
        other = (await counted(at)).events
        at.world.register(replace(AGREEMENT, state=AgreementState.SUSPENDED))

        assert (other, (await counted(at)).events) == (0, 0)

    virtual.run(main())


def test_what_came_while_the_agreement_was_suspended_does_not_count_either_once_it_is_resumed() -> None:
    async def main() -> None:
        at = await desk()
        for number, state in enumerate((AgreementState.SUSPENDED, AgreementState.ACTIVE)):
            at.world.register(replace(AGREEMENT, state=state))
            revision, now_us = at.world.snapshot.revision, at.world.clock.now_us()
            await at.world.publish(event_record(f"event-{number}", revision=revision, received_us=now_us))
        async with at.world.running():
            await at.world.elapse(1)

        assert (await counted(at, "/id = event-0")).events == 0
        assert (await counted(at, "/id = event-1")).events == 1

    virtual.run(main())


def test_a_record_that_fan_out_would_set_aside_does_not_count_and_ends_no_count() -> None:
    async def main() -> None:
        at = await desk()
        at.world.register(replace(AGREEMENT, fields=("/data/content",)))
        broken = replace(event_record("broken", received_us=at.world.clock.now_us()), value=b"[]")
        await at.world.publish(broken)
        await passed_on(at, "a", "b")

        assert (await counted(at)).events == 2
        assert "record_not_counted" in dict(at.world.observer.events)

    virtual.run(main())


def test_a_filter_finds_nothing_in_what_is_withheld() -> None:
    async def main() -> None:
        at = await desk()
        at.world.register(replace(AGREEMENT, fields=("/data/content",)))
        await passed_on(at, "a", "b")

        assert (await counted(at, "/id = a or partner = acme or tier = aeo")).events == 0
        assert (await counted(at, "/id starts p- and not tier exists")).events == 2

    virtual.run(main())


def test_only_the_last_day_counts() -> None:
    async def main() -> None:
        at = await desk()
        await passed_on(at, "a", "b")
        first = await counted(at)
        await at.world.elapse(SECONDS)
        later = at.world.clock.now_us()
        await at.world.publish(event_record("c", received_us=later), event_record("d", received_us=later))
        async with at.world.running():
            await at.world.elapse(1)

        assert (first.events, (await counted(at)).events) == (2, 2)

    virtual.run(main())


def test_what_was_not_judged_yet_does_not_count() -> None:
    async def main() -> None:
        at = await desk()
        await at.world.publish(event_record("a"))

        assert (await counted(at)).events == 0

    virtual.run(main())


def test_it_is_written_down_what_was_counted_before_it_is_told() -> None:
    async def main() -> None:
        at = await desk()
        await passed_on(at, "a", "b", "c")

        await counted(at, "/id in (a, c)")

        [entry] = await at.accesses.entries(Query(recipient="customs"), limit=10)
        access = entry.access
        assert [*offsets_of(access.runs)] == [0, 2]
        assert (access.step, access.way, access.reader, access.credential) == (
            Step.COUNTED, "count", "customs.engine", "key-1",
        )  # fmt: skip
        assert access.agreements == (AGREEMENT.id,)

    virtual.run(main())


def test_what_cannot_be_written_down_is_not_told() -> None:
    async def main() -> None:
        at = await desk()
        await passed_on(at, "a")

        async def full(entries: Sequence[Access]) -> None:
            raise StorageUnavailable("the disk is full")

        at.accesses.add = full  # type: ignore[method-assign]
        with pytest.raises(StorageUnavailable):
            await counted(at)

    virtual.run(main())


def test_a_count_whose_time_is_over_says_so() -> None:
    async def main() -> None:
        at = await desk()
        await passed_on(at, "a", "b")
        counts = counts_of(at, count_seconds_max=0.0)

        count = await done(counts.count(FEED, ASKER))

        assert (count.events, count.complete) == (0, False)

    virtual.run(main())


def engine(number: int) -> tuple[Feed, Asker]:
    """A recipient of its own, and who asks for it."""
    return replace(FEED, recipient=f"customs{number}"), Asker(f"customs{number}.engine", "key-1")


def test_one_more_waits_for_a_count_and_whoever_comes_then_is_sent_away_at_once() -> None:
    async def main() -> None:
        at = await desk()
        await passed_on(at, *[f"e{number}" for number in range(30)])
        counts = counts_of(at)
        look_up, began = at.world.index.look_up, at.world.clock.monotonic()

        async def slowly(ids: Sequence[bytes]) -> Any:
            await at.world.clock.sleep(4)
            return await look_up(ids)

        at.world.index.look_up = slowly  # type: ignore[method-assign]
        ends: list[tuple[str, float]] = []

        async def asked(number: int) -> None:
            count = await counts.count(*engine(number))
            ends.append((count.code if isinstance(count, Refusal) else "", at.world.clock.monotonic() - began))

        async with asyncio.TaskGroup() as group:
            for number in range(4):
                group.create_task(asked(number))
            await at.world.elapse(60)

        assert sorted(ends) == [("", 4.5), ("", 9.0), ("OVERLOADED", 0.0), ("OVERLOADED", 0.0)]
        assert (await done(counts.count(*engine(9)))).complete

    virtual.run(main())


def test_nobody_has_two_counts_under_way_and_an_operator_takes_no_recipients_place() -> None:
    async def main() -> None:
        at = await desk()
        await passed_on(at, *[f"e{number}" for number in range(30)])
        counts = counts_of(at)

        askers = ASKER, Asker("customs.other", "key-2"), Asker("ann")
        first, second, operators = await asyncio.gather(*(counts.count(FEED, each) for each in askers))

        assert isinstance(first, Count)
        assert isinstance(second, Refusal)
        assert (second.code, second.retry_after) == ("TOO_MANY_REQUESTS", 5)
        assert isinstance(operators, Count)

    virtual.run(main())


def test_a_count_that_fails_leaves_its_place_to_others() -> None:
    async def main() -> None:
        at = await desk()
        await passed_on(at, "a")
        counts, look_up = counts_of(at), at.world.index.look_up

        async def away(ids: Sequence[bytes]) -> Any:
            raise StorageUnavailable("away")

        at.world.index.look_up = away  # type: ignore[method-assign]
        for _ in range(3):
            with pytest.raises(StorageUnavailable):
                await counts.count(FEED, ASKER)
        at.world.index.look_up = look_up  # type: ignore[method-assign]

        assert (await done(counts.count(FEED, ASKER))).complete

    virtual.run(main())
