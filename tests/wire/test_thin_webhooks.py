"""The reader kit behind an endpoint in mode `thin`: told that there is something, it pulls that, once each."""

from __future__ import annotations

import sqlite3
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest
from aiohttp import ClientSession

from connectors.risk import Reader, SQLiteCheckpoint, ThinWebhooks
from connectors.session import HubSession
from connectors.webhook import Keys
from tests.endpoints import SECRET, sealed_for
from tests.unit.test_reader_webhooks import Sender
from tests.wire.conftest import HERE, MakeWorld
from tests.world import RISK, Caller, HubWorld, event

KEYS = Keys(f"whsec_{b64encode(SECRET).decode()}")


@pytest.fixture
async def watch(make_world: MakeWorld) -> AsyncIterator[Caller]:
    async with make_world(webhooks=HERE) as world:
        watch = await world.reader(feed=False)
        await world.act("feed.add", name="watch", recipient="watch", purpose=RISK, ways=["pull", "webhook"])
        yield watch


def session_of(watch: Caller) -> HubSession:
    return HubSession(watch.world.hub.url, client_id=watch.id, key=watch.key, scope="feeds:read")


@asynccontextmanager
async def receiving(watch: Caller, token: str | None = None) -> AsyncIterator[tuple[ThinWebhooks, str]]:
    async with session_of(watch) as session:
        thin = ThinWebhooks(KEYS, Reader(session, "watch", token=token))
        async with thin.listening() as url:
            yield thin, url


async def add_endpoint(world: HubWorld, url: str) -> None:
    told = await world.hub.registrar.looks.view("endpoint.next", {"id": "engine"})
    assert isinstance(told, dict)
    given = {"id": "engine", "feed": "watch", "url": url, "mode": "thin", "batch_ms": 1}
    await world.act("endpoint.add", **given, **sealed_for(told))


async def worked(thin: ThinWebhooks, checkpoint: SQLiteCheckpoint, count: int) -> list[str]:
    """The ids of what comes, up to `count` of them, each worked off in a transaction."""
    done: list[str] = []
    async with aclosing(thin.groups()) as groups:
        async for group in groups:
            with checkpoint.work(group) as records:
                done += [str(record["id"]) for record in records]
            await thin.done(group)
            if len(done) >= count:
                break
    return done


async def test_what_the_messages_tell_of_is_pulled_and_each_event_comes_once_over_a_restart(watch: Caller) -> None:
    world, delta = watch.world, await watch.world.company()
    checkpoint = SQLiteCheckpoint(sqlite3.connect(":memory:"))
    async with receiving(watch) as (thin, url):
        await add_endpoint(world, url)
        for name in ("a", "b"):
            await delta.post(event(name))
        first = await worked(thin, checkpoint, 2)
        await delta.post(event("while nobody works"))
    async with receiving(watch, checkpoint.load("watch")) as (thin, _):
        again = await worked(thin, checkpoint, 1)

    assert (first, again) == (["a", "b"], ["while nobody works"])


async def test_a_message_of_another_mode_feed_or_lane_is_not_taken(watch: Caller) -> None:
    async with receiving(watch) as (_, url), ClientSession() as http:
        sender = Sender(http, url)
        statuses = [
            (await sender.send(sent, secret=SECRET))[0]
            for sent in (
                [event("a")],
                {"type": "customs-hub.feed.moved", "data": {"feed": "other", "lane": ""}},
                {"type": "customs-hub.feed.moved", "data": {"feed": "watch", "lane": "urgent"}},
                {"type": "customs-hub.feed.moved", "data": None},
                {"type": "customs-hub.feed.moved", "data": {"feed": "watch", "lane": ""}},
            )
        ]

    assert statuses == [415, 422, 422, 422, 204]
