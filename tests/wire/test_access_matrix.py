"""Every route × every kind of caller × what is one's own, another's and nobody's, generated from the routes' table.

A new route needs a row in `tests/wire/matrix.py`; nothing else: what it has to answer follows from its scopes.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from hub.core.quota import QuotaSettings
from hub.web.route import Route
from hub.web.routes import ROUTES
from tests.wire.conftest import MakeWorld
from tests.wire.matrix import (
    ANSWERED_ALIKE,
    ASKED,
    ENDLESS,
    KINDS,
    MARKER,
    PRIVATE,
    PUBLIC,
    Kind,
    Names,
    Stage,
    a_replay,
    asked,
    lose_a_key,
    names_in,
    set_up,
    something_of_every_kind,
    standing_for,
)
from tests.world import TOLD_SOON, Answer, Caller

MANY = 1_000_000
_OF_THE_MOMENT = {"Date", "DPoP-Nonce", "RateLimit", "RateLimit-Policy", "Content-Length"}
THEIR_OWN = ("/v1/events", "/v1/notices", "/epcis/capture", "/epcis/events", "/v1/feeds")


@pytest.fixture
async def stage(make_world: MakeWorld) -> AsyncIterator[Stage]:
    async with make_world(quotas={"failures_per_second": MANY, "api_key": QuotaSettings().trusted}) as world:
        yield await set_up(world)


def test_every_route_says_how_it_is_asked_and_what_stands_in_its_path() -> None:
    assert {route.name for route in ROUTES} == set(ASKED)
    assert {names_in(route) for route in ROUTES} - PRIVATE - set(PUBLIC) == {()}


async def test_whose_it_is_finds_what_the_marker_is_in(stage: Stage) -> None:
    """The test's own proof: the marker would be seen if it came through."""
    for path in (
        "/v1/events",
        "/epcis/events",
        f"/v1/tables/{stage.theirs['table']}",
        f"/v1/interchanges/{stage.theirs['interchange']}",
        f"/v1/interchanges/{stage.theirs['interchange']}?answer=aperak",
        f"/v1/proofs/{stage.theirs['proof']}",
    ):
        assert MARKER in (await stage.victim.get(path)).body.decode(), path
    copy = f"/v1/documents/{stage.theirs['sha256']}"
    assert MARKER in (await stage.victim.get(copy)).body.decode()
    assert MARKER.encode() in (await stage.victim.get(f"{copy}/content")).body
    assert MARKER in (await stage.holder.get("/v1/feeds/holder/records")).body.decode()


async def test_a_notice_reaches_nobody_but_whom_it_is_for(make_world: MakeWorld) -> None:
    async with make_world(intake=TOLD_SOON) as world:
        stage = await set_up(world)
        others = [stage.victim, await KINDS["authority without a feed"].enter(world)]

        await lose_a_key(stage.victim)
        notices = [await stage.holder.get("/v1/notices", wait=30)]
        notices += [await caller.get("/v1/notices") for caller in others]

        assert [MARKER in each.body.decode() for each in notices] == [True, False, False]


@pytest.mark.parametrize("name", KINDS)
async def test_nobody_is_answered_with_what_is_not_theirs(stage: Stage, name: str) -> None:
    kind = KINDS[name]
    before = await everything_of(stage)
    caller = await kind.enter(stage.world)
    stage.own = {"feed": kind.feed, "replay": await a_replay(caller, kind.feed)} if kind.feed else {}
    if not kind.stopped and "events:write" in kind.scopes:
        stage.own |= await something_of_every_kind(caller, "own", "mine")
    wrong: list[str] = []

    for route in ROUTES:
        wrong += await departures(stage, caller, kind, route)

    assert "\n".join(wrong) == ""
    assert await everything_of(stage) == before


async def departures(stage: Stage, caller: Caller, kind: Kind, route: Route) -> list[str]:
    """What one route does wrong for a caller, over everything that it can be asked for."""
    authorization = {"Authorization": f"Bearer {caller.token}"} if caller.token else {}
    wrong: list[str] = []
    for query in ASKED[route.name].queries:
        answers: dict[str, Answer] = {}
        for which, names in standing_for(route, stage):
            if (route.name, which) in ENDLESS:
                continue
            answer = await asked(stage, caller, route, names, query, authorization | dict(kind.headers))
            answers[which] = without(names, answer)
            found = leak_of(answer) or wrong_status(route, kind, which, answer)
            wrong += [f"{route.method} {route.path}?{query} {which}: {found}"] if found else []
        if route.scopes and "foreign" in answers and answers["foreign"] != answers["unknown"]:
            wrong.append(f"{route.method} {route.path}?{query}: {answers['foreign']} is not {answers['unknown']}")
    return wrong


def leak_of(answer: Answer) -> str:
    said = str(dict(answer.headers)) + answer.body.decode("latin-1")
    return f"leaks {said}" if MARKER.lower() in said.lower() else ""


def wrong_status(route: Route, kind: Kind, which: str, answer: Answer) -> str:
    """What is wrong about the status; empty if it is the one that the routes' table makes it."""
    if not route.scopes:
        return ""
    told = f"{answer.status} {answer.body[:200]!r}"
    if kind.stopped or kind.scopes.isdisjoint(route.scopes):
        wanted = kind.stopped or "SCOPE_MISSING"
        return "" if answer.code == wanted else f"{told} instead of {wanted}"
    if which in ("foreign", "unknown") and route.name not in ANSWERED_ALIKE:
        without_mandate = bool(kind.headers) and answer.code == "MANDATE_MISSING"
        return "" if without_mandate or answer.status in (404, 400) else f"{told} instead of 404"
    return f"{told} for what is one's own" if answer.status == 401 or (which == "own" and answer.status == 404) else ""


def without(names: Names, answer: Answer) -> Answer:
    """The answer without what was asked for, nor what changes from one moment to the next."""
    body = answer.body
    for value in sorted(names.values(), key=len, reverse=True):
        body = body.replace(value.encode(), b"*")
    body = re.sub(rb'"known_up_to":("[^"]*"|null)', b'"known_up_to":*', body)
    headers = {name: text for name, text in answer.headers.items() if name not in _OF_THE_MOMENT}
    return Answer(answer.status, headers, body)


async def everything_of(stage: Stage) -> list[object]:
    """What the others have, as they see it."""
    paths = [*THEIR_OWN, f"/v1/documents/{stage.theirs['sha256']}", f"/v1/tables/{stage.theirs['table']}"]
    seen = [(await stage.victim.get(path)).json for path in paths]
    seen.append((await stage.holder.get("/v1/feeds/holder/records", wait=30)).json["items"])
    return [
        {key: value for key, value in each.items() if key not in ("known_up_to", "next", "creationDate")}
        if isinstance(each, dict)
        else each
        for each in seen
    ]
