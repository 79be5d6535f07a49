"""`customs-connect listen`: a receiver on one's own machine is treated as a hub would treat it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest
from aiohttp import web

from connectors.backoff import Backoff
from connectors.cli import run
from connectors.commands.listen import Forwarder
from connectors.errors import ConnectorError
from connectors.keys import write_key
from connectors.webhook import Keys
from hub.trust.webhook import secret_text
from tests.endpoints import SECRET
from tests.receiver import Receiver, receiving
from tests.unit.fake_hub import FakeHub, NoSleep, fake_hub

TEXT = secret_text(SECRET)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
async def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeHub]:
    monkeypatch.chdir(tmp_path)
    async with fake_hub() as hub:
        write_key(hub.client_key, tmp_path / "key.pem")
        yield hub


async def listened(hub: FakeHub, receiver: Receiver, *more: str) -> int:
    reach = ["--hub", hub.url, "--client", "acme.erp", "--key", "key.pem"]
    given = ["listen", "risk", "--forward-to", receiver.url, "--json", *more, *reach]
    return await asyncio.to_thread(run, given)


def page(cursor: str, *ids: str) -> web.Response:
    return web.json_response({"items": [{"id": name, "type": "t"} for name in ids], "next": cursor})


def forwarder(receiver: Receiver, pauses: NoSleep) -> Forwarder:
    return Forwarder(receiver.url, TEXT, "batch", as_json=True, backoff=Backoff(sleep=pauses))


async def test_a_receiver_that_has_the_secret_gets_the_feed_signed(
    hub: FakeHub, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.pages = {None: page("c1", "1", "2"), "c1": page("c2", "3")}

    assert await listened(hub, receiver, "--secret", TEXT, "--count", "3", "--batch", "2") == 0

    assert [came.ids for came in receiver.came] == [["1", "2"], ["3"]]
    assert len(receiver.verified) == 1
    said = capsys.readouterr()
    assert [orjson.loads(line)["ids"] for line in said.out.splitlines()] == [["1", "2"], ["3"]]
    assert TEXT in said.err


async def test_a_receiver_that_does_not_prove_itself_gets_nothing(
    hub: FakeHub, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.pages = {None: page("c1", "1")}

    assert await listened(hub, receiver, "--count", "1") == 1

    assert receiver.came == []
    assert "a hub would send nothing there" in capsys.readouterr().err


async def test_a_message_that_is_not_taken_comes_again_under_the_same_id(receiver: Receiver) -> None:
    pauses, left = NoSleep(), [500, 503]
    receiver.answering = lambda _: left.pop() if left else 204

    async with forwarder(receiver, pauses) as forwarding:
        await forwarding.forward("risk", ({"id": "1", "type": "t"},))

    assert [came.ids for came in receiver.came] == [["1"]] * 3
    assert len({came.id for came in receiver.came}) == 1


async def test_its_public_key_verifies_what_it_sends(receiver: Receiver) -> None:
    async with forwarder(receiver, NoSleep()) as forwarding:
        receiver.keys = Keys(forwarding.public)
        await forwarding.forward("risk", ({"id": "1", "type": "t"},))

    assert [came.ids for came in receiver.came] == [["1"]]


def test_what_is_no_secret_is_refused() -> None:
    with pytest.raises(ConnectorError, match="whsec_"):
        Forwarder("http://localhost/", "secret", "batch", as_json=False)
