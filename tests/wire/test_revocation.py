"""Everything that a credential gives ends within a second when it is reported as leaked: one proof for each row of the
table, on a running hub."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from connectors.keys import generate
from hub.core.codes import digest_of, make_api_key
from hub.core.credential import KeyState
from hub.core.errors import Refusal
from hub.drivers.memory.feed_access import MemoryFeedAccess
from hub.operate.revocation import REVOKED
from hub.trust.certificate import certificate_id
from tests.certificates import Pair, client_context
from tests.direct import open_to_kafka, sealed_for
from tests.mandates import principal
from tests.wire.conftest import MakeWorld
from tests.wire.test_agreements import Sides
from tests.wire.test_answering import acknowledge, engine, hold, shown, told
from tests.wire.test_answering import send as send_notice
from tests.wire.test_epcis import document, epcis, send
from tests.wire.test_in_force import asked_to_go_on
from tests.wire.test_notice_streams import STREAM
from tests.wire.test_own_credentials import proof_for, rotate
from tests.wire.test_possession import Held
from tests.wire.test_replays import EVERYTHING, START, page, started
from tests.wire.test_tls import tls_world
from tests.world import Caller, HubWorld, event


class Scene:
    """A company, an authority that reads from it, and whose key leaks: the caller's that a row is about."""

    def __init__(self, world: HubWorld, delta: Caller, watch: Caller, directory: Path) -> None:
        self.world, self.delta, self.watch, self.directory = world, delta, watch, directory

    async def leak(self, caller: Caller) -> None:
        await self.world.act("key.leaked", key=caller.key.id, since="2020-01-01", reason="stolen")

    async def stream(self, caller: Caller, path: str) -> Any:
        headers = {"Authorization": f"Bearer {caller.token}"}
        return await self.world.http.get(f"{self.world.hub.url}{path}", headers=headers)


async def new_tokens(scene: Scene) -> None:
    assert (await scene.delta.sign_in()).status == 200
    await scene.leak(scene.delta)
    assert (await scene.delta.sign_in()).status == 401


async def bearer_tokens(scene: Scene) -> None:
    assert (await scene.delta.post(event())).status == 201
    await scene.leak(scene.delta)
    assert (await scene.delta.post(event())).code == "UNAUTHENTICATED"


async def bound_tokens(scene: Scene) -> None:
    held = Held(scene.delta)
    await held.sign_in()
    path = "/v1/notices"
    status, held.nonce = await held.get(path, **held.proof("GET", path, scene.delta.token))
    before = await held.get(path, **held.proof("GET", path, scene.delta.token)) if status == 401 else (status, "")
    await scene.leak(scene.delta)
    after = await held.get(path, **held.proof("GET", path, scene.delta.token))
    assert (before[0], after[0]) == (200, 401)


async def certificate_bound_tokens(scene: Scene) -> None:
    """On a hub of its own, which ends TLS itself; the connection was open before."""
    async with tls_world(scene.directory) as tls:
        own = Pair("delta")
        client = await tls.system(own)
        token = await tls.token(own, client)
        given = {"Authorization": f"Bearer {token.json['access_token']}"}
        connector = aiohttp.TCPConnector(ssl=client_context(tls.server, tls.directory, own), limit=1)
        async with aiohttp.ClientSession(tls.world.hub.url, connector=connector, headers=given) as http:
            before = [(await http.get("/v1/events")).status, await tls.events(token, own)]
            since = "2020-01-01"
            await tls.world.act("key.leaked", key=certificate_id(own.der), since=since, reason="stolen")
            after = [(await http.get("/v1/events")).status, await tls.events(token, own)]
        assert (before, after) == ([200, 200], [401, 401])
        assert (await tls.token(own, client)).json["error"] == "invalid_client"


async def api_keys(scene: Scene) -> None:
    secret = make_api_key(bytes(17))
    await scene.world.act("partner.add", id="shop", name="Shop", country="NL", roles=["terminal"], tier="small")
    scopes = ["events:write"]
    await scene.world.act("api-key.issue", id=digest_of(secret), partner="shop", system="web", scopes=scopes)
    shop = Caller(scene.world, "shop.web", generate("EdDSA"), secret)
    assert (await shop.post(event())).status == 201
    await scene.world.act("key.leaked", key=digest_of(secret), since="2020-01-01", reason="stolen")
    assert (await shop.post(event())).code == "UNAUTHENTICATED"


async def requests_under_way(scene: Scene) -> None:
    body = orjson.dumps(event())
    wire = await asked_to_go_on(scene.delta, body)
    await scene.leak(scene.delta)
    assert (await (await wire.send(body)).answer()).code == "UNAUTHENTICATED"


async def long_polls(scene: Scene) -> None:
    poll = asyncio.create_task(scene.watch.get("/v1/feeds/watch/records", wait=30))
    await scene.watch.get("/v1/feeds")  # Asked later, answered sooner: the poll waits.
    await scene.leak(scene.watch)
    async with asyncio.timeout(20):  # Long before it would end by itself.
        assert (await poll).code == "UNAUTHENTICATED"


async def open_streams(scene: Scene) -> None:
    await scene.delta.post(event())
    async with await scene.stream(scene.watch, "/v1/feeds/watch/stream") as stream:
        assert await stream.content.readline() == b"event: record\n"
        await scene.leak(scene.watch)
        await stream.content.read()


async def streams_of_notices(scene: Scene) -> None:
    customs = await engine(scene.world, "customs")
    await send_notice(customs, hold(await shown(customs, scene.delta), feed="customs"))
    async with await scene.stream(scene.delta, STREAM) as stream:
        assert await stream.content.readline() == b"event: notice\n"
        await scene.leak(scene.delta)
        await stream.content.read()
    assert (await scene.delta.get(STREAM)).code == "UNAUTHENTICATED"


async def replay_pages(scene: Scene) -> None:
    replay = await started(scene.watch)
    assert (await page(scene.watch, replay)).status == 200
    await scene.leak(scene.watch)
    assert (await page(scene.watch, replay)).code == "UNAUTHENTICATED"
    assert (await scene.watch.ask("POST", START, json=EVERYTHING)).code == "UNAUTHENTICATED"


async def live_counts(scene: Scene) -> None:
    path, asked = "/v1/feeds/watch/count", {"filter": ""}
    assert (await scene.watch.ask("POST", path, json=asked)).status == 200
    await scene.leak(scene.watch)
    assert (await scene.watch.ask("POST", path, json=asked)).code == "UNAUTHENTICATED"


async def notices_sent(scene: Scene) -> None:
    customs = await engine(scene.world, "customs")
    record = await shown(customs, scene.delta)
    assert (await send_notice(customs, hold(record, feed="customs"))).status == 201
    await scene.leak(customs)
    assert (await send_notice(customs, hold(record, feed="customs"))).code == "UNAUTHENTICATED"
    assert (await customs.get("/v1/notices/sent")).code == "UNAUTHENTICATED"


async def notices_acknowledged(scene: Scene) -> None:
    customs = await engine(scene.world, "customs")
    await send_notice(customs, hold(await shown(customs, scene.delta), feed="customs", acknowledge=True))
    [notice] = await told(scene.delta)
    await scene.leak(scene.delta)
    assert (await acknowledge(scene.delta, notice["notice"])).code == "UNAUTHENTICATED"
    assert (await scene.delta.get("/v1/notices")).code == "UNAUTHENTICATED"
    kept = await scene.world.hub.ports.dispatches.get(notice["notice"])
    assert kept is not None
    assert not kept.acknowledged_us


async def dead_letters(scene: Scene) -> None:
    assert (await scene.delta.get("/v1/dead-letters")).status == 200
    await scene.leak(scene.delta)
    assert (await scene.delta.get("/v1/dead-letters")).code == "UNAUTHENTICATED"
    assert (await scene.delta.get("/v1/dead-letters/a")).code == "UNAUTHENTICATED"


async def documents_that_wait(scene: Scene) -> None:
    """One is worked on at a time; the second waits for the first."""
    proceed = {"GS1-Capture-Error-Behaviour": "proceed"}
    many = document(*(epcis(f"urn:uuid:{number}") for number in range(2_000)))
    await send(scene.delta, "/epcis/capture", many, **proceed)
    waits = await send(scene.delta, "/epcis/capture", document(epcis("urn:uuid:last")), **proceed)
    await scene.leak(scene.delta)
    jobs, name = scene.world.hub.ports.jobs, waits.headers["Location"].rpartition("/")[2]
    while (job := await jobs.get("delta", name)) is None or not job.state.finished:
        await asyncio.sleep(0.05)
    assert "ACCEPTED" not in job.counts


async def keys_rotated_in(scene: Scene) -> None:
    delta = scene.delta
    thief = Caller(scene.world, delta.id, generate("EdDSA"))
    assert (await rotate(delta, proof_for(delta, thief.key))).status == 201
    assert (await thief.sign_in()).status == 200
    await scene.leak(delta)
    assert (await thief.post(event())).code == "UNAUTHENTICATED"
    assert (await thief.sign_in()).status == 401
    assert {key.state for key in scene.world.hub.snapshot().keys_of(delta.id)} == {KeyState.REVOKED}


async def mandates_signed(scene: Scene) -> None:
    signer = await principal(scene.world, "signer")
    assert (await signer.grant("delta")).status == 201
    assert (await scene.delta.post(event(), Hub_On_Behalf_Of="signer")).status == 201
    await scene.leak(signer.caller)
    assert (await scene.delta.post(event(), Hub_On_Behalf_Of="signer")).code == "MANDATE_MISSING"


async def agreements_signed(scene: Scene) -> None:
    world = scene.world
    customs = await world.company("customs", roles=["authority"], scopes=("agreements:sign",))
    shipper = await world.company("shipper", scopes=("events:write", "agreements:sign"))
    await world.act("agreement.end", id="watch-all")
    terms = {"provider": {"partner": "shipper"}, "types": ["*"], "fields": ["*"], "purpose": "statistics"}
    await world.act("agreement.propose", id="signed", recipient="customs", **terms)
    sides = Sides(world, shipper, customs)
    assert [(await sides.sign(each, "signed")).status for each in (shipper, customs)] == [202, 200]
    assert (await shipper.post(event())).status == 201
    await scene.leak(customs)
    assert (await shipper.post(event())).code == "NOT_PERMITTED"


async def feeds_read_from_kafka(scene: Scene) -> None:
    """What a real broker makes of it: `tests/journeys/test_kafka_readers.py`."""
    hub, access = scene.world.hub, scene.world.hub.ports.feed_access
    assert isinstance(access, MemoryFeedAccess)
    await open_to_kafka(hub.live, "watch")
    told = await hub.registrar.looks.view("kafka-access.next", {"id": "live", "feed": "watch"})
    assert not isinstance(told, Refusal)
    await scene.world.act("kafka-access.grant", id="live", feed="watch", system="sys", **sealed_for(told))
    while not await access.rights():
        await asyncio.sleep(0.01)
    await scene.leak(scene.watch)
    while await access.rights() or access.passwords:
        await asyncio.sleep(0.01)


PROOFS: dict[str, Callable[[Scene], Awaitable[None]]] = {
    "new tokens": new_tokens,
    "bearer tokens": bearer_tokens,
    "tokens bound by DPoP": bound_tokens,
    "tokens bound by a certificate": certificate_bound_tokens,
    "API keys": api_keys,
    "requests under way": requests_under_way,
    "long polls": long_polls,
    "open streams": open_streams,
    "streams of notices": streams_of_notices,
    "replay pages": replay_pages,
    "live counts": live_counts,
    "notices sent by an engine": notices_sent,
    "notices acknowledged": notices_acknowledged,
    "dead letters": dead_letters,
    "documents that wait": documents_that_wait,
    "keys rotated in": keys_rotated_in,
    "mandates signed": mandates_signed,
    "agreements signed": agreements_signed,
    "feeds read from Kafka": feeds_read_from_kafka,
}


@asynccontextmanager
async def scene_in(make_world: MakeWorld, directory: Path) -> AsyncIterator[Scene]:
    async with make_world(kafka={"recipients_scram": "kafka.example:9093"}) as world:
        watch = await world.reader()
        yield Scene(world, await world.company(), watch, directory)


def test_every_row_of_the_table_has_a_proof() -> None:
    assert [access.name for access in REVOKED] == list(PROOFS)


@pytest.mark.parametrize("access", REVOKED, ids=lambda access: access.name)
async def test_a_leaked_credential_gives_nothing_any_more(make_world: MakeWorld, tmp_path: Path, access: Any) -> None:
    async with scene_in(make_world, tmp_path) as scene:
        await PROOFS[access.name](scene)


async def test_a_leaked_key_of_tokens_ends_every_token_and_systems_ask_for_new_ones(delta: Caller) -> None:
    hub = delta.world.hub
    assert (await delta.post(event())).status == 201

    hub.ports.keys.rotate_token_key(hub.clock.now_us() // 1_000_000, 600, leaked=True)
    while (await delta.post(event())).status == 201:
        await asyncio.sleep(0.05)

    assert (await delta.post(event())).code == "UNAUTHENTICATED"
    assert (await delta.sign_in()).status == 200
    assert (await delta.post(event())).status == 201
