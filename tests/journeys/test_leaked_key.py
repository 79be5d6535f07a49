"""An officer hears that a company's key leaked: what was done under it, who is told, and how it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.cli import run as connect
from connectors.keys import write_key
from hub.cli import run
from tests.world import TOLD_SOON, HubWorld, event, hub_world, settings_in

Command = Callable[..., Awaitable[tuple[int, str, str]]]
TOMORROW, NEXT_MONTH = ((datetime.now(UTC) + timedelta(days=days)).date().isoformat() for days in (2, 30))


@pytest.fixture
def command(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Command:
    async def customs_hub(*arguments: str) -> tuple[int, str, str]:
        code = await asyncio.to_thread(run, [*arguments, "--data", str(tmp_path / "data")])
        return code, *capfd.readouterr()

    return customs_hub


async def listed(command: Command, *options: str) -> list[dict[str, Any]]:
    code, out, _ = await command("key", "list", *options, "--json")
    assert code == 0
    return list(json.loads(out)["items"])


async def told(world: HubWorld, file: Path, capfd: pytest.CaptureFixture[str], count: int) -> list[dict[str, Any]]:
    """What `customs-connect notices` prints for the recipient, once there are `count`."""
    reach = ["--hub", world.hub.url, "--client", "watch.sys", "--key", str(file), "--json"]
    while True:
        capfd.readouterr()  # What the hub beside says to its log.
        assert await asyncio.to_thread(connect, ["notices", *reach]) == 0
        lines = capfd.readouterr().out.splitlines()
        if len(lines) >= count:
            return [orjson.loads(line) for line in lines]


async def test_a_leaked_key_from_the_report_to_the_end(
    tmp_path: Path, command: Command, capfd: pytest.CaptureFixture[str]
) -> None:
    async with hub_world(settings_in(tmp_path / "data", ground="sqlite", intake=TOLD_SOON)) as world:
        watch, delta = await world.reader(), await world.company()
        write_key(watch.key, tmp_path / "watch.pem")
        await delta.post(event("a"))
        await watch.records("watch", 1)
        key = delta.key.id

        used = await command("key", "used", key, "--since", "2020-01-01")
        readers = await command("key", "used", watch.key.id, "--since", "2020-01-01", "--json")
        given = await command("access", "list", "--recipient", "watch", "--json")
        restricted = await command("access", "restrict", "r-1", "--legal-basis", "Art. 12", "--recipient", "watch",
                                   "--ends", NEXT_MONTH, "--review", TOMORROW)  # fmt: skip
        restrictions = await command("access", "restrictions")
        reported = await command("key", "leaked", key, "--since", "2020-01-01", "--reason", "found in a repository")
        refused = await delta.post(event("b"))
        [withdrawn] = await told(world, tmp_path / "watch.pem", capfd, 1)
        settled = await command("key", "settle", key, "--confirm", "--reason", "forged")
        both = await told(world, tmp_path / "watch.pem", capfd, 2)
        keys = await listed(command)
        reach = ["--hub", world.hub.url, "--client", "watch.sys", "--key", str(tmp_path / "watch.pem")]
        assert await asyncio.to_thread(connect, ["notices", *reach]) == 0
        said = capfd.readouterr().out.splitlines()

    assert [line.split()[:2] for line in said[1::2]] == [[each["events"][0]["received"], "delta"] for each in both]
    reads = json.loads(readers[1])["reads"]
    assert [(each["step"], each["way"], each["feed"], each["events"]) for each in reads] == [
        ("delivered", "pull", "watch", 1)
    ]
    assert json.loads(given[1])["items"] == reads
    assert (restricted[0], "Art. 12" in restrictions[1]) == (0, True)
    assert (used[0], "urn:example:delta:tos" in used[1], "1 events accepted" in used[1]) == (0, True, True)
    assert (reported[0], settled[0], refused.code) == (0, 0, "UNAUTHENTICATED")
    assert [each["id"] for each in withdrawn["events"]] == ["a"]
    assert [each["code"] for each in both] == ["TRUST_WITHDRAWN", "TRUST_CONFIRMED"]
    assert [(each["state"], each["leak"]["trust"]) for each in keys if each["id"] == key] == [("revoked", "confirmed")]


async def test_notices_that_a_killed_hub_had_not_written_are_written_once_by_the_next_one(
    tmp_path: Path, command: Command, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = settings_in(tmp_path / "data", ground="sqlite", intake={**TOLD_SOON, "append_seconds_max": 60.0})
    async with hub_world(settings) as world:
        watch, delta = await world.reader(), await world.company()
        write_key(watch.key, tmp_path / "watch.pem")
        await delta.post(event("a"))
        await watch.records("watch", 1)
        await command("key", "leaked", delta.key.id, "--since", "2020-01-01", "--reason", "stolen")
        before = (await watch.get("/v1/notices")).json["items"]

    quick = settings_in(tmp_path / "data", ground="sqlite", intake=TOLD_SOON)
    async with hub_world(quick) as world:
        [first] = await told(world, tmp_path / "watch.pem", capfd, 1)
    async with hub_world(quick) as world:
        again = await told(world, tmp_path / "watch.pem", capfd, 1)

    assert (before, again) == ([], [first])


async def test_the_list_of_keys_shows_where_each_was_used_last(tmp_path: Path, command: Command) -> None:
    async with hub_world(settings_in(tmp_path / "data", ground="sqlite")) as world:
        await world.reader(feed=False)
        delta = await world.company()
        await delta.post(event("a"), User_Agent="erp/7")
        while not any(each["last_use"] for each in await listed(command)):
            await asyncio.sleep(0.2)
        [shown] = [each for each in await listed(command) if each["id"] == delta.key.id]

    assert (shown["state"], shown["last_use"]["address"], shown["last_use"]["agent"]) == (
        "active",
        "127.0.0.1",
        "erp/7",
    )
    assert [each["state"] for each in await listed(command)].count("approved") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("settle", "KEY", "--reason", "x"),
        ("settle", "KEY", "--confirm", "--retract", "--reason", "x"),
        ("used", "KEY", "--since", "yesterday"),
    ],
)
async def test_a_command_that_says_too_little_is_misused(command: Command, arguments: tuple[str, ...]) -> None:
    code, _, _ = await command("key", *arguments)

    assert code == 2


async def test_what_an_unknown_key_did_cannot_be_told(tmp_path: Path, command: Command) -> None:
    async with hub_world(settings_in(tmp_path / "data", ground="sqlite")):
        code, _, said = await command("key", "used", "nobodys", "--since", "2020-01-01")

    assert (code, "there is no key" in said) == (1, True)
