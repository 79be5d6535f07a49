"""A wrong check digit: a warning, until the hub or one partner is set to refuse it."""

from __future__ import annotations

import pytest

from tests.wire.conftest import MakeWorld
from tests.world import Answer, Caller, HubWorld, event


async def sent_with_a_wrong_digit(caller: Caller) -> Answer:
    return await caller.post(event(subjects=[{"scheme": "iso6346", "value": "MSKU1234566"}]))


async def test_a_wrong_check_digit_goes_with_the_event_as_a_warning(delta: Caller) -> None:
    answer = await sent_with_a_wrong_digit(delta)

    [fault] = answer.json["faults"]
    assert answer.status == 201
    assert (fault["code"], fault["severity"]) == ("CHECK_DIGIT_WRONG", "WARNING")
    assert fault["expected"].startswith("check digit 5 (")


async def test_a_partner_that_is_set_apart_is_refused_from_its_next_event_on(delta: Caller) -> None:
    await delta.world.act("partner.set", id="delta", check_digits="reject")
    refused = await sent_with_a_wrong_digit(delta)

    await delta.world.act("partner.set", id="delta", check_digits="hub")
    taken = await sent_with_a_wrong_digit(delta)

    [fault] = refused.json["faults"]
    assert (refused.status, refused.json["code"]) == (422, "EVENT_INVALID")
    assert (fault["code"], fault["place"]) == ("CHECK_DIGIT_WRONG", "/data/subjects/0/value")
    assert fault["severity"] == "ERROR"
    assert taken.status == 201


@pytest.mark.parametrize(("check_digits", "status"), [("hub", 422), ("warn", 201), ("reject", 422)])
async def test_what_is_set_for_a_partner_goes_before_what_is_set_for_all(
    make_world: MakeWorld, check_digits: str, status: int
) -> None:
    async with make_world(intake={"check_digits": "reject"}) as world:
        caller = await giving(world, check_digits)

        assert (await sent_with_a_wrong_digit(caller)).status == status
        assert (await caller.post(event())).status == 201


async def giving(world: HubWorld, check_digits: str) -> Caller:
    await world.reader(feed=False)
    return await world.company(check_digits=check_digits)
