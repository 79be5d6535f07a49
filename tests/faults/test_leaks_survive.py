"""A hub killed between the report of a leaked key and what it tells of it: nobody is left out, nobody is told twice."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from connectors.keys import read_key
from hub.cli import run
from hub.core.settings import IntakeSettings, Settings
from tests.faults.load import outgoing
from tests.faults.points import LEAK_POINTS
from tests.faults.reading import read_all
from tests.faults.stage import FEEDS, Stage, stage

pytestmark = pytest.mark.slow

SENT = ["a", "b", "c"]
SOON = replace(Settings(), intake=IntakeSettings(append_seconds_max=0.5, registry_seconds_max=1.0))
"""What was under way when a key was revoked has ended after a second and a half: only then is anything told."""


def key_act(on: Path, act: str, key: str, *more: str) -> int:
    return run(["key", act, key, *more, "--reason", "stolen", "--data", str(on / "data")])


async def told(on: Stage, feed: str, count: int) -> list[dict[str, Any]]:
    """The notices of a recipient, once there are so many."""
    while len(items := (await on.sessions[feed].get("/v1/notices", {"wait": "1"}))["items"]) < count:
        pass
    return list(items)


async def shown(on: Stage) -> None:
    """Three events of acme, once both recipients can read them."""
    await on.start()
    await on.desks["acme"].settle([outgoing("acme", "urn:acme", id_, 2_000) for id_ in SENT], random.Random(1))
    for feed, cursor in on.starts.items():
        while len(await read_all(on.sessions[feed], f"/v1/feeds/{feed}/records", cursor)) < len(SENT):
            pass
    await on.hub.stop()


@pytest.mark.parametrize("point", LEAK_POINTS)
async def test_every_recipient_is_told_once_of_a_leak_whenever_the_hub_dies(tmp_path: Path, point: str) -> None:
    async with stage(SOON, tmp_path) as on:
        await shown(on)
        key = read_key(tmp_path / "acme.pem").id
        await on.start(f"{point}:1")
        code = await asyncio.to_thread(key_act, tmp_path, "leaked", key, "--since", "2020-01-01")
        assert await on.hub.ended()
        assert (code == 0) == (point != "after-leak")
        if point != "after-leak":  # There is one notice for each of two recipients, and a death at each.
            await on.hub.start(f"{point}:1")  # What is owed may be told before it is ready.
            assert await on.hub.ended()

        await on.start()
        for feed in FEEDS:
            await told(on, feed, 1)
        assert await asyncio.to_thread(key_act, tmp_path, "settle", key, "--confirm") == 0

        for feed in FEEDS:  # What is told of the end comes behind all that was told of the beginning.
            notices = await told(on, feed, 2)
            assert [each["code"] for each in notices] == ["TRUST_WITHDRAWN", "TRUST_CONFIRMED"]
            assert [[event["id"] for event in each["events"]] for each in notices] == [SENT, SENT]
