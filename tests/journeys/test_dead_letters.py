"""An operator finds a conflict in quarantine, tries its release out, and releases it: the feed shows a new version."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from hub.cli import run
from hub.operate.export import message
from tests.wire.conftest import without_look_ups
from tests.wire.test_dead_letters import conflict, in_state, waiting
from tests.world import hub_world, settings_in

Command = Callable[..., Awaitable[tuple[int, str]]]


@pytest.fixture
def command(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Command:
    """`customs-hub quarantine …` on the data directory: exit code, stdout."""

    async def quarantine(*arguments: str) -> tuple[int, str]:
        code = await asyncio.to_thread(run, ["quarantine", *arguments, "--data", str(tmp_path / "data")])
        return code, capfd.readouterr().out

    return quarantine


async def test_a_conflict_is_listed_shown_tried_out_and_released_and_comes_to_the_feed(
    tmp_path: Path, command: Command
) -> None:
    settings = settings_in(tmp_path / "data", ground="sqlite")
    async with hub_world(settings, without_look_ups) as world:
        watch, delta = await world.reader(), await world.company()
        await conflict(delta)
        [letter] = await waiting(world)

        listed = await command("list")
        shown = await command("show", letter["id"])
        tried = await command("release", letter["id"], "--dry-run")
        before = await waiting(world)
        released = await command("release", letter["id"], "--reason", "The later one is right.")

        records = await watch.records("watch", 2)
        await in_state(world, "released")
        after = await command("list", "--partner", "delta", "--json")

    assert "CONFLICT" in listed[1]
    assert "/data/empty  found: true  expected: false" in shown[1]
    assert ("done" in tried[1], [each["id"] for each in before]) == (True, [letter["id"]])
    assert (released[0], "settlement release-" in released[1]) == (0, True)
    assert [each["data"]["empty"] for each in records] == [False, True]
    [group] = json.loads(after[1])["groups"]
    assert (group["state"], group["count"]) == ("released", 1)


async def test_a_repair_from_a_file_and_a_discard_are_done_by_a_running_hub_alone(
    tmp_path: Path, command: Command
) -> None:
    settings, data = settings_in(tmp_path / "data", ground="sqlite"), tmp_path / "data.json"
    wrong = tmp_path / "wrong.json"
    async with hub_world(settings, without_look_ups) as world:
        watch, delta = await world.reader(), await world.company()
        _, second = await conflict(delta)
        await conflict(delta, "e2")
        names = {each["event"]: each["id"] for each in await waiting(world, 2)}
        driver = {"driver": {"name": "Jane Roe"}}
        data.write_text(json.dumps({**second["data"], "place": {"unlocode": "NLAMS"}, "extensions": driver}))

        wrong.write_text('{"a":1}')
        refused = await command("repair", names["e1"], "--data-file", str(wrong), "--reason", "x")
        refused_dry = await command("repair", names["e1"], "--data-file", str(wrong), "--dry-run")
        tried = await command("repair", names["e1"], "--data-file", str(data), "--dry-run")
        repaired = await command("repair", names["e1"], "--data-file", str(data), "--reason", "The place.")
        discarded = await command("discard", names["e2"], "--reason", "Twice.")

        await in_state(world, "repaired")
        await in_state(world, "discarded")
        records = await watch.records("watch", 3)
        trail = await world.hub.ports.registry.audit(0, 1_000)

    assert (refused[0], refused_dry[0], "  found: " in refused_dry[1]) == (1, 1, True)
    assert ("done" in tried[1], repaired[0], discarded[0]) == (True, 0, 0)
    assert records[-1]["data"]["place"] == {"unlocode": "NLAMS"}
    assert (await command("list"))[0] == 1
    assert (await command("release", names["e1"], "--cause", "CONFLICT", "--reason", "x"))[0] != 0
    kept = [each.read_bytes() for each in (tmp_path / "data").glob("registry*")]
    messages = [message(json.loads(each), "hub", repeat=False) for each in trail]
    assert "Jane Roe" in json.dumps(records)
    for place in (kept, trail, messages):
        assert b"quarantine.repair" in b"".join(place)
        assert b"Jane Roe" not in b"".join(place)
