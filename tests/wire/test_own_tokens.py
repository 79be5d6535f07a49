"""What a client asks of its own tokens: whether one is good (RFC 7662), and that it be good no more (RFC 7009)."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.keys import generate
from tests.world import Answer, Caller, HubWorld

EVENTS = "/v1/events"


async def ask(path: str, caller: Caller, token: str, **form: str) -> Answer:
    data = caller.assertion() | {"token": token} | form
    return await caller.world.ask("POST", path, data=data)


async def introspect(caller: Caller, token: str, **form: str) -> Any:
    answer = await ask("/oauth/introspect", caller, token, **form)
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.json


async def test_a_client_is_told_what_its_own_token_says(world: HubWorld) -> None:
    delta = await world.company()

    said = await introspect(delta, delta.token, token_type_hint="access_token")

    assert said["active"] is True
    assert (said["client_id"], said["scope"], said["iss"]) == ("delta.sys", "events:write receipts:read", world.hub.url)
    assert said["exp"] - said["iat"] == 600


async def test_of_anothers_token_and_of_no_token_it_learns_nothing(world: HubWorld) -> None:
    delta, echo = await world.company(), await world.company("echo")
    wrong = [echo.token, "a.b.c", "", delta.token[:-1], delta.assertion()["client_assertion"], "x" * 9_000]

    answers = [await introspect(delta, token) for token in wrong if token]

    assert answers == [{"active": False}] * len(answers)


async def test_a_revoked_token_is_good_no_more_and_the_others_are(world: HubWorld) -> None:
    delta = await world.company()
    old = delta.token
    await delta.sign_in()

    answers = [await ask("/oauth/revoke", delta, old) for _ in range(2)]

    assert [(answer.status, answer.body) for answer in answers] == [(200, b"")] * 2
    assert await introspect(delta, old) == {"active": False}
    assert (await delta.get(EVENTS)).status == 200
    delta.token = old
    assert (await delta.get(EVENTS)).code == "UNAUTHENTICATED"


async def test_nobody_revokes_anothers_token(world: HubWorld) -> None:
    delta, echo = await world.company(), await world.company("echo")

    assert (await ask("/oauth/revoke", echo, delta.token)).status == 200
    assert (await delta.get(EVENTS)).status == 200


async def test_a_token_whose_key_was_revoked_is_not_active(world: HubWorld) -> None:
    delta = await world.company()
    second = Caller(world, delta.id, generate("EdDSA"))
    await world.add_key(second)

    await world.act("key.revoke", key=delta.key.id)

    assert await introspect(second, delta.token) == {"active": False}


@pytest.mark.parametrize("path", ["/oauth/introspect", "/oauth/revoke"])
async def test_who_does_not_prove_itself_gets_the_answer_of_the_token_endpoint(world: HubWorld, path: str) -> None:
    delta = await world.company()
    token_answer = await delta.sign_in(client_assertion="a.b.c")

    answers = [
        await ask(path, delta, delta.token, client_assertion="a.b.c"),
        await ask(path, delta, delta.token, client_assertion=""),
        await world.ask("POST", path, data={"token": delta.token}),
        await world.ask("POST", path, data={"token": delta.token, "client_id": delta.id}),
    ]

    assert {(answer.status, answer.body) for answer in answers} == {(401, token_answer.body)}


@pytest.mark.parametrize("path", ["/oauth/introspect", "/oauth/revoke"])
async def test_a_form_without_a_token_or_with_two_is_refused(world: HubWorld, path: str) -> None:
    delta = await world.company()
    twice = [*delta.assertion().items(), ("token", "a"), ("token", "b")]

    answers = [await ask(path, delta, ""), await world.ask("POST", path, data=twice)]

    assert [(answer.status, answer.json["error"]) for answer in answers] == [(400, "invalid_request")] * 2
