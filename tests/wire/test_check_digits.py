"""A wrong check digit: a warning, until the hub or one partner is set to refuse it."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest

from hub.web.route import BINARY, EDIFACT
from tests.edifact import interchange, message
from tests.unit.test_translate_onerecord import event as flight_event
from tests.wire.conftest import MakeWorld
from tests.wire.test_edifact import ZONED
from tests.wire.test_epcis import CONTEXT, LINKED, document, epcis
from tests.wire.test_tables import sheet
from tests.world import GATE_IN, Answer, Caller, HubWorld, event


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


DAY = datetime.now(UTC).strftime("%Y-%m-%dT08:00:00Z")
ARRIVAL = {
    "eventID": "evt-1", "eventDateTime": DAY, "eventUpdatedDateTime": DAY, "eventCreatedDateTime": DAY,
    "eventClassification": {
        "eventTypeCode": "EQUIPMENT", "eventClassifierCode": "ACT", "equipmentEventTypeCode": "GTIN",
    },
    "eventLocation": {"UNLocationCode": "NLRTM"},
    "equipmentDetails": {"equipmentReference": "CSQU3054384", "emptyIndicatorCode": "LADEN"},
}  # fmt: skip
FLIGHT = {
    **flight_event("DEP", creationDate=DAY, eventDate=DAY, eventTimeType={"@id": "cargo:ACTUAL"}),
    "cargo:eventFor": [{"@type": "cargo:Waybill", "@id": "https://1r.example.com/mawb160-22223334"}],
}
SSCC = "https://id.gs1.org/00/106141412345678909"
WRONG = {
    "edifact": ("/v1/events", EDIFACT, interchange(message("CODECO", *ZONED)).replace(b"MSKU1234565", b"MSKU1234566")),
    "epcis": ("/v1/events", LINKED, document(epcis(epcList=[SSCC]))),
    "epcis event": ("/epcis/events", LINKED, epcis(epcList=[SSCC]) | {"@context": [CONTEXT]}),
    "dcsa": ("/v1/events", BINARY, {"events": [ARRIVAL]}),
    "onerecord": ("/v1/events", LINKED, FLIGHT),
    "table": (f"/v1/tables?type={GATE_IN}", "text/csv", sheet("a,no").replace(b"MSKU1234565", b"MSKU1234566")),
}


@pytest.mark.parametrize("name", WRONG)
async def test_who_is_set_apart_is_set_apart_in_every_format(delta: Caller, name: str) -> None:
    path, media_type, sent = WRONG[name]
    body = sent if isinstance(sent, bytes) else orjson.dumps(sent)
    given = {"data": body, "headers": {"Content-Type": media_type}}

    await delta.world.act("partner.set", id="delta", check_digits="reject")
    refused = await delta.ask("POST", path, **given)
    await delta.world.act("partner.set", id="delta", check_digits="warn")
    taken = await delta.ask("POST", path, **given)

    [item] = refused.json.get("items", [refused.json])
    assert (refused.status, item["code"]) == (400 if path.startswith("/epcis") else 422, "EVENT_INVALID")
    errors = [each["code"] for each in item["faults"] if each["severity"] == "ERROR"]
    assert errors == ["CHECK_DIGIT_WRONG"]
    assert taken.status in (200, 201)
