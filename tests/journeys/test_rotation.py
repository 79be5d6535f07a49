"""A company changes its key while it sends, takes up a rotation that was interrupted, and ends a key with its code."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest
from msgspec.structs import replace

from connectors.cli import run
from connectors.keys import read_key, write_key
from connectors.partner.client import connect
from connectors.partner.outcome import OutgoingEvent, Verdict
from connectors.rotation import rotate
from connectors.session import TokenRefused
from hub.core.codes import REVOCATION, digest_of, make_code
from hub.core.credential import KeyState
from hub.core.proposal import Proposal
from tests.world import Caller, HubWorld, event, hub_world, settings_in

TOKEN_SECONDS = 2


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[HubWorld]:
    async with hub_world(settings_in(tmp_path, auth={"token_seconds": TOKEN_SECONDS, "key_grace_seconds": 3})) as world:
        await world.reader(feed=False)
        yield world


@pytest.fixture
async def delta(world: HubWorld, tmp_path: Path) -> Caller:
    caller = await world.company()
    write_key(caller.key, tmp_path / "erp.pem")
    return caller


async def states(caller: Caller) -> list[KeyState]:
    await caller.world.hub.live.refresh()
    now = caller.world.hub.clock.now_us() // 1_000_000
    return [key.state_at(now) for key in caller.world.hub.snapshot().keys_of(caller.id)]


async def test_a_key_is_rotated_under_load_without_a_failed_request(delta: Caller, tmp_path: Path) -> None:
    file, verdicts = tmp_path / "erp.pem", []

    async def push_until(done: asyncio.Event) -> None:
        async with connect(delta.world.hub.url, client_id=delta.id, key=file) as client:
            while not done.is_set():
                outcomes = await client.send([OutgoingEvent.of(orjson.dumps(event()))])
                verdicts.extend(outcome.verdict for outcome in outcomes)

    done = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(push_until(done))
        while len(verdicts) < 5:
            await asyncio.sleep(0.01)
        rotated = await rotate(delta.world.hub.url, client_id=delta.id, file=file)
        while KeyState.ROTATED_OUT not in await states(delta):
            await asyncio.sleep(0.05)
        after = len(verdicts)
        while len(verdicts) < after + 5:
            await asyncio.sleep(0.01)
        done.set()

    assert set(verdicts) == {Verdict.ACCEPTED}
    assert await states(delta) == [KeyState.ROTATED_OUT, KeyState.ACTIVE]
    assert (read_key(file).id, read_key(rotated.kept).id) == (rotated.key, rotated.replaced)
    assert {stat.S_IMODE(each.stat().st_mode) for each in (file, rotated.kept)} == {0o600}


async def test_a_rotation_of_which_the_answer_was_lost_is_taken_up_again(delta: Caller, tmp_path: Path) -> None:
    file = tmp_path / "erp.pem"
    first = await rotate(delta.world.hub.url, client_id=delta.id, file=file)
    file.replace(tmp_path / "erp.pem.next")
    (tmp_path / "erp.pem.old").replace(file)

    again = await rotate(delta.world.hub.url, client_id=delta.id, file=file)

    assert (again.key, again.replaced, read_key(file).id) == (first.key, first.replaced, first.key)
    assert len(await states(delta)) == 2


async def test_a_rotation_that_the_hub_refuses_leaves_the_key_in_its_place(delta: Caller, tmp_path: Path) -> None:
    await delta.world.act("key.revoke", key=delta.key.id)

    with pytest.raises(TokenRefused):
        await rotate(delta.world.hub.url, client_id=delta.id, file=tmp_path / "erp.pem")

    assert read_key(tmp_path / "erp.pem").id == delta.key.id


async def test_the_commands_rotate_a_key_and_end_it_with_its_code(
    delta: Caller, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, live = make_code(REVOCATION, bytes(17)), delta.world.hub.live
    key = replace(live.snapshot.keys.get(delta.key.id), revocation=digest_of(code))
    await live.write(Proposal(live.snapshot.revision, (key,), "test", "test"))
    reach = ["--hub", delta.world.hub.url, "--client", delta.id, "--key", str(tmp_path / "erp.pem")]

    rotated = await asyncio.to_thread(run, ["rotate", *reach, "--json"])
    revoked = await asyncio.to_thread(run, ["revoke", code, "--hub", delta.world.hub.url])

    told = orjson.loads(capfd.readouterr().out.splitlines()[0])
    assert (rotated, revoked, told["replaced"]) == (0, 0, delta.key.id)
    assert await states(delta) == [KeyState.REVOKED, KeyState.REVOKED]
