"""The lab's world: what it registers is what a hub needs, and what it cannot register is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from hub.assembly.offline import open_registrar
from hub.core.settings import LogSettings, Settings
from hub.lab.world import AEO, Company, Engine, Sharing, Unregistrable, hub_world

TERMINAL = Company(id="delta", roles=("terminal",), tier="aeo", aeo=AEO("NLAEOF0000000001"))
ENGINE = Engine(id="watch", sharings=(Sharing(role="terminal", types=("customs.container.*",)),))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(log=LogSettings(directory=str(tmp_path / "data")))


async def test_a_world_has_systems_with_keys_and_engines_with_agreements_and_feeds(settings: Settings) -> None:
    clients = await hub_world(settings, companies=[TERMINAL], engines=[ENGINE])

    assert {name: client.id for name, client in clients.items()} == {"delta": "delta.system", "watch": "watch.system"}
    assert all(b"PRIVATE KEY" in client.key_pem for client in clients.values())
    async with open_registrar(settings) as registrar:
        delta = await registrar.looks.view("partner.show", {"id": "delta"})
        watch = await registrar.looks.view("partner.show", {"id": "watch"})
    assert [each["status"] for each in delta["authorisations"]] == ["valid"]
    assert [agreement["id"] for agreement in delta["agreements"]] == ["watch-1"]
    assert [(feed["name"], feed["agreements_in_force"]) for feed in watch["feeds"]] == [("watch", 1)]


async def test_a_world_that_cannot_be_registered_names_every_fault(settings: Settings) -> None:
    with pytest.raises(Unregistrable, match=r"partner.add: /id: .*; /country: "):
        await hub_world(settings, companies=[replace(TERMINAL, id="Delta!", country="XX")])
