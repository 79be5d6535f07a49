"""A withheld member is disclosed: the commands of sender and reader, over a hub whose seal key is rotated meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors import cli as connect
from connectors.keys import generate, write_key
from tests.world import RISK, HubWorld, event, hub_world, settings_in

Connect = Callable[..., Coroutine[Any, Any, bytes]]
SYSTEMS = {"terminal": ("terminal", ["events:write", "receipts:read"]), "watch": ("authority", ["feeds:read"])}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[HubWorld]:
    async with hub_world(settings_in(tmp_path / "var", ground="sqlite")) as world:
        for partner, (role, scopes) in SYSTEMS.items():
            await world.act("partner.add", id=partner, name=partner.title(), country="NL", roles=[role])
            public = write_key(generate("ES256"), tmp_path / f"{partner}.pem").read_text()
            await world.act("key.add", partner=partner, system="erp", key=public, scopes=scopes)
        given = {"provider": {"all": True}, "types": ["*"], "fields": ["/id", "/data/subjects"]}
        await world.act("agreement.add", id="some", recipient="watch", purpose=RISK, **given)
        await world.act("feed.add", name="risk", recipient="watch", purpose=RISK)
        yield world


@pytest.fixture
def command(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> Connect:
    async def run(*arguments: object, exits: int = 0) -> bytes:
        code = await asyncio.to_thread(connect.run, [str(each) for each in arguments])
        said = capfdbinary.readouterr()
        assert code == exits, said
        return said.out

    return run


async def test_from_a_pushed_event_to_a_proof_in_the_readers_hands(
    world: HubWorld, command: Connect, tmp_path: Path
) -> None:
    def reach(partner: str) -> list[object]:
        return ["--hub", world.hub.url, "--client", f"{partner}.erp", "--key", tmp_path / f"{partner}.pem"]

    for number, way in enumerate([[], ["--stream"]]):
        sent = tmp_path / f"{number}.json"
        sent.write_bytes(orjson.dumps(event(f"e{number}", place={"unlocode": "DEHAM"})))
        await command("push", sent, "--receipts", tmp_path / "receipts", *reach("terminal"))
        pages = tmp_path / f"pages{number}"
        await command("read", "risk", "--proof", pages, "--count", 1 + number, "--from-start", *way, *reach("watch"))
        await asyncio.to_thread(world.hub.ports.keys.rotate_seal_key, world.hub.clock.now_us() // 1_000_000)

    told = tmp_path / "told.json"
    told.write_bytes(await command("disclose", tmp_path / "receipts", sent, "--member", "/data/place"))
    *kept, keys = [*sorted(pages.glob("risk-*.json")), pages / "keys.json"]

    assert b"DEHAM" not in b"".join(page.read_bytes() for page in kept)
    assert b"It proves" in await command("verify-disclosure", told, *kept, "--keys", keys)
    told.write_bytes(await command("disclose", tmp_path / "receipts", tmp_path / "0.json", "--member", "/data/empty"))
    assert b"It proves" in await command("verify-disclosure", told, *kept, "--keys", keys)
    told.write_bytes(told.read_bytes().replace(b"false", b"true"))
    assert b"FAIL" in await command("verify-disclosure", told, *kept, "--keys", keys, exits=1)
