"""A real hub, killed under load: nothing acknowledged is lost, shown twice, or out of order.

Fifty kills on each ground are a command of their own: `python -m tests.faults.kill_harness --ground kafka --kills 50`.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from hub.core.settings import KafkaSettings, LogSettings, Settings
from tests.faults import kill_harness
from tests.faults.kill_harness import COMMON_POINTS, plan

pytestmark = pytest.mark.slow


async def test_ten_kills_on_sqlite_lose_repeat_and_reorder_nothing(tmp_path: Path) -> None:
    seed = random.randrange(1_000_000)

    report = await kill_harness.run(Settings(), tmp_path, kills=10, seed=seed)

    assert report.whole, report
    assert report.rss_mib_max <= 256, report


@pytest.mark.kafka
async def test_five_kills_on_kafka_lose_repeat_and_reorder_nothing(kafka_bootstrap: str, tmp_path: Path) -> None:
    seed = random.randrange(1_000_000)
    kafka = KafkaSettings(bootstrap=kafka_bootstrap, topic_prefix=f"kills-{seed}.")
    settings = Settings(log=LogSettings(ground="kafka"), kafka=kafka)

    report = await kill_harness.run(settings, tmp_path, kills=5, seed=seed)

    assert report.whole, report
    assert report.rss_mib_max <= 256, report


def test_a_plan_is_a_function_of_its_seed_and_passes_every_common_point() -> None:
    assert plan(50, seed=7) == plan(50, seed=7) != plan(50, seed=8)
    assert {kill.point for kill in plan(50, seed=7)} >= set(COMMON_POINTS)
