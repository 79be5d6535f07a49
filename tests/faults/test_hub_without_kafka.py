"""The hub while its Kafka is not there yet, or has died: it says so, loses nothing, and goes on by itself."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.core.settings import KafkaSettings, LogSettings, Settings
from hub.lab.kafka import KafkaCluster, free_ports
from tests.faults.history import Outcome
from tests.faults.load import Outgoing, outgoing
from tests.faults.stage import Stage, stage

pytestmark = [pytest.mark.slow, pytest.mark.kafka]

NODE = 1


class Broker:
    """One broker at a known address, not started yet."""

    def __init__(self, directory: Path) -> None:
        self._cluster, [self._port] = KafkaCluster(directory), free_ports(1)
        kafka = KafkaSettings(bootstrap=f"127.0.0.1:{self._port}")
        self.settings = Settings(log=LogSettings(ground="kafka"), kafka=kafka)

    async def up(self) -> None:
        await asyncio.to_thread(self._cluster.up, 1, self._port)

    def kill(self) -> None:
        self._cluster.kill(NODE)

    def down(self) -> None:
        self._cluster.down()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path / "kafka")
    yield broker
    broker.down()


def event(name: str) -> Outgoing:
    return outgoing("acme", "urn:tos", name, mass_kg=10_000)


async def lacking(on: Stage) -> str:
    """What readiness says is missing, once it says so."""
    while not (lacks := (await on.hub.health()).get("lacking")):
        await asyncio.sleep(0.1)
    return str(lacks)


async def assert_refused_for_now(on: Stage, sent: Outgoing) -> None:
    """503, with the time to try again, and not acknowledged."""
    desk = on.desks["acme"]
    [attempt] = await desk.post([sent])
    assert desk.heard is not None, "no answer"
    assert desk.heard.status == 503
    assert desk.heard.retry_after_seconds > 0
    assert attempt.outcome is not Outcome.OK


async def test_without_kafka_at_start_the_hub_says_so_and_goes_on_when_it_comes(broker: Broker, tmp_path: Path) -> None:
    async with stage(broker.settings, tmp_path) as on:
        await on.hub.start()
        await on.until_listening()
        assert "storage" in await lacking(on)
        await assert_refused_for_now(on, event("early"))

        await broker.up()
        await on.until_ready()
        await on.desks["acme"].settle([event("early"), event("late")], random.Random(1))

        assert await on.judge() == []


async def test_when_kafka_dies_the_hub_says_so_and_goes_on_when_it_is_back(broker: Broker, tmp_path: Path) -> None:
    await broker.up()
    async with stage(broker.settings, tmp_path) as on:
        await on.start()
        desk, chance = on.desks["acme"], random.Random(1)
        await desk.settle([event("before")], chance)
        broker.kill()
        await assert_refused_for_now(on, event("meanwhile"))
        assert "log" in await lacking(on)

        await broker.up()
        await desk.settle([event("meanwhile"), event("after")], chance)
        await on.until_ready()

        assert on.hub.runs
        assert await on.judge() == []
