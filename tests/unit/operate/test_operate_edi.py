"""EDIFACT of partners: who they say they are in it, and what their own codes mean."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hub.operate.edi import PROFILE_CHARACTERS_MAX

PROFILE = json.dumps({"profile": 1, "documents": {"CODECO": {"98": {"type": "container.gate_out"}}}})


async def test_senders_are_not_checked_until_some_are_named_and_no_longer_after_any(desk: Any) -> None:
    await desk.enrol("zephyr")

    told = [(await desk.show("partner.show", id="zephyr"))["edi_senders"]]
    for senders in (["ZEPHYR", "ZEPHYR2", "ZEPHYR"], ["any"]):
        await desk.do("partner.set", id="zephyr", edi_senders=senders)
        told.append((await desk.show("partner.show", id="zephyr"))["edi_senders"])

    assert told == [[], ["ZEPHYR", "ZEPHYR2"], []]


async def test_another_change_of_a_partner_leaves_its_senders(desk: Any) -> None:
    await desk.enrol("zephyr", edi_senders=["ZEPHYR"])

    await desk.do("partner.set", id="zephyr", time_zone="Europe/Amsterdam")

    assert desk.live.snapshot.partners.get("zephyr").edi_senders == ("ZEPHYR",)


@pytest.mark.parametrize(
    ("senders", "places"),
    [
        ([], {"/edi_senders"}),
        (["A", "any"], {"/edi_senders/1"}),
        ([" ", "A" * 36, "A\n"], {"/edi_senders/0", "/edi_senders/1", "/edi_senders/2"}),
        (["A"] * 65, {"/edi_senders"}),
    ],
)
async def test_what_can_be_no_sender_in_unb_is_refused(desk: Any, senders: list[str], places: set[str]) -> None:
    await desk.enrol("zephyr")

    assert set(await desk.refused("partner.set", id="zephyr", edi_senders=senders)) == places


async def test_a_profile_is_an_object_of_its_own_with_versions_and_an_audit_trail(desk: Any) -> None:
    await desk.enrol("zephyr")

    done = await desk.do("edi.profile.set", id="zephyr", profile=PROFILE, reason="dialect")
    again = await desk.do("edi.profile.set", id="zephyr", profile=PROFILE)
    await desk.do("edi.profile.set", id="zephyr", profile='{"profile": 1}')

    history = desk.live.snapshot.edi_profiles
    assert (done.changed[0]["kind"], again.changed) == ("edi_profile", ())
    assert history.at("zephyr", 1) is None
    assert history.at("zephyr", done.revision).profile.documents["CODECO"]["98"].type == "container.gate_out"
    assert history.at("zephyr", done.revision + 1).profile.documents == {}
    assert b'"act":"edi.profile.set"' in (await desk.registry.audit(1, 1))[0]


async def test_a_profile_is_shown_as_it_can_be_set_again(desk: Any) -> None:
    await desk.enrol("zephyr")
    assert await desk.show("edi.profile.show", id="zephyr") == {"partner": "zephyr", "profile": None}
    await desk.do("edi.profile.set", id="zephyr", profile=PROFILE)

    shown = (await desk.show("edi.profile.show", id="zephyr"))["profile"]

    assert (await desk.do("edi.profile.set", id="zephyr", profile=json.dumps(shown))).changed == ()


async def test_all_faults_of_a_profile_are_told_at_once_with_their_places(desk: Any) -> None:
    await desk.enrol("zephyr")
    wrong = '{"profile": 2, "time_zone": "Mars/Olympus", "documents": {"BAPLIE": {}}, "zones": {"NLRTM": 1}}'

    faults = await desk.refused("edi.profile.set", id="zephyr", profile=wrong)

    assert set(faults) == {
        "/profile/profile", "/profile/time_zone", "/profile/documents/BAPLIE", "/profile/zones/NLRTM",
    }  # fmt: skip


@pytest.mark.parametrize(
    "profile", ["", "[]", '{"profile": 1, "profile": 1}', "\ud800", " " * PROFILE_CHARACTERS_MAX * 2]
)
async def test_what_is_no_profile_is_refused(desk: Any, profile: str) -> None:
    await desk.enrol("zephyr")

    assert await desk.refused("edi.profile.set", id="zephyr", profile=profile)


async def test_a_profile_that_breaks_off_is_told_where_and_one_of_its_members_in_words_of_profiles(desk: Any) -> None:
    await desk.enrol("zephyr")

    broken = await desk.refused("edi.profile.set", id="zephyr", profile='{"profile": 1,\n')
    unknown = await desk.refused("edi.profile.set", id="zephyr", profile='{"profile": 1, "zone": "UTC"}')

    assert broken == {"/profile, line 2, column 1": "JSON_TRUNCATED"}
    assert unknown == {"/profile/zone": "PROFILE_MEMBER_UNKNOWN"}


async def test_nobody_unknown_has_a_profile(desk: Any) -> None:
    assert await desk.refused("edi.profile.set", id="nobody", profile=PROFILE) == {"/id": "ACT_NOT_REGISTERED"}
