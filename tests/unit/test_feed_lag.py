"""How far feeds are behind: in events, in time, and whether that grows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from hub.core.feed import Way
from hub.delivery.lag import DAY_SECONDS, LOOK_SECONDS, Lags, LaneLag
from hub.ports.feed_access import Committed
from tests.faults import virtual
from tests.faults.fanout_world import AGREEMENT, FEED, event_record
from tests.unit.test_delivery import Desk, desk, passed_on

SEAL = "customs.seal.broken"


async def nobody(_: str) -> Committed:
    return {}


def lags_of(at: Desk, groups: Callable[[str], Awaitable[Committed]] | None = None, **late: float) -> Lags:
    world = at.world
    return Lags(
        log=world.log,
        positions=world.positions,
        cursors=at.cursors,
        snapshot=lambda: world.snapshot,
        clock=world.clock,
        observer=world.observer,
        partitions=world.events.partitions,
        feed_retention_seconds=30 * DAY_SECONDS,
        late={"routing": 0.0, "reading": 0.0} | late,
        committed=groups or nobody,
    )


async def look(at: Desk, lags: Lags, feed: str = "risk") -> list[LaneLag]:
    known = at.world.snapshot.feeds.get(feed)
    assert known is not None
    return await lags.of(known)


def test_a_feed_that_nobody_reads_is_behind_by_all_that_it_holds_since_the_oldest_came() -> None:
    async def main() -> None:
        at = await desk()
        await passed_on(at, "a", "b", "c")
        await at.world.elapse(60)

        [lag] = await look(at, lags_of(at))

        assert lag.reading.events == 3
        assert lag.reading.seconds == pytest.approx(61, abs=2)

    virtual.run(main())


def test_what_is_acknowledged_is_not_behind() -> None:
    async def main() -> None:
        at = await desk()
        await passed_on(at, "a", "b", "c")
        await at.acknowledge((await at.page(limit=2)).cursor)

        [lag] = await look(at, lags_of(at))

        assert lag.reading.events == 1

    virtual.run(main())


def test_what_fan_out_has_not_looked_at_is_behind_in_routing() -> None:
    async def main() -> None:
        at = await desk()
        await at.world.publish(*[event_record(event_id) for event_id in "abc"])
        await at.world.elapse(30)

        [lag] = await look(at, lags_of(at))

        assert (lag.routing.events, lag.reading.events) == (4, 0), "three events and their seal"
        assert lag.routing.seconds == pytest.approx(30, abs=1)

    virtual.run(main())


@pytest.mark.parametrize(
    ("first", "then", "acknowledged", "trend"),
    [(50, 0, False, "steady"), (50, 5, False, "steady"), (50, 40, False, "rising"), (50, 0, True, "falling")],
)
def test_a_trend_is_told_where_the_number_moved_by_a_tenth_and_by_ten(
    first: int, then: int, acknowledged: bool, trend: str
) -> None:
    async def main() -> None:
        at = await desk()
        lags = lags_of(at)
        await passed_on(at, *[f"a{number}" for number in range(first)])
        [before] = await look(at, lags)
        await at.world.elapse(LOOK_SECONDS)
        if then:
            await passed_on(at, *[f"b{number}" for number in range(then)])
        if acknowledged:
            await at.acknowledge((await at.page()).cursor)

        [after] = await look(at, lags)

        assert (before.reading.trend, after.reading.trend) == (None, trend)

    virtual.run(main())


def test_each_lane_is_looked_at_by_itself() -> None:
    async def main() -> None:
        at = await desk()
        at.world.register(replace(FEED, urgent=(SEAL,), version=2))
        await at.world.publish(event_record("a", revision=2), event_record("b", revision=2, event_type=SEAL))
        async with at.world.running():
            await at.world.elapse(3)

        lanes = await look(at, lags_of(at))

        assert {lag.lane: lag.reading.events for lag in lanes} == {"": 1, "urgent": 1}

    virtual.run(main())


@pytest.mark.parametrize(("text", "quiet"), [("type exists", True), ("", False)])
def test_a_filter_that_let_nothing_through_for_a_day_is_told_of(text: str, quiet: bool) -> None:
    async def main() -> None:
        at = await desk()
        lags = lags_of(at)
        await passed_on(at, "a")
        now = at.world.clock.now_us() // 1_000_000
        at.world.register(replace(FEED, filter=text, version=2, since=now))

        [soon] = await look(at, lags)
        await at.world.elapse(DAY_SECONDS + 60)
        [later] = await look(at, lags)
        at.world.register(replace(FEED, filter=text, version=3, since=now + DAY_SECONDS))
        [changed] = await look(at, lags)

        assert (soon.quiet, later.quiet, changed.quiet) == (False, quiet, False)

    virtual.run(main())


def test_what_has_ended_is_not_told_any_more() -> None:
    async def main() -> None:
        at = await desk()
        lags = lags_of(at)
        await passed_on(at, "a")
        await look(at, lags)
        told = lags.told()
        at.world.register(replace(FEED, ended=True, version=2))

        assert lags.forget() == []
        assert (len(told), lags.told()) == (1, [])

    virtual.run(main())


def test_of_a_feed_that_is_read_from_kafka_what_a_group_has_committed_is_read() -> None:
    async def main() -> None:
        at = await desk()
        at.world.register(replace(FEED, ways=(Way.KAFKA,), version=2))
        at.world.register(replace(AGREEMENT, direct=True))
        await passed_on(at, "a", "b", "c")

        async def groups(recipient: str) -> Committed:
            assert recipient == "customs"
            places = {"one": 1, "two": 2, "beyond-the-end": 1_000}
            return {f"customs.{name}": {(FEED.stream, 0): place} for name, place in places.items()}

        [lag] = await look(at, lags_of(at, groups))

        assert lag.reading.events == (await at.world.log.bounds(FEED.stream, 0)).end - 2

    virtual.run(main())
