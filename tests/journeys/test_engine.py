"""Risk engines against the hub itself: the example that newcomers change, and a rule that is tried over the past."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.cli import run
from connectors.keys import write_key
from tests.terminal import CONNECT
from tests.wire.test_answering import engine, told
from tests.world import Caller, HubWorld, event

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "connectors" / "examples" / "engine.py"
BROKEN = {
    "type": "customs.seal.broken",
    "empty": None,
    "seal": {"number": "NL001"},
    "finding": "BROKEN",
    "found_by": {"name": "Delta", "identifiers": [{"scheme": "eori", "value": "NL987654321"}]},
}


async def sent(delta: Caller, name: str, **more: Any) -> None:
    answer = await delta.post(event(name, **more))
    assert answer.status == 201, answer.body


async def started(watch: Caller, directory: Path) -> asyncio.subprocess.Process:
    arguments = [EXAMPLE, watch.world.hub.url, watch.id, "engine.pem", "watch"]
    return await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=directory, env={"PYTHONPATH": str(ROOT)}, stdout=asyncio.subprocess.PIPE
    )


async def line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().rstrip()


def test_the_example_is_as_short_as_it_says() -> None:
    assert len(EXAMPLE.read_text().splitlines()) <= 60


async def test_the_example_tells_each_alert_once_though_it_is_killed(
    watch: Caller, delta: Caller, tmp_path: Path
) -> None:
    await sent(delta, "opened", **BROKEN)
    running = await started(watch, tmp_path)
    first = await line(running)
    running.send_signal(signal.SIGKILL)
    await running.wait()
    await sent(delta, "opened again", **BROKEN)
    running = await started(watch, tmp_path)
    second = await line(running)
    running.kill()
    await running.wait()

    assert "its seal was found broken" in first
    assert "its seal was found broken" in second
    count = sqlite3.connect(tmp_path / "engine.db").execute("select count(*) from alert").fetchone()
    assert count == (2,)


async def rehearsed(
    watch: Caller, directory: Path, capsys: pytest.CaptureFixture[str], *more: str
) -> list[dict[str, Any]]:
    reach = ["--hub", watch.world.hub.url, "--client", watch.id, "--key", str(directory / "engine.pem"), "--json"]
    asked = ["engine", "watch", "--since", "2020-01-01T00:00:00Z", "--grace-seconds", "0", *more, *reach]
    assert await asyncio.to_thread(run, asked) == 0
    return [orjson.loads(line) for line in capsys.readouterr().out.splitlines()]


async def test_a_rule_is_tried_over_the_past_as_it_was_known(
    watch: Caller, delta: Caller, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await sent(delta, "gate")
    await watch.records("watch", 1)
    known_at = datetime.now(UTC).isoformat()
    await sent(delta, "opened", **BROKEN)
    await watch.records("watch", 2)

    then = await rehearsed(watch, tmp_path, capsys, "--known-at", known_at)
    now = await rehearsed(watch, tmp_path, capsys)

    assert [each["rule"] for each in then if each["kind"] == "alert"] == ["gate_in_without_filing"]
    assert {each["rule"] for each in now if each["kind"] == "alert"} == {
        "gate_in_without_filing",
        "seal_broken_in_transit",
    }
    assert [each["points"] for each in now if each["kind"] == "score"] == [100]


async def asking(watch: Caller, directory: Path) -> asyncio.subprocess.Process:
    reach = ["--hub", watch.world.hub.url, "--client", watch.id, "--key", "engine.pem"]
    options = ["--state", "asking.db", "--grace-seconds", "0", "--ask"]
    command = [*CONNECT, "engine", "watch", *options, *reach]
    environment = {"PYTHONPATH": str(ROOT)}
    return await asyncio.create_subprocess_exec(
        *command, cwd=directory, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )


async def test_a_company_is_asked_once_for_a_filing_that_is_missing_and_told_nothing_else(
    world: HubWorld, tmp_path: Path
) -> None:
    watch = await engine(world)
    delta = await world.company()
    write_key(watch.key, tmp_path / "engine.pem")
    await sent(delta, "gate")

    for _ in range(2):
        running = await asking(watch, tmp_path)
        [notice] = await told(delta)
        running.kill()
        await running.wait()

    assert (notice["code"], notice["text"]) == (
        "CUSTOMS_INFORMATION_REQUESTED",
        "Nothing was filed for container MSKU1234565: give the filing's reference.",
    )
