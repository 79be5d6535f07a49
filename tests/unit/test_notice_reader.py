"""Reading notices by the kit: pulled, streamed and brought, in the same groups as a feed; and on the command line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web

from connectors.backoff import Backoff
from connectors.cli import run
from connectors.keys import write_key
from connectors.risk import Group, NoticeReader, ThinWebhooks, Webhooks
from connectors.risk.notice_reader import NOTICES
from connectors.webhook import Keys
from tests.receiver import receiving
from tests.unit.fake_hub import FakeHub, NoSleep, fake_hub, problem
from tests.unit.test_connectors_listen import TEXT
from tests.unit.test_reader_webhooks import Sender


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[FakeHub]:
    async with fake_hub() as hub:
        write_key(hub.client_key, tmp_path / "key.pem")
        yield hub


def told(name: str) -> dict[str, Any]:
    return {"code": "CUSTOMS_HOLD", "notice": name, "time": "2026-11-22T09:00:00Z", "text": "Hold it."}


def page(*names: str, then: str) -> web.Response:
    return web.json_response({"items": [told(name) for name in names], "next": then})


def sse(*names: str, then: str) -> bytes:
    *others, last = (f"data: {orjson.dumps(told(name)).decode()}\n\n" for name in names)
    return "".join(f"event: notice\n{each}" for each in (*others, f"id: {then}\n{last}")).encode()


def names(group: Group) -> list[str]:
    return [notice["notice"] for notice in group.records]


async def first(hub: FakeHub, count: int, **options: Any) -> list[Group]:
    groups: list[Group] = []
    async with hub.session() as session:
        reader = NoticeReader(session, backoff=Backoff(sleep=NoSleep()), **options)
        async with aclosing(reader.groups()) as source:
            async for group in source:
                groups.append(group)
                await reader.done(group)
                if len(groups) == count:
                    break
    return groups


@pytest.mark.parametrize("push", [False, True])
async def test_notices_come_in_groups_from_the_earliest_and_nothing_is_acknowledged(hub: FakeHub, push: bool) -> None:
    hub.notices = {None: page("a", "b", then="c1"), "c1": page("c", then="c2")}
    hub.streams = [sse("a", "b", then="c1"), sse("c", then="c2")]

    groups = await first(hub, 2, push=push)

    assert [names(group) for group in groups] == [["a", "b"], ["c"]]
    assert [(group.place, group.token, group.since) for group in groups] == [
        (NOTICES, "c1", None),
        (NOTICES, "c2", "c1"),
    ]
    assert hub.acknowledged == []


async def test_a_stream_that_broke_goes_on_behind_the_last_whole_group(hub: FakeHub) -> None:
    cut = b'event: notice\ndata: {"notice": "lost"}\n\n'
    hub.streams = [sse("a", then="c1") + cut, sse("lost", then="c2")]

    groups = await first(hub, 2, push=True)

    assert [names(group) for group in groups] == [["a"], ["lost"]]
    assert [asked["last-event-id"] for asked in hub.asked] == ["", "c1"]


async def test_records_of_a_feed_are_no_notices(hub: FakeHub) -> None:
    hub.streams = [b'event: record\nid: c1\ndata: {"id": "a"}\n\n', sse("a", then="c2")]

    assert [names(group) for group in await first(hub, 1, push=True)] == [["a"]]


async def test_a_place_that_has_expired_is_told_as_a_gap(hub: FakeHub) -> None:
    hub.notices = {"old": problem(410, "CURSOR_EXPIRED", cursor="fresh"), "fresh": page("a", then="c1")}

    [group] = await first(hub, 1, token="old")

    assert (names(group), group.after_gap) == (["a"], True)


@pytest.mark.parametrize("batch", [True, False])
async def test_notices_that_are_brought_are_groups_as_records_are(batch: bool) -> None:
    webhooks = Webhooks(Keys(TEXT), NOTICES)
    async with webhooks.listening() as url, aiohttp.ClientSession() as http, aclosing(webhooks.groups()) as groups:
        sender = Sender(http, url)
        sent = asyncio.ensure_future(sender.send([told("a")] if batch else told("a"), secret=bytes(range(32))))
        group = await anext(groups)
        await webhooks.done(group)

        assert (names(group), (await sent)[0]) == (["a"], 204)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"type": "customs-hub.notices.moved", "data": {"cursor": "c0"}}, 204),
        ({"type": "customs-hub.feed.moved", "data": {"feed": "risk", "lane": "", "cursor": "c0"}}, 422),
        ([told("a")], 415),
    ],
)
async def test_a_thin_receiver_of_notices_pulls_them_and_takes_no_other_message(
    hub: FakeHub, sent: object, status: int
) -> None:
    hub.notices = {None: page("a", then="c1")}
    async with hub.session() as session, aiohttp.ClientSession() as http:
        thin = ThinWebhooks(Keys(TEXT), NoticeReader(session))
        async with thin.listening() as url, aclosing(thin.groups()) as groups:
            assert (await Sender(http, url).send(sent, secret=bytes(range(32))))[0] == status
            assert names(await anext(groups)) == ["a"]


async def connect(hub: FakeHub, folder: Path, *arguments: str) -> int:
    reach = ["--hub", hub.url, "--client", "acme.erp", "--key", str(folder / "key.pem")]
    return await asyncio.to_thread(run, [*arguments, *reach])


async def test_the_command_streams_notices_and_keeps_its_place(
    hub: FakeHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.streams, place = [sse("a", "b", then="c1"), sse("c", then="c2")], tmp_path / "place"
    for count in ("2", "1"):
        given = ["--stream", "--count", count, "--cursor", str(place), "--json"]
        assert await connect(hub, tmp_path, "notices", *given) == 0
    lines = capsys.readouterr().out.splitlines()

    assert [orjson.loads(line)["notice"] for line in lines] == ["a", "b", "c"]
    assert [asked["last-event-id"] for asked in hub.asked] == ["", "c1"]
    assert place.read_text() == "c2"


async def test_a_count_without_a_stream_is_refused(
    hub: FakeHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await connect(hub, tmp_path, "notices", "--count", "1") == 1

    assert "--count goes with --stream" in capsys.readouterr().err


async def test_listen_brings_notices_to_a_receiver_on_this_machine(
    hub: FakeHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.notices = {None: page("a", "b", then="c1")}
    async with receiving() as receiver:
        given = ["--forward-to", receiver.url, "--secret", TEXT, "--count", "2", "--json"]
        assert await connect(hub, tmp_path, "listen", NOTICES, *given) == 0

    [came] = receiver.came
    assert (came.headers["content-type"], came.headers["hub-feed"]) == ("application/json", NOTICES)
    assert [notice["notice"] for notice in came.records] == ["a", "b"]
    assert orjson.loads(capsys.readouterr().out)["ids"] == ["a", "b"]
