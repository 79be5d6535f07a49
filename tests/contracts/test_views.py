"""What every keeper of what is known promises. No test here asks which driver it has."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.ports.views import KnownEvent, Place, Query, Views
from schemas.identity import identity_key
from tests.clock import START_US
from tests.contracts import follower
from tests.contracts.grounds import marked
from tests.contracts.views_grounds import (
    CONSIGNMENT,
    CONTAINER,
    DURABLE_VIEWS_GROUNDS,
    OTHER,
    VIEWS_GROUNDS,
    follow,
    known,
    mark,
)

EVERYTHING = Query()
PLENTY = 1_000_000


@pytest.fixture(params=marked(VIEWS_GROUNDS))
async def views(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Views]:
    async with VIEWS_GROUNDS[request.param](tmp_path) as opened:
        yield opened


async def listed(
    views: Views,
    query: Query = EVERYTHING,
    *,
    limit: int = 100,
    looked_at_max: int = 1_000,
    bytes_max: int = PLENTY,
) -> list[int]:
    """The offsets of all that a query finds, page by page."""
    found: list[int] = []
    while True:
        page = await views.events(query, limit=limit, looked_at_max=looked_at_max, bytes_max=bytes_max)
        assert len(page.events) == len(page.places) <= limit
        found += [event.position.offset for event in page.events]
        if page.next is None:
            return found
        query = Query(**{name: getattr(query, name) for name in Query.__struct_fields__} | {"after": page.next})


def offsets(events: object) -> list[int]:
    assert isinstance(events, list)
    return [event.position.offset for event in events]


# Following


async def test_an_event_comes_back_as_it_was_given(views: Views) -> None:
    event = known(3, takes_back="e1", objects=(CONTAINER, CONSIGNMENT), consigned=True, version="2026-11-22T10:00:00")

    await follow(views, event)

    assert list((await views.events(EVERYTHING, limit=10, looked_at_max=10, bytes_max=PLENTY)).events) == [event]


async def test_an_event_may_name_whatever_a_text_can_hold(views: Views) -> None:
    long = "ucr:" + "\N{SHIP}" * 5_000
    event = known(1, objects=(long, "ucr:\x00\x1f"))

    await follow(views, event)

    assert await views.about([long], each_max=9, bytes_max=PLENTY) == [event]
    assert await views.purge(START_US + 99_000_000) == 1
    assert await views.about([long], each_max=9, bytes_max=PLENTY) == []


async def test_nothing_was_followed_before_the_first_mark(views: Views) -> None:
    assert await views.mark(1, 0) is None


async def test_a_mark_comes_back_also_where_no_event_came_with_it(views: Views) -> None:
    await views.apply([], mark(7))

    assert await views.mark(1, 0) == mark(7)
    assert await views.mark(1, 1) is None
    assert await views.mark(2, 0) is None


async def test_events_that_were_followed_before_change_nothing(views: Views) -> None:
    await follow(views, known(1), known(2))

    await follow(views, known(1, "other"), known(2), known(3))

    assert await listed(views) == [3, 2, 1]
    assert await views.newest("acme", "urn:tos", ["other"]) == {}
    assert await views.mark(1, 0) == mark(4)


async def test_a_mark_does_not_go_back(views: Views) -> None:
    await follow(views, known(5))

    await views.apply([], mark(2))

    assert await views.mark(1, 0) == mark(6)


async def test_partitions_are_followed_apart(views: Views) -> None:
    await follow(views, known(5, partition=1))

    await follow(views, known(2, partition=0))

    assert await listed(views) == [5, 2]
    assert await views.mark(1, 0) == mark(3)
    assert await views.mark(1, 1) == mark(6, partition=1)


async def test_after_a_reset_everything_is_forgotten_and_can_be_followed_again(views: Views) -> None:
    await follow(views, known(1, takes_back="e0"), known(2))

    await views.reset()

    assert await views.mark(1, 0) is None
    assert await listed(views) == []
    assert await views.about([CONTAINER], each_max=10, bytes_max=PLENTY) == []
    await follow(views, known(1), known(2))
    assert await listed(views) == [2, 1]


# Questions


async def test_the_order_is_that_of_receipt_either_way_and_of_one_moment_that_of_coming_to_be_known(
    views: Views,
) -> None:
    same = START_US + 2_000_000
    await follow(
        views, known(1, received_us=same), known(2), known(3, received_us=same), known(4, received_us=same - 1)
    )

    assert await listed(views) == [3, 2, 1, 4]
    assert await listed(views, Query(newest_first=False)) == [4, 1, 2, 3]


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
async def test_pages_of_any_size_show_everything_once_and_in_order(
    views: Views, limit: int, newest_first: bool
) -> None:
    same = START_US
    await follow(views, *(known(offset, received_us=same + offset // 3) for offset in range(7)))

    found = await listed(views, Query(newest_first=newest_first), limit=limit)

    assert found == (sorted(range(7), reverse=newest_first))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (Query(publisher="acme"), [5, 3, 2, 1]),
        (Query(publisher="nobody"), []),
        (Query(type="customs.seal.broken"), [3, 2]),
        (Query(object=OTHER), [4, 3]),
        (Query(object=CONSIGNMENT), [4]),
        (Query(object="iso6346:MSKU123456"), []),
        (Query(consigned=True), [4]),
        (Query(consigned=False), [5, 3, 2, 1]),
        (Query(publisher="acme", type="customs.seal.broken"), [3, 2]),
        (Query(publisher="acme", object=OTHER), [3]),
        (Query(object=OTHER, consigned=False), [3]),
        (Query(type="customs.seal.broken", consigned=True), []),
        (Query(received_us=(START_US + 2_000_000, START_US + 4_000_000)), [3, 2]),
        (Query(occurred_us=(START_US, START_US + 1)), [5]),
        (Query(occurred_us=(START_US, START_US + 1), publisher="acme"), [5]),
        (Query(occurred_us=(START_US, START_US + 1), object=CONTAINER, newest_first=False), [5]),
        (Query(publisher="delta", received_us=(0, START_US)), []),
    ],
)
@pytest.mark.parametrize("looked_at_max", [1, 2, 1_000])
async def test_a_query_finds_what_meets_all_its_conditions_however_little_it_looks_at_in_one_go(
    views: Views, query: Query, found: list[int], looked_at_max: int
) -> None:
    seal = {"type": "customs.seal.broken"}
    await follow(
        views,
        known(1),
        known(2, **seal),
        known(3, objects=(OTHER, CONTAINER), **seal),
        known(4, objects=(OTHER, CONSIGNMENT), consigned=True, publisher="delta"),
        known(5, occurred_us=START_US),
    )

    assert await listed(views, query, limit=2, looked_at_max=looked_at_max) == found


async def test_a_page_ends_where_its_bytes_do_and_holds_at_least_one_event(views: Views) -> None:
    await follow(views, *(known(offset, value=b"v" * 10) for offset in range(7)))

    page = await views.events(EVERYTHING, limit=100, looked_at_max=100, bytes_max=35)

    assert offsets(page.events) == [6, 5, 4]
    assert await listed(views, bytes_max=35) == await listed(views, bytes_max=0) == [6, 5, 4, 3, 2, 1, 0]


async def test_a_page_says_how_much_was_looked_at_for_it(views: Views) -> None:
    await follow(views, *(known(offset) for offset in range(7)))

    page = await views.events(Query(publisher="acme", occurred_us=(0, 1)), limit=5, looked_at_max=4, bytes_max=PLENTY)

    assert (page.events, page.looked_at, page.next is None) == ([], 4, False)


@pytest.mark.parametrize("query", [Query(publisher="delta"), Query(publisher="delta", object=CONTAINER)])
async def test_events_of_others_do_not_count_where_those_of_one_publisher_are_asked_for(
    views: Views, query: Query
) -> None:
    await follow(views, known(0, publisher="delta"), *(known(offset) for offset in range(1, 7)))

    page = await views.events(query, limit=5, looked_at_max=1, bytes_max=PLENTY)

    assert (offsets(page.events), page.next) == ([0], None)


async def test_what_comes_to_be_known_meanwhile_does_not_disturb_the_pages(views: Views) -> None:
    await follow(views, *(known(offset) for offset in range(4)))
    first = await views.events(EVERYTHING, limit=2, looked_at_max=10, bytes_max=PLENTY)
    await follow(views, known(4))

    rest = await listed(views, Query(after=first.next))

    assert offsets(first.events) + rest == [3, 2, 1, 0]


async def test_a_place_need_not_be_kept_any_more(views: Views) -> None:
    await follow(views, known(1), known(2))

    assert await listed(views, Query(after=Place(START_US + 1_500_000, 77))) == [1]


# Objects and series


async def test_events_about_several_objects_come_once_each_newest_first(views: Views) -> None:
    await follow(
        views, known(1), known(2, objects=(OTHER,)), known(3, objects=(OTHER, CONTAINER)), known(4, objects=())
    )

    assert offsets(await views.about([CONTAINER, OTHER, "imo:9074729"], each_max=10, bytes_max=PLENTY)) == [3, 2, 1]
    assert await views.about([], each_max=10, bytes_max=PLENTY) == []


async def test_of_each_object_no_more_than_the_newest_are_given(views: Views) -> None:
    await follow(views, *(known(n) for n in range(5)), *(known(n, objects=(OTHER,)) for n in range(5, 7)))

    assert offsets(await views.about([CONTAINER, OTHER], each_max=2, bytes_max=PLENTY)) == [6, 5, 4, 3]


async def test_the_events_of_one_publisher_about_an_object_can_be_asked_for_and_bytes_bound_them(views: Views) -> None:
    of_delta = [known(n, publisher="delta") for n in range(3, 6)]
    await follow(views, known(1), known(2, objects=(CONTAINER, CONSIGNMENT), consigned=True), *of_delta)

    mine = await views.about([CONTAINER], each_max=2, bytes_max=PLENTY, publisher="acme")
    few = await views.about([CONTAINER], each_max=9, bytes_max=25)
    bound = await views.about([CONTAINER], each_max=1, bytes_max=PLENTY, publisher="acme", consigned=True)

    assert (offsets(mine), offsets(few), offsets(bound)) == ([2, 1], [5, 4], [2])


async def test_events_that_name_a_consignment_too_can_be_asked_for(views: Views) -> None:
    bound = known(1, objects=(CONTAINER, CONSIGNMENT), consigned=True)
    await follow(views, bound, known(2), known(3))

    assert offsets(await views.about([CONTAINER], each_max=1, bytes_max=PLENTY, consigned=True)) == [1]


async def test_the_versions_of_a_series_come_with_what_takes_them_back(views: Views) -> None:
    await follow(
        views,
        known(1, "gate"),
        known(2, "gate", version="2026-11-22T10:00:00"),
        known(3, "other"),
        known(4, "retraction", takes_back="gate"),
    )

    assert offsets(
        await views.versions([identity_key("acme", "urn:tos", "gate", None)], each_max=10, bytes_max=PLENTY)
    ) == [4, 2, 1]
    assert offsets(
        await views.versions([identity_key("acme", "urn:tos", "retraction", None)], each_max=10, bytes_max=PLENTY)
    ) == [4]
    assert await views.versions([identity_key("delta", "urn:tos", "gate", None)], each_max=10, bytes_max=PLENTY) == []


async def test_of_a_series_no_more_than_the_newest_versions_are_given(views: Views) -> None:
    await follow(views, *(known(n, "gate", version=f"2026-11-{30 - n}") for n in range(5)))

    assert offsets(await views.versions([known(0, "gate").series[0]], each_max=2, bytes_max=PLENTY)) == [1, 0]


async def test_the_newest_version_is_the_latest_made_not_the_latest_to_come(views: Views) -> None:
    await follow(
        views,
        known(1, "a", version="2026-11-22T10:00:00.5"),
        known(2, "a", version="2026-11-22T10:00:00"),
        known(3, "a"),
        known(4, "b"),
        known(5, "b"),
        known(6, "c", takes_back="a", version="2026-12-01"),
        known(7, "a", publisher="delta", version="2026-12-01"),
    )

    newest = await views.newest("acme", "urn:tos", ["a", "b", "absent", "a"])

    assert {id_: event.position.offset for id_, event in newest.items()} == {"a": 1, "b": 5}
    assert await views.newest("acme", "urn:other", ["a"]) == {}
    assert await views.newest("acme", "urn:tos", []) == {}


# Letting go


async def test_what_was_received_before_a_time_is_forgotten_everywhere_and_the_rest_is_kept(views: Views) -> None:
    await follow(views, *(known(n, takes_back="gate", objects=(CONTAINER, OTHER)) for n in range(4)))

    assert await views.purge(START_US + 2_000_000) == 2

    assert await listed(views) == [3, 2]
    assert offsets(await views.about([CONTAINER, OTHER], each_max=10, bytes_max=PLENTY)) == [3, 2]
    assert offsets(
        await views.versions([identity_key("acme", "urn:tos", "gate", None)], each_max=10, bytes_max=PLENTY)
    ) == [3, 2]
    assert await views.newest("acme", "urn:tos", ["e1"]) == {}
    assert await views.mark(1, 0) == mark(4)
    assert await views.purge(START_US + 2_000_000) == 0


async def test_questions_while_events_come_and_go_see_whole_events(views: Views) -> None:
    async def write() -> None:
        for offset in range(0, 200, 10):
            await follow(views, *(known(n) for n in range(offset, offset + 10)))
            await views.purge(START_US + (offset - 20) * 1_000_000)

    async def ask() -> list[KnownEvent]:
        seen: list[KnownEvent] = []
        for _ in range(40):
            seen += (await views.events(EVERYTHING, limit=20, looked_at_max=100, bytes_max=PLENTY)).events
            seen += await views.about([CONTAINER], each_max=20, bytes_max=PLENTY)
        return seen

    _, seen = await asyncio.gather(write(), ask())

    assert all(event == known(event.position.offset) for event in seen)


# Durable grounds


@pytest.mark.parametrize("ground", DURABLE_VIEWS_GROUNDS)
async def test_what_is_known_is_known_after_opening_again(ground: str, tmp_path: Path) -> None:
    async with VIEWS_GROUNDS[ground](tmp_path) as views:
        await follow(views, known(1), known(2))

    async with VIEWS_GROUNDS[ground](tmp_path) as views:
        assert await views.mark(1, 0) == mark(3)
        await follow(views, known(2), known(3))
        assert await listed(views) == [3, 2, 1]


@pytest.mark.parametrize("ground", DURABLE_VIEWS_GROUNDS)
async def test_after_a_kill_the_events_below_the_mark_are_known_and_no_others(ground: str, tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", follower.__name__, ground, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    said = [int(await process.stdout.readline()) for _ in range(30)]
    process.kill()
    said += [int(line) for line in (await process.communicate())[0].splitlines() if line.strip()]

    async with VIEWS_GROUNDS[ground](tmp_path) as views:
        stood = await views.mark(1, 0)
        assert stood is not None
        assert stood.position.offset >= said[-1]
        assert await listed(views, Query(newest_first=False)) == list(range(stood.position.offset))
