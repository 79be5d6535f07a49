"""What many tests of the connectors begin with."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from connectors.session import HubSession
from tests.unit.fake_hub import FakeHub, fake_hub


@pytest.fixture
async def hub() -> AsyncIterator[FakeHub]:
    async with fake_hub() as hub:
        yield hub


@pytest.fixture
async def session(hub: FakeHub) -> AsyncIterator[HubSession]:
    """Of a reader of feeds."""
    async with hub.session("feeds:read") as session:
        yield session
