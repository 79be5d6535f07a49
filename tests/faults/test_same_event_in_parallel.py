"""The same event sent a hundred times at once, before and after a crash: one event, whatever the answers were."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import pytest

from hub.core.settings import KafkaSettings, LogSettings, Settings
from tests.faults.history import Attempt, Outcome
from tests.faults.load import Outgoing, outgoing
from tests.faults.stage import Stage, stage

pytestmark = pytest.mark.slow

PARALLEL = 100


@pytest.fixture(params=["sqlite", pytest.param("kafka", marks=pytest.mark.kafka)])
def settings(request: pytest.FixtureRequest) -> Settings:
    if request.param == "sqlite":
        return Settings()
    kafka = KafkaSettings(bootstrap=request.getfixturevalue("kafka_bootstrap"), topic_prefix=f"{uuid4()}.")
    return Settings(log=LogSettings(ground="kafka"), kafka=kafka)


async def at_once(on: Stage, event: Outgoing) -> Sequence[Attempt]:
    """A hundred requests over as many keep-alive connections."""
    posts = await asyncio.gather(*(on.desks["acme"].post([event]) for _ in range(PARALLEL)))
    return [attempt for [attempt] in posts]


async def test_one_event_sent_a_hundred_times_at_once_and_again_after_a_crash_is_shown_once_in_every_feed(
    settings: Settings, tmp_path: Path
) -> None:
    event = outgoing("acme", "urn:tos", "same", mass_kg=10_000)
    async with stage(settings, tmp_path) as on:
        await on.start(kill_at="after-append:1")
        assert {attempt.outcome for attempt in await at_once(on, event)} == {Outcome.UNKNOWN}
        await on.start()

        answered = [*await at_once(on, event), *await at_once(on, event)]

        assert {(attempt.outcome, attempt.proved) for attempt in answered} == {(Outcome.OK, True)}
        assert [view for view in (await on.views()).values() if [seen.key for seen in view] != [event.key]] == []
        assert await on.judge() == []
        status = await on.sessions["acme"].get("/v1/events", {"source": "urn:tos", "id": "same"})
        assert [item["judgement"] for item in status["items"]] == ["FIRST"] + ["REPEAT"] * (len(status["items"]) - 1)
        receipts = await on.sessions["acme"].get("/v1/receipts", {"source": "urn:tos", "id": "same"})
        assert len(receipts["items"]) == len(status["items"])
        assert all(on.desks["acme"].holds(receipt, event) for receipt in receipts["items"])
