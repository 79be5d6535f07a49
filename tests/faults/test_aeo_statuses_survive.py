"""A hub killed between what it says of AEO statuses and the mark that it said so: nothing is lost, nothing doubled."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from hub.cli import run
from hub.core.settings import Settings
from tests.faults.stage import Stage, stage

pytestmark = pytest.mark.slow

STATUSES = ["valid", "suspended", "valid", "revoked"]


def act(directory: Path, *arguments: str) -> None:
    assert run([*arguments, "--data", str(directory / "data")]) == 0


def tell(directory: Path) -> None:
    """A company whose status changed, one revision a change, while no hub ran."""
    act(directory, "partner", "set", "acme", "--identifier", "eori=NL123456789")
    agreement = ("--recipient", "risk", "--purpose", "security-risk-assessment", "--field", "*", "--everyone")
    act(directory, "agreement", "add", "aeo", "--type", "customs.aeo.status_changed", *agreement)
    first = ("--number", "NLAEOF1", "--type", "F", "--issuer", "NL", "--valid-from", "2025-01-01")
    act(directory, "partner", "aeo", "acme", *first)
    for status in STATUSES[1:]:
        act(directory, "partner", "aeo", "acme", "--status", status)


async def said(on: Stage, count: int) -> list[dict[str, Any]]:
    """What the feed holds once there are so many records, and a moment later."""
    while True:
        page = await on.sessions["risk"].get("/v1/feeds/risk/records", {"from": "earliest", "wait": "1"})
        if len(page["items"]) >= count:
            return list(page["items"])


@pytest.mark.parametrize("point", ["before-append", "during-append", "after-append", "after-position"])
async def test_every_change_of_status_is_said_once_whenever_the_hub_dies(tmp_path: Path, point: str) -> None:
    async with stage(replace(Settings(), hub_partner="risk"), tmp_path) as on:
        await asyncio.to_thread(tell, tmp_path)
        for passage in (1, 2):
            await on.hub.start(f"{point}:{passage}")
            assert await on.hub.ended()

        await on.hub.start()
        assert await on.hub.ready()
        last = ["--status", "valid", "--data", str(tmp_path / "data")]
        assert await asyncio.to_thread(run, ["partner", "aeo", "acme", *last]) == 0

        records = await said(on, len(STATUSES) + 1)
        assert [record["data"]["aeo_status"].lower() for record in records] == [*STATUSES, "valid"]
        assert len({record["id"] for record in records}) == len(records)
