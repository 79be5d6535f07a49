"""The administration rotates its seal key; companies keep their receipts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from connectors.cli import run as connect
from connectors.verify import COMPROMISED, verify
from hub.cli import run
from tests.world import Caller, HubWorld, event, hub_world, settings_in


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
async def world(directory: Path) -> AsyncIterator[HubWorld]:
    async with hub_world(settings_in(directory, ground="sqlite")) as world:
        await world.reader(feed=False)
        yield world


@pytest.fixture
async def delta(world: HubWorld) -> Caller:
    return await world.company()


async def seal_key(directory: Path, verb: str, *options: str) -> int:
    """The officer's command, beside the hub that runs."""
    return await asyncio.to_thread(run, ["seal-key", verb, *options, "--data", str(directory)])


async def test_receipts_verify_before_and_after_the_seal_key_is_rotated_under_a_running_hub(
    directory: Path, world: HubWorld, delta: Caller, capfd: pytest.CaptureFixture[str]
) -> None:
    before, after = orjson.dumps(event()), orjson.dumps(event())
    first = await delta.post(before)

    code = await seal_key(directory, "rotate")
    capfd.readouterr()
    await seal_key(directory, "list", "--json")
    second = await delta.post(after)

    history = await world.keys()
    published = json.loads(capfd.readouterr().out)["items"]
    keys = [answer.json["receipt"]["seal"]["body"]["key"] for answer in (first, second)]
    assert (code, [each["key"] for each in published]) == (0, [keys[1], keys[0]])
    assert verify(first.body, before, history).valid
    assert verify(second.body, after, history).valid


async def test_a_leaked_seal_key_is_replaced_and_receipts_since_then_verify_with_a_warning(
    directory: Path, world: HubWorld, delta: Caller, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before, after = orjson.dumps(event()), orjson.dumps(event())
    first = await delta.post(before)

    code = await seal_key(directory, "leaked", "--since", "2020-01-01", "--reason", "stolen")
    await seal_key(directory, "list")
    second = await delta.post(after)

    history = await world.keys()
    published = (await world.ask("GET", "/.well-known/customs-hub-keys.json")).body
    doubtful, sound = verify(first.body, before, history), verify(second.body, after, history)
    assert (code, "2020-01-01T00:00:00Z" in capfd.readouterr().out) == (0, True)
    assert (doubtful.valid, doubtful.warnings) == (True, (COMPROMISED,))
    assert (sound.valid, sound.warnings) == (True, ())

    for name, content in (("r.json", first.body), ("e.json", before), ("keys.json", published)):
        (tmp_path / name).write_bytes(content)
    said = connect(
        ["verify", str(tmp_path / "r.json"), str(tmp_path / "e.json"), "--keys", str(tmp_path / "keys.json")]
    )
    assert (said, "compromised" in capfd.readouterr().out) == (0, True)


async def test_a_receipt_of_before_the_leak_verifies_without_a_warning(world: HubWorld, delta: Caller) -> None:
    body = orjson.dumps(event())
    answer = await delta.post(body)

    world.hub.ports.keys.rotate_seal_key(world.hub.clock.now_us() // 1_000_000 + 5, compromised_since=2**31)

    assert verify(answer.body, body, await world.keys()).warnings == ()


@pytest.mark.parametrize("since", ["yesterday", "2999-01-01", ""])
def test_a_leak_without_a_time_that_has_come_is_refused(
    directory: Path, since: str, capfd: pytest.CaptureFixture[str]
) -> None:
    code = run(["seal-key", "leaked", "--since", since, "--reason", "x", "--data", str(directory)])

    assert (code, "/since" in capfd.readouterr().err) == (1, True)


def test_a_directory_without_a_hub_has_no_keys(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code = run(["seal-key", "list", "--data", str(tmp_path / "nowhere")])

    assert (code, "there is no data directory" in capfd.readouterr().err) == (1, True)
