"""A risk engine runs a new rule over months as they were known, stops in the middle, and goes on the next day."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.cli import run
from connectors.risk.replay import Replay, begin, end, replays
from connectors.session import HubRefused, HubSession
from hub.cli import MISUSED
from hub.cli import run as hub_run
from tests.world import Caller, HubWorld, event

SINCE = "2020-01-01T00:00:00Z"


async def sent(world: HubWorld, watch: Caller) -> str:
    """Two events, a moment, and a third; the moment."""
    company = await world.company()
    for name in ("a", "b"):
        assert (await company.post(event(name))).status == 201
    await watch.records("watch", 2)
    known = datetime.now(UTC).isoformat()
    assert (await company.post(event("c"))).status == 201
    await watch.records("watch", 3)
    return known


def session_of(watch: Caller) -> HubSession:
    return HubSession(watch.world.hub.url, client_id=watch.id, key=watch.key, scope="feeds:read")


class Shell:
    def __init__(self, watch: Caller, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._reach = ["--hub", watch.world.hub.url, "--client", watch.id, "--key", str(directory / "engine.pem")]
        self._capsys = capsys

    async def replay(self, *arguments: str) -> tuple[int, list[Any], str]:
        """The exit code, the lines of JSON, and what was said beside them."""
        code, out, said = await self.told(*arguments, "--json")
        return code, [orjson.loads(line) for line in out.splitlines()], said

    async def told(self, *arguments: str) -> tuple[int, str, str]:
        """The exit code, and what a person reads on both outputs."""
        code = await asyncio.to_thread(run, ["replay", *arguments, *self._reach])
        said = self._capsys.readouterr()
        return code, said.out, said.err


@pytest.fixture
def shell(watch: Caller, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(watch, tmp_path, capsys)


async def test_an_engine_reads_what_was_known_at_a_moment_and_the_session_is_gone(
    world: HubWorld, watch: Caller, shell: Shell
) -> None:
    known = await sent(world, watch)

    code, then, _ = await shell.replay("watch", "--from", SINCE, "--known-at", known)
    _, everything, _ = await shell.replay("watch", "--from", SINCE)
    _, left, _ = await shell.replay()

    assert code == 0
    assert [each["id"] for each in then] == ["a", "b"]
    assert [each["id"] for each in everything] == ["a", "b", "c"]
    assert left == []


async def test_a_replay_that_was_broken_off_goes_on_from_its_file(
    world: HubWorld, watch: Caller, shell: Shell, tmp_path: Path
) -> None:
    await sent(world, watch)
    state = tmp_path / "place.json"
    async with session_of(watch) as session:
        replay = await begin(session, "watch", since=SINCE)
        async with aclosing(Replay(session, replay, limit=1).pull()) as groups:
            first = await anext(groups)
    asked = {"since": SINCE, "until": None, "known_at": None, "cursor": None, "missing": None, "lane": None}
    kept = {"feed": "watch", "asked": asked | {"failed": False}, "replay": replay, "token": first.token}
    state.write_bytes(orjson.dumps(kept))

    other, _, said = await shell.replay("watch", "--from", "2021-01-01T00:00:00Z", "--state", str(state))
    code, records, _ = await shell.replay("watch", "--from", SINCE, "--state", str(state))

    assert (other, "of another replay" in said) == (1, True)
    assert (code, [each["id"] for each in records]) == (0, ["b", "c"])

    code, records, said = await shell.replay("watch", "--from", SINCE, "--state", str(state))
    assert (code, records, "read to its end" in said) == (0, [], True)


async def test_a_replay_that_another_began_is_read_by_its_id_and_stays_open(
    world: HubWorld, watch: Caller, shell: Shell
) -> None:
    await sent(world, watch)
    async with session_of(watch) as session:
        replay = await begin(session, "watch", since=SINCE)

    code, records, _ = await shell.replay("--session", replay)
    _, listed, _ = await shell.replay()

    assert (code, [each["id"] for each in records]) == (0, ["a", "b", "c"])
    assert [each["id"] for each in listed] == [replay]


async def test_what_is_open_is_listed_with_its_span_and_who_began_it(watch: Caller, shell: Shell) -> None:
    async with session_of(watch) as session:
        replay = await begin(session, "watch", since=SINCE)

    _, listed, _ = await shell.told()

    assert listed.startswith(f"{replay}  watch  time  {SINCE[:19]}")
    assert f" by {watch.id}, readable until " in listed


async def test_an_id_in_the_place_of_a_feed_is_told_how_it_is_read(shell: Shell) -> None:
    code, _, said = await shell.replay("0" * 32)

    assert (code, "replay --session ID" in said) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["watch", "--from", "yesterday"], "--from: 'yesterday' is no time"),
        (["watch", "--session", "x"], "--session names a replay that was begun already"),
        (["--failed"], "name the feed"),
        (["--state", "place.json"], "name the feed"),
    ],
)
async def test_what_names_no_one_replay_is_refused_in_words_before_the_hub_is_asked(
    shell: Shell, arguments: list[str], words: str
) -> None:
    code, _, said = await shell.replay(*arguments)

    assert (code, words in said) == (1, True), said


async def test_a_session_that_was_ended_is_told_to_whoever_reads_on(world: HubWorld, watch: Caller) -> None:
    await sent(world, watch)
    async with session_of(watch) as session:
        replay = await begin(session, "watch", since=SINCE)
        listed = await replays(session)
        await end(session, replay)

        with pytest.raises(HubRefused, match="NOT_FOUND"):
            await anext(Replay(session, replay).pull())

    assert [each["id"] for each in listed] == [replay]


async def test_an_operator_begins_a_replay_by_stamps_for_the_engine_and_ends_it(
    world: HubWorld, watch: Caller, shell: Shell, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await sent(world, watch)

    async def operate(*arguments: str) -> tuple[int, Any]:
        code = await asyncio.to_thread(hub_run, ["replay", *arguments, "--data", str(tmp_path), "--json"])
        said = capsys.readouterr().out
        return code, orjson.loads(said) if said else None

    _, begun = await operate("start", "watch", "--stamp", "1.0.0-2", "--reason", "lost a disk")
    async with session_of(watch) as session:
        groups = [group async for group in Replay(session, begun["id"]).pull()]
    _, listed = await operate("list")
    ended, _ = await operate("end", begun["id"], "--recipient", "watch")
    again, _ = await operate("end", begun["id"], "--recipient", "watch")

    assert [record["id"] for group in groups for record in group.records] == ["a", "b"]
    assert [each["id"] for each in listed["items"]] == [begun["id"]]
    assert (ended, again) == (0, 1)


def test_what_is_no_stamp_is_misused(capsys: pytest.CaptureFixture[str]) -> None:
    assert hub_run(["replay", "start", "watch", "--stamp", "1.0"]) == MISUSED
    assert "is no stamp" in capsys.readouterr().err
