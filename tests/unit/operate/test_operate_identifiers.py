"""Identifiers of partners: each in its form, with its check digit, and of one organisation alone; many at once."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from hub.core.partner import Identifier, Role
from hub.operate.partner_table import ROWS_MAX
from tests.unit.operate.conftest import Desk
from tests.unit.operate.office import Office

EORI = {"scheme": "eori", "value": "NL123456789"}
LEI = {"scheme": "lei", "value": "529900T8BM49AURSDO55"}


@pytest.mark.parametrize(
    ("scheme", "value"),
    [("eori", "NL123456789"), ("tin", "GB4711000815"), ("lei", "529900T8BM49AURSDO55"), ("gln", "9506000134376"),
     ("scac", "MAEU"), ("national", "NL:12345678")],
)  # fmt: skip
async def test_an_identifier_in_its_form_is_taken(desk: Desk, scheme: str, value: str) -> None:
    await desk.enrol("zephyr", identifiers=[{"scheme": scheme, "value": value}])

    assert desk.live.snapshot.partner_of(Identifier(scheme, value)) == "zephyr"


@pytest.mark.parametrize(
    ("scheme", "value", "place", "code"),
    [
        ("eori", "nl123", "/value", "IDENTIFIER_MALFORMED"),
        ("eori", "QQ123", "/value", "COUNTRY_UNKNOWN"),
        ("tin", "12", "/value", "IDENTIFIER_MALFORMED"),
        ("lei", "529900T8BM49AURSDO54", "/value", "CHECK_DIGIT_WRONG"),
        ("gln", "9506000134375", "/value", "CHECK_DIGIT_WRONG"),
        ("national", "12345678", "/value", "ACT_VALUE_INVALID"),
        ("national", "QQ:12345678", "/value", "ACT_VALUE_INVALID"),
        ("iso6346", "MSKU1234565", "/scheme", "ACT_VALUE_INVALID"),
        ("vat", "NL1", "/scheme", "ACT_VALUE_INVALID"),
    ],
)
async def test_what_is_no_identifier_of_an_organisation_is_refused(
    desk: Desk, scheme: str, value: str, place: str, code: str
) -> None:
    identifiers = [EORI, {"scheme": scheme, "value": value}]

    faults = await desk.refused(
        "partner.add", id="zephyr", name="Z", country="NL", roles=["carrier"], identifiers=identifiers
    )

    assert faults == {f"/identifiers/1{place}": code}


async def test_two_partners_never_have_the_same_identifier(desk: Desk) -> None:
    await desk.enrol("zephyr", identifiers=[EORI])
    await desk.enrol("boreas")

    taken = await desk.refused("partner.set", id="boreas", identifiers=[EORI])

    assert taken == {"/identifiers/0": "ACT_IDENTIFIER_TAKEN"}
    await desk.do("partner.set", id="zephyr", identifiers=[LEI], name="Zephyr Holding BV")
    await desk.do("partner.set", id="boreas", identifiers=[EORI])
    zephyr = desk.live.snapshot.partners.get("zephyr")
    assert zephyr is not None
    assert (zephyr.name, zephyr.identifiers) == ("Zephyr Holding BV", (Identifier(**LEI),))


async def test_an_application_holds_no_identifier_or_sender_that_counts(desk: Desk) -> None:
    squatter = {"name": "S", "country": "NL", "roles": ["exporter"], "identifiers": [EORI], "edi_senders": ["TERM"]}
    await desk.do("partner.apply", id="squatter", **squatter)
    await desk.do("partner.vet", id="squatter")
    snapshot = desk.live.snapshot
    assert snapshot.partner_of(Identifier(**EORI)) is None
    assert not snapshot.edi_sender_taken("TERM", "zephyr")

    await desk.enrol("zephyr", identifiers=[EORI])

    assert desk.live.snapshot.partner_of(Identifier(**EORI)) == "zephyr"
    assert await desk.refused("partner.approve", id="squatter") == {"/identifiers/0": "ACT_IDENTIFIER_TAKEN"}


async def test_identifiers_count_from_the_approval_on_also_while_suspended(desk: Desk) -> None:
    await desk.do("partner.apply", id="zephyr", name="Z", country="NL", roles=["exporter"], identifiers=[EORI])
    await desk.do("partner.vet", id="zephyr")
    await desk.do("partner.approve", id="zephyr")
    await desk.do("partner.suspend", id="zephyr")

    assert desk.live.snapshot.partner_of(Identifier(**EORI)) == "zephyr"


async def test_who_left_may_come_back_under_another_name(desk: Desk) -> None:
    await desk.enrol("zephyr", identifiers=[EORI])
    await desk.do("partner.leave", id="zephyr")

    await desk.enrol("zephyr-2", identifiers=[EORI])

    assert desk.live.snapshot.partner_of(Identifier(**EORI)) == "zephyr-2"


async def test_a_list_shows_those_of_a_role_tier_state_and_country(desk: Desk) -> None:
    await desk.enrol("zephyr", "carrier", tier="aeo")
    await desk.enrol("boreas", "exporter", "carrier")
    await desk.do("partner.suspend", id="boreas")

    async def listed(**which: str) -> list[str]:
        return [each["id"] for each in (await desk.show("partner.list", **which))["items"]]

    assert await listed() == await listed(role="carrier", country="NL") == ["zephyr", "boreas"]
    assert (
        await listed(role="exporter") == await listed(state="suspended") == await listed(tier="trusted") == ["boreas"]
    )
    assert await listed(country="BE") == []


@pytest.mark.parametrize("which", [{"role": "smuggler"}, {"tier": "gold"}, {"state": "asleep"}])
async def test_a_list_of_what_cannot_be_is_refused(desk: Desk, which: dict[str, str]) -> None:
    answer: Any = await desk.registrar.looks.view("partner.list", which)

    assert [fault.place for fault in answer.faults] == [f"/{name}" for name in which]


CSV = "id,name,country,roles,tier,identifiers\n"


async def test_a_csv_file_enrols_many_in_one_revision(desk: Desk) -> None:
    text = (
        CSV
        + 'zephyr,"Zephyr, BV",NL,exporter;importer,aeo,eori=NL123456789;national=NL:1\nboreas,Boreas,BE,carrier,,\n'
    )

    done = await desk.do("partner.import", format="csv", text=text)

    assert (done.revision, [each["id"] for each in done.changed]) == (1, ["zephyr", "boreas"])
    zephyr = desk.live.snapshot.partners.get("zephyr")
    assert zephyr is not None
    assert (zephyr.name, zephyr.roles) == ("Zephyr, BV", (Role.EXPORTER, Role.IMPORTER))


async def test_a_file_of_json_lines_enrols_with_all_that_an_act_takes(desk: Desk) -> None:
    contact = {"purpose": "security", "name": "Ada", "email": "ada@zephyr.example"}
    row = {"id": "zephyr", "name": "Zephyr", "country": "NL", "roles": ["carrier"], "contacts": [contact]}

    await desk.do("partner.import", format="ndjson", text=orjson.dumps(row).decode() + "\n\n")

    zephyr = desk.live.snapshot.partners.get("zephyr")
    assert zephyr is not None
    assert zephyr.contacts[0].email == "ada@zephyr.example"


async def test_a_file_with_a_fault_enrols_nobody_and_every_fault_has_its_row(desk: Desk) -> None:
    await desk.enrol("known", identifiers=[LEI])
    rows = [
        "zephyr,Zephyr,NL,exporter,,eori=NL123456789",
        "known,Known,NL,exporter,,",
        "zephyr,Twice,XX,pirate,,eori=NL123456789",
        "boreas,Boreas,NL,exporter,,eori=NL123456789;lei=529900T8BM49AURSDO55",
    ]

    faults = await desk.refused("partner.import", format="csv", text=CSV + "\n".join(rows))

    assert faults == {
        "row 3/id": "ACT_NAME_TAKEN",
        "row 4/country": "ACT_VALUE_INVALID",
        "row 4/roles/0": "ACT_VALUE_INVALID",
        "row 4/id": "ACT_NAME_TAKEN",
        "row 5/identifiers/0": "ACT_IDENTIFIER_TAKEN",
        "row 5/identifiers/1": "ACT_IDENTIFIER_TAKEN",
    }
    assert [each.id for each in desk.live.snapshot.partners] == ["known"]


@pytest.mark.parametrize(
    ("format_", "text", "place"),
    [("csv", "", "row 1"), ("csv", CSV, "row 2"), ("ndjson", "", "/text"), ("ndjson", '{"id": 1}', "line 1"),
     ("ndjson", "\n[]", "line 2")],
)  # fmt: skip
async def test_what_is_no_file_of_partners_is_refused(desk: Desk, format_: str, text: str, place: str) -> None:
    assert await desk.refused("partner.import", format=format_, text=text) == {place: "ACT_VALUE_INVALID"}


async def test_a_file_of_the_largest_size_is_signed_as_one_act(desk: Desk) -> None:
    office = await Office(desk).open()
    rows = (
        f"p{number},Partner {number:060},NL,exporter;importer,aeo,eori=NL{number:09}\n" for number in range(ROWS_MAX)
    )

    done = await office.both("partner.import", "ann", "ben", format="csv", text=CSV + "".join(rows))

    assert len(desk.live.snapshot.partners) == ROWS_MAX
    assert done.revision == desk.live.snapshot.revision
