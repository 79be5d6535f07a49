"""Tokens that are bound to a key, from the wire in: who holds the key is let in, and nobody else is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.keys import generate
from connectors.possession import Possession
from connectors.session import HubSession
from hub.web.route import STRUCTURED
from tests.world import Caller, HubWorld, event, hub_world, settings_in

EVENTS = "/v1/events"
SCOPE = "events:write receipts:read"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[HubWorld]:
    async with hub_world(settings_in(tmp_path, auth={"sender_constrained": "required"})) as world:
        yield world


async def company(world: HubWorld, name: str = "delta", **partner: Any) -> Caller:
    await world.act("partner.add", id=name, name=name.title(), country="NL", roles=["terminal"], **partner)
    caller = Caller(world, f"{name}.sys", generate("EdDSA"))
    await world.add_key(caller, scopes=("events:write", "receipts:read"))
    return caller


def session(caller: Caller) -> HubSession:
    return HubSession(caller.world.hub.url, client_id=caller.id, key=caller.key, scope=SCOPE)


class Held:
    """A token that is bound to a key, in other hands than the connector's."""

    def __init__(self, caller: Caller) -> None:
        self.caller, self.possession, self.nonce = caller, Possession(), ""

    async def sign_in(self) -> None:
        answer = await self.caller.sign_in(headers=self.proof("POST", "/oauth/token"))
        if answer.status == 400:
            assert answer.json["error"] == "use_dpop_nonce"
            self.nonce = answer.headers["DPoP-Nonce"]
            answer = await self.caller.sign_in(headers=self.proof("POST", "/oauth/token"))
        assert answer.json["token_type"] == "DPoP"

    def proof(self, method: str, path: str, token: str = "") -> dict[str, str]:
        url = self.caller.world.hub.url + path
        return {"DPoP": self.possession.proof(method, url, nonce=self.nonce, token=token)}

    async def get(self, path: str = EVENTS, **headers: str) -> tuple[int, str]:
        given = {"Authorization": f"DPoP {self.caller.token}"} | headers
        answer = await self.caller.world.ask("GET", path, headers={k: v for k, v in given.items() if v})
        return answer.status, answer.headers.get("DPoP-Nonce", "")


@pytest.fixture
async def held(world: HubWorld) -> Held:
    held = Held(await company(world))
    await held.sign_in()
    return held


async def test_the_connector_proves_itself_at_every_request(world: HubWorld) -> None:
    async with session(await company(world)) as hub:
        answers = [await hub.request("GET", EVENTS) for _ in range(20)]

    assert [answer.status for answer in answers] == [200] * 20
    assert hub.nonces_refused == 0


async def test_the_connector_goes_on_while_nonces_change(tmp_path: Path) -> None:
    auth = {"sender_constrained": "required", "proofs_per_nonce_max": 1}
    async with hub_world(settings_in(tmp_path, auth=auth)) as world, session(await company(world)) as hub:
        answers = [await hub.request("GET", EVENTS) for _ in range(20)]

    assert {answer.status for answer in answers} == {200}


async def test_a_body_that_was_not_read_is_sent_again_with_the_new_nonce(world: HubWorld) -> None:
    caller = await company(world)
    await world.act("partner.add", id="watch", name="Watch", country="NL", roles=["authority"])
    given = {"provider": {"all": True}, "types": ["*"], "fields": ["*"], "recipient": "watch"}
    await world.act("agreement.add", id="all", purpose="security-risk-assessment", **given)
    body = orjson.dumps(event(more="a" * 200_000))
    async with session(caller) as hub:
        await hub.request("GET", EVENTS)
        hub._lanes._idle[-1].nonce = "old"

        answer = await hub.request("POST", EVENTS, body=body, headers={"Content-Type": STRUCTURED})

    assert answer.status in (201, 422)
    assert hub.nonces_refused == 1


async def test_a_proof_lets_in_once(held: Held) -> None:
    one = held.proof("GET", EVENTS, held.caller.token)

    assert [(await held.get(**one))[0] for _ in range(2)] == [200, 401]


async def test_each_answer_brings_the_nonce_for_the_next_proof(held: Held) -> None:
    status, nonce = await held.get(**held.proof("GET", EVENTS, held.caller.token))

    assert (status, nonce) == (200, held.nonce)


async def test_a_stolen_token_is_worth_nothing(held: Held) -> None:
    thief = Held(held.caller)
    thief.nonce = held.nonce
    token = held.caller.token

    assert (await held.get())[0] == 401
    assert (await held.get(Authorization=f"Bearer {token}"))[0] == 401
    assert (await held.get(Authorization=f"Bearer {token}", **held.proof("GET", EVENTS, token)))[0] == 401
    assert (await held.get(**thief.proof("GET", EVENTS, token)))[0] == 401
    assert (await held.get(**held.proof("POST", EVENTS, token)))[0] == 401
    assert (await held.get(**held.proof("GET", "/v1/receipts", token)))[0] == 401
    assert (await held.get(**held.proof("GET", EVENTS, token), Authorization=""))[0] == 401


async def test_two_proofs_in_one_request_are_refused(held: Held) -> None:
    wire = await held.caller.world.wire()
    proofs = [held.proof("GET", EVENTS, held.caller.token)["DPoP"] for _ in range(2)]
    lines = [f"GET {EVENTS} HTTP/1.1", "Host: hub", f"Authorization: DPoP {held.caller.token}"]

    await wire.send("\r\n".join([*lines, *(f"DPoP: {proof}" for proof in proofs), "", ""]).encode())

    assert b" 401 " in await wire.line()


async def test_nobody_outside_the_sandbox_gets_a_token_that_anybody_could_use(world: HubWorld) -> None:
    delta, small = await company(world), await company(world, "small", tier="sandbox")

    refused, granted = await delta.sign_in(), await small.sign_in()

    assert (refused.status, refused.json["error"]) == (400, "invalid_dpop_proof")
    assert granted.json["token_type"] == "Bearer"
    assert (await small.get(EVENTS)).status == 200


async def test_the_metadata_brings_a_first_nonce(world: HubWorld) -> None:
    answer = await world.ask("GET", "/.well-known/oauth-authorization-server")

    assert answer.headers["DPoP-Nonce"]
    assert answer.json["dpop_signing_alg_values_supported"] == ["ES256", "EdDSA", "PS256"]


@pytest.mark.parametrize("name", ["access_token", "access%5Ftoken"])
async def test_a_token_in_a_url_is_refused_by_name(held: Held, name: str) -> None:
    answer = await held.caller.world.ask("GET", f"{EVENTS}?{name}={held.caller.token}")

    assert answer.code == "BAD_REQUEST"
    assert "access_token" in answer.json["detail"]
    assert held.caller.token not in answer.body.decode()
