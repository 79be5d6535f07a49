"""The administration rotates its seal key; companies keep their receipts."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import orjson
import pytest

from connectors.cli import run as connect
from connectors.verify import COMPROMISED, verify
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

        code = await asyncio.to_thread(run, ["seal-key", "rotate", "--data", str(directory)])
        capfd.readouterr()
        await asyncio.to_thread(run, ["seal-key", "list", "--json", "--data", str(directory)])
        second = await delta.post(after)

        history = await world.keys()
    published = json.loads(capfd.readouterr().out)["items"]
    keys = [answer.json["receipt"]["seal"]["body"]["key"] for answer in (first, second)]
    assert (code, [each["key"] for each in published]) == (0, [keys[1], keys[0]])
    assert verify(first.body, before, history).valid
    assert verify(second.body, after, history).valid


async def test_a_leaked_seal_key_is_replaced_and_receipts_since_then_verify_with_a_warning(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    directory = tmp_path / "data"
    async with hub_world(settings_in(directory, ground="sqlite")) as world:
        await world.reader(feed=False)
        delta = await world.company()
        before, after = orjson.dumps(event()), orjson.dumps(event())
        first = await delta.post(before)

        code = await asyncio.to_thread(
            run, ["seal-key", "leaked", "--since", "2020-01-01", "--reason", "stolen", "--data", str(directory)]
        )
        await asyncio.to_thread(run, ["seal-key", "list", "--data", str(directory)])
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


async def test_a_receipt_of_before_the_leak_verifies_without_a_warning(tmp_path: Path) -> None:
    async with hub_world(settings_in(tmp_path / "data", ground="sqlite")) as world:
        await world.reader(feed=False)
        delta = await world.company()
        body = orjson.dumps(event())
        answer = await delta.post(body)
        world.hub.ports.keys.rotate_seal_key(world.hub.clock.now_us() // 1_000_000 + 5, compromised_since=2**31)
        history = await world.keys()

    assert verify(answer.body, body, history).warnings == ()


@pytest.mark.parametrize("since", ["yesterday", "2999-01-01", ""])
def test_a_leak_without_a_time_that_has_come_is_refused(
    tmp_path: Path, since: str, capfd: pytest.CaptureFixture[str]
) -> None:
    code = run(["seal-key", "leaked", "--since", since, "--reason", "x", "--data", str(tmp_path / "data")])

    assert (code, "/since" in capfd.readouterr().err) == (1, True)


def test_a_directory_without_a_hub_has_no_keys(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code = run(["seal-key", "list", "--data", str(tmp_path / "nowhere")])

    assert (code, "there is no data directory" in capfd.readouterr().err) == (1, True)
