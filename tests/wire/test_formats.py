"""What is answered has the members that its page in `schemas/formats` names, and no other."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

import orjson

from hub.web.routes import BATCHED
from tests.wire.conftest import MakeWorld, without_look_ups
from tests.world import SOURCE, Caller, event

FORMATS = files("schemas") / "formats"
ALWAYS = {"type", "title", "status", "code", "fix", "retryable"}
FAULT = {"code", "place", "found", "expected", "severity", "text", "fix"}


def members(page: str) -> set[str]:
    """The names in the first column of a page's first table."""
    table = re.search(r"(?:^\|.*\n)+", (FORMATS / f"{page}.md").read_text(), re.M)
    assert table
    rows = re.findall(r"^\| (`.*?) \|", table[0], re.M)
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


async def test_a_problem_has_the_members_of_its_page(delta: Caller) -> None:
    documents = [
        (await delta.post(event("a", place=None))).json,
        (await delta.post(b"{")).json,
        (await delta.post(b"[]", BATCHED)).json,
        (await delta.post(b"", "text/plain")).json,
        (await delta.world.ask("GET", "/v1/feeds")).json,
        (await delta.world.ask("GET", "/nothing")).json,
    ]

    for document in documents:
        assert set(document) >= ALWAYS
        assert set(document) <= members("problem")
        assert all(set(each) | {"fix"} == FAULT for each in document.get("faults", ()))


async def test_the_fresh_cursor_of_an_expired_one_is_in_the_problem(make_world: MakeWorld) -> None:
    async with make_world(delivery={"cursor_seconds": 1}) as world:
        watch = await world.reader()
        cursor = (await watch.get("/v1/notices")).json["next"]
        answer = await watch.get("/v1/notices", cursor=cursor)
        while answer.status == 200:
            answer = await watch.get("/v1/notices", cursor=cursor, wait=1)

        assert answer.code == "CURSOR_EXPIRED"
        assert set(answer.json) == ALWAYS | {"cursor"} <= members("problem")


async def test_an_unexpected_failure_is_a_problem_that_can_be_found_in_the_log(delta: Caller, capsys: Any) -> None:
    delta.world.hub.receipts.of = broken  # type: ignore[method-assign, assignment]
    wire = await delta.world.wire()

    await wire.send(delta.head("GET", f"/v1/receipts?source={SOURCE}&id=a", Content_Type="") + b"\r\n")
    answer = await wire.answer()

    assert (answer.status, answer.code) == (500, "INTERNAL")
    assert set(answer.json) == ALWAYS | {"instance"} <= members("problem")
    assert b"secret" not in answer.body
    assert answer.json["instance"] in "".join(capsys.readouterr())


async def broken(*_: object) -> list[Any]:
    raise ValueError("secret")


async def test_receipts_have_the_members_of_their_page(delta: Caller) -> None:
    alone = (await delta.post(event("a"))).json["receipt"]
    batch = (await delta.post([event("b"), event("c")], BATCHED)).json
    await delta.judged("b")
    again = (await delta.get("/v1/receipts", source=SOURCE, id="b")).json["items"][0]

    [seal] = batch["seals"]
    for receipt in (alone, again):
        assert set(receipt) == {"statement", "leaf", "seal"}
        assert set(receipt["leaf"]) == {"index", "path"}
        assert set(receipt["seal"]) == {"body", "signature"}
        assert set(receipt["seal"]["body"]) == members("seal")
        assert set(receipt["statement"]) <= members("statement")
    assert [item["receipt"]["seal"] for item in batch["items"]] == [0, 0]
    assert set(seal) == {"body", "signature", "range"}
    assert set(seal["range"]) == {"first", "count", "proof"}


async def test_a_notice_has_the_members_of_its_page(make_world: MakeWorld) -> None:
    async with make_world(without_look_ups) as world:
        await world.reader(feed=False)
        delta = await world.company()
        for empty in (False, True):
            await delta.post(event("a", empty=empty))

        [notice] = (await delta.get("/v1/notices", wait=30)).json["items"]

    assert set(notice) == members("notice") - {"version", "publisher", "submitted_by"}


async def test_the_public_documents_are_what_a_client_looks_for(delta: Caller) -> None:
    url = delta.world.hub.url
    metadata = (await delta.world.ask("GET", "/.well-known/oauth-authorization-server")).json
    jwks = (await delta.world.ask("GET", "/.well-known/jwks.json")).json
    history = (await delta.world.ask("GET", "/.well-known/customs-hub-keys.json")).json

    assert (metadata["issuer"], metadata["token_endpoint"]) == (url, f"{url}/oauth/token")
    assert metadata["jwks_uri"] == f"{url}/.well-known/jwks.json"
    assert all("d" not in key and key["alg"] == "ES256" for key in jwks["keys"])
    assert set(history) == {"hub", "keys"}
    assert b'"d"' not in orjson.dumps(history)
