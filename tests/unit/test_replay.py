"""Replays: what was allowed then and still is, once more, at a pace of its own, by any worker."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from hub.core.access import Step, offsets_of
from hub.core.agreement import AgreementState
from hub.core.dead_letter import DeadLetter, LetterState
from hub.core.errors import Refusal, StorageUnavailable
from hub.core.feed import FeedStart, Lane
from hub.core.record import EVENTS, Position
from hub.core.replay import Asked, Track
from hub.ports.access_journal import Entry, Query
from tests.faults import virtual
from tests.faults.fanout_world import AGREEMENT, FEED, TYPE, event_record
from tests.replaying import DAY, PastWorld, ids, past_world

OUT = "customs.container.gate_out"
CUT = replace(AGREEMENT, fields=("/data/content",))


def test_a_replay_shows_what_the_live_feed_showed_to_the_byte() -> None:
    async def main() -> None:
        world = await past_world(agreement=CUT)
        await world.take("a", "b")
        await world.take("a", "c")  # The first is a repeat.

        values = await world.all_values(await world.started(), limit=1)

        assert values == await world.live()
        assert len(values) == 3

    virtual.run(main())


def test_each_page_repeats_from_its_cursor_and_the_last_one_says_so() -> None:
    async def main() -> None:
        world = await past_world()
        await world.take("a", "b", "c")
        replay = await world.started()

        first = await world.page(replay, limit=2)
        second = await world.page(replay, first.cursor, limit=2)
        again = await world.page(replay, first.cursor, limit=2)

        assert (ids(first), first.complete) == (["a", "b"], False)
        assert ids(second) == ids(again) == ["c"]
        assert (await world.page(replay, second.cursor)).complete

    virtual.run(main())


def test_what_comes_after_a_session_began_is_not_in_it() -> None:
    async def main() -> None:
        world = await past_world()
        await world.take("a")
        replay = await world.started()
        await world.take("b")

        assert await world.all(replay) == ["a"]

    virtual.run(main())


def test_a_time_range_is_by_when_the_hub_received_them() -> None:
    async def main() -> None:
        world = await past_world()
        await world.take("before")
        await world.elapse(3_600)
        first_us = world.clock.now_us()
        await world.take("within")
        await world.elapse(3_600)
        last_us = world.clock.now_us()
        await world.take("after")

        assert await world.all(await world.started(from_us=first_us, to_us=last_us)) == ["within"]
        assert await world.all(await world.started(from_us=last_us)) == ["after"]

    virtual.run(main())


def test_as_it_was_known_leaves_out_what_was_received_later_and_equals_the_feed_of_then() -> None:
    async def main() -> None:
        world = await past_world()
        await world.take("a", "b")
        known_us, then = world.clock.now_us(), await world.live()
        await world.elapse(DAY)
        await world.take("b-corrected", event_type="customs.event.corrected", value=None)

        replay = await world.started(from_us=0, known_us=known_us)

        assert await world.all_values(replay) == then
        assert len(await world.live()) == 3

    virtual.run(main())


def test_what_an_agreement_of_then_did_not_show_is_not_shown_though_it_would_be_now() -> None:
    async def main() -> None:
        world = await past_world(agreement=replace(AGREEMENT, types=(OUT,)))
        await world.take("hidden")
        world.register(AGREEMENT)
        await world.take("shown")

        assert await world.all(await world.started()) == ["shown"]

    virtual.run(main())


def test_what_is_not_permitted_any_more_is_not_shown_though_it_was() -> None:
    async def main() -> None:
        world = await past_world()
        await world.take("in")
        await world.take("out", event_type=OUT)
        world.register(replace(AGREEMENT, types=(OUT,)))

        assert await world.all(await world.started()) == ["out"]

    virtual.run(main())


def test_fields_are_those_that_then_and_now_allow() -> None:
    async def main() -> None:
        world = await past_world()
        await world.take("a")
        world.register(replace(AGREEMENT, fields=("/id",)))

        [value] = await world.all_values(await world.started())

        assert b'"id":"a"' in value
        assert b"content" not in value

    virtual.run(main())


def test_the_feed_of_then_decides_types_filter_and_lane() -> None:
    async def main() -> None:
        world = await past_world(feed=replace(FEED, types=(TYPE,)))
        await world.take("in-1")
        await world.take("out-1", event_type=OUT)
        world.register(replace(FEED, types=("*",), urgent=(OUT,), version=2))
        await world.take("in-2")
        await world.take("out-2", event_type=OUT)
        world.register(replace(FEED, types=("*",), filter="type = none", version=3))
        await world.take("in-3")

        both = await world.all(await world.started())
        urgent = await world.all(await world.started(from_us=0, lane=Lane.URGENT))
        main_lane = await world.all(await world.started(from_us=0, lane=Lane.MAIN))

        assert (both, urgent, main_lane) == (["in-1", "in-2", "out-2"], ["out-2"], ["in-1", "in-2"])

    virtual.run(main())


def test_a_feed_that_started_now_has_no_past_before_it() -> None:
    async def main() -> None:
        world = await past_world()
        await world.take("before")
        world.register(replace(FEED, name="late", start=FeedStart.NOW))
        await world.take("after")

        assert await world.all(await world.started(feed="late")) == ["after"]

    virtual.run(main())


def test_what_was_erased_is_not_shown() -> None:
    async def main() -> None:
        world = await past_world()
        await world.take("a", "b")
        world.erased.add("a")

        assert await world.all(await world.started()) == ["b"]

    virtual.run(main())


@pytest.mark.parametrize("state", [AgreementState.ENDED, AgreementState.SUSPENDED])
def test_an_agreement_that_ends_in_the_middle_of_a_session_stops_it_at_once(state: AgreementState) -> None:
    async def main() -> None:
        world = await past_world()
        await world.take("a", "b")
        replay = await world.started()
        first = await world.page(replay, limit=1)
        world.register(replace(AGREEMENT, state=state))

        assert ids(first) == ["a"]
        assert ids(await world.page(replay, first.cursor)) == []

    virtual.run(main())


def test_a_replay_brings_what_came_before_a_suspension_and_nothing_that_came_in_it() -> None:
    async def main() -> None:
        world = await past_world()
        await world.take("a")
        for number, state in enumerate((AgreementState.SUSPENDED, AgreementState.ACTIVE)):
            world.register(replace(AGREEMENT, state=state))
            await world.take(f"event-{number}")

        assert await world.all(await world.started()) == ["a", "event-1"]

    virtual.run(main())


def test_an_agreement_that_ends_while_a_page_is_made_leaves_that_page_empty_and_unwritten() -> None:
    async def main() -> None:
        world = await past_world()
        await world.take("a", "b")
        replay = await world.started()
        shown = world.past.shown

        async def then_it_ends(*given: object, **more: bool) -> list[object]:
            found = await shown(*given, **more)  # type: ignore[arg-type]
            world.register(replace(AGREEMENT, state=AgreementState.ENDED))
            return [*found]

        world.past.shown = then_it_ends  # type: ignore[method-assign, assignment]
        page = await world.page(replay)

        assert page.records == []
        assert [entry.access.runs for entry in await replayed(world) if [*offsets_of(entry.access.runs)]] == []

    virtual.run(main())


async def replayed(world: PastWorld) -> list[Entry]:
    entries = await world.accesses.entries(Query(recipient="customs"), limit=100)
    return [entry for entry in reversed(entries) if entry.access.step is Step.REPLAYED]


def test_beginning_and_pages_are_written_down_with_who_and_what() -> None:
    async def main() -> None:
        world = await past_world()
        await world.take("a", "b")
        await world.page(await world.started())

        begun, page = [entry.access for entry in await replayed(world)]

        assert ([*offsets_of(begun.runs)], [*offsets_of(page.runs)]) == ([], [0, 1])
        assert (page.way, page.feed, page.reader, page.credential) == ("replay", "risk", "customs.engine", "key-1")
        assert page.agreements == ("all-to-customs",)

    virtual.run(main())


def test_nothing_leaves_that_cannot_be_written_down() -> None:
    async def main() -> None:
        world = await past_world()
        await world.take("a")
        replay = await world.started()

        async def fails(_: object) -> None:
            raise StorageUnavailable("the journal is away")

        world.accesses.add = fails  # type: ignore[method-assign, assignment]

        with pytest.raises(StorageUnavailable):
            await world.page(replay)
        with pytest.raises(StorageUnavailable):
            await world.started()
        assert [each.id for each in await world.replays.of("customs")] == [replay.id]

    virtual.run(main())


def test_behind_a_cursor_a_replay_goes_on_up_to_now_or_to_another_cursor() -> None:
    async def main() -> None:
        world = await past_world()
        await world.take("a", "b", "c")
        first = world.cursors.first("risk", 1, "customs")
        one, three = (
            world.cursors.seal(replace(first, places=(replace(first.places[0], mark=mark),))) for mark in (0, 1)
        )

        assert await world.all(await world.started(cursor=one)) == ["b", "c"]
        assert await world.all(await world.started(cursor=one, until=three)) == ["b"]

    virtual.run(main())


def test_a_cursor_that_has_expired_still_says_where_it_stood() -> None:
    async def main() -> None:
        world = await past_world()
        await world.take("a")
        cursor = world.cursors.seal(world.cursors.first("risk", 1, "customs"))
        await world.elapse(2 * DAY)

        assert await world.all(await world.started(cursor=cursor)) == ["a"]

    virtual.run(main())


def test_what_is_missing_behind_a_cursor_is_what_the_feed_holds_no_more() -> None:
    async def main() -> None:
        world = await past_world()
        await world.take("a")
        await world.elapse(10)
        cut_us = world.clock.now_us()
        await world.elapse(10)
        await world.take("b")
        cursor = world.cursors.seal(world.cursors.first("risk", 1, "customs"))
        await world.truth.purge("hub.feed.risk", cut_us)

        assert await world.all(await world.started(missing=cursor)) == ["a"]

    virtual.run(main())


def test_where_the_feed_holds_nothing_any_more_all_behind_the_cursor_is_missing() -> None:
    async def main() -> None:
        world = await past_world()
        await world.take("a")
        cursor = world.cursors.seal(world.cursors.first("risk", 1, "customs"))
        await world.elapse(10)
        await world.truth.purge("hub.feed.risk", world.clock.now_us())

        assert await world.all(await world.started(missing=cursor)) == ["a"]

    virtual.run(main())


def set_aside(offset: int, *, feed: str = "risk", cause: str = "DELIVERY_FAILED", **facts: Any) -> DeadLetter:
    output = f"{feed}-{facts}"
    given: dict[str, Any] = {
        "cause": cause,
        "output": output,
        "since_us": offset,
        "header": b"",
        "value": b"",
        "said": {"feed": feed},
    }
    return DeadLetter(position=Position(1, 0, offset), **given, **facts)


def test_what_could_not_be_projected_is_replayed_with_what_failed_once_it_can_be() -> None:
    async def main() -> None:
        world = await past_world()
        await world.take("a", "b")
        await world.dead_letters.take([set_aside(1, cause="INTERNAL", partner="acme")], Position(1, 0, 1))

        assert await world.all(await world.started(failed=True)) == ["b"]

    virtual.run(main())


def test_only_what_failed_is_replayed_where_that_is_asked_for() -> None:
    async def main() -> None:
        world = await past_world()
        await world.take("a", "b", "c")
        undelivered = [set_aside(offset, partner="customs") for offset in (2, 0)]
        others = [
            set_aside(1, partner="customs", feed="other"),
            set_aside(1, partner="other"),
            set_aside(1, partner="customs", state=LetterState.DISCARDED),
            set_aside(1, partner="acme", cause="CONFLICT"),
        ]
        await world.dead_letters.take([*undelivered, *others], Position(1, 0, 6))

        assert await world.all(await world.started(failed=True)) == ["a", "c"]

    virtual.run(main())


def test_an_operator_names_stamps_and_nothing_that_is_not_judged_comes_of_them() -> None:
    async def main() -> None:
        world = await past_world()
        await world.take("a", "b")
        await world.put([event_record("unjudged", revision=world.snapshot.revision)])

        replay = await world.started(stamps=(Track(1, 0, ((1, 1_000),)),))

        assert replay.asked is Asked.STAMPS
        assert await world.all(replay) == ["b"]

    virtual.run(main())


@pytest.mark.parametrize("wanted", [{"known_us": 1}, {"from_us": 0, "failed": True}, {"cursor": "x", "missing": "x"}])
def test_a_session_that_names_no_range_or_two_is_refused(wanted: dict[str, Any]) -> None:
    async def main() -> None:
        world = await past_world()

        refusal = await world.asked(**wanted)

        assert isinstance(refusal, Refusal)
        assert refusal.code == "BAD_REQUEST"

    virtual.run(main())


def test_cursors_of_others_of_other_feeds_and_of_other_sessions_are_not_taken() -> None:
    async def main() -> None:
        world = await past_world()
        await world.take("a", "b")
        world.register(replace(FEED, name="other"))
        one, other = await world.started(), await world.started()
        foreign = world.cursors.seal(world.cursors.first("other", 1, "customs"))
        crossed = await world.refusal(other, (await world.page(one)).cursor)
        begun = await world.asked(cursor=foreign)

        assert isinstance(crossed, Refusal)
        assert isinstance(begun, Refusal)
        assert (crossed.code, begun.code) == ("CURSOR_INVALID", "CURSOR_INVALID")

    virtual.run(main())


def test_somebody_elses_session_or_feed_is_not_there() -> None:
    async def main() -> None:
        world = await past_world()
        replay = await world.started()

        assert await world.asked("acme", "risk", from_us=0) == Refusal("NOT_FOUND")
        assert await world.refusal(replace(replay, recipient="acme")) == Refusal("NOT_FOUND")
        assert await world.replays.end("acme", replay.id) == Refusal("NOT_FOUND")
        assert await world.replays.of("acme") == []

    virtual.run(main())


def test_a_session_that_was_ended_or_has_expired_is_gone() -> None:
    async def main() -> None:
        world = await past_world(session_seconds=60)
        one, other = await world.started(), await world.started()

        await world.replays.end("customs", one.id)
        assert await world.refusal(one) == Refusal("NOT_FOUND")
        assert [each.id for each in await world.replays.of("customs")] == [other.id]
        await world.elapse(61)
        assert await world.refusal(other) == Refusal("NOT_FOUND")

    virtual.run(main())


def test_a_feed_that_has_ended_is_replayed_no_more() -> None:
    async def main() -> None:
        world = await past_world()
        replay = await world.started()
        world.register(replace(FEED, ended=True, version=2))

        assert await world.refusal(replay) == Refusal("FEED_GONE")
        assert await world.asked(from_us=0) == Refusal("FEED_GONE")

    virtual.run(main())


def test_one_recipient_has_so_many_sessions_and_no_more() -> None:
    async def main() -> None:
        world = await past_world(sessions_max=2)
        first = await world.started()
        await world.started()

        refused = await world.asked(from_us=0)
        await world.replays.end("customs", first.id)

        assert isinstance(refused, Refusal)
        assert refused.code == "TOO_MANY_REQUESTS"
        await world.started()

    virtual.run(main())


def test_another_worker_goes_on_where_one_stopped() -> None:
    async def main() -> None:
        world = await past_world()
        await world.take("a", "b")
        replay = await world.started()
        first = await world.page(replay, limit=1)

        world.build()

        assert ids(await world.page(replay, first.cursor)) == ["b"]

    virtual.run(main())


def test_a_session_whose_keeper_died_while_it_changed_them_is_begun_by_the_next() -> None:
    async def main() -> None:
        world = await past_world()
        assert await world.positions.acquire("replays/customs", "died", 5.0) is not None

        replay = await world.started()

        assert [each.id for each in await world.replays.of("customs")] == [replay.id]

    virtual.run(main())


def test_order_is_that_of_each_source_and_partitions_take_turns() -> None:
    async def main() -> None:
        world = await past_world(2)
        await world.take("a1", "a2", "a3", partition=0, source="urn:a")
        await world.take("b1", "b2", "b3", partition=1, source="urn:b")

        shown = await world.all(await world.started(), limit=2)

        assert [each for each in shown if each[0] == "a"] == ["a1", "a2", "a3"]
        assert [each for each in shown if each[0] == "b"] == ["b1", "b2", "b3"]
        assert [{each[0] for each in shown[at : at + 2]} for at in (0, 2, 4)] == [{"a", "b"}] * 3

    virtual.run(main())


def test_how_soon_an_empty_page_ends_is_not_for_its_reader_to_say() -> None:
    """Who could choose it would count by it what others send."""

    async def main() -> None:
        world = await past_world(agreement=replace(AGREEMENT, types=(OUT,)))
        await world.take(*(f"hidden-{number}" for number in range(100)))
        await world.take("shown", event_type=OUT)
        replay = await world.started()

        pages = [await world.page(replay, limit=limit) for limit in (1, 1_000)]

        assert [ids(page) for page in pages] == [["shown"], ["shown"]]

    virtual.run(main())


def test_all_sessions_of_a_worker_share_one_pace() -> None:
    async def main() -> None:
        world = await past_world(bytes_per_second_max=1_000)
        await world.take(*(f"e{number}" for number in range(20)))
        size = sum(len(each.value) + len(each.header) for each in await world.records(EVENTS))
        sessions = [await world.started() for _ in range(3)]
        began = world.clock.monotonic()

        for replay in sessions:
            assert len(await world.all(replay, limit=5)) == 20

        assert world.clock.monotonic() - began >= (3 * size - size / 4) / 1_000

    virtual.run(main())


def test_live_delivery_goes_on_at_once_while_replays_wait_for_their_pace() -> None:
    async def main() -> None:
        world = await past_world(bytes_per_second_max=1)
        await world.take("a", "b")
        replay = await world.started()
        first = await world.page(replay, limit=1)
        began = world.clock.monotonic()

        await world.take("c")
        assert len(await world.live()) == 3
        assert world.clock.monotonic() - began < 2
        await world.page(replay, first.cursor)

        assert world.clock.monotonic() - began > 100

    virtual.run(main())
