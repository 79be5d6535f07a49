"""A hub behind a proxy: what senders sign names the public URL, whatever the proxy makes of host and scheme."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from connectors.keys import generate
from connectors.possession import Possession
from connectors.session import ASSERTION_TYPE
from connectors.signing import read_proof, signature_headers
from hub.assembly import Hub
from hub.assembly.grounds import open_ports
from hub.drivers.system.clock import SystemClock
from hub.drivers.system.entropy import SystemEntropy
from hub.drivers.system.listen import bound
from hub.drivers.system.observer import SystemObserver
from tests.wire.conftest import MakeWorld
from tests.world import Answer, Caller, HubWorld, event, looked_at, settings_in

PUBLIC = "https://hub.example"
EVENTS = "/v1/events"


@dataclass
class Proxied(HubWorld):
    """Requests arrive as a proxy sends them on: in plain HTTP, at an address and under a host of the inside."""

    inside: str = ""

    async def ask(self, method: str, path: str, **more: Any) -> Answer:
        async with self.http.request(method, self.inside + path, **more) as response:
            return looked_at(method, path, Answer(response.status, response.headers, await response.read()))


@pytest.fixture
async def proxied(tmp_path: Path) -> AsyncIterator[Proxied]:
    settings = settings_in(tmp_path, http={"public_url": PUBLIC}, auth={"sender_constrained": "required"})
    async with AsyncExitStack() as stack:
        clock, observer, sockets = SystemClock(), SystemObserver(), stack.enter_context(bound(settings))
        ports = await open_ports(settings, clock, stack)
        hub = Hub(settings, ports=ports, sockets=sockets, clock=clock, entropy=SystemEntropy(), observer=observer)
        await stack.enter_async_context(hub.running())
        http = await stack.enter_async_context(aiohttp.ClientSession())
        yield Proxied(hub, http, inside=f"http://127.0.0.1:{sockets.partners.getsockname()[1]}")


class Sender:
    """A system with a token, which writes proofs and signatures for the hub at `url`."""

    def __init__(self, caller: Caller) -> None:
        self.caller, self._possession, self._nonce = caller, Possession(), ""

    def proof(self, url: str, method: str, path: str, token: str = "") -> dict[str, str]:
        return {"DPoP": self._possession.proof(method, url + path, nonce=self._nonce, token=token)}

    async def sign_in(self, url: str) -> Answer:
        refused = await self.caller.sign_in(headers=self.proof(url, "POST", "/oauth/token"))
        self._nonce = refused.headers.get("DPoP-Nonce", "")
        return await self.caller.sign_in(headers=self.proof(url, "POST", "/oauth/token"))

    async def post(self, body: bytes, *, proven_for: str = PUBLIC, signed_for: str = PUBLIC) -> Answer:
        signed = signature_headers(self.caller.key, "POST", signed_for + EVENTS, body, now=int(time.time()))
        token = self.caller.token
        given = {"Authorization": f"DPoP {token}"} | self.proof(proven_for, "POST", EVENTS, token)
        headers = {"Content-Type": "application/cloudevents+json"} | signed | given
        return await self.caller.world.ask("POST", EVENTS, data=body, headers=headers)

    async def get(self, path: str) -> Answer:
        token = self.caller.token
        given = {"Authorization": f"DPoP {token}"} | self.proof(PUBLIC, "GET", path, token)
        return await self.caller.world.ask("GET", path, headers=given)


@pytest.fixture
async def sender(proxied: Proxied) -> Sender:
    for name, role in (("watch", "authority"), ("delta", "terminal")):
        await proxied.act("partner.add", id=name, name=name.title(), country="NL", roles=[role])
    offer = {"purpose": "security-risk-assessment", "provider": {"all": True}, "types": ["*"], "fields": ["*"]}
    await proxied.act("agreement.add", id="a", recipient="watch", **offer)
    caller = Caller(proxied, "delta.sys", generate("EdDSA"))
    await proxied.add_key(caller, scopes=["events:write", "receipts:read"])
    return Sender(caller)


async def test_proofs_and_signatures_for_the_public_url_are_taken(sender: Sender) -> None:
    token = await sender.sign_in(PUBLIC)
    body = orjson.dumps(event("a"))

    answer = await sender.post(body)
    kept = await sender.get(f"/v1/proofs/{answer.headers['Hub-Proof']}")

    assert (token.status, answer.status) == (200, 201)
    assert f'"@target-uri": {PUBLIC}{EVENTS}\n' in read_proof(kept.body).base


async def test_a_proof_for_the_address_behind_the_proxy_gets_nothing(proxied: Proxied, sender: Sender) -> None:
    refused = await sender.sign_in(proxied.inside)
    await sender.sign_in(PUBLIC)

    posted = await sender.post(orjson.dumps(event()), proven_for=proxied.inside)

    assert (refused.status, refused.json["error"]) == (400, "invalid_dpop_proof")
    assert (posted.status, posted.code) == (401, "UNAUTHENTICATED")


async def test_a_signature_for_the_address_behind_the_proxy_refuses_the_request(
    proxied: Proxied, sender: Sender
) -> None:
    await sender.sign_in(PUBLIC)

    answer = await sender.post(orjson.dumps(event()), signed_for=proxied.inside)

    assert (answer.status, answer.code) == (400, "REQUEST_SIGNATURE_INVALID")


async def test_whoever_fails_behind_a_trusted_proxy_keeps_nobody_else_out(make_world: MakeWorld) -> None:
    async with make_world(http={"trusted_proxies": "127.0.0.1"}) as world:
        stranger, other = {"X-Forwarded-For": "203.0.113.66"}, {"X-Forwarded-For": "198.51.100.7"}
        form = {
            "grant_type": "client_credentials",
            "client_assertion": "x.y.z",
            "client_assertion_type": ASSERTION_TYPE,
        }

        for _ in range(1_000):
            world.hub.entrance.gate.strangers.failed("203.0.113.66")

        assert (await world.ask("POST", "/oauth/token", data=form, headers=stranger)).status == 429
        assert (await world.ask("POST", "/oauth/token", data=form, headers=other)).status == 401
