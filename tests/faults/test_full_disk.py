"""The hub on a disk that fills up: it says so, and goes on without a restart when there is room."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from hub.core.settings import Settings
from tests.faults.history import Outcome
from tests.faults.load import Outgoing, outgoing
from tests.faults.stage import Stage, stage

pytestmark = pytest.mark.slow

DISK_MIB = 32


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A directory whose `data` is a disk of its own."""
    data = tmp_path / "data"
    data.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(data)]
    mounted = subprocess.run(command, capture_output=True, text=True)
    if mounted.returncode:
        pytest.fail(f"a small disk cannot be mounted: run as root ({mounted.stderr.strip()})")
    yield tmp_path
    subprocess.run(["umount", str(data)], check=True)


def fill(disk: Path) -> Path:
    """A file that takes all the room there is."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4_096))
    return filler


def events(prefix: str, count: int = 50) -> list[Outgoing]:
    return [outgoing("acme", "urn:tos", f"{prefix}-{number}", mass_kg=10_000) for number in range(count)]


async def post_until_full(on: Stage) -> list[Outgoing]:
    """The batch that was refused with 507; what still found a place in a file was accepted."""
    for number in range(10_000):
        batch = events(f"last-{number}")
        attempts = await on.desks["acme"].post(batch)
        if {attempt.outcome for attempt in attempts} == {Outcome.FAIL}:
            return batch
    raise AssertionError("the disk does not fill up")


async def test_a_full_disk_is_507_and_the_hub_goes_on_when_there_is_room(small_disk: Path) -> None:
    async with stage(Settings(), small_disk) as on:
        await on.start()
        desk, chance = on.desks["acme"], random.Random(1)
        await desk.settle(events("before"), chance)
        filler = fill(small_disk / "data")
        refused = await post_until_full(on)
        assert desk.heard is not None
        assert (desk.heard.status, on.codes["STORAGE_FULL"]) == (507, len(refused))
        [single] = await desk.post(refused[:1])
        assert (desk.heard.status, single.outcome) == (507, Outcome.FAIL)

        filler.unlink()
        await desk.settle(refused, chance)
        await desk.settle(events("after"), chance)

        assert on.hub.runs
        assert await on.judge() == []
