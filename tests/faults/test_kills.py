"""A real hub, killed under load: nothing acknowledged is lost, shown twice, or out of order.

Fifty kills on each ground are a command of their own: `python -m tests.faults.kill_harness --ground kafka --kills 50`.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from tests.faults.kill_harness import ground_of, run
from tests.faults.kill_plan import plan
from tests.faults.points import COMMON_POINTS, WEBHOOK_POINTS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

RSS_MIB_MAX = 320


@pytest.mark.parametrize(
    ("ground", "kills"),
    [
        ("sqlite", 5),
        pytest.param("kafka", 3, marks=pytest.mark.kafka),
        pytest.param("workers", 4, marks=[pytest.mark.kafka, pytest.mark.postgres]),
    ],
)
def test_kills_under_load_lose_repeat_and_reorder_nothing(ground: str, kills: int, tmp_path: Path) -> None:
    seed = random.randrange(1_000_000)
    print(f"again: python -m tests.faults.kill_harness --ground {ground} --kills {kills} --seed {seed}")

    with ground_of(ground, tmp_path) as where:
        report = asyncio.run(run(where, tmp_path, kills=kills, seed=seed, name=ground))

    assert report.whole, report
    assert report.rss_mib_max <= RSS_MIB_MAX, report


def test_a_plan_is_a_function_of_its_seed_and_passes_every_common_point() -> None:
    assert plan(50, seed=7) == plan(50, seed=7) != plan(50, seed=8)
    assert {kill.point for kill in plan(50, seed=7)} >= {*COMMON_POINTS, *WEBHOOK_POINTS}
