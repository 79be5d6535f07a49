"""An officer settles copies that were set apart: on a running hub, and on one that is stopped."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path

import pytest

from hub.cli import run
from tests.wire.test_copies import at, exporter, known, png, post
from tests.world import hub_world, settings_in

FILM, LIST = png() + b"and a film", png(text=b"2") + b"and a list"
Command = Callable[..., Awaitable[tuple[int, str]]]


@pytest.fixture
def command(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Command:
    """`customs-hub …` on the data directory: exit code, stdout."""

    async def customs_hub(*arguments: str) -> tuple[int, str]:
        code = await asyncio.to_thread(run, [*arguments, "--data", str(tmp_path / "data")])
        return code, capfd.readouterr().out

    return customs_hub


async def test_copies_are_settled_while_the_hub_runs_and_while_it_is_stopped(tmp_path: Path, command: Command) -> None:
    settings = settings_in(tmp_path / "data", ground="sqlite")
    film, hidden = (sha256(each).hexdigest() for each in (FILM, LIST))
    async with hub_world(settings) as world:
        await world.reader(feed=False)
        delta = await exporter(world)
        for content in (FILM, LIST):
            await post(delta, content)
        await known(delta, LIST)

        waiting = await command("document", "list", "--quarantined")
        released = await command("document", "release", film, "--reason", "A film of the goods.")

        assert (await delta.get(at(FILM, "/content"))).body == FILM

    assert "delta" in waiting[1]
    assert film in waiting[1]
    assert "DOCUMENT_PADDED" in waiting[1]
    assert (released[0], f"copy_decision delta/{film}  released (revision" in released[1]) == (0, True)
    [left] = json.loads((await command("document", "list", "--quarantined", "--json"))[1])["items"]
    assert left["sha256"] == hidden
    assert "DOCUMENT_PADDED" in (await command("document", "show", hidden))[1]
    assert (await command("document", "refuse", hidden, "--reason", "A list is hidden in it."))[0] == 0
    assert (await command("document", "refuse", "nothing", "--reason", "x"))[0] == 1

    async with hub_world(settings) as world:
        delta.world = world
        await delta.sign_in()
        told = await known(delta, LIST)
        assert told["decision"]["outcome"] == "refused"
        assert (await delta.get(at(LIST, "/content"))).code == "COPY_REFUSED"
        assert (await delta.get(at(FILM, "/content"))).body == FILM
