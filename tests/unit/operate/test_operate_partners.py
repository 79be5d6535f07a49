"""Partners: enrolled once, stopped at once, and what their AEO authorisation says."""

from __future__ import annotations

import zoneinfo
from typing import Any

import pytest

from hub.core.errors import Refusal


async def test_an_enrolled_partner_is_in_the_snapshot_and_the_audit_trail(desk: Any) -> None:
    done = await desk.enrol("zephyr", identifiers=[{"scheme": "eori", "value": "NL123"}], reason="enrolment")

    assert desk.live.snapshot.partners.get("zephyr").identifiers[0].value == "NL123"
    assert done.revision == desk.live.snapshot.revision == 1
    assert b'"actor":"ada"' in (await desk.registry.audit(0, 1))[0]


async def test_all_faults_of_a_new_partner_are_told_at_once(desk: Any) -> None:
    faults = await desk.refused(
        "partner.add",
        id="Zephyr!",
        name=" ",
        country="Netherlands",
        roles=["exporter", "smuggler"],
        tier="gold",
        time_zone="Mars/Olympus",
    )

    assert set(faults) == {"/id", "/name", "/country", "/roles/1", "/tier", "/time_zone"}
    assert set(faults.values()) == {"ACT_VALUE_INVALID"}


async def test_a_partners_name_is_never_used_again(desk: Any) -> None:
    await desk.enrol("zephyr")

    assert await desk.refused("partner.add", id="zephyr", name="Z", country="NL", roles=["carrier"]) == {
        "/id": "ACT_NAME_TAKEN"
    }


async def test_a_partner_without_a_role_is_refused(desk: Any) -> None:
    assert "/roles" in await desk.refused("partner.add", id="zephyr", name="Z", country="NL", roles=[])


@pytest.mark.parametrize("zone", ["../../etc/passwd", "/etc/localtime", ""])
async def test_a_time_zone_never_leads_out_of_the_time_zone_table(desk: Any, zone: str) -> None:
    faults = await desk.refused("partner.add", id="z", name="Z", country="NL", roles=["carrier"], time_zone=zone)

    assert faults == {"/time_zone": "ACT_VALUE_INVALID"}


async def test_check_digits_are_as_the_hub_says_until_a_partner_is_set_apart(desk: Any) -> None:
    await desk.enrol("zephyr")
    assert (await desk.show("partner.show", id="zephyr"))["check_digits"] is None

    await desk.do("partner.set", id="zephyr", check_digits="reject")
    assert (await desk.show("partner.show", id="zephyr"))["check_digits"] == "reject"

    await desk.do("partner.set", id="zephyr", check_digits="hub")
    assert (await desk.show("partner.show", id="zephyr"))["check_digits"] is None


async def test_a_partner_is_enrolled_with_its_own_check_digits(desk: Any) -> None:
    await desk.enrol("zephyr", check_digits="reject")

    assert desk.live.snapshot.partners.get("zephyr").check_digits == "reject"


async def test_what_is_said_of_check_digits_is_one_of_three_words(desk: Any) -> None:
    await desk.enrol("zephyr")

    for said in ("", "strict", "REJECT"):
        assert await desk.refused("partner.set", id="zephyr", check_digits=said) == {
            "/check_digits": "ACT_VALUE_INVALID"
        }
    assert await desk.refused("partner.set", id="nobody", check_digits="warn") == {"/id": "ACT_NOT_REGISTERED"}


async def test_a_suspended_partner_is_suspended_until_it_is_resumed(desk: Any) -> None:
    await desk.enrol("zephyr")

    await desk.do("partner.suspend", id="zephyr", reason="key lost")
    assert desk.live.snapshot.partners.get("zephyr").stopped

    await desk.do("partner.resume", id="zephyr")
    assert not desk.live.snapshot.partners.get("zephyr").stopped


async def test_suspending_twice_writes_once(desk: Any) -> None:
    await desk.enrol("zephyr")
    first = await desk.do("partner.suspend", id="zephyr")

    second = await desk.do("partner.suspend", id="zephyr")

    assert (second.revision, second.changed) == (first.revision, ())


async def test_suspending_an_unknown_partner_is_refused(desk: Any) -> None:
    assert await desk.refused("partner.suspend", id="nobody") == {"/id": "ACT_NOT_REGISTERED"}


async def test_a_first_aeo_authorisation_must_be_whole(desk: Any) -> None:
    await desk.enrol("zephyr")

    faults = await desk.refused("partner.aeo", id="zephyr", status="valid")

    assert set(faults) == {"/number", "/type", "/issuer", "/valid_from"}


async def test_an_aeo_status_changes_alone(desk: Any) -> None:
    await desk.enrol("zephyr")
    await desk.do("partner.aeo", id="zephyr", number="NLAEOF1", type="F", issuer="NL", valid_from="2025-01-01")

    await desk.do("partner.aeo", id="zephyr", status="suspended")

    [aeo] = (await desk.show("partner.show", id="zephyr"))["authorisations"]
    assert (aeo["number"], aeo["status"]) == ("NLAEOF1", "suspended")


async def test_aeo_dates_must_be_dates_in_order(desk: Any) -> None:
    await desk.enrol("zephyr")
    whole = {"id": "zephyr", "number": "N", "type": "F", "issuer": "NL"}

    assert "/valid_from" in await desk.refused("partner.aeo", **whole, valid_from="01/02/2025")
    assert await desk.refused("partner.aeo", **whole, valid_from="2025-02-01", valid_to="2025-01-31") == {
        "/valid_to": "ACT_VALUE_INVALID"
    }


@pytest.mark.parametrize("request_body", [{}, {"id": 7}, [], None, {"id": "zephyr", "surprise": 1}])
async def test_a_request_of_another_shape_is_refused_as_malformed(desk: Any, request_body: object) -> None:
    outcome = await desk.registrar.perform("partner.suspend", request_body, actor="ada")

    assert isinstance(outcome, Refusal)
    assert outcome.code == "BODY_MALFORMED"


async def test_no_time_zone_is_assumed_until_one_is_set(desk: Any) -> None:
    await desk.enrol("zephyr")
    assert (await desk.show("partner.show", id="zephyr"))["time_zone"] is None

    await desk.do("partner.set", id="zephyr", time_zone="Europe/Amsterdam")
    assert (await desk.show("partner.show", id="zephyr"))["time_zone"] == "Europe/Amsterdam"
    assert await desk.refused("partner.set", id="zephyr", time_zone="Europe") == {"/time_zone": "ACT_VALUE_INVALID"}


async def test_a_machine_without_a_table_of_time_zones_is_named_as_the_fault(desk: Any) -> None:
    await desk.enrol("zephyr")
    usual = zoneinfo.TZPATH
    zoneinfo.reset_tzpath(())
    try:
        outcome = await desk.registrar.perform("partner.set", {"id": "zephyr", "time_zone": "Asia/Gaza"}, actor="ada")
    finally:
        zoneinfo.reset_tzpath(usual)

    assert "install tzdata" in outcome.faults[0].expected
