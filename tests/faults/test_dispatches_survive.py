"""A hub killed while an engine answers a company: sent again under the same id, the company is told once."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from connectors.keys import generate
from connectors.risk.notices import Notice, about, send
from connectors.session import HubRefused, HubSession, HubUnreachable
from hub.assembly.offline import open_registrar
from hub.core.settings import LogSettings, Settings
from hub.operate.registrar import Done
from tests.faults.load import outgoing
from tests.faults.points import DISPATCH_POINTS
from tests.faults.reading import read_all
from tests.faults.stage import Stage, stage

pytestmark = pytest.mark.slow

RISK = "security-risk-assessment"


async def engine(on: Stage, data: Path) -> HubSession:
    """Before the hub runs: a system of the first engine's that may send notices, by an agreement that lets it."""
    key = generate("EdDSA")
    public = key.public_pem().decode()
    given = {"provider": {"all": True}, "types": ["*"], "fields": ["/id"], "notices": ["hold"]}
    acts: tuple[tuple[str, dict[str, Any]], ...] = (
        ("agreement.add", {"id": "answers", "recipient": "risk", "purpose": RISK, **given}),
        ("key.add", {"partner": "risk", "system": "engine", "key": public, "scopes": ["notices:write"]}),
    )
    async with open_registrar(replace(Settings(), log=LogSettings(directory=str(data)))) as registrar:
        for act, request in acts:
            assert isinstance(await registrar.perform(act, request, actor="test"), Done)
    return HubSession(on.hub.url, client_id="risk.engine", key=key, scope="notices:write")


async def shown(on: Stage) -> dict[str, Any]:
    """An event of acme's, as the feed shows it."""
    await on.desks["acme"].settle([outgoing("acme", "urn:acme", "a", 2_000)], random.Random(1))
    while not (records := await read_all(on.sessions["risk"], "/v1/feeds/risk/records", on.starts["risk"])):
        pass
    return dict(records[0])


def hold(record: dict[str, Any], own: str) -> Notice:
    return Notice(id=own, kind="hold", feed="risk", event=about(record), text=own, language="en")


async def told(on: Stage, count: int) -> list[str]:
    """What acme reads, once there are so many."""
    while len(items := (await on.sessions["acme"].get("/v1/notices", {"wait": "1"}))["items"]) < count:
        pass
    return [each["text"] for each in items]


@pytest.mark.parametrize("point", DISPATCH_POINTS)
async def test_a_company_is_told_once_whenever_the_hub_dies(tmp_path: Path, point: str) -> None:
    async with stage(Settings(), tmp_path) as on, await engine(on, tmp_path / "data") as session:
        await on.start()
        record = await shown(on)
        await on.hub.stop()
        await on.start(f"{point}:1")
        with suppress(HubUnreachable, HubRefused):  # It may die before it has answered.
            await send(session, hold(record, "first"))
        assert await on.hub.ended()

        await on.start()
        await send(session, hold(record, "first"))
        await send(session, hold(record, "second"))

        assert await told(on, 2) == ["first", "second"]
