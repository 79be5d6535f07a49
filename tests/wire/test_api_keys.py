"""API keys over HTTP: what they are good for, how soon they end, and where the sender's address is read from."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from aiohttp.test_utils import make_mocked_request

from connectors.keys import generate
from hub.core.codes import digest_of, make_api_key
from hub.core.quota import Quota
from hub.drivers.system.observer import SystemObserver
from hub.web.credentials import CredentialReader
from tests.wire.conftest import MakeWorld
from tests.wire.test_leaks import notices
from tests.world import RISK, TOLD_SOON, Caller, HubWorld, event

SECRET = make_api_key(bytes(range(17)))
LOW = Quota(
    events_per_second=1, bytes_per_second=1, requests_per_second=1, burst_seconds=5, requests_in_flight_max=4,
    streams_max=2,
)  # fmt: skip


class Plain(asyncio.Transport):
    """A connection without TLS."""


async def shop(
    world: HubWorld, tier: str = "small", scopes: tuple[str, ...] = ("events:write",), **more: Any
) -> Caller:
    await world.act("partner.add", id="shop", name="Shop", country="NL", roles=["terminal"], tier=tier)
    await world.act("api-key.issue", id=digest_of(SECRET), partner="shop", system="web", scopes=list(scopes), **more)
    return Caller(world, "shop.web", generate("EdDSA"), SECRET)


async def test_a_small_firm_pushes_events_with_its_key_alone(make_world: MakeWorld) -> None:
    async with make_world(auth={"sender_constrained": "required"}) as world:
        await world.act("partner.add", id="watch", name="Watch", country="NL", roles=["authority"])
        await world.act(
            "agreement.add", id="a", recipient="watch", purpose=RISK, provider={"all": True}, types=["*"], fields=["*"]
        )
        caller = await shop(world)

        accepted, notices = await caller.post(event()), await caller.get("/v1/notices")

    assert accepted.status == 201
    assert (notices.status, notices.code) == (403, "SCOPE_MISSING")


async def test_it_is_refused_from_the_moment_it_is_revoked(world: HubWorld) -> None:
    await world.reader()
    caller = await shop(world)
    before = await caller.post(event())

    await world.act("api-key.revoke", id=digest_of(SECRET))
    after = await caller.post(event())

    assert (before.status, after.status, after.code) == (201, 401, "UNAUTHENTICATED")


async def test_a_leaked_one_ends_and_its_events_are_called_in_question(make_world: MakeWorld) -> None:
    async with make_world(intake=TOLD_SOON) as world:
        watch = await world.reader()
        caller = await shop(world)
        await caller.post(event("a"))
        await watch.records("watch", 1)

        await world.act("key.leaked", key=digest_of(SECRET), since="1970-01-01", reason="found on the web")
        [told] = await notices(watch, 1)
        after = await caller.post(event())

    assert (told["code"], [each["id"] for each in told["events"]]) == ("TRUST_WITHDRAWN", ["a"])
    assert after.status == 401


async def test_a_long_poll_ends_with_the_key_that_opened_it(world: HubWorld) -> None:
    caller = await shop(world, scopes=("receipts:read",))
    waiting = asyncio.create_task(caller.get("/v1/notices", wait=20))
    await asyncio.sleep(0)

    await world.act("api-key.revoke", id=digest_of(SECRET))

    assert (await waiting).status == 401


async def test_its_own_low_quota_counts_beside_its_partners(make_world: MakeWorld) -> None:
    async with make_world(quotas={"api_key": LOW}) as world:
        caller = await shop(world, scopes=("receipts:read",))

        answers = [await caller.get("/v1/notices") for _ in range(7)]

    assert [each.status for each in answers] == [200] * 5 + [429] * 2
    assert "q=5;w=5" in answers[0].headers["RateLimit-Policy"]


async def test_it_is_good_from_its_own_network_only(world: HubWorld) -> None:
    caller = await shop(world, networks=["192.0.2.0/24"], scopes=("receipts:read",))

    refused = await caller.get("/v1/notices")
    forged = await caller.ask("GET", "/v1/notices", headers={"X-Forwarded-For": "192.0.2.1"})

    assert (refused.status, forged.status) == (401, 401)


async def test_behind_a_trusted_proxy_the_address_is_the_last_that_it_names(make_world: MakeWorld) -> None:
    async with make_world(http={"trusted_proxies": "127.0.0.1"}) as world:
        caller = await shop(world, networks=["192.0.2.0/24"], scopes=("receipts:read",))

        statuses = [
            (await caller.ask("GET", "/v1/notices", headers={"X-Forwarded-For": named})).status
            for named in ("192.0.2.1", "198.51.100.9, 192.0.2.1", "192.0.2.1, 198.51.100.9", "")
        ]

    assert statuses == [200, 200, 401, 401]


async def test_it_fetches_no_token_and_replaces_no_key(world: HubWorld) -> None:
    caller = await shop(world, scopes=("receipts:read",))

    token = await world.ask("POST", "/oauth/token", data={"grant_type": "client_credentials", "client_id": "shop.web"},
                            headers={"Authorization": f"Bearer {SECRET}"})  # fmt: skip
    rotated = await caller.ask("POST", "/v1/credentials/rotate", json={"proof": "a.b.c"})

    assert token.status == 401
    assert rotated.status == 422


async def test_it_is_in_no_url_and_in_nothing_that_is_kept(world: HubWorld) -> None:
    caller = await shop(world, scopes=("receipts:read",))
    in_url = await world.ask("GET", f"/v1/notices?access_token={SECRET}")
    await caller.get("/v1/notices")

    kept = b"".join(await world.hub.live.audit(0, 1_000)) + orjson.dumps(await world.hub.status(), default=str)

    assert in_url.status == 400
    assert SECRET.encode() not in in_url.body + kept


@pytest.mark.parametrize(("remote", "safe"), [
    ("127.0.0.1", True), ("::1", True), ("192.0.2.1", False), ("10.0.0.1", True), ("", False), ("here", False),
])  # fmt: skip
def test_a_connection_is_safe_on_this_machine_or_by_a_trusted_proxy(remote: str, safe: bool) -> None:
    reader = CredentialReader("http://hub.example", proxies=("10.0.0.1",), observer=SystemObserver())
    request = make_mocked_request("GET", "/", transport=Plain()).clone(remote=remote)

    assert reader.read(request).is_confidential is safe
