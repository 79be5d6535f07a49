"""`customs-connect listen`: a receiver on one's own machine is treated as a hub would treat it."""

from __future__ import annotations

import asyncio
from base64 import b64encode
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


async def test_a_receiver_is_asked_until_it_proves_itself_and_why_it_has_not_is_said_once(
    receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    known, receiver.keys = receiver.keys, Keys(f"whsec_{b64encode(bytes(32)).decode()}")
    pauses = list[float]()

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            receiver.keys = known

    async with Forwarder(receiver.url, TEXT, "batch", as_json=True, backoff=Backoff(sleep=pause)) as forwarding:
        await forwarding.until_verified()

    assert (len(pauses), receiver.came) == (3, [])
    assert capsys.readouterr().err.count("a hub sends nothing there before") == 1


async def test_where_nothing_listens_that_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    async with receiving() as gone:
        url = gone.url
    async with Forwarder(url, TEXT, "batch", as_json=False) as forwarding:
        assert await forwarding.verified() == f"{url} does not answer: connection refused, nothing listens there"


async def test_so_many_records_are_brought_as_were_asked_for(hub: FakeHub, receiver: Receiver) -> None:
    hub.pages = {None: page("c1", "1", "2", "3"), "c1": page("c2", "4", "5", "6")}

    assert await listened(hub, receiver, "--secret", TEXT, "--count", "5", "--batch", "2") == 0

    assert [came.ids for came in receiver.came] == [["1", "2"], ["3"], ["4", "5"]]
    assert [asked["limit"] for asked in hub.asked] == ["5", "2"]


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
