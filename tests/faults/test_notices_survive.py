"""A hub killed between a notice that it brings and the mark of it: it comes again under the same id, none is lost."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from pathlib import Path

import orjson
import pytest

from connectors.risk.notice_reader import NoticeReader
from connectors.risk.notices import send, sent
from connectors.session import HubRefused, HubUnreachable
from connectors.webhook import Keys
from hub.cli import run
from tests.faults.stage import stage
from tests.faults.test_dispatches_survive import engine, hold, shown, told
from tests.faults.test_webhooks_survive import NEAR
from tests.receiver import Receiver, receiving

pytestmark = pytest.mark.slow


def brought_to(
    receiver: Receiver, data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The notices of `acme`, brought to the receiver, by the command of an operator."""
    monkeypatch.setenv("CUSTOMS_HUB_WEBHOOKS_NETWORKS", NEAR.webhooks.networks)
    capsys.readouterr()
    endpoint = ["delivery", "endpoint", "add", "desk", "hub.notices", receiver.url, "--recipient", "acme"]
    assert run([*endpoint, "--batch-ms", "1", "--json", "--data", str(data)]) == 0
    receiver.keys = Keys(orjson.loads(capsys.readouterr().out.splitlines()[1])["secret"])


@pytest.mark.parametrize("point", ["after-keep:1", "before-keep:2"])
async def test_whenever_the_hub_dies_every_notice_comes_and_a_repeat_has_the_same_id(
    tmp_path: Path, point: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with receiving() as receiver, stage(NEAR, tmp_path) as on, await engine(on, tmp_path / "data") as session:
        await on.start()
        record = await shown(on)
        await on.hub.stop()
        await asyncio.to_thread(brought_to, receiver, tmp_path / "data", capsys, monkeypatch)
        await on.start(point)
        with suppress(HubUnreachable, HubRefused):
            await send(session, hold(record, "first"))
        assert await on.hub.ended()
        await on.start()
        for text in ("first", "second"):
            await send(session, hold(record, text))
        came = await receiver.until(lambda came: {"first", "second"} <= {n["text"] for c in came for n in c.records})

        assert await told(on, 2) == ["first", "second"]
        while {each["state"] async for each in sent(session)} != {"read"}:
            await asyncio.sleep(0.05)

    messages: dict[str, list[str]] = {}
    for each in came:
        texts = [notice["text"] for notice in each.records]
        assert messages.setdefault(each.id, texts) == texts
    assert [text for texts in messages.values() for text in texts] == ["first", "second"]


@pytest.mark.parametrize("point", ["after-notice:1"])
async def test_a_stream_of_notices_shows_each_once_over_a_hub_that_dies(tmp_path: Path, point: str) -> None:
    seen: list[str] = []
    async with stage(NEAR, tmp_path) as on, await engine(on, tmp_path / "data") as session:
        await on.start()
        record = await shown(on)
        await send(session, hold(record, "first"))
        reader = NoticeReader(on.sessions["acme"], push=True)
        async with aclosing(reader.groups()) as groups:
            seen += [notice["text"] for notice in (await anext(groups)).records]
            await on.hub.stop()
            await on.start(point)
            with suppress(HubUnreachable, HubRefused):
                await send(session, hold(record, "second"))
            assert await on.hub.ended()
            await on.start()
            for text in ("second", "third"):
                await send(session, hold(record, text))
            while "third" not in seen:
                seen += [notice["text"] for notice in (await anext(groups)).records]

    assert seen == ["first", "second", "third"]
