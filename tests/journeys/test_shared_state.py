"""A hub on Kafka whose state is in PostgreSQL: what was sent is delivered, and is there for another process on it."""

from __future__ import annotations

import random
from pathlib import Path
from uuid import uuid4

import pytest

from hub.core.settings import KafkaSettings, LogSettings, Settings
from tests.faults.load import outgoing
from tests.faults.stage import stage
from tests.postgres import PostgresCluster

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


async def test_an_event_reaches_the_feeds_and_is_still_there_after_a_restart(
    postgres: PostgresCluster, kafka_bootstrap: str, tmp_path: Path
) -> None:
    kafka = KafkaSettings(bootstrap=kafka_bootstrap, topic_prefix=f"{uuid4()}.")
    shared = postgres.database("journey")
    before, after = (outgoing("acme", "urn:tos", name, mass_kg=10_000) for name in ("before", "after"))
    async with stage(Settings(log=LogSettings(ground="kafka"), kafka=kafka, postgres=shared), tmp_path) as on:
        await on.start()
        await on.desks["acme"].settle([before], random.Random(1))
        assert [[seen.key for seen in view] for view in (await on.views()).values()] == [[before.key]] * 2
        assert await on.hub.stop() == 0

        await on.start()
        await on.desks["acme"].settle([before, after], random.Random(1))

        assert [[seen.key for seen in view] for view in (await on.views()).values()] == [[before.key, after.key]] * 2
        status = await on.sessions["acme"].get("/v1/events", {"source": "urn:tos", "id": "before"})
        assert [item["judgement"] for item in status["items"]] == ["FIRST"]
        assert list((tmp_path / "data").glob("*.db")) == []
        assert await on.judge() == []
