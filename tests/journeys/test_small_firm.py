"""A small firm with an API key and a folder, as the README says it; and each verb that takes such a key."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from hub.core.codes import digest_of, make_api_key
from tests.world import HubWorld, event, hub_world, settings_in

ROOT = Path(__file__).parents[2]
SECRET = make_api_key(bytes(range(17)))
ROLES = ["terminal", "exporter"]


class Firm:
    """What a firm types into a shell in its folder, and what it is told."""

    def __init__(self, world: HubWorld, folder: Path) -> None:
        self.world, self.folder = world, folder

    async def type(self, line: str) -> tuple[int, str]:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        process = await asyncio.create_subprocess_exec(
            "bash", "-c", line, cwd=self.folder, env={**os.environ, "PATH": path, "hub": self.world.hub.url},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        told, _ = await process.communicate()
        return process.returncode or 0, told.decode()


@pytest.fixture
async def firm(tmp_path: Path) -> AsyncIterator[Firm]:
    folder = tmp_path / "firm"
    folder.mkdir()
    (folder / "shop.key").write_text(SECRET)
    (folder / "shop.key").chmod(0o600)
    async with hub_world(settings_in(tmp_path, auth={"sender_constrained": "required"})) as world:
        await world.act("partner.add", id="watch", name="Watch", country="NL", roles=["authority"])
        offer = {"purpose": "security-risk-assessment", "provider": {"all": True}, "types": ["*"], "fields": ["*"]}
        await world.act("agreement.add", id="a", recipient="watch", **offer)
        await world.act("partner.add", id="shop", name="Shop", country="NL", roles=ROLES, tier="small")
        scopes = ["events:write", "receipts:read"]
        await world.act("api-key.issue", id=digest_of(SECRET), partner="shop", system="web", scopes=scopes)
        yield Firm(world, folder)


def line_of_the_readme() -> str:
    [line] = re.findall(r"^customs-connect watch .*--api-key-file .*$", (ROOT / "README.md").read_text(), re.M)
    return str(line)


@pytest.mark.slow
async def test_the_readmes_line_sends_a_table_from_a_folder_with_the_key_alone(firm: Firm) -> None:
    drop = firm.folder / "drop"
    drop.mkdir()
    now = datetime.now(UTC).isoformat(timespec="seconds")
    heads = "container number;date and time;kind of time;place: UN/LOCODE;empty"
    (drop / "moves.csv").write_text(f"{heads}\nCSQU3054383;{now};actual;NLRTM;no\n")

    code, told = await firm.type(line_of_the_readme())

    assert (code, "1 ACCEPTED" in told) == (0, True), told
    assert (drop / "done" / "moves.csv").exists()
    assert SECRET not in told


async def test_who_tries_the_hub_out_reads_and_looks_with_a_key_alone(firm: Firm) -> None:
    mine = make_api_key(bytes(range(1, 18)))
    (firm.folder / "try.key").write_text(mine)
    (firm.folder / "try.key").chmod(0o600)
    await firm.world.act("partner.add", id="try", name="Try", country="NL", roles=["exporter"], tier="sandbox")
    scopes = ["receipts:read", "feeds:read"]
    await firm.world.act("api-key.issue", id=digest_of(mine), partner="try", system="web", scopes=scopes)
    reach = "--hub $hub --api-key-file try.key"

    listed = await firm.type(f"customs-connect read {reach}")
    mandates = await firm.type(f"customs-connect mandate list {reach}")
    feed = await firm.type(f"customs-connect engine nobodys {reach}")
    steps = await firm.type(f"customs-connect checklist {reach}")

    assert (listed, mandates) == ((0, ""), (0, ""))
    assert feed[0] == steps[0] == 1
    assert "NOT_FOUND" in feed[1], feed
    assert "NOT_FOUND" in steps[1], steps


async def test_push_document_and_notices_take_the_key_until_it_is_revoked(firm: Firm) -> None:
    (firm.folder / "event.json").write_bytes(orjson.dumps(event("a", source="urn:example:shop")))
    (firm.folder / "invoice.json").write_text('{"invoice": 42}')
    lines = [
        "customs-connect push event.json --receipts receipts --hub $hub --api-key-file shop.key",
        "customs-connect document push invoice.json --kind 380 --reference INV-42 --subject iso6346:CSQU3054383 "
        "--hub $hub --api-key-file shop.key",
        "CUSTOMS_CONNECT_API_KEY=$(cat shop.key) customs-connect notices --hub $hub",
    ]

    good = [await firm.type(line) for line in lines]
    await firm.world.act("api-key.revoke", id=digest_of(SECRET))
    late = [await firm.type(line) for line in lines]

    assert [code for code, _ in good] == [0, 1, 0], good
    assert "AEO_REQUIRED" in good[1][1]  # It was let in; documents are for others.
    assert all(code == 1 and "UNAUTHENTICATED" in told for code, told in late), late
    assert not any(SECRET in told for _, told in good + late)
