"""What a sender is told: the status of every outcome, one event or many, and receipts that verify without the hub."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from connectors.verify import SAME, STATED, verify
from hub.assembly.grounds import Ports
from hub.core.errors import HubError, StorageFull, StorageUnavailable, Unknown
from hub.web.routes import BATCHED, BINARY, NDJSON
from tests.faults.scripted import ScriptedLog
from tests.wire.conftest import MakeWorld, without_look_ups
from tests.world import SOURCE, Caller, HubWorld, event

BAD = event("bad", place=None)


def verdicts(answer: Any) -> list[str]:
    return [item["verdict"] for item in answer.json["items"]]


def codes(answer: Any) -> list[str | None]:
    return [item.get("code") for item in answer.json["items"]]


def scripted(script: list[HubError | Unknown], logs: list[ScriptedLog] | None = None) -> Any:
    """The next appends to `hub.events` come out as the script says; the log that does so is put into `logs`."""

    def wrap(ports: Ports) -> Ports:
        log = ScriptedLog(ports.log)
        log.script.extend(script)
        if logs is not None:
            logs.append(log)
        return replace(ports, log=log)

    return wrap


async def test_one_event_is_created_and_its_repeat_is_ok_with_the_same_receipt(delta: Caller) -> None:
    sent = event("a")

    first = await delta.post(sent)
    again = await delta.post(sent)

    assert (first.status, first.json["verdict"]) == (201, "ACCEPTED")
    assert (again.status, again.json["verdict"]) == (200, "DUPLICATE")
    assert again.json["receipt"] == first.json["receipt"]


async def test_a_repeat_in_other_bytes_is_a_repeat(delta: Caller) -> None:
    sent = event("a")
    await delta.post(sent)

    again = await delta.post(orjson.dumps(sent, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))

    assert again.json["verdict"] == "DUPLICATE"


async def test_other_content_under_a_known_identity_is_a_conflict(delta: Caller) -> None:
    await delta.post(event("a"))
    await delta.judged("a")

    answer = await delta.post(event("a", empty=True))

    assert (answer.status, answer.code, answer.json["verdict"]) == (409, "CONFLICT", "CONFLICT")


async def test_a_later_version_of_an_event_is_another_event(delta: Caller) -> None:
    sent = event("a")
    await delta.post(sent)
    later = sent | {"data": sent["data"] | {"updated_at": sent["data"]["occurred_at"], "empty": True}}

    assert (await delta.post(later)).status == 201
    assert (await delta.post(later)).status == 200
    assert await delta.judged("a", version=later["data"]["updated_at"]) == ["FIRST"]
    assert len((await delta.get("/v1/receipts", source=SOURCE, id="a")).json["items"]) == 1


@pytest.mark.parametrize("sent", [BAD, {"type": 1}, {}, BAD | {"type": "customs.container.gate_out"}])
async def test_an_invalid_event_is_unprocessable(delta: Caller, sent: Any) -> None:
    answer = await delta.post(sent)

    assert (answer.status, answer.code) == (422, "EVENT_INVALID")
    assert answer.json["faults"]


async def test_an_event_that_no_agreement_asks_for_is_forbidden_and_says_what_to_ask_for(world: HubWorld) -> None:
    delta = await world.company()

    answer = await delta.post(event("a"))

    assert (answer.status, answer.code) == (403, "NOT_PERMITTED")
    assert "customs.container.gate_in from delta" in answer.json["detail"]
    batch = await delta.post([event("a"), event("b")], BATCHED)
    assert batch.status == 403
    assert [(item["title"], item["fix"]) for item in batch.json["items"]] == [
        (answer.json["title"], answer.json["fix"])
    ] * 2


async def test_a_trade_that_does_not_report_a_type_is_told_who_does(delta: Caller) -> None:
    exporter = await delta.world.company("echo", roles=["exporter"])

    answer = await exporter.post(event("a"))

    assert (answer.status, answer.code) == (403, "ROLE_NOT_PERMITTED")
    assert answer.json["detail"] == "customs.container.gate_in is reported by: carrier, terminal, warehouse"


async def test_aeo_status_is_asked_for_only_by_the_types_that_need_it(delta: Caller) -> None:
    document = event("doc", type="customs.document.submitted")

    missing = await delta.post(document)
    await delta.world.act(
        "partner.aeo", id="delta", number="NLAEOF1", type="F", issuer="NL", valid_from="2020-01-01", status="suspended"
    )
    suspended = await delta.post(document)
    await delta.world.act("partner.aeo", id="delta", status="valid")
    valid = await delta.post(document)

    assert (missing.status, missing.code) == (403, "AEO_REQUIRED")
    assert missing.json["detail"] == "customs.document.submitted: delta has no AEO authorisation"
    assert suspended.json["detail"] == "customs.document.submitted: AEO authorisation NLAEOF1 is suspended"
    assert valid.code == "EVENT_INVALID"
    assert (await delta.post(event("a"))).status == 201


@pytest.mark.parametrize(
    ("outcome", "status", "code"),
    [
        (Unknown("no acknowledgement"), 503, "OUTCOME_UNKNOWN"),
        (StorageUnavailable("away"), 503, "STORAGE_UNAVAILABLE"),
        (StorageFull("full"), 507, "STORAGE_FULL"),
    ],
)
async def test_storage_that_does_not_take_an_event_says_so_and_the_next_try_succeeds(
    make_world: MakeWorld, outcome: Any, status: int, code: str
) -> None:
    async with make_world(scripted([outcome, outcome])) as world:
        await world.reader(feed=False)
        delta = await world.company()
        batch = [event("a"), event("b")]

        single = await delta.post(batch[0])
        many = await delta.post(batch, BATCHED)

        verdict = "UNKNOWN" if code == "OUTCOME_UNKNOWN" else "NOT_ATTEMPTED"  # Only what is unsure is unknown.
        assert (single.status, single.code, single.json["verdict"]) == (status, code, verdict)
        assert (many.status, verdicts(many), codes(many)) == (status, [verdict] * 2, [code] * 2)
        assert single.headers["Retry-After"] == many.headers["Retry-After"] == "1"
        assert verdicts(await delta.post(batch, BATCHED)) == ["ACCEPTED"] * 2


async def test_a_repeat_whose_receipt_cannot_be_read_hides_nothing_of_the_others(make_world: MakeWorld) -> None:
    logs: list[ScriptedLog] = []
    async with make_world(scripted([], logs)) as world:
        await world.reader(feed=False)
        delta = await world.company()
        known = event("known")
        await delta.post(known)
        logs[0].unreadable = StorageUnavailable("away")

        answer = await delta.post([event("a"), known, event("b")], BATCHED)
        alone = await delta.post(known)
        logs[0].unreadable = None

        assert (answer.status, verdicts(answer)) == (207, ["ACCEPTED", "UNKNOWN", "ACCEPTED"])
        assert codes(answer) == [None, "STORAGE_UNAVAILABLE", None]
        assert (alone.status, alone.code) == (503, "STORAGE_UNAVAILABLE")
        assert (await delta.post(known)).json["verdict"] == "DUPLICATE"


async def test_a_batch_that_is_sent_again_is_answered_with_the_receipts_of_the_first_time(delta: Caller) -> None:
    batch = [event(f"e{number}") for number in range(300)]
    first = await delta.post(batch, BATCHED)

    again = await delta.post(batch[::-1], BATCHED)

    assert set(verdicts(again)) == {"DUPLICATE"}
    statements = [item["receipt"]["statement"] for item in first.json["items"]]
    assert [item["receipt"]["statement"] for item in again.json["items"]] == statements[::-1]
    keys = await delta.world.keys()
    assert all(verify(again.body, orjson.dumps(each), keys).valid for each in batch[::100])


@pytest.mark.parametrize(
    ("batch", "status", "expected"),
    [
        ([event("a"), event("b")], 200, ["ACCEPTED", "ACCEPTED"]),
        ([event("known")], 200, ["DUPLICATE"]),
        ([event("known"), event("a")], 200, ["DUPLICATE", "ACCEPTED"]),
        ([event("a"), BAD], 207, ["ACCEPTED", "REJECTED"]),
        ([BAD, BAD], 422, ["REJECTED", "REJECTED"]),
        ([event("known", empty=True)], 422, ["CONFLICT"]),
        ([event("known", empty=True), event("a")], 207, ["CONFLICT", "ACCEPTED"]),
        ([BAD, event("known", empty=True)], 422, ["REJECTED", "CONFLICT"]),
    ],
)
@pytest.mark.parametrize("media_type", [BATCHED, NDJSON])
async def test_a_batch_has_the_status_that_its_items_share(
    delta: Caller, media_type: str, batch: list[dict[str, Any]], status: int, expected: list[str]
) -> None:
    known = event("known")
    await delta.post(known)
    await delta.judged("known")
    sent = [known if each["id"] == "known" and not each["data"]["empty"] else each for each in batch]
    body = orjson.dumps(sent) if media_type == BATCHED else b"\n".join(map(orjson.dumps, sent))

    answer = await delta.post(body, media_type)

    assert (answer.status, verdicts(answer)) == (status, expected)
    assert [item["index"] for item in answer.json["items"]] == list(range(len(batch)))


async def test_an_atomic_batch_is_stored_only_if_every_item_can_be(delta: Caller) -> None:
    refused = await delta.post([event("a"), BAD], BATCHED, Hub_Batch="atomic")
    taken = await delta.post([event("a"), event("b")], BATCHED, Hub_Batch="atomic")

    assert (refused.status, refused.json["code"]) == (422, "BATCH_REFUSED")
    assert list(zip(verdicts(refused), codes(refused), strict=True)) == [
        ("NOT_ATTEMPTED", "NOT_ATTEMPTED"),
        ("REJECTED", "EVENT_INVALID"),
    ]
    assert (taken.status, verdicts(taken)) == (200, ["ACCEPTED", "ACCEPTED"])


async def test_an_atomic_batch_with_an_event_that_contradicts_another_stores_nothing(delta: Caller) -> None:
    refused = await delta.post([event("a"), event("b"), event("a", empty=True)], BATCHED, Hub_Batch="atomic")
    taken = await delta.post([event("a", empty=True), event("b", empty=True)], BATCHED, Hub_Batch="atomic")

    assert (refused.status, refused.json["code"]) == (422, "BATCH_REFUSED")
    assert verdicts(refused) == ["NOT_ATTEMPTED", "NOT_ATTEMPTED", "CONFLICT"]
    assert verdicts(taken) == ["ACCEPTED", "ACCEPTED"]


async def test_receipts_of_every_mode_verify_offline_against_the_bytes_sent(delta: Caller) -> None:
    keys = await delta.world.keys()
    single, *batch = [orjson.dumps(event(id_)) for id_ in ("s", "b1", "b2", "b3")]
    spaced = b"[ " + b" ,\n".join(batch) + b" ]"
    lines = [orjson.dumps(event("l1")), b" " + orjson.dumps(event("l2")) + b"\t "]

    alone = await delta.post(single)
    array = await delta.post(spaced, BATCHED)
    ndjson = await delta.post(b"\r\n".join(lines), NDJSON)

    pairs = [(alone, single), *((array, each) for each in batch), *((ndjson, each) for each in lines)]
    found = [verify(answer.body, each, keys) for answer, each in pairs]
    assert [verdict.fault for verdict in found] == [""] * 6
    assert {verdict.checks[2].seen for verdict in found} == {"the same bytes, by SHA-256"}


async def test_binary_mode_puts_the_event_together_and_digests_the_body(delta: Caller) -> None:
    sent = event("ä %41") | {"traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01"}
    attributes = {f"ce_{name}": str(value) for name, value in sent.items() if name != "data"}
    attributes["ce_id"] = "%C3%A4 %2541"
    body = orjson.dumps(sent["data"])

    answer = await delta.post(body, BINARY, **attributes)

    assert answer.status == 201, answer
    assert answer.json["id"] == "ä %41"
    keys = await delta.world.keys()
    assert verify(answer.body, body, keys).proves == (STATED, SAME["raw_sha256"])
    assert verify(answer.body, orjson.dumps(sent), keys).proves == (STATED, SAME["canonical_sha256"])
    assert (await delta.post(sent)).json["verdict"] == "DUPLICATE"


async def test_receipts_are_given_again_with_the_same_statement_and_seal(delta: Caller) -> None:
    sent = [event("a"), event("b"), event("c")]
    answer = await delta.post(sent, BATCHED)
    await delta.judged("b")

    again = await delta.get("/v1/receipts", source=SOURCE, id="b")

    assert verify(again.body, orjson.dumps(sent[1]), await delta.world.keys()).valid
    [receipt] = again.json["items"]
    assert receipt["statement"] == answer.json["items"][1]["receipt"]["statement"]
    assert receipt["seal"]["body"] == answer.json["seals"][0]["body"]
    statement = orjson.dumps(receipt["statement"], option=orjson.OPT_SORT_KEYS)
    seal = orjson.dumps(receipt["seal"]["body"], option=orjson.OPT_SORT_KEYS)
    assert statement in answer.body
    assert statement in again.body
    assert seal in answer.body
    assert seal in again.body


async def test_the_same_event_a_hundred_times_at_once_is_one_first(delta: Caller) -> None:
    body = orjson.dumps(event("a"))
    keys = await delta.world.keys()

    answers = await asyncio.gather(*(delta.post(body) for _ in range(100)))

    assert {answer.status for answer in answers} <= {200, 201}
    assert all(verify(answer.body, body, keys).valid for answer in answers)
    accepted = [answer for answer in answers if answer.status == 201]
    judged = await delta.judged("a", len(accepted))
    assert judged == ["FIRST"] + ["REPEAT"] * (len(accepted) - 1)


async def test_a_conflict_that_slipped_past_the_look_up_is_told_to_its_publisher_alone(make_world: MakeWorld) -> None:
    async with make_world(without_look_ups) as world:
        await world.reader(feed=False)
        delta, echo = await world.company(), await world.company("echo")

        assert [(await delta.post(event("a", empty=empty))).status for empty in (False, True)] == [201, 201]
        assert await delta.judged("a", 2) == ["FIRST", "CONFLICT"]

        notices = (await delta.get("/v1/notices", wait=30)).json
        assert [(each["code"], each["source"], each["id"]) for each in notices["items"]] == [("CONFLICT", SOURCE, "a")]
        assert (await delta.get("/v1/notices", cursor=notices["next"])).json["items"] == []
        assert (await echo.get("/v1/notices")).json["items"] == []
        assert (await echo.get("/v1/notices", cursor=notices["next"])).code == "CURSOR_INVALID"


async def test_another_publisher_with_the_same_source_and_id_sees_nothing_of_it(delta: Caller) -> None:
    echo = await delta.world.company("echo")
    await delta.post(event("a"))
    await delta.judged("a")

    assert (await echo.get("/v1/events", source=SOURCE, id="a")).json["items"] == []
    assert (await echo.get("/v1/receipts", source=SOURCE, id="a")).json["items"] == []
    assert (await echo.post(event("a", empty=True))).status == 201


async def test_the_status_of_an_event_that_is_not_judged_says_how_far_judging_has_come(delta: Caller) -> None:
    before = await delta.get("/v1/events", source=SOURCE, id="never")
    await delta.post(event("a"))
    await delta.judged("a")
    after = await delta.get("/v1/events", source=SOURCE, id="never")

    assert (before.status, before.json["judged"], before.json["judged_up_to"]) == (200, False, None)
    assert after.json["judged_up_to"] is not None


async def test_a_publisher_may_not_open_sources_without_end(make_world: MakeWorld) -> None:
    async with make_world(intake={"sources_per_publisher_max": 2}) as world:
        await world.reader(feed=False)
        delta = await world.company()

        answers = [await delta.post(event("a", source=f"urn:{name}")) for name in ("one", "two", "three", "one")]

    assert [answer.status for answer in answers] == [201, 201, 422, 200] or answers[3].status == 409
    assert [each["code"] for each in answers[2].json["faults"]] == ["TOO_MANY_SOURCES"]


async def test_a_warning_travels_with_an_accepted_event(delta: Caller) -> None:
    answer = await delta.post(event("a", colour="blue", subjects=[{"scheme": "iso6346", "value": "MSKU1234560"}]))

    assert answer.status == 201
    assert {each["severity"] for each in answer.json["faults"]} == {"WARNING"}
    assert {each["place"] for each in answer.json["faults"]} == {"/data/colour", "/data/subjects/0/value"}


async def test_receipts_and_judgements_of_an_event_sent_again_and_again_come_in_parts(delta: Caller) -> None:
    assert (await delta.post([event("same")] * 150, BATCHED)).status == 200
    query = {"source": SOURCE, "id": "same"}
    while not (await delta.get("/v1/events", cursor="149", **query)).json["items"]:
        await asyncio.sleep(0.005)

    for path in ("/v1/events", "/v1/receipts"):
        first = (await delta.get(path, **query)).json
        second = (await delta.get(path, cursor=first["next"], **query)).json
        behind = (await delta.get(path, cursor="150", **query)).json
        few = (await delta.get(path, limit=2, **query)).json

        assert [len(part["items"]) for part in (first, second, behind, few)] == [100, 50, 0, 2]
        assert [part["next"] for part in (second, behind, few)] == [None, None, "2"]
        assert first["items"][:2] == few["items"]
        assert (await delta.get(path, cursor="x", **query)).code == "BAD_REQUEST"
