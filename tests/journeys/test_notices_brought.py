"""A company has its notices brought to its own address, and streamed at its desk: it hears of a hold and its release by
both ways alike, acknowledges one of them, and the engine that sent them sees how far each came."""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson
import pytest

from connectors.cli import run as connect
from connectors.keys import write_key
from connectors.webhook import Keys
from hub.cli import run
from tests.receiver import receiving
from tests.wire.test_answering import engine, hold, send, shown
from tests.world import hub_world, settings_in


async def test_a_company_hears_of_a_hold_and_its_release_at_its_desk_and_at_its_own_address(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_in(tmp_path / "data", ground="sqlite", webhooks={"networks": "127.0.0.0/8"})
    async with receiving() as receiver, hub_world(settings) as world:
        watch = await engine(world)
        delta = await world.company()
        write_key(delta.key, tmp_path / "delta.pem")
        reach = ["--hub", world.hub.url, "--client", delta.id, "--key", str(tmp_path / "delta.pem")]
        operator = ["delivery", "endpoint"]
        data = ["--data", str(tmp_path / "data")]

        adding = [*operator, "add", "desk", "hub.notices", receiver.url, "--recipient", "delta", "--json", *data]
        assert await asyncio.to_thread(run, adding) == 0
        receiver.keys = Keys(orjson.loads(capsys.readouterr().out.splitlines()[1])["secret"])
        assert await asyncio.to_thread(run, [*operator, "verify", "desk", *data]) == 0
        capsys.readouterr()

        desk = asyncio.create_task(
            asyncio.to_thread(connect, ["notices", "--stream", "--count", "2", "--json", *reach])
        )
        record = await shown(watch, delta)
        await send(watch, hold(record, id="hold-1", acknowledge=True))
        await send(watch, hold(record, id="release-1", kind="release", text="Let it go."))
        came = await receiver.until(lambda came: sum(len(each.records) for each in came) >= 2)
        assert await desk == 0
        streamed = [orjson.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert await asyncio.to_thread(connect, ["notices", "ack", streamed[0]["notice"], *reach]) == 0
        pulled = (await delta.get("/v1/notices")).json["items"]
        states = {each["id"]: each["state"] for each in (await watch.get("/v1/notices/sent")).json["items"]}

    assert streamed == pulled == [notice for each in came for notice in each.records]
    assert [notice["code"] for notice in streamed] == ["CUSTOMS_HOLD", "CUSTOMS_RELEASE"]
    assert states == {"hold-1": "acknowledged", "release-1": "read"}
