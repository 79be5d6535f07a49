"""What no agreement covers, in documents of the trade: their sender is told of it where it stands in his own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from tests.edifact import interchange, message
from tests.unit.tabular.tables import xlsx_of
from tests.unit.test_translate_dcsa import equipment
from tests.unit.test_translate_onerecord import event as onerecord
from tests.wire import test_tables as tables
from tests.wire.conftest import MakeWorld
from tests.wire.test_agreements import READS, SENDS, TERMS
from tests.wire.test_epcis import document, epcis
from tests.wire.test_interchanges import ZONED
from tests.wire.test_interchanges import post as post_interchange
from tests.wire.test_tables import AT, CSV, XLSX
from tests.world import Answer, Caller

NEEDLESS = epcis(bizStep="storing")
PLACES = {
    "place": ["/epcisBody/eventList/0/readPoint/id"],
    "business_step": ["/epcisBody/eventList/0/bizStep"],
}
FRANKFURT = {"@type": "cargo:Location", "cargo:locationName": "Frankfurt"}
ROWS = (
    ("container", "occurred_at", "time_kind", "unlocode", "empty", "size_type", "seal 1: number", "driver"),
    ("MSKU1234565", AT, "ACTUAL", "NLRTM", "no", "22G1", "AB-1", "Piet"),
)


@pytest.fixture
async def sender(make_world: MakeWorld) -> AsyncIterator[Caller]:
    """Of whom the authority has agreed to be given identities alone."""
    async with make_world() as world:
        await world.company("watch", scopes=READS, roles=["authority"])
        sender = await world.company(scopes=SENDS, roles=["terminal", "carrier", "exporter", "warehouse"])
        await world.act(
            "agreement.add", **(TERMS | {"types": ["*", "customs.goods.observed"], "fields": ["@identity"]})
        )
        yield sender


def told(item: Any) -> dict[str, list[str]]:
    """The members that are not needed, with their places."""
    assert item["verdict"] == "ACCEPTED", item.get("code", item)
    found: dict[str, list[str]] = {}
    for each in item.get("faults", ()):
        if each["code"] == "FIELD_NOT_NEEDED":
            assert each["severity"] == "WARNING"
            found.setdefault(each["found"], []).append(each["place"])
    return found


def one(answer: Answer) -> dict[str, list[str]]:
    [item] = answer.json["items"]
    return told(item)


async def test_an_epcis_event_names_its_own_members_and_not_what_the_hub_keeps_of_it(sender: Caller) -> None:
    answer = await sender.post(orjson.dumps(document(NEEDLESS)), "application/ld+json")

    assert one(answer) == PLACES


async def test_a_dry_run_says_the_same(sender: Caller) -> None:
    sent = orjson.dumps(document(NEEDLESS))

    answer = await sender.post(sent, "application/ld+json", Hub_Dry_Run="true")

    assert "FIELD_NOT_NEEDED" in str(answer.json), answer.json


async def test_a_dcsa_event_names_its_own_members(sender: Caller) -> None:
    found = one(await sender.post(orjson.dumps(equipment(ISOEquipmentCode="22G1")), "application/json"))

    assert found["size_type"] == ["/ISOEquipmentCode"]
    assert found["place"] == [
        "/transportCall/UNLocationCode",
        "/transportCall/facilityCode",
        "/transportCall/facilityCodeListProvider",
    ]
    assert "extensions" not in found


async def test_a_one_record_event_names_its_own_members(sender: Caller) -> None:
    answer = await sender.post(orjson.dumps(onerecord("RCF", eventLocation=FRANKFURT)), "application/ld+json")

    assert one(answer) == {"place": ["/cargo:eventLocation"], "business_step": ["/cargo:eventCode"]}


async def test_edifact_names_its_own_segments(sender: Caller) -> None:
    sent = interchange(message("CODECO", *ZONED))

    at_once = one(await sender.post(sent, "application/edifact"))

    assert at_once["size_type"] == ["message 1, segment 5 (EQD), element 3.1"]
    assert "message 1, segment 11 (SEL), element 1" in at_once["seals"]


async def test_edifact_that_is_judged_later_says_the_same(sender: Caller) -> None:
    judged = await post_interchange(sender, interchange(message("CODECO", *ZONED)))

    assert "message 1, segment 11 (SEL), element 1" in one(judged)["seals"]


@pytest.mark.parametrize("media_type", [CSV, XLSX])
async def test_a_table_names_the_cells_those_of_columns_that_no_schema_knows_too(
    sender: Caller, media_type: str
) -> None:
    sheet = "\n".join(",".join(row) for row in ROWS).encode() if media_type == CSV else xlsx_of({"Moves": ROWS})

    found = one(await tables.post(sender, sheet, media_type))

    if media_type == CSV:
        assert found["extensions"] == ["row 2, column H (driver)"]
        assert found["seals"] == ["row 2, column G (seal 1: number)"]
    else:
        assert (found["extensions"], found["seals"]) == (["Moves!H2"], ["Moves!G2"])
    assert "driver" not in found


async def test_where_everything_is_covered_a_document_is_warned_of_nothing(sender: Caller) -> None:
    more = TERMS | {"id": "all", "types": ["*", "customs.goods.observed"], "fields": ["*"]}
    await sender.world.act("agreement.add", **more)

    assert one(await sender.post(orjson.dumps(document(NEEDLESS)), "application/ld+json")) == {}
