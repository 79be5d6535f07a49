"""A hub in the test's own process, with a reader whose key lies in a file, for whoever runs a command against it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from connectors.keys import write_key
from tests.world import Caller, HubWorld, hub_world, settings_in


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[HubWorld]:
    async with hub_world(settings_in(tmp_path)) as world:
        yield world


@pytest.fixture
async def watch(world: HubWorld, tmp_path: Path) -> Caller:
    """Its key is in `engine.pem`."""
    watch = await world.reader()
    write_key(watch.key, tmp_path / "engine.pem")
    return watch


@pytest.fixture
async def delta(watch: Caller) -> Caller:
    return await watch.world.company()
