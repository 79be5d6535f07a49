"""Webhooks as groups: a message is taken once its group is done, and known when it comes again."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import aclosing

import aiohttp
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from connectors.risk import Group, SQLiteCheckpoint, Webhooks
from connectors.risk.webhook import WAITING_COUNT_MAX
from connectors.webhook import VERIFICATION, Keys, signed_headers

SECRET, PRIVATE = bytes(32), Ed25519PrivateKey.generate()


class Sender:
    """Posts to a receiver as a hub does."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http, self._url = http, url

    async def send(self, sent: object, *, secret: bytes = SECRET) -> tuple[int, bytes]:
        body = orjson.dumps(sent)
        headers = {**signed_headers(secret, PRIVATE, body, now=int(time.time())), "hub-cursor": "c1"}
        async with self._http.post(self._url, data=body, headers=headers) as response:
            return response.status, await response.read()

    def soon(self, *ids: str) -> asyncio.Task[tuple[int, bytes]]:
        return asyncio.ensure_future(self.send([{"specversion": "1.0", "id": name} for name in ids]))


@pytest.fixture
def webhooks() -> Webhooks:
    return Webhooks(Keys(f"whsec_{b64encode(SECRET).decode()}"), "gates by webhook")


@pytest.fixture
async def sender(webhooks: Webhooks) -> AsyncIterator[Sender]:
    async with webhooks.listening() as url, aiohttp.ClientSession() as http:
        yield Sender(http, f"{url}/hooks")


async def test_a_message_is_a_group_and_answered_once_it_is_done(webhooks: Webhooks, sender: Sender) -> None:
    async with aclosing(webhooks.groups()) as groups:
        sent = sender.soon("a", "b")
        group = await anext(groups)

        assert ([record["id"] for record in group.records], group.token, sent.done()) == (["a", "b"], "c1", False)
        await webhooks.done(group)
        assert (await sent)[0] == 204


async def test_what_the_engine_leaves_undone_is_not_taken(webhooks: Webhooks, sender: Sender) -> None:
    async with aclosing(webhooks.groups()) as groups:
        sent = sender.soon("a")
        await anext(groups)

    assert (await sent)[0] == 503


async def test_a_message_that_comes_again_has_its_effect_once(webhooks: Webhooks, sender: Sender) -> None:
    checkpoint, effects, answers = SQLiteCheckpoint(sqlite3.connect(":memory:")), list[str](), list[int]()

    async with aclosing(webhooks.groups()) as groups:
        for _ in range(2):
            sent = sender.soon("a")
            group = await anext(groups)
            with checkpoint.work(group) as records:
                effects += [record["id"] for record in records]
            await webhooks.done(group)
            answers.append((await sent)[0])

    assert (effects, answers) == (["a"], [204, 204])


async def test_messages_beyond_what_may_wait_are_put_off(webhooks: Webhooks, sender: Sender) -> None:
    async with asyncio.TaskGroup() as tasks:
        sent = [tasks.create_task(sender.send({"specversion": "1.0", "id": str(n)})) for n in range(WAITING_COUNT_MAX)]
        sent.append(tasks.create_task(sender.send({"specversion": "1.0", "id": "one too many"})))
        put_off, _ = await asyncio.wait(sent, return_when=asyncio.FIRST_COMPLETED)

        assert [(await each)[0] for each in put_off] == [503]
        taken = 0
        async with aclosing(webhooks.groups()) as groups:
            async for group in groups:
                await webhooks.done(group)
                taken += 1
                if taken == WAITING_COUNT_MAX:
                    break


async def test_a_stranger_is_refused_and_a_verification_answered_without_the_engine(
    webhooks: Webhooks, sender: Sender
) -> None:
    asked = {"type": VERIFICATION, "data": {"endpoint": "e", "challenge": "c" * 32}}

    assert (await sender.send([{"specversion": "1.0"}], secret=b"\x01" * 32))[0] == 401
    assert (await sender.send({"type": "customs-hub.feed.moved", "data": {}}))[0] == 415
    status, answer = await sender.send(asked)
    assert (status, [*orjson.loads(answer)]) == (200, ["answer"])


def test_a_group_of_webhooks_is_known_by_its_message() -> None:
    checkpoint = SQLiteCheckpoint(sqlite3.connect(":memory:"))

    seen = []
    for message in ("msg_1", "msg_2", "msg_1"):
        with checkpoint.work(Group(({"id": message},), "c1", place="p", message=message)) as records:
            seen.append(len(records))

    assert seen == [1, 1, 0]
