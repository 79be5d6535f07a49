"""With proof in every way over HTTP: what a reader is given he can prove, by the very bytes in which it came."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import Any

import orjson
import pytest

from connectors.disclosure import disclose, receipts_in, verify_disclosure
from connectors.risk import Group, Proved, ProvedReader, Reader, Replay, Source, Webhooks
from connectors.risk.replay import begin
from connectors.session import HubSession
from connectors.webhook import Keys
from hub.web.routes import BATCHED
from tests.endpoints import SECRET, sealed_for
from tests.wire.conftest import HERE, MakeWorld
from tests.world import RISK, Caller, event

FIELDS = ["/id", "/data/subjects", "/data/empty"]
OnPage = Callable[[bytes], None]


@pytest.fixture
async def watch(make_world: MakeWorld) -> AsyncIterator[Caller]:
    async with make_world(webhooks=HERE) as world:
        watch = await world.reader(feed=False, fields=FIELDS)
        await world.act("feed.add", name="watch", recipient="watch", purpose=RISK, ways=["pull", "sse", "webhook"])
        yield watch


class Ways:
    """A session of the reader's, and the feed in each way."""

    def __init__(self, watch: Caller, session: HubSession, stack: AsyncExitStack) -> None:
        self.session = session
        self._watch = watch
        self._stack = stack

    async def pull(self, on_page: OnPage) -> Source:
        return Reader(self.session, "watch", from_start=True, on_page=on_page)

    async def stream(self, on_page: OnPage) -> Source:
        return Reader(self.session, "watch", push=True, from_start=True, on_page=on_page)

    async def replay(self, on_page: OnPage) -> Source:
        await self._watch.records("watch", 3)
        replay = await begin(self.session, "watch", since="1970-01-01T00:00:00Z")
        return Replay(self.session, replay, on_page=on_page)

    async def webhook(self, on_page: OnPage) -> Source:
        world, webhooks = self._watch.world, Webhooks(Keys(f"whsec_{b64encode(SECRET).decode()}"), "w", on_page=on_page)
        url = await self._stack.enter_async_context(webhooks.listening())
        told = await world.hub.registrar.looks.view("endpoint.next", {"id": "engine"})
        assert isinstance(told, dict)
        given = {"id": "engine", "feed": "watch", "url": url, "batch_ms": 1}
        await world.act("endpoint.add", **given, **sealed_for(told))
        return webhooks


@asynccontextmanager
async def ways(watch: Caller) -> AsyncIterator[Ways]:
    async with (
        HubSession(watch.world.hub.url, client_id=watch.id, key=watch.key, scope="feeds:read") as session,
        AsyncExitStack() as stack,
    ):
        yield Ways(watch, session, stack)


async def given(source: Source, count: int) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    async with aclosing(source.groups()) as groups:
        async for group in groups:
            records += group.records
            await source.done(group)
            if len(records) >= count:
                return records
    return records


@pytest.mark.parametrize("way", ["pull", "stream", "replay", "webhook"])
async def test_in_every_way_records_come_with_their_seals_and_a_member_of_them_is_proved(
    watch: Caller, way: str
) -> None:
    delta, pages = await watch.world.company(), list[bytes]()
    sent = [orjson.dumps(event(name, place={"unlocode": "DEHAM"}), option=orjson.OPT_INDENT_2) for name in "abc"]
    answer = await delta.post(b"[" + b",".join(sent) + b"]", BATCHED)
    async with ways(watch) as at:
        source = await getattr(at, way)(pages.append)
        proved = Proved(at.session, lambda on_page: Both(source, pages, on_page), lane="watch")

        records = await given(proved, 3)

    told = disclose(receipts_in(answer.body), sent[1], "/data/place")
    checks = verify_disclosure(told.encoded(), pages, await watch.world.keys())
    assert [record["id"] for record in records] == ["a", "b", "c"]
    assert b"DEHAM" not in b"".join(pages)
    assert all(check.holds for check in checks), checks


class Both:
    """A source whose pages go to the check too, and are kept."""

    def __init__(self, source: Source, pages: list[bytes], on_page: OnPage) -> None:
        self.place, self.done = source.place, source.done
        self._source, self._pages, self._on_page = source, pages, on_page

    async def groups(self) -> AsyncIterator[Group]:
        async with aclosing(self._source.groups()) as groups:
            async for group in groups:
                self._on_page(self._pages[-1])
                yield group


async def test_a_reader_with_proof_takes_small_pages_of_one_batch_each_by_itself(watch: Caller) -> None:
    delta = await watch.world.company()
    await delta.post([event(str(number)) for number in range(5)], BATCHED)

    async with ways(watch) as at:
        reader = ProvedReader(at.session, "watch", from_start=True, limit=2)
        records = await given(reader, 5)

    assert [record["id"] for record in records] == [str(number) for number in range(5)]


@pytest.mark.parametrize("path", ["/v1/feeds/watch/stream", "/v1/feeds/watch/records"])
async def test_proof_is_asked_for_by_yes_and_by_nothing_else(watch: Caller, path: str) -> None:
    assert (await watch.get(path, proof="no")).code == "BAD_REQUEST"
