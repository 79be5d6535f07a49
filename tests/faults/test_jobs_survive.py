"""A document that was answered 202 is judged to its end, however often the hub is killed meanwhile."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.session import HubRefused, HubUnreachable
from hub.core.settings import DocumentsSettings, Settings
from tests.faults.reading import read_all
from tests.faults.stage import Stage, stage
from tests.wire.test_interchanges import moves

pytestmark = pytest.mark.slow

ROWS = 4_000
MESSAGES = 2_000
AT = datetime.now(UTC).isoformat(timespec="seconds")
SETTINGS = Settings(documents=DocumentsSettings(answer_wait_seconds=0.001))


def sheet() -> bytes:
    rows = (f"row-{number},no,CSQU3054383,{AT},ACTUAL,NLRTM" for number in range(ROWS))
    return "\n".join(("id,empty,container,occurred_at,time_kind,unlocode", *rows)).encode()


def capture() -> bytes:
    event = (
        '{"type":"ObjectEvent","eventID":"urn:e:%d","eventTime":"' + AT + '","eventTimeZoneOffset":"+00:00",'
        '"action":"OBSERVE","bizStep":"departing","epcList":["urn:epc:id:sscc:0614141.1234567890"]}'
    )
    events = ",".join(event % number for number in range(1_000))
    return (
        '{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],"type":"EPCISDocument",'
        '"schemaVersion":"2.0","creationDate":"' + AT + '","epcisBody":{"eventList":[' + events + "]}}"
    ).encode()


async def end_of(on: Stage, place: str, ended: str, kills: int) -> dict[str, Any]:
    """The job once it has ended; the hub is killed so often on the way, a little later each time."""
    session = on.sessions["acme"]
    for number in range(kills):
        await asyncio.sleep(0.05 * number)
        await on.hub.kill()
        await on.start()
    while True:
        try:
            job = await session.get(place, {"limit": "1"} if place.startswith("/v1") else None)
        except (HubRefused, HubUnreachable):
            job = {}
        if job.get(ended) in ("done", False):
            return job
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("kills", [1, 4, 12])
async def test_a_table_that_was_taken_is_judged_to_its_end_over_kills(tmp_path: Path, kills: int) -> None:
    async with stage(SETTINGS, tmp_path) as on:
        await on.start()
        path, headers = "/v1/tables?type=customs.container.gate_in", {"Content-Type": "text/csv"}
        answer = await on.sessions["acme"].request("POST", path, body=sheet(), headers=headers)
        assert answer.status == 202

        job = await end_of(on, f"/v1/tables/{answer.json()['id']}", "state", kills)

        assert job["counts"] == {"ACCEPTED": ROWS}
        records = await read_all(on.sessions["risk"], "/v1/feeds/risk/records", on.starts["risk"])
        assert sorted(record["id"] for record in records) == sorted(f"row-{number}" for number in range(ROWS))


@pytest.mark.parametrize("kills", [1, 4])
async def test_edifact_that_was_taken_is_judged_to_its_end_over_kills(tmp_path: Path, kills: int) -> None:
    async with stage(SETTINGS, tmp_path) as on:
        await on.start()
        body, headers = moves(MESSAGES), {"Content-Type": "application/edifact"}
        answer = await on.sessions["acme"].request("POST", "/v1/interchanges", body=body, headers=headers)
        assert answer.status == 202

        job = await end_of(on, f"/v1/interchanges/{answer.json()['id']}", "state", kills)

        assert job["counts"] == {"ACCEPTED": MESSAGES}
        records = await read_all(on.sessions["risk"], "/v1/feeds/risk/records", on.starts["risk"])
        assert len({record["id"] for record in records}) == len(records) == MESSAGES


@pytest.mark.parametrize("kills", [1, 3])
async def test_a_capture_that_was_taken_is_judged_to_its_end_over_kills(tmp_path: Path, kills: int) -> None:
    async with stage(SETTINGS, tmp_path) as on:
        await on.start()
        headers = {"Content-Type": "application/ld+json"}
        answer = await on.sessions["acme"].request("POST", "/epcis/capture", body=capture(), headers=headers)
        assert answer.status == 202
        [listed] = orjson.loads((await on.sessions["acme"].request("GET", "/epcis/capture")).body)

        job = await end_of(on, f"/epcis/capture/{listed['captureID']}", "running", kills)

        assert (job["success"], job["counts"]) == (True, {"ACCEPTED": 1_000})
        records = await read_all(on.sessions["risk"], "/v1/feeds/risk/records", on.starts["risk"])
        assert sorted(record["id"] for record in records) == sorted(f"urn:e:{number}" for number in range(1_000))
