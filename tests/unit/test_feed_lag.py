"""How far feeds are behind: in events, in time, and whether that grows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from hub.core.endpoint import EndpointState, Mode
from hub.core.feed import Way
from hub.delivery import lag as lag_module
from hub.delivery.lag import DAY_SECONDS, LOOK_SECONDS, Lags, LaneLag
from hub.ports.feed_access import Committed
from hub.ports.webhooks import Reply
from tests.faults import virtual
from tests.faults.fanout_world import AGREEMENT, FEED, event_record
from tests.unit.test_delivery import Desk, desk, passed_on
from tests.unit.test_webhook_courier import ENDPOINT, square

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


@pytest.mark.parametrize("acknowledged", [0, 1])
def test_of_a_feed_that_cuts_events_count_and_seals_do_not(acknowledged: int) -> None:
    async def main() -> None:
        at = await desk()
        at.world.register(replace(AGREEMENT, fields=("/id",)))
        for event_id in "abcd"[: 3 + acknowledged]:
            await passed_on(at, event_id)
        if acknowledged:
            await at.acknowledge((await at.page(limit=acknowledged)).cursor)

        [lag] = await look(at, lags_of(at))

        assert (await at.world.log.bounds(FEED.stream, 0)).end > 3 + acknowledged, "with seals"
        assert (lag.reading.events, lag.reading.at_most) == (3, False)

    virtual.run(main())


def test_where_nothing_but_a_seal_lies_behind_the_place_nobody_is_behind() -> None:
    async def main() -> None:
        at = await desk()
        at.world.register(replace(AGREEMENT, fields=("/id",)))
        await passed_on(at, "a", "b")
        await at.acknowledge((await at.page(limit=2)).cursor)
        await at.world.elapse(60)

        [lag] = await look(at, lags_of(at))

        assert (lag.reading.events, lag.reading.seconds, lag.reading.at_most) == (0, None, False)

    virtual.run(main())


def test_what_came_since_the_last_look_is_counted_with_what_was_read_then() -> None:
    async def main() -> None:
        at = await desk()
        at.world.register(replace(AGREEMENT, fields=("/id",)))
        lags = lags_of(at)
        await passed_on(at, "a")
        [first] = await look(at, lags)
        await passed_on(at, "b")
        await passed_on(at, "c")
        [second] = await look(at, lags)
        await at.acknowledge((await at.page(limit=3)).cursor)
        [third] = await look(at, lags)

        assert [lag.reading.events for lag in (first, second, third)] == [1, 3, 1]

    virtual.run(main())


def test_a_lane_that_is_far_behind_is_told_as_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        monkeypatch.setattr(lag_module, "COUNTED_RECORDS_MAX", 3)
        at = await desk()
        at.world.register(replace(AGREEMENT, fields=("/id",)))
        await passed_on(at, "a", "b", "c")

        [lag] = await look(at, lags_of(at))

        assert (lag.reading.events, lag.reading.at_most) == (4, True)

    virtual.run(main())


def test_what_its_endpoint_took_is_not_behind() -> None:
    async def main() -> None:
        at = await square()
        await at.brought_on("a", "b", "c")
        async with at.pushing(killed=False):
            await at.world.elapse(5)

        [lag] = await look(at, lags_of(at))

        assert len(at.town.taken_ids) == 3
        assert (lag.reading.events, lag.reading.seconds) == (0, None)

    virtual.run(main())


@pytest.mark.parametrize(
    ("state", "events"), [(EndpointState.ACTIVE, 3), (EndpointState.FAILING, 3), (EndpointState.PAUSED, 0)]
)
def test_of_several_endpoints_the_slowest_that_is_sent_to_counts(state: EndpointState, events: int) -> None:
    async def main() -> None:
        at = await square()
        await at.brought_on("a", "b", "c")
        async with at.pushing(killed=False):
            await at.world.elapse(5)
        at.world.register(replace(ENDPOINT, id="other", state=state))

        [lag] = await look(at, lags_of(at))

        assert lag.reading.events == events

    virtual.run(main())


def test_a_thin_endpoint_takes_no_records() -> None:
    async def main() -> None:
        at = await square(endpoints=(replace(ENDPOINT, mode=Mode.THIN),))
        await at.brought_on("a", "b", "c")
        async with at.pushing(killed=False):
            await at.world.elapse(5)

        [lag] = await look(at, lags_of(at))

        assert lag.reading.events == 3

    virtual.run(main())


def test_what_an_endpoint_refuses_is_behind_until_it_takes_it() -> None:
    async def main() -> None:
        at = await square()
        at.town.answer = lambda _: Reply(500)
        await at.brought_on("a", "b")
        async with at.pushing(killed=False):
            await at.world.elapse(3)

        [lag] = await look(at, lags_of(at))

        assert lag.reading.events == 2

    virtual.run(main())
