"""Authorisations as a table: taken whole or not at all; and what is shown of them, to whom."""

from __future__ import annotations

from typing import Any

import pytest

from hub.core.aeo import AEOStatus
from hub.core.errors import Refusal
from hub.operate.aeo_table import ROWS_MAX
from tests.unit.operate.conftest import Desk
from tests.unit.operate.office import Office, code, public_pem
from tests.unit.operate.test_operate_aeo_feeds import EORI, KEY, line

HEADER = "issuer,number,partner,type,status,valid_from,valid_to,validated_on,reason_class"
GOOD = "NL,NLAEOF1,zephyr,F,valid,2025-01-01,2028-12-31,2025-01-01,"


def table(*rows: str) -> str:
    return "\r\n".join((HEADER, *rows)) + "\r\n"


@pytest.fixture
async def enrolled(desk: Desk) -> Desk:
    await desk.enrol("zephyr", identifiers=[EORI])
    return desk


async def take(desk: Desk, *rows: str) -> list[str]:
    """The ids of what a table changed."""
    return [each["id"] for each in (await desk.do("aeo.import", csv=table(*rows))).changed]


async def test_a_table_is_taken_in_one_revision(enrolled: Desk) -> None:
    before = enrolled.live.snapshot.revision

    assert await take(enrolled, GOOD, "BE,BE 2,zephyr,C,suspended,2025-01-01,,,A1") == ["NL-NLAEOF1", "BE-BE 2"]

    assert enrolled.live.snapshot.revision == before + 1
    held = enrolled.live.snapshot.authorisations.get("BE-BE 2")
    assert held is not None
    assert (held.status, held.valid_to, held.reason_class) == (AEOStatus.SUSPENDED, None, "A1")


async def test_a_partner_is_found_by_an_identifier_too(enrolled: Desk) -> None:
    await take(enrolled, GOOD.replace("zephyr", "eori=NL123456789"))

    assert [each.partner for each in enrolled.live.snapshot.authorisations] == ["zephyr"]


async def test_columns_stand_in_any_order_with_blanks_and_a_byte_order_mark(enrolled: Desk) -> None:
    text = "\ufeffnumber, issuer,type,partner,status,valid_from\nNLAEOF1 ,NL,F,zephyr,valid,2025-01-01\n\n"

    assert len((await enrolled.do("aeo.import", csv=text)).changed) == 1


async def test_a_table_that_says_nothing_new_changes_nothing(enrolled: Desk) -> None:
    await take(enrolled, GOOD)

    assert await take(enrolled, GOOD) == []


async def test_what_the_issuer_told_is_not_changed_by_a_table_that_says_the_same(enrolled: Desk) -> None:
    await enrolled.do("aeo.feed.add", issuer="NL", keys=[public_pem(KEY)])
    await enrolled.do("aeo.tell", lines=[line(1)])

    assert await take(enrolled, "NL,NLAEOF1,zephyr,F,valid,2025-01-01,,,") == []


async def test_every_fault_is_told_with_its_row_and_column_and_nothing_is_taken(enrolled: Desk) -> None:
    rows = [
        GOOD,
        "N,,nobody,X,paused,1.1.2025,2024-01-01,never,in words",
        "NL,NLAEOF1,zephyr,F,valid,2025-01-01,,,",
        "NL,NLAEOF2,eori=XX1,F,valid,2025-01-01,2024-12-31,,",
        "too,few",
    ]

    faults = await enrolled.refused("aeo.import", csv=table(*rows))

    members = ("partner", "issuer", "type", "status", "number", "valid_from", "validated_on", "reason_class")
    assert set(faults) == {f"row 3, {member}" for member in members} | {
        "row 4, number", "row 5, partner", "row 5, valid_to", "row 6"
    }  # fmt: skip
    assert faults["row 3, partner"] == "ACT_NOT_REGISTERED"
    assert len(enrolled.live.snapshot.authorisations) == 0


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "row 1"),
        ("issuer,number", "row 1"),
        (HEADER + ",more\n" + GOOD + ",1", "row 1"),
        (HEADER + ",number\n" + GOOD + ",1", "row 1"),
        (HEADER, "row 2"),
        (table(GOOD.replace("NLAEOF1", '"NLA"EOF1')), "row 2"),
        (table(*[""] * 3, GOOD, "few"), "row 6"),
    ],
    ids=["empty", "columns missing", "a strange column", "a column twice", "no rows", "no CSV", "blank lines count"],
)
async def test_what_is_no_table_is_refused(enrolled: Desk, text: str, place: str) -> None:
    assert await enrolled.refused("aeo.import", csv=text) == {place: "ACT_VALUE_INVALID"}


async def test_a_table_has_no_more_rows_than_one_revision_may(enrolled: Desk) -> None:
    rows = [GOOD.replace("NLAEOF1", f"N{number}") for number in range(ROWS_MAX + 1)]

    assert set(await enrolled.refused("aeo.import", csv=table(*rows))) == {f"row {ROWS_MAX + 2}"}


async def test_an_authorisation_does_not_pass_to_another_company(enrolled: Desk) -> None:
    await enrolled.enrol("other")
    await take(enrolled, GOOD)

    faults = await enrolled.refused("aeo.import", csv=table(GOOD.replace("zephyr", "other")))

    assert faults == {"row 2, partner": "ACT_VALUE_INVALID"}


async def test_a_list_shows_what_holds_and_what_is_stale(enrolled: Desk) -> None:
    await enrolled.enrol("other")
    await take(enrolled, GOOD, "BE,BE1,other,F,valid,2024-01-01,2025-12-31,,")
    await enrolled.do("arrangement.add", id="own", issuers=["NL"], valid_from="2025-01-01", stale_after_hours=1)

    async def listed(**asked: str) -> list[tuple[Any, ...]]:
        items = (await enrolled.show("aeo.list", **asked))["items"]
        return [(each["id"], each["holds"], each["status_stale"]) for each in items]

    assert await listed() == [("NL-NLAEOF1", True, True), ("BE-BE1", False, False)]
    assert await listed(stale="yes") == [("NL-NLAEOF1", True, True)]
    assert await listed(partner="other") == [("BE-BE1", False, False)]


async def test_the_history_names_who_changed_it_and_says_why_to_those_entitled_only(enrolled: Desk) -> None:
    await take(enrolled, GOOD)
    await enrolled.do("partner.aeo", id="zephyr", status="suspended", reason_class="fraud", reason="found by audit")

    shown, reasons = [await enrolled.show(view, number="NLAEOF1") for view in ("aeo.show", "aeo.reasons")]

    assert [(each["status"], each["actor"]) for each in shown["versions"]] == [("suspended", "ada"), ("valid", "ada")]
    assert "fraud" not in repr(shown)
    assert "found by audit" not in repr(shown)
    assert (reasons["versions"][0]["reason_class"], reasons["versions"][0]["reason"]) == ("fraud", "found by audit")


async def test_an_operator_without_a_role_for_it_sees_no_reasons(enrolled: Desk) -> None:
    await take(enrolled, GOOD)
    office = await Office(enrolled).open()
    await office.join("vic", "viewer")
    await office.join("ada", "auditor")

    async def asks(operator: str, view: str = "aeo.reasons") -> dict[str, Any] | Refusal:
        return await enrolled.registrar.looks.view(view, {"number": "NLAEOF1"}, operator=operator)

    assert not isinstance(await asks("olga"), Refusal)
    assert not isinstance(await asks("ada"), Refusal)
    assert not isinstance(await asks("vic", "aeo.show"), Refusal)
    assert code(await asks("vic")) == code(await asks("nobody")) == "OPERATOR_NOT_PERMITTED"


async def test_a_number_that_two_administrations_use_is_asked_for_with_its_issuer(enrolled: Desk) -> None:
    await take(enrolled, GOOD, GOOD.replace("NL,", "BE,"))

    refused = await enrolled.registrar.looks.view("aeo.show", {"number": "NLAEOF1"})

    assert code(refused) == "ACT_REFUSED"
    assert (await enrolled.show("aeo.show", number="BE-NLAEOF1"))["id"] == "BE-NLAEOF1"
