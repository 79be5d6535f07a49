"""A hub killed between a message and its place: it comes again under the same id, and nothing is left out."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import orjson
import pytest
from msgspec.structs import replace

from connectors.webhook import Keys
from hub.cli import run
from hub.core.settings import Settings, WebhookSettings
from tests.faults.load import outgoing
from tests.faults.points import WEBHOOK_POINTS
from tests.faults.stage import stage
from tests.receiver import Receiver, receiving

pytestmark = pytest.mark.slow

NEAR = replace(Settings(), webhooks=WebhookSettings(networks="127.0.0.0/8"))
FIRST, SECOND = ["a", "b", "c"], ["d", "e"]


def brought_to(
    receiver: Receiver, data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A feed of `risk` that is brought to the receiver, a record each, by the commands of an operator."""
    monkeypatch.setenv("CUSTOMS_HUB_WEBHOOKS_NETWORKS", NEAR.webhooks.networks)
    feed = ["feed", "add", "brought", "--recipient", "risk", "--purpose", "security-risk-assessment"]
    assert run([*feed, "--way", "webhook", "--data", str(data)]) == 0
    capsys.readouterr()
    endpoint = ["delivery", "endpoint", "add", "engine", "brought", receiver.url]
    assert run([*endpoint, "--mode", "single", "--json", "--data", str(data)]) == 0
    receiver.keys = Keys(orjson.loads(capsys.readouterr().out.splitlines()[1])["secret"])


@pytest.mark.parametrize("passage", [1, 2])
@pytest.mark.parametrize("point", WEBHOOK_POINTS)
async def test_whenever_the_hub_dies_every_message_comes_and_a_repeat_has_the_same_id(
    tmp_path: Path, point: str, passage: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with receiving() as receiver, stage(NEAR, tmp_path) as on:
        await asyncio.to_thread(brought_to, receiver, tmp_path / "data", capsys, monkeypatch)
        await on.start(f"{point}:{passage}")
        await on.desks["acme"].settle([outgoing("acme", "urn:acme", id_, 2_000) for id_ in FIRST], random.Random(1))
        assert await on.hub.ended()
        await on.start()
        await on.desks["acme"].settle([outgoing("acme", "urn:acme", id_, 2_000) for id_ in SECOND], random.Random(2))
        came = await receiver.until(lambda came: {name for each in came for name in each.ids} >= {*FIRST, *SECOND})

    messages: dict[str, list[str]] = {}
    for each in came:
        assert messages.setdefault(each.id, each.ids) == each.ids
    assert [name for ids in messages.values() for name in ids] == [*FIRST, *SECOND]
    assert passage == 2 or len(came) == len(messages)  # Before the first was kept, nothing had left.
