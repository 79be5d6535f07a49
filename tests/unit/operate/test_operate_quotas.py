"""Setting a partner's quota apart from its tier's, and letting partners catch up."""

from __future__ import annotations

import pytest

from tests.unit.operate.conftest import START, Desk


@pytest.fixture
async def enrolled(desk: Desk) -> Desk:
    await desk.do("partner.add", id="delta", name="Delta", country="NL", roles=["terminal"], tier="small")
    return desk


async def test_what_is_set_apart_stays_and_what_is_not_named_is_as_the_tier_has_it(enrolled: Desk) -> None:
    await enrolled.do("partner.quota", id="delta", events_per_second=50)
    await enrolled.do("partner.quota", id="delta", streams_max=4)

    shown = await enrolled.show("partner.quota.show", id="delta")

    assert (shown["counts_as"], shown["events_per_second"], shown["streams_max"]) == ("small", 50, 4)
    assert shown["bytes_per_second"] is None


async def test_back_as_the_tier_has_it_goes_all_but_what_is_named_and_the_time_to_catch_up(enrolled: Desk) -> None:
    await enrolled.do("partner.quota", id="delta", events_per_second=50, streams_max=4)
    await enrolled.do("partner.catch-up", id="delta", hours=1)

    await enrolled.do("partner.quota", id="delta", as_tier=True, streams_max=5)

    shown = await enrolled.show("partner.quota.show", id="delta")
    assert (shown["events_per_second"], shown["streams_max"], shown["catch_up_until"]) == (None, 5, START + 3_600)


async def test_to_catch_up_ends_by_itself_or_when_an_operator_says_so(enrolled: Desk) -> None:
    await enrolled.do("partner.catch-up", id="*", hours=6)
    during = (await enrolled.show("partner.quota.show", id="delta"))["catch_up_until"]
    await enrolled.do("partner.catch-up", id="*", hours=0)
    ended = (await enrolled.show("partner.quota.show", id="delta"))["catch_up_until"]
    again = await enrolled.do("partner.catch-up", id="*", hours=0)

    assert (during, ended, again.changed) == (START + 6 * 3_600, None, ())


@pytest.mark.parametrize(
    ("act", "request_", "place"),
    [
        ("partner.quota", {"id": "nobody", "events_per_second": 1}, "/id"),
        ("partner.quota", {"id": "delta"}, "/id"),
        ("partner.quota", {"id": "delta", "events_per_second": 0}, "/events_per_second"),
        ("partner.quota", {"id": "delta", "burst_seconds": 3_601}, "/burst_seconds"),
        ("partner.catch-up", {"id": "nobody", "hours": 1}, "/id"),
        ("partner.catch-up", {"id": "delta", "hours": 73}, "/hours"),
        ("partner.catch-up", {"id": "*", "hours": -1}, "/hours"),
    ],
)
async def test_what_cannot_stand_is_refused_with_its_place(
    enrolled: Desk, act: str, request_: dict[str, object], place: str
) -> None:
    assert set(await enrolled.refused(act, **request_)) == {place}
