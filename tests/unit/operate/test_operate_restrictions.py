"""Lawful restrictions: what is made, what is refused, and that it ends."""

from __future__ import annotations

from typing import Any

import pytest

from hub.core.access import Step
from hub.core.operator import SECURITY, Effect
from hub.core.restriction import Telling
from hub.operate.restrictions import ACTS
from tests.unit.operate.conftest import START, Desk

GOOD: dict[str, Any] = {
    "id": "r-1",
    "legal_basis": "Art. 12",
    "recipient": "risk",
    "ends": "2026-03-01",
    "review": "2026-02-01",
}


@pytest.fixture
async def enrolled(desk: Desk) -> Desk:
    await desk.enrol("risk", "authority")
    return desk


async def test_a_restriction_is_kept_with_what_it_says(enrolled: Desk) -> None:
    more = {"steps": ["looked_up"], "tells": "nothing", "embargo": "2026-06-01"}
    await enrolled.do("restriction.add", **GOOD | more)

    [kept] = enrolled.live.snapshot.restrictions
    assert (kept.recipient, kept.steps, kept.tells) == ("risk", (Step.LOOKED_UP,), Telling.NOTHING)
    assert kept.begins == START < kept.review < kept.ends < (kept.embargo or 0)


@pytest.mark.parametrize("act", ["restriction.add", "restriction.lift"])
def test_two_security_officers_start_it_and_two_lift_it_for_that_tells_for_good(act: str) -> None:
    assert (ACTS[act].effect, ACTS[act].roles) == (Effect.STARTS, SECURITY)


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        ("/legal_basis", {"legal_basis": ""}),
        ("/recipient", {"recipient": "nobody"}),
        ("/recipient", {"recipient": ""}),
        ("/steps/0", {"steps": ["seen"]}),
        ("/tells", {"tells": "everything"}),
        ("/embargo", {"tells": "nothing"}),
        ("/ends", {"ends": "2999-01-01"}),
        ("/review", {"review": "2020-01-01"}),
        ("/review", {"review": "2026-12-01"}),
        ("/embargo", {"embargo": "soon"}),
    ],
)
async def test_one_without_basis_end_review_or_embargo_is_refused(
    enrolled: Desk, place: str, wrong: dict[str, Any]
) -> None:
    assert list(await enrolled.refused("restriction.add", **GOOD | wrong)) == [place]


async def test_a_lifted_one_binds_nobody_and_hides_nothing(enrolled: Desk) -> None:
    await enrolled.do("restriction.add", **GOOD)
    before = (await enrolled.show("restriction.list"))["items"]
    await enrolled.do("restriction.lift", id="r-1")

    [item] = (await enrolled.show("restriction.list"))["items"]
    [kept] = enrolled.live.snapshot.restrictions
    assert (before[0]["binds"], item["binds"], item["lifted"]) == (True, False, True)
    assert not kept.hides(START)


async def test_one_that_nobody_looked_at_in_time_is_overdue(enrolled: Desk) -> None:
    await enrolled.do("restriction.add", **GOOD)
    enrolled.clock.seconds = 40 * 86_400

    [item] = (await enrolled.show("restriction.list"))["items"]
    assert (item["binds"], item["overdue"]) == (True, True)
