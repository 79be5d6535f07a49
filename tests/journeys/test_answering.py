"""An engine holds a container that its feed showed; the company reads it on the command line, and signs that it did."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from connectors.cli import run
from connectors.keys import write_key
from connectors.risk.notices import Notice, about, send
from connectors.risk.notices import sent as sent_by
from connectors.session import HubRefused, HubSession
from tests.wire.test_answering import engine, shown
from tests.world import Caller, HubWorld, hub_world, settings_in


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[HubWorld]:
    async with hub_world(settings_in(tmp_path / "data", ground="sqlite")) as opened:
        yield opened


@pytest.fixture
async def watch(world: HubWorld) -> Caller:
    return await engine(world)


@pytest.fixture
async def session(watch: Caller) -> AsyncIterator[HubSession]:
    async with HubSession(watch.world.hub.url, client_id=watch.id, key=watch.key, scope="notices:write") as opened:
        yield opened


@pytest.fixture
async def delta(watch: Caller) -> Caller:
    return await watch.world.company()


async def connect(caller: Caller, folder: Path, *arguments: str) -> int:
    key = folder / f"{caller.partner}.pem"
    if not key.exists():
        write_key(caller.key, key)
    reach = ["--hub", caller.world.hub.url, "--client", caller.id, "--key", str(key)]
    return await asyncio.to_thread(run, [*arguments, *reach])


def hold(record: dict[str, Any], **more: Any) -> Notice:
    good = {"id": "hold-1", "kind": "hold", "feed": "watch", "text": "Hold it.", "language": "en"}
    return Notice(**({"event": about(record), "acknowledge": True} | good | more))


async def written(session: HubSession) -> None:
    while (await anext(sent_by(session)))["state"] == "sent":
        await asyncio.sleep(0.01)


async def test_a_hold_is_sent_read_and_acknowledged_with_the_systems_own_key(
    watch: Caller, delta: Caller, session: HubSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [kept] = await send(session, hold(await shown(watch, delta, id="gate-1")))
    await written(session)

    assert await connect(delta, tmp_path, "notices") == 0
    lines = capsys.readouterr().out.splitlines()
    assert await connect(delta, tmp_path, "notices", "ack", kept["notice"], "--json") == 0
    acknowledged = orjson.loads(capsys.readouterr().out)

    assert lines[0].endswith(f"CUSTOMS_HOLD  {kept['notice']}")
    assert lines[1:] == ["  urn:example:delta:tos  gate-1", "  acknowledge", "  Hold it."]
    [after] = [each async for each in sent_by(session)]
    told = (after["state"], after["signed"], after["acknowledged"])
    assert told == ("acknowledged", True, acknowledged["acknowledged"])


async def test_an_engine_that_sends_again_is_answered_as_before_and_other_words_are_refused(
    watch: Caller, delta: Caller, session: HubSession
) -> None:
    notice = hold(await shown(watch, delta))

    first, again = await send(session, notice), await send(session, notice)
    with pytest.raises(HubRefused) as refused:
        await send(session, replace(notice, text="Let it go."))

    assert [each["notice"] for each in first] == [each["notice"] for each in again]
    assert refused.value.code == "NOTICE_CONFLICT"
    assert [each async for each in sent_by(session, overdue=True)] == []


async def test_a_notice_that_there_is_not_is_acknowledged_by_nobody(
    watch: Caller, delta: Caller, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await connect(delta, tmp_path, "notices", "ack", "0" * 32) == 1

    assert f"no notice {'0' * 32} for you" in capsys.readouterr().err
