"""The administration rotates its seal key; companies keep their receipts."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import orjson
import pytest

from connectors.verify import verify
from hub.cli import run
from tests.world import event, hub_world, settings_in


async def test_receipts_verify_before_and_after_the_seal_key_is_rotated_under_a_running_hub(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    directory = tmp_path / "data"
    async with hub_world(settings_in(directory, ground="sqlite")) as world:
        await world.reader(feed=False)
        delta = await world.company()
        before, after = orjson.dumps(event()), orjson.dumps(event())
        first = await delta.post(before)

        code = await asyncio.to_thread(run, ["seal-key", "rotate", "--json", "--data", str(directory)])
        second = await delta.post(after)

        history = await world.keys()
    published = json.loads(capfd.readouterr().out)["items"]
    keys = [answer.json["receipt"]["seal"]["body"]["key"] for answer in (first, second)]
    assert (code, [each["key"] for each in published]) == (0, [keys[1], keys[0]])
    assert verify(first.body, before, history).valid
    assert verify(second.body, after, history).valid


def test_a_directory_without_a_hub_has_no_keys(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code = run(["seal-key", "list", "--data", str(tmp_path / "nowhere")])

    assert (code, "there is no data directory" in capfd.readouterr().err) == (1, True)
