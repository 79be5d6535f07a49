"""AEO status as a live fact: what an administration tells is in force at once, and reaches those who may know."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from hub.core.errors import StorageUnavailable
from hub.operate.status_events import OUTPUT
from hub.ports.positions import FeedPosition, Lease
from tests.unit.operate.office import public_pem
from tests.unit.operate.test_operate_aeo_feeds import EORI, KEY, OTHER, line
from tests.world import Answer, Caller, HubWorld, event, hub_world, settings_in

CHANGED = "customs.aeo.status_changed"
NEEDS_AEO = event(type="customs.document.submitted")


async def people(world: HubWorld, *, types: tuple[str, ...] = ("*", CHANGED)) -> tuple[Caller, Caller, Caller]:
    """The administration itself, a company, and a risk engine that may know of AEO statuses."""
    customs = await world.company("customs", roles=["authority"], scopes=("aeo:write",))
    await world.act("aeo.feed.add", issuer="NL", keys=[public_pem(KEY)])
    delta = await world.company("delta", roles=["exporter"], tier="aeo", identifiers=[EORI])
    return customs, delta, await world.reader("watch", types=types)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[HubWorld]:
    async with hub_world(replace(settings_in(tmp_path), hub_partner="customs")) as world:
        yield world


async def tell(caller: Caller, *lines: str, media_type: str = "text/plain") -> Answer:
    body = "\n".join(lines).encode()
    return await caller.ask("POST", "/v1/aeo/statuses", data=body, headers={"Content-Type": media_type})


def said(records: list[dict[str, Any]]) -> list[str]:
    return [record["data"]["aeo_status"] for record in records]


async def test_a_status_is_in_force_with_the_answer_and_reaches_the_feed(world: HubWorld) -> None:
    customs, delta, watch = await people(world)
    told = await tell(customs, line(1), line(2, status="suspended", reason_class="A1"))

    assert (told.status, told.json["sequences"]) == (200, {"NL": 2})
    assert told.json["authorisations"] == ["NL-NLAEOF1"]
    assert (await delta.post(NEEDS_AEO)).code == "AEO_REQUIRED"
    await tell(customs, line(3))
    assert (await delta.post(NEEDS_AEO)).code == "EVENT_INVALID"
    records = await watch.records("watch", 3)
    assert said(records) == ["VALID", "SUSPENDED", "VALID"]
    assert "A1" not in repr(records)


async def test_an_event_names_the_company_and_the_authorisation(world: HubWorld) -> None:
    customs, _, watch = await people(world)
    await tell(customs, line(1))

    [record] = await watch.records("watch", 1)

    assert (record["type"], record["data"]["subjects"]) == (CHANGED, [EORI])
    assert record["data"]["authorisation"] == {"country": "NL", "programme": "AEO", "number": "NLAEOF1", "type": "F"}
    assert record["data"]["time_kind"] == "ACTUAL"


async def test_what_an_operator_or_a_table_says_becomes_events_too_and_only_changes_of_status_do(
    world: HubWorld,
) -> None:
    customs, _, watch = await people(world)
    await world.act("partner.aeo", id="delta", number="X1", type="C", issuer="NL", valid_from="2025-01-01")
    await world.act("partner.aeo", id="delta", validated_on="2025-06-01")
    header = "issuer,number,partner,type,status,valid_from"
    await world.act("aeo.import", csv=f"{header}\nNL,X1,delta,C,revoked,2025-01-01\n")
    await tell(customs, line(1))

    records = await watch.records("watch", 3)

    assert said(records) == ["VALID", "REVOKED", "VALID"]


async def test_a_feed_whose_agreement_does_not_name_the_type_shows_nothing_of_it(world: HubWorld) -> None:
    customs, delta, watch = await people(world, types=("*",))
    await world.reader("told", types=[CHANGED])
    await tell(customs, line(1))
    await delta.post(event(type="customs.goods.packed", subjects=[{"scheme": "sscc", "value": "340123450000000000"}]))

    items = (await watch.get("/v1/feeds/watch/records", wait=1)).json["items"]

    assert CHANGED not in {item["type"] for item in items}


async def test_what_does_not_prove_itself_is_refused_with_every_line(world: HubWorld) -> None:
    customs, delta, _ = await people(world)
    refused = await tell(customs, line(1, key=OTHER), line(9), "?")

    assert (refused.status, refused.code) == (422, "ACT_REFUSED")
    assert [(fault["code"], fault["place"]) for fault in refused.json["faults"]] == [
        ("STATUS_FOREIGN", "line 1"),
        ("STATUS_GAP", "line 2"),
        ("STATUS_MALFORMED", "line 3"),
    ]
    assert (await delta.post(NEEDS_AEO)).code == "AEO_REQUIRED"
    status: Any = await world.hub.status()
    assert {each["issuer"] for each in status["aeo_feeds"]["refused"]} == {"NL", ""}


async def test_only_an_authority_with_the_scope_brings_statuses(world: HubWorld) -> None:
    _, delta, _ = await people(world)
    carrier = await world.company("carrier", scopes=("aeo:write",))

    assert (await tell(delta, line(1))).code == "SCOPE_MISSING"
    assert (await tell(carrier, line(1))).code == "ROLE_NOT_PERMITTED"
    assert (await world.ask("POST", "/v1/aeo/statuses", data=b"")).status == 401


async def test_statuses_come_as_text_without_parameters(world: HubWorld) -> None:
    customs, _, _ = await people(world)

    assert (await tell(customs, line(1), media_type="application/json")).code == "MEDIA_TYPE_UNSUPPORTED"
    assert (await customs.ask("POST", "/v1/aeo/statuses?a=1", data=b"", headers={})).code == "BAD_REQUEST"
    assert (await tell(customs, "é")).code == "BODY_MALFORMED"
    assert (await tell(customs)).code == "ACT_REFUSED"


async def test_a_company_without_an_identifier_of_parties_is_an_alarm_and_no_event(world: HubWorld) -> None:
    customs, _, watch = await people(world)
    await world.company("nameless", roles=["exporter"])
    await world.act("partner.aeo", id="nameless", number="X9", type="C", issuer="NL", valid_from="2025-01-01")
    await tell(customs, line(1))

    [record] = await watch.records("watch", 1)

    assert record["data"]["authorisation"]["number"] == "NLAEOF1"
    assert b'alarms_total{alarm="aeo_status_untold"} 1.0' in world.hub.observer.exposition()


async def test_what_changed_before_the_administration_was_a_partner_is_said_once_it_is_one(world: HubWorld) -> None:
    await world.company("delta", roles=["exporter"], identifiers=[EORI])
    watch = await world.reader("watch", types=[CHANGED])
    await world.act("partner.aeo", id="delta", number="X1", type="C", issuer="NL", valid_from="2025-01-01")

    await world.company("customs", roles=["authority"], scopes=("aeo:write",))

    assert said(await watch.records("watch", 1)) == ["VALID"]


class Forgetful:
    """Positions that fail, once, to store how far the statuses came: as if the process had died there."""

    def __init__(self, positions: Any) -> None:
        self._positions = positions
        self.failed = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._positions, name)

    async def store(self, lease: Lease, output: str, generation: int, partition: int, position: FeedPosition) -> None:
        if output == OUTPUT and not self.failed.is_set():
            self.failed.set()
            raise StorageUnavailable("died")
        await self._positions.store(lease, output, generation, partition, position)


async def test_a_mark_that_was_not_stored_repeats_nothing(tmp_path: Path) -> None:
    kept: list[Forgetful] = []

    def forget(ports: Any) -> Any:
        kept.append(Forgetful(ports.positions))
        return replace(ports, positions=kept[0])

    async with hub_world(replace(settings_in(tmp_path), hub_partner="customs"), forget) as world:
        customs, _, watch = await people(world)
        await tell(customs, line(1))
        await kept[0].failed.wait()
        await tell(customs, line(2, status="revoked"))

        assert said(await watch.records("watch", 2)) == ["VALID", "REVOKED"]
