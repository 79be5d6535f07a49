"""The hub when the PostgreSQL that its workers share dies: it says so, loses nothing, and goes on by itself."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from uuid import uuid4

import pytest

from hub.core.settings import KafkaSettings, LogSettings, Settings
from tests.faults.history import Outcome
from tests.faults.load import Outgoing, outgoing
from tests.faults.stage import Stage, stage
from tests.postgres import PostgresCluster, running_postgres

pytestmark = [pytest.mark.slow, pytest.mark.kafka, pytest.mark.postgres]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[PostgresCluster]:
    with running_postgres(tmp_path) as running:
        yield running


@pytest.fixture
def settings(cluster: PostgresCluster, kafka_bootstrap: str) -> Settings:
    kafka = KafkaSettings(bootstrap=kafka_bootstrap, topic_prefix=f"{uuid4()}.")
    return Settings(log=LogSettings(ground="kafka"), kafka=kafka, postgres=cluster.database("hub"))


def events(name: str, count: int = 1) -> list[Outgoing]:
    return [outgoing("acme", "urn:tos", f"{name}-{number}", mass_kg=10_000) for number in range(count)]


async def lacking(on: Stage) -> str:
    """What readiness says is missing, once it says so."""
    while not (lacks := (await on.hub.health()).get("lacking")):
        await asyncio.sleep(0.1)
    return str(lacks)


async def test_when_postgres_dies_posts_are_refused_or_unknown_and_the_hub_goes_on_when_it_is_back(
    settings: Settings, cluster: PostgresCluster, tmp_path: Path
) -> None:
    async with stage(settings, tmp_path) as on:
        await on.start()
        desk, chance = on.desks["acme"], random.Random(1)
        await desk.settle(events("before", 20), chance)
        cluster.kill()
        assert "registry" in await lacking(on)
        [attempt] = await desk.post(events("meanwhile"))
        assert desk.heard is not None, "no answer"
        assert (desk.heard.status, attempt.outcome is Outcome.OK) == (503, False)

        cluster.start()
        await desk.settle(events("meanwhile") + events("after", 20), chance)
        await on.until_ready()

        assert on.hub.runs
        assert await on.judge() == []


async def test_what_is_acknowledged_while_postgres_dies_and_comes_back_under_load_reaches_every_feed_once(
    settings: Settings, cluster: PostgresCluster, tmp_path: Path
) -> None:
    async with stage(settings, tmp_path) as on:
        await on.start()
        over, settled = asyncio.Event(), asyncio.Queue[int]()

        async def send(sender: int) -> None:
            for number in count():
                await on.desks["acme"].settle(events(f"{sender}-{number}", 10), random.Random(sender))
                settled.put_nowait(number)
                if over.is_set():
                    return

        senders = [asyncio.create_task(send(sender)) for sender in range(4)]
        for _ in range(2):
            await settled.get()
            await asyncio.to_thread(cluster.kill)
            await asyncio.to_thread(cluster.start)
        over.set()
        await asyncio.gather(*senders)
        await on.until_ready()

        assert await on.judge() == []


async def test_a_hub_whose_postgres_is_away_at_the_start_says_so_and_does_not_run(
    settings: Settings, cluster: PostgresCluster, tmp_path: Path
) -> None:
    async with stage(settings, tmp_path) as on:
        cluster.kill()

        await on.hub.start()

        assert await on.hub.ended()
        assert "customs-hub serve: PostgreSQL answered" in on.hub.log.read_text()
