"""What a recipient would see of an event, and why: looked at before anything is agreed."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.catalogue import examples
from tests.unit.operate.agreements import TERMS, Sides

EVENT = next(event for name, event in examples("customs.seal.applied").items() if name.startswith("valid-"))
DRAFT = {**TERMS, "provider": {"role": "exporter"}}


@pytest.fixture
async def sides(desk: Any) -> Sides:
    return await Sides(desk).open()


def no(answer: dict[str, Any]) -> list[str]:
    """The questions that were answered with no."""
    return [each["question"] for each in answer["questions"] if not each["yes"]]


async def test_a_draft_shows_what_its_recipient_would_see_and_writes_nothing(sides: Sides) -> None:
    before = await sides.desk.registry.head()

    answer = await sides.desk.show("agreement.preview", draft=DRAFT, event=EVENT, partner="zephyr")

    assert set(answer["shown"]["data"]) == {"occurred_at", "time_kind", "seal", "subjects"}
    assert answer["shown"]["id"] != EVENT["id"]
    assert (answer["agreements"], no(answer)) == (["a1"], [])
    assert await sides.desk.registry.head() == before


async def test_a_registered_proposal_is_shown_as_if_it_were_in_force_for_its_provider(sides: Sides) -> None:
    await sides.propose()

    answer = await sides.desk.show("agreement.preview", id="a1", event=EVENT)

    assert answer["shown"]["data"]["seal"] == EVENT["data"]["seal"]
    assert no(answer) == ["Does it hold?"]


@pytest.mark.parametrize(
    ("terms", "question"),
    [
        ({"types": ["customs.container.*"]}, "Does it cover this type?"),
        ({"provider": {"country": "BE"}}, "Does it cover this provider?"),
        ({"provider": {"aeo": "S"}}, "Does it cover this provider?"),
        ({"conditions": {"modes": ["AIR"]}}, "Does the event say what it asks for?"),
        ({"valid_from": "2027-01-01"}, "Do its dates allow it?"),
    ],
)
async def test_each_no_has_its_question(sides: Sides, terms: dict[str, Any], question: str) -> None:
    answer = await sides.desk.show("agreement.preview", draft=DRAFT | terms, event=EVENT, partner="zephyr")

    assert (answer["shown"], answer["agreements"], no(answer)) == (None, [], [question])


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ({"draft": DRAFT}, "/partner"),
        ({"draft": DRAFT, "partner": "nobody"}, "/partner"),
        ({"draft": DRAFT | {"fields": ["@sail"]}, "partner": "zephyr"}, "/draft/fields/0"),
        ({"partner": "zephyr"}, ""),
        ({"draft": DRAFT, "id": "a1", "partner": "zephyr"}, ""),
        ({"id": "a9", "partner": "zephyr"}, "/id"),
        ({"draft": DRAFT, "partner": "zephyr", "event": EVENT | {"type": "customs.seal.lost"}}, "/event/type"),
        ({"draft": DRAFT, "partner": "zephyr", "event": EVENT | {"data": {}}}, "/event"),
    ],
)
async def test_what_cannot_be_looked_at_says_where_it_is_wrong(sides: Sides, asked: dict[str, Any], place: str) -> None:
    outcome = await sides.desk.registrar.looks.view("agreement.preview", {"event": EVENT, **asked})

    assert [fault.place for fault in outcome.faults] == [place]


async def test_of_a_feed_each_agreement_behind_it_says_yes_or_no(sides: Sides) -> None:
    await sides.agree()
    await sides.agree(id="a2", types=["customs.container.*"])
    await sides.desk.do("feed.add", name="seals", recipient="risk", purpose="security-risk-assessment")

    answer = await sides.desk.show("feed.why", name="seals", partner="zephyr", event=EVENT)

    assert answer["shown"]["data"]["seal"] == EVENT["data"]["seal"]
    assert answer["agreements"] == ["a1"]
    assert [(each["agreement"], each["question"]) for each in answer["questions"] if not each["yes"]] == [
        ("a2", "Does it cover this type?")
    ]


@pytest.mark.parametrize(
    ("direct", "noes"), [(True, []), (False, ["Does it let its events be read from Kafka itself?"])]
)
async def test_a_feed_that_is_read_from_kafka_shows_what_may_be_read_so_alone(
    sides: Sides, direct: bool, noes: list[str]
) -> None:
    await sides.agree(direct=direct)
    feed = {"name": "seals", "recipient": "risk", "purpose": "security-risk-assessment"}
    await sides.desk.do("feed.add", **feed, ways=["kafka"])

    answer = await sides.desk.show("feed.why", name="seals", partner="zephyr", event=EVENT)

    assert (answer["shown"] is not None, no(answer)) == (direct, noes)


async def test_a_feed_that_asks_for_other_types_shows_nothing(sides: Sides) -> None:
    await sides.agree()
    feed = {"name": "broken", "recipient": "risk", "purpose": "security-risk-assessment"}
    await sides.desk.do("feed.add", **feed, types=["customs.seal.broken"])

    answer = await sides.desk.show("feed.why", name="broken", partner="zephyr", event=EVENT)

    assert (answer["shown"], no(answer)) == (None, ["Does the feed ask for this type?"])


async def test_a_suspended_agreement_shows_nothing_and_says_so(sides: Sides) -> None:
    await sides.agree()
    await sides.desk.do("feed.add", name="seals", recipient="risk", purpose="security-risk-assessment")
    await sides.desk.do("agreement.suspend", id="a1")

    answer = await sides.desk.show("feed.why", name="seals", partner="zephyr", event=EVENT)

    assert (answer["shown"], no(answer)) == (None, ["Does it hold?"])


async def test_an_agreement_is_shown_with_whose_signature_it_waits_for(sides: Sides) -> None:
    await sides.propose()
    await sides.sign("risk")

    shown = await sides.desk.show("agreement.show", id="a1")

    assert (shown["signed_by"], shown["waits_for"], shown["stale"]) == (["risk"], ["zephyr"], None)
    assert shown["text"] == sides.agreement().text
