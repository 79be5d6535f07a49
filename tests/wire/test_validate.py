"""A dry run: the verdict that sending would bring, and nothing is stored."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from hub.web.routes import BATCHED, BINARY, NDJSON, STRUCTURED
from tests.wire.test_tables import CSV, sheet
from tests.world import GATE_IN, Answer, Caller, HubWorld, event


async def check(caller: Caller, body: Any, media_type: str, **headers: str) -> Answer:
    sent = body if isinstance(body, bytes) else orjson.dumps(body)
    given = {"Content-Type": media_type} | {name.replace("_", "-"): text for name, text in headers.items()}
    return await caller.ask("POST", f"/v1/validate?type={GATE_IN}", data=sent, headers=given)


async def stored(world: HubWorld) -> int:
    status = await world.hub.status()
    return sum(partition["end"] for partition in status["partitions"])  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("body", "media_type", "verdicts"),
    [
        ([event("a"), event("b", empty="no")], BATCHED, ["VALID", "REJECTED"]),
        (orjson.dumps(event("a")) + b"\n{", NDJSON, ["VALID", "REJECTED"]),
        (sheet("a,no", "b,perhaps"), CSV, ["VALID", "REJECTED"]),
        ({"events": [{"eventID": "x"}]}, BINARY, ["REJECTED"]),
    ],
)
async def test_every_item_gets_its_verdict_and_nothing_is_stored(
    delta: Caller, body: Any, media_type: str, verdicts: list[str]
) -> None:
    answer = await check(delta, body, media_type)

    assert [item["verdict"] for item in answer.json["items"]] == verdicts
    assert answer.json["dry_run"] is True
    assert answer.json["counts"] == {verdict: verdicts.count(verdict) for verdict in verdicts}
    assert all("receipt" not in item for item in answer.json["items"])
    assert await stored(delta.world) == 0


async def test_a_single_event_is_answered_as_one(delta: Caller) -> None:
    good, bad = await check(delta, event("a"), STRUCTURED), await check(delta, event("a", empty="no"), STRUCTURED)

    assert (good.status, good.json["verdict"], good.json["dry_run"]) == (200, "VALID", True)
    assert (bad.status, bad.code, bad.json["dry_run"]) == (422, "EVENT_INVALID", True)


async def test_what_one_may_not_send_is_no_more_valid_here(world: HubWorld) -> None:
    nobody = await world.company("nobody")

    answer = await check(nobody, [event("a")], BATCHED)

    assert (answer.status, answer.json["items"][0]["code"]) == (403, "NOT_PERMITTED")


async def test_what_was_sent_after_a_dry_run_is_accepted_the_first_time(delta: Caller) -> None:
    await check(delta, event("a"), STRUCTURED)

    assert (await delta.post(event("a"))).status == 201


async def test_of_many_rows_those_are_shown_of_which_there_is_something_to_say(delta: Caller) -> None:
    rows = sheet(*[f"r{number},{'perhaps' if number % 200 == 0 else 'no'}" for number in range(1_200)])

    answer = await check(delta, rows, CSV)

    assert answer.json["counts"] == {"REJECTED": 6, "VALID": 1_194}
    assert [item["id"] for item in answer.json["items"]] == [f"r{number}" for number in range(0, 1_200, 200)]


@pytest.mark.parametrize(
    ("body", "media_type", "code"),
    [
        (b"", STRUCTURED, "BODY_MALFORMED"),
        (b"[]", BATCHED, "BODY_MALFORMED"),
        (b"{}", BINARY, "DOCUMENT_NOT_TAKEN"),
        (b"a,b\n1,2", CSV, "BODY_MALFORMED"),
        (b"{}", "text/plain", "MEDIA_TYPE_UNSUPPORTED"),
    ],
)
async def test_what_cannot_be_looked_at_is_refused(delta: Caller, body: bytes, media_type: str, code: str) -> None:
    assert (await check(delta, body, media_type)).code == code


async def test_a_stranger_is_told_nothing(world: HubWorld) -> None:
    reads = await world.company("reads", scopes=("receipts:read",))

    assert (await world.ask("POST", "/v1/validate", headers={"Content-Type": CSV})).code == "UNAUTHENTICATED"
    assert (await check(reads, event("a"), STRUCTURED)).code == "SCOPE_MISSING"
