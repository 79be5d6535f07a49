"""Dead letters are released, repaired and discarded by two, and who looks into one is written down."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from hub.core.dead_letter import LetterState, Outcome
from hub.core.record import Position
from hub.operate.letter_desk import SUPERSEDED
from hub.operate.registrar import Done, Waiting
from schemas.headers import EventHeader, pack
from tests.contracts.dead_letter_grounds import behind, letter
from tests.unit.operate.conftest import Desk
from tests.unit.operate.office import Office, code

EVENT = {"id": "e1", "data": {"remarks": "Call Ann", "empty": True}}
HEADER = EventHeader(
    publisher="delta", submitted_by="delta.sys", source="s", id="e1", version=None,
    type="customs.booking.confirmed", dataschema="urn:customs-hub:schema:customs.booking.confirmed:1.0",
    received_us=1, raw_digest=b"", canonical_digest=b"", salt=b"", revision=1, facts=("trusted", "NL", (), None),
    format="ce-json/1", key="k:v",
)  # fmt: skip
LETTER = letter(1, header=pack(HEADER), value=orjson.dumps(EVENT))
UNREADABLE = letter(2, cause="INTERNAL", partner="", header=b"\xc1", value=b"\xc1")
NAMED: dict[str, Any] = {"letters": [LETTER.id], "reason": "Looked at."}


@pytest.fixture
async def desk() -> Desk:
    desk = Desk()
    await desk.letters.take([LETTER, UNREADABLE], behind(3))
    return desk


@pytest.mark.parametrize("act", ["release", "repair", "discard"])
async def test_every_decision_waits_for_a_second_signature(desk: Desk, act: str) -> None:
    office = await Office(desk).open()
    asked = NAMED
    if act == "repair":
        laid_down = await desk.show("quarantine.lay-down", letter=LETTER.id, data={"empty": False})
        asked = {**laid_down, "reason": "Wrong."}

    alone = await desk.registrar.perform(f"quarantine.{act}", asked, actor="root")
    first = await office.ask("olga", f"quarantine.{act}", **asked)

    assert (code(alone), isinstance(first, Waiting)) == ("OPERATOR_REQUIRED", True)
    assert not len(desk.live.snapshot.settlements)
    await office.both(f"quarantine.{act}", "olga", "ben", **{**asked, "reason": "Both agree."})
    [made] = desk.live.snapshot.settlements
    assert (made.outcome, made.letters, made.reason) == (Outcome(act), (LETTER.id,), "Both agree.")


async def test_a_decision_by_cause_means_what_waited_when_it_was_proposed_and_not_when_it_was_signed(
    desk: Desk,
) -> None:
    office = await Office(desk).open()
    asked = {"cause": "CONFLICT", "partner": "delta", "reason": "x"}
    statement = await office.statement("olga", "quarantine.release", **asked)
    await office.sign("olga", statement)
    desk.clock.seconds += 600
    late = replace(LETTER, position=Position(1, 0, 9), since_us=desk.clock.now_us() - 300_000_000)
    await desk.letters.take([late], behind(10))

    await office.sign("ben", statement)

    [made] = desk.live.snapshot.settlements
    assert (made.means(LETTER), made.means(late)) == (True, False)
    assert made.decided - made.before == 600


async def test_any_operator_stops_a_release_alone_and_only_one_that_was_decided(desk: Desk) -> None:
    office = await Office(desk).open()
    await office.join("agnes", "agreement-officer")
    await office.both("quarantine.release", "olga", "ben", **NAMED)

    assert isinstance(await office.ask("agnes", "quarantine.stop", **NAMED), Done)

    assert [each.stopped for each in desk.live.snapshot.settlements] == [True]
    assert [each.act for each in office.open_reviews][-1] == "quarantine.stop"
    assert await desk.refused("quarantine.stop", letters=[UNREADABLE.id], reason="x") == {
        "/letters": "ACT_NOT_REGISTERED"
    }


async def test_what_cannot_be_read_can_only_be_discarded(desk: Desk) -> None:
    asked = {"letters": [UNREADABLE.id], "reason": "x"}

    assert await desk.refused("quarantine.release", **asked) == {"/letters": "ACT_VALUE_INVALID"}
    assert await desk.unseen("quarantine.lay-down", letter=UNREADABLE.id, data={}) == {"/letters": "ACT_VALUE_INVALID"}
    await desk.do("quarantine.discard", **asked)


async def test_a_repair_has_to_change_something(desk: Desk) -> None:
    refused = await desk.unseen("quarantine.lay-down", letter=LETTER.id, data=EVENT["data"])

    assert refused == {"/data": "ACT_VALUE_INVALID"}


async def test_a_repair_that_holds_a_mask_is_refused_by_name_and_shown_letters_tell_where_masks_stand(
    desk: Desk,
) -> None:
    data = {"remarks": "***", "carrier": {"name": "***", "country": "***"}, "empty": False}

    refused = await desk.unseen("quarantine.lay-down", letter=LETTER.id, data=data)
    [foreseen] = (await desk.show("quarantine.foresee", letters=[LETTER.id], data=data))["items"]

    assert refused == {"/data/remarks": "ACT_VALUE_INVALID", "/data/carrier/name": "ACT_VALUE_INVALID"}
    assert (foreseen["outcome"], foreseen["code"]) == ("refused", "EVENT_INVALID")
    assert (await desk.show("quarantine.show", letter=LETTER.id))["masked"] == ["/data/remarks"]
    await desk.show("quarantine.lay-down", letter=LETTER.id, data={**data, "remarks": "x", "carrier": {}})


async def test_who_looks_into_a_letter_sees_no_personal_data_and_is_written_down(desk: Desk) -> None:
    before = await desk.registry.head()

    shown = await desk.show("quarantine.show", letter=LETTER.id)

    assert shown["content"]["data"] == {"remarks": "***", "empty": True}
    [noted] = await desk.registry.audit(before, 10)
    assert (orjson.loads(noted)["act"], LETTER.id in noted.decode()) == ("quarantine.show", True)


async def test_a_decision_asked_for_again_after_it_was_stopped_is_a_new_version_of_it(desk: Desk) -> None:
    asked = {"cause": "CONFLICT", "partner": "delta", "reason": "x"}
    await desk.do("quarantine.release", **asked)
    desk.clock.seconds += 5
    await desk.do("quarantine.release", **asked)
    await desk.letters.store(replace(LETTER, state=LetterState.RELEASED, settled_us=1))

    [made] = desk.live.snapshot.settlements
    assert [each.decided for _, each in desk.live.snapshot.settlements.versions(made.id)] == [
        made.decided - 5,
        made.decided,
    ]
    assert await desk.refused("quarantine.release", **asked) == {"/cause": "ACT_NOT_REGISTERED"}


async def test_a_letter_whose_event_was_passed_on_after_it_came_is_not_released(desk: Desk) -> None:
    other = replace(LETTER, position=Position(1, 0, 9))
    await desk.letters.take([other], behind(10))
    await desk.letters.store(replace(other, state=LetterState.REPAIRED, settled_us=LETTER.since_us + 1))
    by_cause = {"cause": "CONFLICT", "partner": "delta"}

    items = (await desk.show("quarantine.foresee", **by_cause))["items"]

    assert [(each["outcome"], each["why"]) for each in items] == [("refused", SUPERSEDED)]
    assert await desk.refused("quarantine.release", **NAMED) == {"/letters/0": "ACT_VALUE_INVALID"}
    assert await desk.refused("quarantine.release", **by_cause, reason="x") == {"/cause": "ACT_VALUE_INVALID"}
    await desk.do("quarantine.discard", **NAMED)


@pytest.mark.parametrize("change", [{"settled_us": LETTER.since_us}, {"state": LetterState.DISCARDED}])
async def test_what_was_discarded_or_passed_on_before_a_letter_came_does_not_hold_up_its_release(
    desk: Desk, change: dict[str, Any]
) -> None:
    other = replace(LETTER, position=Position(1, 0, 9))
    await desk.letters.take([other], behind(10))
    settled = {"state": LetterState.RELEASED, "settled_us": LETTER.since_us + 1, **change}
    await desk.letters.store(replace(other, **settled))

    await desk.do("quarantine.release", **NAMED)


async def test_a_dry_run_over_many_says_which_it_did_not_look_at(desk: Desk) -> None:
    await desk.letters.take([replace(LETTER, position=Position(1, 0, 10 + n)) for n in range(100)], behind(200))

    items = (await desk.show("quarantine.foresee", cause="CONFLICT", partner="delta"))["items"]

    assert [each["outcome"] for each in items] == ["done"] * 100 + ["not looked at"]


async def test_corrected_data_are_decided_on_by_their_place_and_the_audit_trail_holds_none_of_them(desk: Desk) -> None:
    office = await Office(desk).open()
    data = {"remarks": "Ask Jane Roe", "empty": False}
    await desk.show("quarantine.foresee", letters=[LETTER.id], data=data)
    laid_down = await desk.show("quarantine.lay-down", letter=LETTER.id, data=data)

    await office.both("quarantine.repair", "olga", "ben", **laid_down, reason="Wrong.")

    trail = b"".join(await desk.registry.audit(0, 1_000))
    assert b"quarantine.lay-down" in trail
    assert laid_down["corrected"].encode() in trail
    assert b"Jane Roe" not in trail
    assert (await desk.show("quarantine.corrected", **laid_down))["data"] == data


async def test_the_place_of_corrected_data_does_not_tell_of_what_they_are(desk: Desk) -> None:
    asked = {"letter": LETTER.id, "data": {"empty": False}}

    places = {(await desk.show("quarantine.lay-down", **asked))["corrected"] for _ in range(2)}

    assert len(places) == 2
    assert sha256(orjson.dumps(asked["data"])).hexdigest() not in places


async def test_a_repair_by_data_that_are_erased_or_of_another_letter_is_refused(desk: Desk) -> None:
    other = letter(5, header=pack(replace(HEADER, publisher="echo")), partner="echo", value=orjson.dumps(EVENT))
    await desk.letters.take([other], behind(6))
    laid_down = await desk.show("quarantine.lay-down", letter=LETTER.id, data={"empty": False})
    missing = {"/corrected": "ACT_NOT_REGISTERED"}

    elsewhere = await desk.refused("quarantine.repair", **{**laid_down, "letter": other.id}, reason="x")
    await desk.blobs.purge(desk.clock.now_us() + 1)
    erased = await desk.refused("quarantine.repair", **laid_down, reason="x")

    assert elsewhere == erased == missing
    for place in ("../up", "", "0" * 64):
        assert await desk.refused("quarantine.repair", letter=LETTER.id, corrected=place, reason="x") == missing


async def test_letters_of_a_cause_that_does_not_exist_are_not_looked_for(desk: Desk) -> None:
    assert await desk.unseen("quarantine.list", cause="NOPE") == {"/cause": "ACT_VALUE_INVALID"}
    assert (await desk.show("quarantine.list", cause="CONFLICT"))["items"]
