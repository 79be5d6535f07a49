"""Customs answers back: who may tell whom what about which event, what the company reads, and what the engine sees."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from msgspec.structs import replace

from hub.core.dispatch import Kind
from hub.delivery.answered import notice_ack_text
from tests.mandates import Principal, principal
from tests.wire.conftest import MakeWorld
from tests.wire.test_acknowledgements import sign
from tests.world import GATE_IN, RISK, Answer, Caller, HubWorld, event

ALL_KINDS = [kind.value for kind in Kind]
SCOPES = ("feeds:read", "receipts:read", "notices:write")
CONTAINER = {"scheme": "iso6346", "value": "MSKU1234565"}
CUT = ["/data/subjects"]
"""Of these agreements source, id and publisher are pseudonyms."""


async def engine(world: HubWorld, name: str = "watch", **agreement: Any) -> Caller:
    """An authority with a feed of its name, whose agreement `<name>-all` lists every kind if nothing else is given."""
    caller = await world.company(name, scopes=SCOPES, roles=["authority"])
    given = {"provider": {"all": True}, "types": ["*"], "fields": CUT, "notices": ALL_KINDS} | agreement
    await world.act("agreement.add", id=f"{name}-all", recipient=name, purpose=RISK, **given)
    await world.act("feed.add", name=name, recipient=name, purpose=RISK)
    return caller


@pytest.fixture
async def watch(world: HubWorld) -> Caller:
    return await engine(world)


@pytest.fixture
async def delta(watch: Caller) -> Caller:
    return await watch.world.company()


async def shown(to: Caller, sender: Caller, **data: Any) -> dict[str, Any]:
    """An event of the sender's, as the feed shows it."""
    known = len((await to.get(f"/v1/feeds/{to.partner}/records", **{"from": "earliest"})).json["items"])
    assert (await sender.post(event(**data))).status == 201
    return (await to.records(to.partner, known + 1))[known]


def named(record: dict[str, Any]) -> dict[str, str]:
    return {name: record[name] for name in ("source", "id", "publisher", "receivedtime")}


def hold(record: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    about = {"event": named(record)} if record is not None else {}
    good = {"id": uuid4().hex, "kind": "hold", "feed": "watch", **about, "text": "Hold it.", "language": "en"}
    return {name: value for name, value in (good | more).items() if value is not None}


async def send(to: Caller, notice: dict[str, Any]) -> Answer:
    return await to.ask("POST", "/v1/notices", json=notice)


async def told(to: Caller, count: int = 1) -> list[dict[str, Any]]:
    """The notices of a company, once there are so many."""
    while len(items := (await to.get("/v1/notices", wait=1)).json["items"]) < count:
        pass
    return list(items)


async def acknowledge(to: Caller, notice: str, **body: Any) -> Answer:
    return await to.ask("POST", f"/v1/notices/{notice}/acknowledge", json=body)


async def sent(by: Caller, until: Callable[[dict[str, Any]], bool], **query: str) -> dict[str, Any]:
    """The one notice that it sent, once it is so."""
    while True:
        items = (await by.get("/v1/notices/sent", **query)).json["items"]
        if items and until(items[0]):
            return dict(items[0])
        await asyncio.sleep(0.01)


async def test_a_hold_reaches_the_company_as_its_own_event_and_says_nothing_of_why(
    watch: Caller, delta: Caller
) -> None:
    record = await shown(watch, delta, id="gate-1")
    assert record["id"].startswith("p-")

    answer = await send(watch, hold(record, acknowledge=True))

    assert answer.status == 201
    [notice] = await told(delta)
    assert (notice.pop("notice"), notice.pop("received")) == (answer.json["items"][0]["notice"], record["receivedtime"])
    assert notice.pop("time") <= answer.json["items"][0]["sent"]
    assert notice == {
        "code": "CUSTOMS_HOLD",
        "source": "urn:example:delta:tos",
        "id": "gate-1",
        "text": "Hold it.",
        "language": "en",
        "acknowledge": True,
    }


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.DATA_QUALITY])
async def test_every_kind_has_a_code_of_its_own(watch: Caller, delta: Caller, kind: Kind) -> None:
    assert (await send(watch, hold(await shown(watch, delta), kind=kind.value))).status == 201

    assert [each["code"] for each in await told(delta)] == [kind.code]


async def test_the_sender_sees_it_written_read_and_acknowledged(watch: Caller, delta: Caller) -> None:
    await send(watch, hold(await shown(watch, delta), acknowledge=True))

    written = await sent(watch, lambda each: each["state"] == "written")
    [notice] = await told(delta)
    read = await sent(watch, lambda each: each["state"] == "read")
    first = await acknowledge(delta, notice["notice"])
    again = await acknowledge(delta, notice["notice"])
    done = await sent(watch, lambda each: each["state"] == "acknowledged")

    assert (first.status, first.json) == (200, again.json)
    assert (written["read"], read["acknowledged"], done["acknowledged"]) == (None, None, first.json["acknowledged"])


async def test_a_signed_acknowledgement_is_kept_with_its_signature(watch: Caller, delta: Caller) -> None:
    await send(watch, hold(await shown(watch, delta), acknowledge=True))
    [notice] = await told(delta)
    kept = watch.world.hub.ports.dispatches
    dispatch, now = (await kept.get(notice["notice"])).dispatch, int(time.time())  # type: ignore[union-attr]
    assert dispatch.document() == notice
    signature = sign(delta.key, notice_ack_text(watch.world.hub.settings.hub_name, dispatch, now))

    answer = await acknowledge(delta, notice["notice"], time=now, signature=signature)

    after = await kept.get(notice["notice"])
    assert answer.status == 200
    assert after is not None
    assert (after.acknowledged_by, after.signature) == ("delta.sys", signature)
    assert (await sent(watch, lambda each: each["signed"]))["state"] == "acknowledged"


@pytest.mark.parametrize("wrong", ["late", "other words", "other key"])
async def test_a_signature_that_does_not_hold_acknowledges_nothing(watch: Caller, delta: Caller, wrong: str) -> None:
    await send(watch, hold(await shown(watch, delta)))
    [notice] = await told(delta)
    found = await watch.world.hub.ports.dispatches.get(notice["notice"])
    assert found is not None
    now = int(time.time()) - (1_000 if wrong == "late" else 0)
    text = notice_ack_text(watch.world.hub.settings.hub_name, found.dispatch, now)
    signature = sign(watch.key if wrong == "other key" else delta.key, text + b" " * (wrong == "other words"))

    answer = await acknowledge(delta, notice["notice"], time=now, signature=signature)

    assert answer.code == "ACK_SIGNATURE_INVALID"
    assert (await sent(watch, lambda _: True))["acknowledged"] is None


async def test_a_notice_of_another_company_or_nobody_is_acknowledged_by_nobody(watch: Caller, delta: Caller) -> None:
    other = await watch.world.company("echo")
    await send(watch, hold(await shown(watch, delta)))
    [notice] = await told(delta)

    answers = [await acknowledge(who, notice["notice"]) for who in (other, watch)]
    answers.append(await acknowledge(delta, "0" * 32))

    assert {answer.code for answer in answers} == {"NOT_FOUND"}
    assert (await sent(watch, lambda _: True))["acknowledged"] is None


async def test_a_deadline_is_told_to_the_company(watch: Caller, delta: Caller) -> None:
    day = datetime.now(UTC) + timedelta(days=1)

    answer = await send(watch, hold(await shown(watch, delta), deadline=day.isoformat()))

    [notice] = await told(delta)
    assert (notice["acknowledge"], notice["deadline"]) == (True, answer.json["items"][0]["deadline"])


async def test_a_deadline_that_passed_is_told_to_the_sender_also_after_the_acknowledgement(
    watch: Caller, delta: Caller
) -> None:
    await send(watch, hold(await shown(watch, delta)))
    kept = watch.world.hub.ports.dispatches
    [of_now] = await kept.sent_as("watch", (await sent(watch, lambda _: True))["id"])
    await kept.add([replace(of_now.dispatch, id="0" * 32, own="late", due_us=1)])

    overdue = await sent(watch, lambda each: each["state"] == "overdue", overdue="yes")
    await told(delta, 2)
    await acknowledge(delta, "0" * 32)

    done = await sent(watch, lambda each: bool(each["acknowledged"]), overdue="yes")
    assert (done["state"], done["overdue"], done["id"]) == ("acknowledged", overdue["overdue"], "late")


async def test_the_same_id_again_is_sent_once_and_with_other_words_is_refused(watch: Caller, delta: Caller) -> None:
    notice = hold(await shown(watch, delta))
    await send(watch, notice)
    await told(delta)

    again, other = await send(watch, notice), await send(watch, notice | {"text": "Let it go."})

    assert (again.status, other.code) == (200, "NOTICE_CONFLICT")
    await send(watch, hold(await shown(watch, delta), text="Another."))
    assert [each["text"] for each in await told(delta, 2)] == ["Hold it.", "Another."]


async def test_of_the_same_sent_many_times_at_once_one_is_written(watch: Caller, delta: Caller) -> None:
    notice = hold(await shown(watch, delta))

    answers = await asyncio.gather(*(send(watch, notice) for _ in range(8)))

    assert {answer.status for answer in answers} <= {200, 201}
    await send(watch, hold(await shown(watch, delta), text="The last."))
    assert [each["text"] for each in await told(delta, 2)] == ["Hold it.", "The last."]


async def test_a_kind_that_no_agreement_lists_is_refused_with_the_reason(world: HubWorld) -> None:
    watch, delta = await engine(world, notices=["release", "advice"]), await world.company()

    answer = await send(watch, hold(await shown(watch, delta)))

    assert (answer.status, answer.code) == (403, "NOTICE_NOT_AGREED")
    assert answer.json["detail"] == "hold is not in: watch-all"
    assert (await delta.get("/v1/notices")).json["items"] == []


async def test_an_agreement_that_ended_lets_nothing_be_sent(watch: Caller, delta: Caller) -> None:
    record = await shown(watch, delta)
    more = {"recipient": "watch", "purpose": RISK, "provider": {"partner": "delta"}, "fields": CUT}
    types = ["customs.seal.*"]
    await watch.world.act("agreement.add", id="other", types=types, notices=ALL_KINDS, **more)
    await watch.world.act("agreement.end", id="watch-all")

    answer = await send(watch, hold(record))

    assert (answer.code, answer.json["detail"]) == ("NOTICE_NOT_AGREED", "no agreement in force covers it")


async def test_an_agreement_for_another_purpose_lets_nothing_be_sent(world: HubWorld) -> None:
    watch, delta = await engine(world, notices=[]), await world.company()
    given = {"provider": {"all": True}, "types": ["*"], "fields": ["*"], "notices": ALL_KINDS}
    await world.act("agreement.add", id="statistics", recipient="watch", purpose="statistics", **given)

    answer = await send(watch, hold(await shown(watch, delta)))

    assert (answer.code, answer.json["detail"]) == ("NOTICE_NOT_AGREED", "hold is not in: watch-all")


async def test_an_agreement_whose_conditions_the_event_does_not_meet_lets_nothing_be_sent(world: HubWorld) -> None:
    watch, delta = await engine(world, notices=[]), await world.company()
    given = {"provider": {"all": True}, "types": ["*"], "fields": CUT, "conditions": {"places": ["DE"]}}
    await world.act("agreement.add", id="german", recipient="watch", purpose=RISK, notices=ALL_KINDS, **given)

    assert (await send(watch, hold(await shown(watch, delta)))).code == "NOTICE_NOT_AGREED"
    german = await shown(watch, delta, place={"unlocode": "DEHAM"})
    assert (await send(watch, hold(german))).status == 201


async def test_what_the_feed_did_not_show_is_found_by_no_name(watch: Caller, delta: Caller) -> None:
    """Another's event, one of another feed, a pseudonym of another feed, and one that there never was."""
    world = watch.world
    other = await engine(world, "other", fields=["*"])
    record = await shown(watch, delta, id="gate-1")
    clear = (await other.records("other", 1))[0]
    assert clear["id"] == "gate-1"
    await world.act("feed.add", name="second", recipient="watch", purpose=RISK)
    second = (await watch.records("second", 1))[0]

    wrong = [named(clear), named(second), named(record) | {"id": second["id"]}, named(record) | {"id": "gate-1"}]
    wrong += [named(record) | {"receivedtime": "2026-01-01T00:00:00Z"}, named(record) | {"publisher": "delta"}]
    answers = [await send(watch, hold(event=each)) for each in wrong]

    assert {(answer.code, answer.json["detail"]) for answer in answers} == {
        ("NOT_FOUND", "the feed watch holds no record that is named like this")
    }


async def test_a_feed_of_another_or_none_is_not_found_and_one_that_ended_is_gone(watch: Caller, delta: Caller) -> None:
    other, record = await engine(watch.world, "other"), await shown(watch, delta)
    answers = [await send(other, hold(record)), await send(watch, hold(record, feed="none"))]
    await watch.world.act("feed.end", name="watch")

    assert {answer.code for answer in answers} == {"NOT_FOUND"}
    assert (await send(watch, hold(record))).code == "FEED_GONE"


async def test_who_is_suspended_sends_nothing_and_who_is_no_authority_never_does(watch: Caller, delta: Caller) -> None:
    record = await shown(watch, delta)
    trader = await watch.world.company("trader", scopes=SCOPES)

    assert (await send(trader, hold(record))).code == "ROLE_NOT_PERMITTED"
    assert (await send(delta, hold(record))).code == "SCOPE_MISSING"
    await watch.world.act("partner.suspend", id="watch", reason="x")
    assert (await send(watch, hold(record))).code == "PARTNER_SUSPENDED"


async def test_a_company_that_was_suspended_reads_its_notices_afterwards(watch: Caller, delta: Caller) -> None:
    record = await shown(watch, delta)
    await watch.world.act("partner.suspend", id="delta", reason="x")

    assert (await send(watch, hold(record))).status == 201

    assert (await delta.get("/v1/notices")).code == "PARTNER_SUSPENDED"
    await watch.world.act("partner.resume", id="delta", reason="x")
    assert len(await told(delta)) == 1


async def known(*companies: Caller) -> None:
    """Once what is known of these companies has come as far as their last events."""
    for each in companies:
        while not (await each.get("/v1/events")).json["items"]:
            await asyncio.sleep(0.01)


async def test_an_object_reaches_every_company_whose_events_about_it_were_shown(watch: Caller, delta: Caller) -> None:
    echo, quiet = await watch.world.company("echo"), await watch.world.company("quiet")
    for each in (delta, delta, echo):
        await shown(watch, each)
    await shown(watch, quiet, subjects=[CONTAINER | {"value": "CSQU3054383"}])
    await known(delta, echo, quiet)

    answer = await send(watch, hold(object=CONTAINER, kind="recall"))

    assert (answer.status, len(answer.json["items"])) == (201, 2)
    for each in (delta, echo):
        [notice] = await told(each)
        assert (notice["code"], notice["object"]) == ("CUSTOMS_RECALL", CONTAINER)
        assert not {"source", "id", "publisher"} & set(notice)
    assert (await quiet.get("/v1/notices")).json["items"] == []


async def test_an_object_and_a_publisher_as_the_feed_shows_it_reach_that_one_alone(
    watch: Caller, delta: Caller
) -> None:
    echo = await watch.world.company("echo")
    await shown(watch, echo)
    record = await shown(watch, delta)
    await known(delta, echo)

    answer = await send(watch, hold(object=CONTAINER, publisher=record["publisher"]))
    wrong = await send(watch, hold(object=CONTAINER, publisher="delta"))

    assert [each["about"]["publisher"] for each in answer.json["items"]] == [record["publisher"]]
    assert wrong.code == "NOT_FOUND"
    assert len(await told(delta)) == 1
    assert (await echo.get("/v1/notices")).json["items"] == []


async def test_an_object_that_the_feed_withholds_is_not_found(world: HubWorld) -> None:
    watch, delta = await engine(world, fields=["/data/place"]), await world.company()
    await shown(watch, delta)
    await known(delta)

    assert (await send(watch, hold(object=CONTAINER))).code == "NOT_FOUND"


async def test_data_quality_names_a_defect_and_where_it_is(watch: Caller, delta: Caller) -> None:
    record = await shown(watch, delta)

    fault = {"kind": "data-quality", "defect": "implausible", "pointer": "/data/seals/0/number"}
    assert (await send(watch, hold(record, **fault))).status == 201

    [notice] = await told(delta)
    assert (notice["code"], notice["defect"], notice["pointer"]) == (
        "CUSTOMS_DATA_QUALITY", "implausible", "/data/seals/0/number",
    )  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "selection"},
        {"kind": "data-quality"},
        {"kind": "data-quality", "defect": "ugly"},
        {"defect": "missing"},
        {"pointer": "/data"},
        {"kind": "data-quality", "defect": "missing", "pointer": "data"},
        {"text": ""},
        {"text": "x" * 2_001},
        {"text": "a\u202eb"},
        {"text": "a\x00b"},
        {"text": None},
        {"language": "English"},
        {"language": "en\n"},
        {"id": "a b"},
        {"id": "x" * 65},
        {"deadline": "tomorrow"},
        {"publisher": "p-1"},
        {"object": CONTAINER},
        {"event": None},
        {"event": {"id": "x"}},
        {"reason": "score 0.9"},
    ],
)
async def test_what_a_notice_may_not_say_is_refused(watch: Caller, delta: Caller, wrong: dict[str, Any]) -> None:
    answer = await send(watch, hold(await shown(watch, delta), **wrong))

    assert (answer.status, answer.code) == (400, "BODY_MALFORMED")
    assert (await watch.get("/v1/notices/sent")).json["items"] == []


@pytest.mark.parametrize("deadline", ["2020-01-01T00:00:00Z", "2060-01-01T00:00:00Z"])
async def test_a_deadline_lies_ahead_and_not_years_away(watch: Caller, delta: Caller, deadline: str) -> None:
    answer = await send(watch, hold(await shown(watch, delta), deadline=deadline))

    assert answer.code == "BAD_REQUEST"


async def test_a_sender_has_so_many_an_hour(make_world: MakeWorld) -> None:
    async with make_world(delivery={"notices_sent_hour_max": 2}) as world:
        watch, delta = await engine(world), await world.company()
        record = await shown(watch, delta)

        answers = [await send(watch, hold(record)) for _ in range(3)]

        assert [answer.status for answer in answers] == [201, 201, 429]
        assert answers[-1].code == "TOO_MANY_REQUESTS"


async def test_what_was_sent_is_paged_newest_first_and_seen_by_its_sender_alone(watch: Caller, delta: Caller) -> None:
    record, other = await shown(watch, delta), await engine(watch.world, "other")
    ids = [(await send(watch, hold(record, id=f"n{number}"))).json["items"][0]["id"] for number in range(5)]

    first = (await watch.get("/v1/notices/sent", limit=3)).json
    rest = (await watch.get("/v1/notices/sent", cursor=first["next"])).json

    assert [each["id"] for each in first["items"] + rest["items"]] == ids[::-1]
    assert rest["next"] is None
    assert [each["id"] for each in (await watch.get("/v1/notices/sent", id="n3")).json["items"]] == ["n3"]
    for query in ({}, {"id": "n3"}, {"cursor": first["next"]}):
        assert (await other.get("/v1/notices/sent", **query)).json["items"] == []
    assert (await watch.get("/v1/notices/sent", cursor="x")).code == "CURSOR_INVALID"


@pytest.fixture
async def broker(watch: Caller) -> AsyncIterator[Caller]:
    yield await watch.world.company("broker", roles=["broker"])


async def by_broker(watch: Caller, broker: Caller) -> tuple[Principal, dict[str, Any]]:
    """An event that the broker sent for delta, which the feed shows."""
    owner = await principal(watch.world)
    assert (await owner.grant("broker")).status == 201
    assert (await broker.post(event("b-1"), Hub_On_Behalf_Of="delta")).status == 201
    return owner, (await watch.records("watch", 1))[0]


async def test_the_agent_of_a_mandate_is_told_as_well_and_may_acknowledge(watch: Caller, broker: Caller) -> None:
    owner, record = await by_broker(watch, broker)

    assert (await send(watch, hold(record))).status == 201

    for each in (owner.caller, broker):
        [notice] = await told(each)
        assert (notice["publisher"], notice["submitted_by"]) == ("delta", "broker.sys")
    assert (await acknowledge(broker, notice["notice"])).status == 200
    assert (await sent(watch, lambda _: True))["state"] == "acknowledged"


async def test_an_agent_whose_mandate_ended_is_told_nothing(watch: Caller, broker: Caller) -> None:
    owner, record = await by_broker(watch, broker)
    await owner.withdraw()

    assert (await send(watch, hold(record))).status == 201

    [notice] = await told(owner.caller)
    assert (await broker.get("/v1/notices")).json["items"] == []
    assert (await acknowledge(broker, notice["notice"])).code == "NOT_FOUND"


async def test_a_record_of_the_urgent_lane_is_answered_too(watch: Caller, delta: Caller) -> None:
    await watch.world.act("feed.add", name="hot", recipient="watch", purpose=RISK, urgent=[GATE_IN])
    assert (await delta.post(event())).status == 201
    page = await watch.get("/v1/feeds/hot/records", lane="urgent", wait=30)

    answer = await send(watch, hold(page.json["items"][0], feed="hot"))

    assert answer.status == 201
    assert len(await told(delta)) == 1


async def test_of_a_feed_that_was_made_this_very_moment_nothing_is_found(watch: Caller, delta: Caller) -> None:
    record = await shown(watch, delta)
    await watch.world.act("feed.add", name="new", recipient="watch", purpose=RISK, start="now", urgent=[GATE_IN])

    assert (await send(watch, hold(record, feed="new"))).code == "NOT_FOUND"


async def test_while_an_agreement_is_suspended_nothing_is_sent_on_it(world: HubWorld) -> None:
    watch, delta = await engine(world), await world.company()
    record = await shown(watch, delta)
    assert (await send(watch, hold(record))).status == 201
    await world.act("agreement.suspend", id="watch-all", reason="x")

    assert (await send(watch, hold(record))).code == "NOTICE_NOT_AGREED"


async def test_what_an_agent_had_not_read_when_its_mandate_ended_it_reads_no_more(
    watch: Caller, broker: Caller
) -> None:
    owner, record = await by_broker(watch, broker)
    assert (await send(watch, hold(record))).status == 201
    assert len((await broker.get("/v1/notices", wait=30)).json["items"]) == 1

    await owner.withdraw()

    assert (await broker.get("/v1/notices")).json["items"] == []
    assert len(await told(owner.caller)) == 1
