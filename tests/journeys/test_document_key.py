"""The administration changes the key of what lies at rest, and erases by destroying one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hub.cli import run
from tests.wire.test_copies import at, exporter, png, post
from tests.world import hub_world, settings_in

OLD, NEW = png(), png(text=b"new")


async def test_copies_are_read_over_a_rotation_and_erased_with_the_key_that_wrapped_theirs(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    directory = tmp_path / "data"
    async with hub_world(settings_in(directory, ground="sqlite")) as world:
        await world.reader(feed=False)
        delta = await exporter(world)
        await post(delta, OLD)

        code = await asyncio.to_thread(run, ["document-key", "rotate", "--data", str(directory)])
        await post(delta, NEW)
        read = [(await delta.get(at(content, "/content"))).body for content in (OLD, NEW)]
        (directory / "keys" / "wrapping-1.key").unlink()
        after = [(await delta.get(at(content, "/content"))).status for content in (OLD, NEW)]

    assert (code, "retired_key document/1  out of use" in capfd.readouterr().out) == (0, True)
    assert read == [OLD, NEW]
    assert after == [404, 200]
