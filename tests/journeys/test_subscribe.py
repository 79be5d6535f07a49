"""`customs-connect subscribe`: somebody watches a feed on a real terminal, and through pipes."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from hub.web.routes import BATCHED
from tests.terminal import CONNECT, Typist, shell
from tests.world import Caller, event

pytestmark = pytest.mark.skipif(os.name != "posix", reason="terminals are different elsewhere")


@pytest.fixture
def command(watch: Caller, tmp_path: Path) -> list[str]:
    reach = ["--hub", watch.world.hub.url, "--client", watch.id, "--key", str(tmp_path / "engine.pem")]
    return [*CONNECT, "subscribe", "watch", *reach]


@pytest.fixture
async def typist(tmp_path: Path) -> AsyncIterator[Typist]:
    async with shell(tmp_path) as typist:
        yield typist


async def begun(typist: Typist, command: list[str]) -> None:
    """Watches, with a prompt behind it that says how it ended."""
    typist.type("export PS1='ended $? '\r")
    await typist.until("ended 0 ")
    typist.run(*command, "--from", "earliest")
    await typist.until("Ctrl-C: end")


def box(number: int) -> dict[str, Any]:
    return {"subjects": [{"scheme": "iso6346", "value": f"MSKU{number:07}"}]}


async def test_a_person_pauses_goes_on_looks_closer_and_ends(typist: Typist, command: list[str], delta: Caller) -> None:
    await begun(typist, command)
    await delta.post(event("first"))
    assert "customs.container.gate_in  delta" in await typist.until("iso6346:")

    typist.type(" ")
    await typist.until("paused after 1 records")
    await delta.post(event("second"))
    typist.type("d")
    assert "gate_in" not in await typist.until("whole records")
    typist.type(" ")
    assert '"id": "second"' in await typist.until('"time_kind": "ACTUAL"')
    typist.type("q")
    await typist.until("only their number")
    await delta.post(event("third"))
    assert '"id"' not in await typist.until("3 records")

    typist.type("\x03")
    await typist.until("ended 130")
    assert typist.is_plain


async def test_stopped_by_ctrl_z_the_terminal_is_the_shells_and_taken_again(
    typist: Typist, command: list[str], delta: Caller
) -> None:
    await begun(typist, command)

    typist.type("\x1a")
    await typist.until("ended 148")
    stty = "stty -a | grep -oE -- '-?(icanon|echo) '\r"
    typist.type(stty)
    shown = await typist.until("ended")
    typist.type("fg\r")
    await delta.post(event("after"))
    await typist.until("gate_in")
    typist.type(" ")
    await typist.until("paused after 1 records")

    assert ("icanon \r" in shown, "-icanon \r" in shown, "-echo \r" in shown) == (True, False, False)


class Piped:
    """`subscribe --json` with pipes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def record(self) -> Any:
        assert self._process.stdout is not None
        return orjson.loads(await self._process.stdout.readline())

    async def ended(self, number: signal.Signals | None = None) -> tuple[int, str]:
        """Its exit code, after a signal if one is named, and what it said."""
        if number is not None:
            self._process.send_signal(number)
        _, said = await self._process.communicate()
        return self._process.returncode or 0, said.decode()


async def piped(command: list[str], *more: str, stdout: int = asyncio.subprocess.PIPE) -> Piped:
    pipe = asyncio.subprocess.PIPE
    return Piped(await asyncio.create_subprocess_exec(*command, "--json", *more, stdout=stdout, stderr=pipe))


async def test_a_filter_shows_what_passes_and_a_count_ends_it(command: list[str], delta: Caller) -> None:
    for name, mass in (("light", 900), ("heavy", 20_000), ("heavier", 30_000)):
        await delta.post(event(name, weighed_mass_kg=mass))

    watching = await piped(command, "--from", "earliest", "--filter", "/data/weighed_mass_kg > 1000", "--count", "2")

    assert [(await watching.record())["id"] for _ in range(2)] == ["heavy", "heavier"]
    assert await watching.ended() == (0, "")


async def test_from_now_shows_what_comes_and_acknowledges_nothing(
    command: list[str], watch: Caller, delta: Caller
) -> None:
    await delta.post(event("before"))
    await watch.records("watch", 1)
    page = await watch.get("/v1/feeds/watch/records", **{"from": "now"})

    watching = await piped(command, "--from", page.json["next"], "--count", "1")
    await delta.post(event("after"))

    assert (await watching.record())["id"] == "after"
    await watching.ended()
    assert [each["id"] for each in (await watch.get("/v1/feeds/watch/records")).json["items"]] == ["before", "after"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
async def test_a_signal_ends_it_while_it_waits_without_a_trace(
    command: list[str], delta: Caller, number: signal.Signals, code: int
) -> None:
    await delta.post(event("first"))
    watching = await piped(command, "--from", "earliest")

    assert (await watching.record())["id"] == "first"
    assert await watching.ended(number) == (code, "")


@pytest.mark.skipif(not hasattr(fcntl, "F_SETPIPE_SZ"), reason="pipes have one size elsewhere")
async def test_a_signal_ends_it_in_the_middle_of_a_line_that_nobody_takes(command: list[str], delta: Caller) -> None:
    await delta.post([event(str(number)) for number in range(40)], BATCHED)
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    watching = await piped(command, "--from", "earliest", stdout=writing)
    os.close(writing)
    await asyncio.to_thread(os.read, reading, 1)  # The rest of it fills the pipe.

    assert await watching.ended(signal.SIGTERM) == (143, "")
    os.close(reading)


async def test_when_the_reader_of_its_output_leaves_it_ends_though_nothing_comes(
    command: list[str], delta: Caller
) -> None:
    await delta.post(event("first"))
    reading, writing = os.pipe()
    watching = await piped(command, "--from", "earliest", stdout=writing)
    os.close(writing)
    await asyncio.to_thread(os.read, reading, 65_536)

    os.close(reading)

    assert await watching.ended() == (1, "")


async def test_a_filter_with_mistakes_is_refused_with_each_of_them(command: list[str]) -> None:
    watching = await piped(command, "--filter", "typ = x and hs >")

    code, said = await watching.ended()

    assert (code, "column 1: found typ" in said, "Traceback" in said) == (1, True, False)
