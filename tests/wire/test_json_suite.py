"""Every route that takes JSON, against texts that are JSON, are none, or are so to some readers only."""

from __future__ import annotations

from collections.abc import AsyncIterator

import orjson
import pytest

from hub.web.route import BATCHED, LINKED, NDJSON, Route
from hub.web.routes import ROUTES
from tests.wire.conftest import MakeWorld
from tests.wire.json_suite import DIFFERS, HELD_STRICTER, INVALID, VALID
from tests.wire.test_copies import AEO
from tests.world import Answer, Caller, event

MANY = 1_000_000
NO_JSON = {400, 403, 404, 413, 422}
"""What a text may be answered that is none: refused for its form or length, or before that for what the path names."""
DOORS = [
    (route, media_type)
    for route in ROUTES
    for media_type in route.media_types
    if "json" in media_type and route.path != "/v1/validate"
]


@pytest.fixture
async def delta(make_world: MakeWorld) -> AsyncIterator[Caller]:
    async with make_world(quotas={"failures_per_second": MANY}, intake={"sources_per_publisher_max": 1_000}) as world:
        await world.reader(feed=False)
        delta = await world.company(roles=["terminal", "exporter"])
        await world.act("partner.aeo", id="delta", number="NLAEOF-delta", **AEO)
        yield delta


async def send(delta: Caller, route: Route, media_type: str, body: bytes) -> Answer:
    path = route.path.replace("{sha256}", "0" * 64).replace("{feed}", "nobodys") + (
        "?kind=380&reference=R" if route.name == "post_document" else ""
    )
    return await delta.ask(route.method, path, data=body, headers={"Content-Type": media_type})


@pytest.mark.parametrize(
    ("route", "media_type"), DOORS, ids=lambda each: each.name if isinstance(each, Route) else each
)
async def test_what_is_no_json_is_refused_and_breaks_nothing(delta: Caller, route: Route, media_type: str) -> None:
    taken = []

    for name, text in INVALID.items():
        answer = await send(delta, route, media_type, text)
        if answer.status not in _refusing(route, media_type):
            taken.append((name, answer))

    assert taken == []


def _refusing(route: Route, media_type: str) -> set[int]:
    """A capture is judged later, a line of NDJSON for itself, and a code that ends a key tells nobody anything."""
    return NO_JSON | ({202} if route.name == "epcis_capture" else set()) | ({207} if media_type == NDJSON else set())


@pytest.mark.parametrize(
    ("route", "media_type"), DOORS, ids=lambda each: each.name if isinstance(each, Route) else each
)
async def test_whatever_json_comes_the_hub_fails_at_none(delta: Caller, route: Route, media_type: str) -> None:
    for text in (VALID | DIFFERS).values():
        assert (await send(delta, route, media_type, text)).status < 500


def event_with(name: str, text: bytes) -> bytes:
    whole = orjson.dumps(event(name, extensions={"x": "HERE"}))
    return whole.replace(b'"HERE"', text)


async def test_what_is_json_is_taken_inside_an_event_unless_readers_differ_about_it(delta: Caller) -> None:
    answers = {name: await delta.post(event_with(name, text)) for name, text in VALID.items()}

    refused = {name: answer for name, answer in answers.items() if answer.status != 201}
    assert set(refused) == set(HELD_STRICTER)
    assert {each["code"] for answer in refused.values() for each in answer.json["faults"]} == {"JSON_MEMBER_REPEATED"}


async def test_what_is_no_json_is_refused_inside_an_event_and_a_batch(delta: Caller) -> None:
    taken = []

    for name, text in INVALID.items():
        if name in ("array_comma_after_close", "structure_no_data", "single_space") or name.startswith("structure_two"):
            continue  # What follows makes something else of it.
        whole = event_with(name, text)
        answers = [await delta.post(whole), await delta.post(b"[" + whole + b"]", BATCHED)]
        taken += [(name, each) for each in answers if each.status not in (400, 422)]

    assert taken == []


async def test_what_readers_differ_about_is_judged_alike_alone_and_in_a_batch(delta: Caller) -> None:
    for name, text in DIFFERS.items():
        alone = await delta.post(event_with(f"{name}-a", text))
        both = await delta.post(b"[" + event_with(f"{name}-b", text) + b"]", BATCHED)

        assert (alone.status in (200, 201)) == (both.status == 200), (name, alone, both)
        assert alone.status in (201, 400, 422)


def test_every_door_that_takes_json_is_tried() -> None:
    assert {route.name for route, _ in DOORS} >= {"post_events", "acknowledge", "withdraw_document", "epcis_capture"}
    assert LINKED in {media_type for _, media_type in DOORS}


SHAPES = {
    "enrolment_challenge": ("code_sha256", "0" * 64),
    "enrol": ("proof", "a.b.c"),
    "rotate_credential": ("proof", "a.b.c"),
    "revoke_credential": ("code", "chr_0"),
    "receipt_verified": ("receipt", {}),
    "acknowledge": ("cursor", "x"),
    "withdraw_document": ("reason", {"text": "x"}),
}
"""By route: the one member that its body has."""


@pytest.mark.parametrize("name", SHAPES)
async def test_a_member_that_is_sent_twice_is_refused_whichever_counts(delta: Caller, name: str) -> None:
    [(route, media_type)] = [each for each in DOORS if each[0].name == name]
    member, value = SHAPES[name]
    once = orjson.dumps({member: value})
    twice = once[:-1] + b"," + once[1:]

    first, answer = await send(delta, route, media_type, once), await send(delta, route, media_type, twice)

    assert answer.code == "BODY_MALFORMED" or (answer.code, first.code) == ("SCOPE_MISSING", "SCOPE_MISSING")
