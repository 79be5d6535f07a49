"""`customs-connect subscribe` against a hub that is away, has let go of records, or is sent odd things."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web

from connectors.cli import run
from connectors.keys import write_key
from tests.unit.fake_hub import FakeHub, fake_hub, problem


@pytest.fixture
async def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeHub]:
    monkeypatch.chdir(tmp_path)
    async with fake_hub() as hub:
        write_key(hub.client_key, tmp_path / "key.pem")
        yield hub


async def watched(hub: FakeHub, *more: str) -> int:
    reach = ["--hub", hub.url, "--client", "acme.erp", "--key", "key.pem"]
    return await asyncio.to_thread(run, ["subscribe", "gates", *more, *reach])


def record(name: str, **members: Any) -> dict[str, Any]:
    return {"id": name, "type": "t", "time": "2026-11-22T09:00:00Z", "data": {}, **members}


def page(*records: dict[str, Any], then: str) -> web.Response:
    return web.json_response({"items": records, "next": then})


async def test_it_goes_on_by_itself_when_the_hub_was_away(hub: FakeHub, capsys: pytest.CaptureFixture[str]) -> None:
    answers = [problem(503, "OVERLOADED", retryable=True), page(record("a"), then="c1")]
    hub.pages = {None: lambda: answers.pop(0)}

    assert await watched(hub, "--json", "--count", "1") == 0

    said = capsys.readouterr()
    assert [orjson.loads(line)["id"] for line in said.out.splitlines()] == ["a"]
    assert "trying again in" in said.err


async def test_a_gap_is_told_where_it_is(hub: FakeHub, capsys: pytest.CaptureFixture[str]) -> None:
    hub.pages = {"old": problem(410, "CURSOR_EXPIRED", cursor="fresh"), "fresh": page(record("e"), then="c9")}

    assert await watched(hub, "--from", "old", "--count", "1") == 0

    assert "here something was purged" in capsys.readouterr().err


async def test_what_a_sender_wrote_gives_the_terminal_no_orders(
    hub: FakeHub, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = record("\x1b]0;title\x07", publisher="\x9b31m", data={"subjects": [{"scheme": "gtin", "value": "\x1b[2J"}]})
    hub.pages = {None: page(odd, then="c1")}

    assert await watched(hub, "--detail", "--count", "1") == 0

    shown = capsys.readouterr().out
    assert "gtin:\ufffd[2J" in shown
    assert not set(shown) & {"\x1b", "\x9b", "\x07"}


async def test_quiet_tells_their_number_alone(hub: FakeHub, capsys: pytest.CaptureFixture[str]) -> None:
    hub.pages = {None: page(record("a"), record("b"), then="c1")}

    assert await watched(hub, "--quiet", "--count", "2") == 0

    said = capsys.readouterr()
    assert (said.out, "2 records" in said.err) == ("", True)


@pytest.mark.parametrize(("lane", "asked"), [("main", [None]), ("urgent", ["urgent"]), ("all", ["urgent", None])])
async def test_the_lanes_asked_for_are_read_and_nothing_is_acknowledged(
    hub: FakeHub, lane: str, asked: list[str | None]
) -> None:
    hub.pages = {None: lambda: page(record("a"), then="c1")}

    assert await watched(hub, "--lane", lane, "--json", "--from", "now", "--count", str(len(asked))) == 0

    begun = [each for each in hub.asked if each.get("from") == "now"]
    assert sorted(map(str, (each.get("lane") for each in begun))) == sorted(map(str, asked))
    assert hub.acknowledged == []


async def test_a_feed_that_is_gone_ends_it_with_the_reason(hub: FakeHub, capsys: pytest.CaptureFixture[str]) -> None:
    hub.pages = {None: problem(410, "FEED_GONE", retryable=False)}

    assert await watched(hub) == 1

    assert "FEED_GONE" in capsys.readouterr().err
