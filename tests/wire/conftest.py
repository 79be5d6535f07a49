"""A hub in memory for every test: a few milliseconds each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from msgspec.structs import asdict, replace

from hub.assembly.grounds import Ports
from hub.core.errors import StorageUnavailable
from tests.faults.scripted import ScriptedIndex
from tests.patience import patient
from tests.receiver import Receiver, receiving
from tests.world import Caller, HubWorld, hub_world, settings_in

MakeWorld = Callable[..., AbstractAsyncContextManager[HubWorld]]
HERE = {"networks": "127.0.0.0/8", "answer_seconds_max": 5.0}


def without_look_ups(ports: Ports) -> Ports:
    """A hub whose intake cannot ask the index: what is a conflict is found by the judge."""
    index = ScriptedIndex(ports.index)
    index.away = StorageUnavailable("away")
    return replace(ports, index=index)


async def endless(block: bytes) -> AsyncIterator[bytes]:
    """A body that never ends, and does not say how long it is."""
    while True:
        yield block


_KAFKA = pytest.param("kafka", marks=[pytest.mark.kafka, pytest.mark.slow])
ON_KAFKA_TOO = pytest.mark.parametrize("on", ["memory", _KAFKA], indirect=True)
"""A story that is told on a real Kafka as well; `ON_BOTH_GROUNDS`: of the end of records, which memory has not."""
ON_BOTH_GROUNDS = pytest.mark.parametrize("on", ["sqlite", _KAFKA], indirect=True)


@pytest.fixture
def on(request: Any) -> dict[str, Any]:
    """The rooms of the settings that say where the hub keeps its log; in memory, unless a story says otherwise."""
    if (ground := getattr(request, "param", "memory")) != "kafka":
        return {"ground": ground}
    brokers = patient(request.getfixturevalue("kafka_bootstrap"), topic_prefix=f"{uuid4().hex[:8]}.")
    return {"ground": "kafka", "kafka": asdict(brokers), "log": {"events_partitions": 1}}


@pytest.fixture
def make_world(tmp_path: Path, on: dict[str, Any]) -> MakeWorld:
    """A hub with other bounds: `make_world(http={"body_bytes_max": 1_000})`."""

    def make(wrap: Any = None, **rooms: Any) -> AbstractAsyncContextManager[HubWorld]:
        merged = on | rooms | {"log": on.get("log", {}) | rooms.get("log", {})}
        return hub_world(settings_in(tmp_path, **merged), wrap)

    return make


@pytest.fixture
async def world(make_world: MakeWorld) -> AsyncIterator[HubWorld]:
    async with make_world() as world:
        yield world


@pytest.fixture
async def hub(make_world: MakeWorld) -> AsyncIterator[HubWorld]:
    """One that brings feeds to receivers on this machine."""
    async with make_world(webhooks=HERE) as world:
        yield world


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
async def delta(world: HubWorld) -> Caller:
    """A terminal that may send: an agreement gives all of it to the authority `watch`, which has no feed."""
    await world.reader(feed=False)
    return await world.company()
