"""Agreements and the feeds that rest on them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.operate.conftest import START

FEED = {"name": "seals", "recipient": "risk", "purpose": "security-risk-assessment", "types": ["customs.seal.*"]}


@pytest.fixture
async def world(desk: Any) -> Any:
    await desk.enrol("zephyr")
    await desk.enrol("risk", "authority")
    return desk


async def test_an_agreement_is_in_force_from_now_until_it_is_ended(world: Any) -> None:
    await world.agree("a1")
    assert world.live.snapshot.agreements.get("a1").in_force(START)

    await world.do("agreement.end", id="a1")
    assert not world.live.snapshot.agreements.get("a1").in_force(START)
    assert not (await world.show("agreement.list"))["items"][0]["in_force"]


async def test_dates_of_an_agreement_are_instants(world: Any) -> None:
    await world.agree("a1", valid_from="2025-12-01", valid_to="2026-02-01T00:00:00+01:00")

    agreement = world.live.snapshot.agreements.get("a1")

    assert (agreement.valid_from, agreement.valid_to) == (1_764_547_200, 1_769_900_400)


async def test_all_faults_of_a_new_agreement_are_told_at_once(world: Any) -> None:
    faults = await world.refused(
        "agreement.add",
        id="A",
        provider={"partner": "nobody", "tier": "gold", "role": "king", "country": "nl"},
        types=["customs.seals.*", "order.placed"],
        recipient="zephyr",
        purpose="curiosity",
        fields=["data", "/data/a"],
        valid_from="yesterday",
        valid_to="2020-01-01",
    )

    assert set(faults) == {
        "/id", "/provider/partner", "/provider/tier", "/provider/role", "/provider/country", "/types/0", "/types/1",
        "/recipient", "/purpose", "/fields/0", "/valid_from", "/valid_to",
    }  # fmt: skip


async def test_the_recipient_must_be_an_authority(world: Any) -> None:
    faults = await world.refused("agreement.add", id="a1", provider={"all": True}, types=["*"], recipient="zephyr",
                                 purpose="statistics", fields=["*"])  # fmt: skip

    assert faults == {"/recipient": "ACT_ROLE_MISSING"}


@pytest.mark.parametrize("provider", [{}, {"all": True, "partner": "zephyr"}])
async def test_giving_for_everyone_must_be_said_and_cannot_be_mixed(world: Any, provider: dict[str, Any]) -> None:
    faults = await world.refused("agreement.add", id="a1", provider=provider, types=["*"], recipient="risk",
                                 purpose="statistics", fields=["*"])  # fmt: skip

    assert faults == {"/provider": "ACT_VALUE_INVALID"}


async def test_a_feed_with_an_agreement_behind_it_is_added_and_ended_once(world: Any) -> None:
    await world.agree()
    await world.do("feed.add", **FEED, filter="time_kind = ACTUAL")

    first = await world.do("feed.end", name="seals")
    again = await world.do("feed.end", name="seals")

    assert world.live.snapshot.feeds.get("seals").ended
    assert (again.revision, again.changed) == (first.revision, ())


async def test_a_feed_without_an_agreement_is_refused_saying_what_is_missing(world: Any) -> None:
    await world.agree(purpose="statistics")

    outcome = await world.registrar.perform("feed.add", FEED, actor="ada")

    assert outcome.faults[0].code == "ACT_AGREEMENT_MISSING"
    assert outcome.faults[0].expected == "an agreement with risk, security-risk-assessment"


@pytest.mark.parametrize("end", ["ended", "ran out"])
async def test_an_agreement_that_has_ended_carries_no_new_feed(world: Any, end: str) -> None:
    await world.agree(valid_to="2026-01-02")
    if end == "ended":
        await world.do("agreement.end", id="a1")
    else:
        world.clock.seconds = 86_400

    assert await world.refused("feed.add", **FEED) == {"/recipient": "ACT_AGREEMENT_MISSING"}


async def test_a_feed_of_types_that_no_agreement_covers_is_refused(world: Any) -> None:
    await world.agree(types=["customs.container.*"])

    assert await world.refused("feed.add", **FEED) == {"/types": "ACT_AGREEMENT_MISSING"}


async def test_a_feed_that_can_never_carry_an_event_is_refused(world: Any) -> None:
    await world.agree()

    faults = await world.refused("feed.add", **FEED, filter="time_kind = actual")

    assert faults == {"/filter, column 1": "ACT_FILTER_VALUE_IMPOSSIBLE"}


async def test_a_feed_is_judged_by_the_schemas_of_the_types_that_it_asks_for(world: Any) -> None:
    await world.agree()
    broken = {**FEED, "types": ["customs.seal.broken"]}

    assert await world.refused("feed.add", **broken, filter="/data/finding in (STOLEN, MISSING)") == {
        "/filter, column 1": "ACT_FILTER_VALUE_IMPOSSIBLE"
    }
    assert (await world.do("feed.add", **broken, filter="/data/finding in (TAMPERED, MISSING)")).changed


async def test_all_faults_of_a_new_feed_are_told_at_once(world: Any) -> None:
    faults = await world.refused(
        "feed.add", name="Seals", recipient="nobody", purpose="x", types=["?"], start="tomorrow",
        filter="data = a or place and hs <", urgent=["!"], ways=["pigeon"],
    )  # fmt: skip

    assert set(faults) == {
        "/name", "/recipient", "/purpose", "/types/0", "/start", "/urgent/0", "/ways/0",
        "/filter, column 1", "/filter, column 19", "/filter, column 26", "/filter, column 27",
    }  # fmt: skip


async def test_a_feeds_name_is_never_used_again(world: Any) -> None:
    await world.agree()
    await world.do("feed.add", **FEED)
    await world.do("feed.end", name="seals")

    assert await world.refused("feed.add", **FEED) == {"/name": "ACT_NAME_TAKEN"}


async def test_a_partner_is_shown_with_what_it_gives_and_receives(world: Any) -> None:
    await world.agree()
    await world.do("feed.add", **FEED)

    assert [a["id"] for a in (await world.show("partner.show", id="zephyr"))["agreements"]] == ["a1"]
    assert [f["name"] for f in (await world.show("partner.show", id="risk"))["feeds"]] == ["seals"]
    assert (await world.show("feed.show", name="seals"))["agreements_in_force"] == 1


@pytest.mark.parametrize(
    ("field", "types", "is_there"),
    [
        ("/data/seal", ["customs.seal.broken"], True),
        ("/data/foo", ["customs.seal.broken"], False),
        ("/data/foo", ["*"], True),  # Of a type that is only planned nobody can tell.
        ("/data/empty", ["customs.seal.broken"], False),
        ("/data/empty", ["customs.container.gate_in"], True),
        ("/data/seals/0/number", ["customs.seal.broken"], False),
        ("/data/extensions/foo", ["customs.seal.broken"], True),
        ("/publisher", ["customs.seal.broken"], True),
    ],
)
async def test_a_field_that_no_event_of_its_types_can_have_is_in_no_agreement(
    world: Any, field: str, types: list[str], is_there: bool
) -> None:
    terms = {"provider": {"all": True}, "recipient": "risk", "purpose": "duty-risk", "types": types}

    if is_there:
        assert (await world.do("agreement.add", id="f-1", fields=["/data/subjects", field], **terms)).changed
    else:
        refused = await world.refused("agreement.add", id="f-1", fields=["/data/subjects", field], **terms)
        assert refused == {"/fields/1": "ACT_VALUE_INVALID"}
