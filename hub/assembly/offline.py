"""The registrar without a hub: what the CLI works with while none runs on the data directory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from hub.core.filter import Schema
from hub.core.settings import Settings
from hub.drivers.sqlite.registry import SQLiteRegistry
from hub.drivers.system.clock import SystemClock
from hub.drivers.system.directory import DataDirectory
from hub.operate.follow import LiveRegistry
from hub.operate.registrar import Registrar
from hub.ports.system import Clock
from schemas.catalogue import catalogue

REGISTRY_FILE = "registry.db"


def make_registrar(live: LiveRegistry, settings: Settings, *, clock: Clock) -> Registrar:
    known = catalogue()
    event_types: dict[str, list[Schema]] = {name: [] for name in known.planned}
    for event_type in known.types:
        event_types.setdefault(event_type.name, []).append(event_type.schema.flat)
    return Registrar(live, clock=clock, event_types=event_types, key_grace_seconds=settings.auth.key_grace_seconds)


@asynccontextmanager
async def open_registrar(settings: Settings) -> AsyncIterator[Registrar]:
    """The registrar of a hub that does not run: takes the directory's lock. Raises `HubError`."""
    clock = SystemClock()
    directory = Path(settings.log.directory)
    with DataDirectory(directory):
        async with SQLiteRegistry.open(directory / REGISTRY_FILE) as registry:
            live = LiveRegistry(registry, clock=clock)
            await live.refresh()
            yield make_registrar(live, settings, clock=clock)
