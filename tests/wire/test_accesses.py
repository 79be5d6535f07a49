"""Who received my data, and how far my event came: what companies see, and what they do not."""

from __future__ import annotations

import asyncio
import csv
import time
from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from hub.core.access import Access, Step
from hub.core.errors import Refusal, StreamMissing
from hub.core.feed import stream_of
from hub.core.proposal import Authority, Proposal
from hub.core.restriction import Restriction, Telling
from hub.ports.access_journal import Query
from hub.trust.ack import ack_text
from tests.wire.test_acknowledgements import acknowledge, sign
from tests.wire.test_copies import exporter, png
from tests.wire.test_copies import post as post_copy
from tests.world import RISK, SOURCE, Caller, HubWorld, event, hub_world, settings_in

SELECTED = Path(__file__).parents[2] / "schemas/events/customs.control.inspection_selected/examples"


@pytest.fixture
async def watch(world: HubWorld) -> Caller:
    return await world.reader(fields=["/data/place", "/id", "/source", "/publisher"])


@pytest.fixture
async def delta(watch: Caller) -> Caller:
    return await watch.world.company()


async def known(caller: Caller, count: int = 0, names: Collection[str] = ()) -> None:
    """Until so many events of the caller are known, and these among them, and so whose they are."""
    while True:
        found = [each["event"]["id"] for each in (await caller.get("/v1/events")).json["items"]]
        if len(found) >= count and set(names) <= set(found):
            return
        await asyncio.sleep(0.005)


async def given(watch: Caller, *sent: tuple[Caller, str]) -> str:
    """Events posted, and read by the recipient; the cursor behind them."""
    for caller, name in sent:
        assert (await caller.post(event(name))).status == 201
    cursor, left = "", {name for _, name in sent}
    while left:
        page = (await watch.get("/v1/feeds/watch/records", wait=30, **({"cursor": cursor} if cursor else {}))).json
        cursor, left = page["next"], left - {each["id"] for each in page["items"]}
    for caller, _ in sent:
        await known(caller, names=[name for each, name in sent if each is caller])
    return cursor


async def published(world: HubWorld, feed: str, count: int) -> None:
    """Until so many records are in a feed, whoever reads them."""
    log, partitions = world.hub.ports.log, range(world.hub.events.partitions)
    while True:
        with suppress(StreamMissing):  # Fan-out makes it.
            if sum([(await log.bounds(stream_of(feed), each)).end for each in partitions]) >= count:
                return
        await asyncio.sleep(0.005)


async def accesses(caller: Caller, **query: str | int) -> list[dict[str, Any]]:
    """All pages."""
    items, cursor = [], {}
    while True:
        page = (await caller.get("/v1/accesses", **query, **cursor)).json
        items += page["items"]
        if page["next"] is None:
            return items
        cursor = {"cursor": page["next"]}


def ids(items: list[dict[str, Any]]) -> list[str]:
    return sorted(each["id"] for item in items for each in item["events"])


async def test_a_company_sees_who_was_given_what_for_which_purpose_and_which_fields(
    watch: Caller, delta: Caller
) -> None:
    await given(watch, (delta, "a"))

    [item] = await accesses(delta)

    assert (item["recipient"], item["purpose"], item["step"], item["way"]) == ("watch", RISK, "delivered", "pull")
    assert item["agreements"] == ["watch-all"]
    assert item["fields"] == ["/data/place", "/id", "/publisher", "/source"]
    [shown] = item["events"]
    assert (shown["id"], shown["source"], shown["type"]) == ("a", SOURCE, "customs.container.gate_in")
    assert not {"reader", "credential", "feed", "runs", "revision"} & item.keys()


async def test_each_company_sees_its_own_events_alone(world: HubWorld, watch: Caller, delta: Caller) -> None:
    echo = await world.company("echo")

    await given(watch, (delta, "a"), (echo, "b"), (delta, "c"))

    assert ids(await accesses(delta)) == ["a", "c"]
    assert ids(await accesses(echo)) == ["b"]
    assert await accesses(watch) == []


async def test_pages_follow_each_other_without_gap_or_repeat(watch: Caller, delta: Caller) -> None:
    for name in "abcde":
        await given(watch, (delta, name))
    whole = await accesses(delta)

    paged = await accesses(delta, limit=1)

    assert paged == whole
    assert len(whole) >= 5


async def test_a_cursor_of_another_company_is_refused(world: HubWorld, watch: Caller, delta: Caller) -> None:
    echo = await world.company("echo")
    await given(watch, (delta, "a"), (delta, "b"))
    await given(watch, (delta, "c"))
    cursor = (await delta.get("/v1/accesses", limit=1)).json["next"]

    assert (await echo.get("/v1/accesses", cursor=cursor)).code == "CURSOR_INVALID"
    assert (await delta.get("/v1/accesses", cursor="x")).code == "CURSOR_INVALID"
    assert (await delta.get("/v1/accesses", concerning="yes", cursor=cursor)).code == "CURSOR_INVALID"


async def test_of_one_event_it_is_told_by_its_identity(watch: Caller, delta: Caller) -> None:
    await given(watch, (delta, "a"), (delta, "b"))

    assert set(ids(await accesses(delta, source=SOURCE, id="b"))) == {"b"}
    assert await accesses(delta, source=SOURCE, id="unknown") == []


async def test_a_period_bounds_when_it_was_given(watch: Caller, delta: Caller) -> None:
    await given(watch, (delta, "a"))

    assert await accesses(delta, **{"from": "2999-01-01T00:00:00Z"}) == []
    assert await accesses(delta, to="2020-01-01T00:00:00Z") == []
    assert ids(await accesses(delta, **{"from": "2020-01-01T00:00:00Z"}, to="2999-01-01T00:00:00Z")) == ["a"]


async def test_exports_say_the_same_as_the_answer(watch: Caller, delta: Caller) -> None:
    await given(watch, (delta, "a"), (delta, "=b"))
    items = await accesses(delta)

    lines = await delta.get("/v1/accesses", format="ndjson")
    table = await delta.get("/v1/accesses", format="csv")

    assert [orjson.loads(line) for line in lines.body.splitlines()] == items
    rows = list(csv.DictReader(StringIO(table.body.decode())))
    assert sorted(row["id"] for row in rows) == ["'=b", "a"]
    assert {row["recipient"] for row in rows} == {"watch"}


async def test_an_export_names_its_next_page(watch: Caller, delta: Caller) -> None:
    for name in "abc":
        await given(watch, (delta, name))

    first = await delta.get("/v1/accesses", format="ndjson", limit=1)
    path = first.headers["Link"].partition(">")[0].removeprefix("<")
    second = await delta.ask("GET", path)

    assert first.body != second.body
    assert second.body.count(b"\n") == 1


@pytest.mark.parametrize(
    "query",
    [
        *("format=xml", "concerning=all", "from=x", "nothing=x", "id=a"),
        *(f"source={SOURCE}&id=a&concerning={word}" for word in ("all", "yes")),
    ],
)
async def test_a_question_that_is_not_understood_is_refused(delta: Caller, query: str) -> None:
    assert (await delta.ask("GET", f"/v1/accesses?{query}")).code == "BAD_REQUEST"


async def test_the_chain_of_an_event_goes_from_accepted_to_processed(watch: Caller, delta: Caller) -> None:
    cursor = await given(watch, (delta, "a"))
    before = (await delta.get("/v1/receipts/chain", source=SOURCE, id="a")).json
    now = int(time.time())
    signature = sign(watch.key, ack_text("customs-hub", "watch", "", cursor, now))
    assert (await acknowledge(watch, cursor=cursor, time=now, signature=signature)).status == 204

    after = (await delta.get("/v1/receipts/chain", source=SOURCE, id="a")).json

    [link] = before["recipients"]
    assert (link["recipient"], link["purpose"], link["way"], link["processed"]) == ("watch", RISK, "pull", None)
    [done] = after["recipients"]
    times = [after["accepted"], done["published"], done["delivered"], done["processed"]]
    assert None not in times
    assert times == sorted(times)
    head, content, tail = done["signature"].split(".")
    assert (head, content, tail) == (signature.split(".")[0], "", signature.split(".")[2])


async def test_the_chain_of_an_event_tells_that_it_is_published_before_anybody_reads_it(
    watch: Caller, delta: Caller
) -> None:
    assert (await delta.post(event("a"))).status == 201

    while not (links := (await delta.get("/v1/receipts/chain", source=SOURCE, id="a")).json["recipients"]):
        await asyncio.sleep(0.005)

    [link] = links
    assert (link["recipient"], link["purpose"], link["way"], link["delivered"]) == ("watch", RISK, "", None)
    cursor = await given(watch, (delta, "b"))
    assert cursor
    [read] = (await delta.get("/v1/receipts/chain", source=SOURCE, id="a")).json["recipients"]
    assert (read["published"], read["way"]) == (link["published"], "pull")
    assert read["delivered"] is not None


@pytest.mark.parametrize("steps", [(), (Step.DELIVERED,), (Step.PUBLISHED,)])
async def test_what_is_published_under_a_restriction_is_not_told_before_it_is_read_either(
    world: HubWorld, watch: Caller, delta: Caller, steps: tuple[Step, ...]
) -> None:
    await restrict(world, steps=steps)
    assert (await delta.post(event("a"))).status == 201
    await published(world, "watch", 1)

    assert (await delta.get("/v1/receipts/chain", source=SOURCE, id="a")).json["recipients"] == []


async def test_an_event_that_nobody_was_given_has_a_chain_without_recipients(delta: Caller) -> None:
    assert (await delta.post(event("a"))).status == 201
    await known(delta, 1)

    chain = (await delta.get("/v1/receipts/chain", source=SOURCE, id="a")).json

    assert chain["accepted"] is not None
    assert chain["recipients"] == []
    assert (await delta.get("/v1/receipts/chain", source=SOURCE, id="z")).json["accepted"] is None


async def test_nobody_sees_the_chain_of_anothers_event(world: HubWorld, watch: Caller, delta: Caller) -> None:
    await given(watch, (delta, "a"))
    echo = await world.company("echo")

    asked = {"source": SOURCE, "id": "a"}
    assert (await echo.get("/v1/receipts/chain", **asked)).json == {"accepted": None, "recipients": []}
    assert (await echo.get("/v1/receipts/chain", **asked, on_behalf_of="delta")).json["accepted"] is None


async def restrict(world: HubWorld, **members: Any) -> Restriction:
    now = int(time.time())
    made = Restriction("r-1", "Art. 12", now - 60, now + 3_600, now + 1_800, recipient="watch")
    made = replace(made, **members)
    snapshot = world.hub.snapshot()
    await world.hub.live.write(Proposal(snapshot.revision, (made,), "test", "restriction.add", "", Authority.LOCAL))
    return made


async def test_under_a_lawful_restriction_a_company_is_told_authority_and_nothing_else(
    world: HubWorld, watch: Caller, delta: Caller
) -> None:
    made = await restrict(world)
    await given(watch, (delta, "a"))

    [item] = await accesses(delta)
    chain = (await delta.get("/v1/receipts/chain", source=SOURCE, id="a")).json

    assert item.keys() == {"time", "recipient", "events"}
    assert (item["recipient"], ids([item])) == ("authority", ["a"])
    assert [link.keys() for link in chain["recipients"]] == [{"recipient", "delivered"}]
    await restrict(world, lifted=True)
    assert (await accesses(delta))[0]["recipient"] == "watch"
    assert made.lifted is False


async def test_before_its_embargo_nothing_may_be_told_and_then_everything_is(
    world: HubWorld, watch: Caller, delta: Caller
) -> None:
    now = int(time.time())
    await restrict(world, tells=Telling.NOTHING, embargo=now + 3_600)
    await given(watch, (delta, "a"))

    before = await accesses(delta), (await delta.get("/v1/receipts/chain", source=SOURCE, id="a")).json["recipients"]
    table = await delta.get("/v1/accesses", format="csv")
    one = await accesses(delta, source=SOURCE, id="a")
    await restrict(world, tells=Telling.NOTHING, embargo=now - 1)

    assert (before, table.body.count(b"\n"), one) == (([], []), 1, [])
    assert [item["recipient"] for item in await accesses(delta)] == ["watch"]


@pytest.mark.parametrize("tells", [Telling.AUTHORITY, Telling.NOTHING])
async def test_an_acknowledgement_undoes_no_restriction_of_what_was_given(
    world: HubWorld, watch: Caller, delta: Caller, tells: Telling
) -> None:
    await restrict(world, steps=(Step.DELIVERED,), tells=tells)
    cursor = await given(watch, (delta, "a"))

    assert (await acknowledge(watch, cursor=cursor)).status == 204

    chain = (await delta.get("/v1/receipts/chain", source=SOURCE, id="a")).json["recipients"]
    assert [link.keys() for link in chain] == ([] if tells is Telling.NOTHING else [{"recipient", "delivered"}])


async def test_what_a_chain_told_before_a_restriction_began_stays_as_it_was_told(
    world: HubWorld, watch: Caller, delta: Caller
) -> None:
    start = (await watch.get("/v1/feeds/watch/records")).json["next"]
    cursor = await given(watch, (delta, "a"))
    assert (await acknowledge(watch, cursor=cursor)).status == 204
    before = (await delta.get("/v1/receipts/chain", source=SOURCE, id="a")).json

    await restrict(world)
    again = (await watch.get("/v1/feeds/watch/records", cursor=start)).json["items"]

    assert [each["id"] for each in again] == ["a"]
    assert before["recipients"][0].keys() >= {"recipient", "purpose", "published", "delivered", "processed"}
    assert (await delta.get("/v1/receipts/chain", source=SOURCE, id="a")).json == before


async def test_an_acknowledgement_that_came_after_what_a_restriction_hides_is_not_told(
    world: HubWorld, watch: Caller, delta: Caller
) -> None:
    cursor = await given(watch, (delta, "a"))
    before = (await delta.get("/v1/receipts/chain", source=SOURCE, id="a")).json
    await restrict(world, steps=(Step.DELIVERED,))
    await watch.get("/v1/feeds/watch/records")

    assert (await acknowledge(watch, cursor=cursor)).status == 204

    assert (await delta.get("/v1/receipts/chain", source=SOURCE, id="a")).json == before


async def test_of_several_restrictions_each_hides_as_long_as_it_lasts(
    world: HubWorld, watch: Caller, delta: Caller
) -> None:
    await restrict(world, id="r-2", tells=Telling.NOTHING)
    await restrict(world)
    await given(watch, (delta, "a"))
    assert await accesses(delta) == []

    await restrict(world, id="r-2", tells=Telling.NOTHING, lifted=True)

    assert [item["recipient"] for item in await accesses(delta)] == ["authority"]


async def test_auditors_see_all_of_what_is_restricted(world: HubWorld, watch: Caller, delta: Caller) -> None:
    await restrict(world, tells=Telling.NOTHING)
    await given(watch, (delta, "a"))

    entries = await journalled(world)

    assert [(each.recipient, each.restriction) for each in entries] == [("watch", "r-1")]


async def journalled(world: HubWorld) -> list[Access]:
    entries = await world.hub.ports.accesses.entries(Query(), limit=99)
    return [each.access for each in entries if each.access.step is Step.DELIVERED]


CONSIGNOR = {"name": "Echo", "identifiers": [{"scheme": "eori", "value": "NL123456789"}]}


@pytest.mark.parametrize(("rule", "told"), [("none", 0), ("consignor", 1)])
async def test_an_identified_consignor_is_told_of_a_terminals_event_where_the_rule_says_so(
    tmp_path: Path, rule: str, told: int
) -> None:
    async with hub_world(settings_in(tmp_path, views={"concerned_parties": rule})) as world:
        watch = await world.reader()
        delta, echo = await world.company(), await world.company("echo", identifiers=CONSIGNOR["identifiers"])
        await given(watch, (delta, "plain"))
        cursor = (await watch.get("/v1/feeds/watch/records")).json["next"]
        assert (await delta.post(event("named", consignor=CONSIGNOR))).status == 201
        await watch.get("/v1/feeds/watch/records", wait=30, cursor=cursor)
        await known(delta, 2)

        items = await accesses(echo, concerning="yes")

        assert [item["recipient"] for item in items] == ["watch"] * told
        assert [list(event) for item in items for event in item["events"]] == [["type", "received"]] * told
        assert await accesses(echo) == []


async def test_who_looks_at_events_and_objects_of_others_is_written_down_and_who_looks_at_its_own_is_not(
    watch: Caller, delta: Caller
) -> None:
    assert (await delta.post(event("a"))).status == 201
    await known(delta, 1)
    await delta.get("/v1/objects/iso6346/MSKU1234565")
    before = await accesses(delta)

    listed = await watch.get("/v1/events")

    [item] = await accesses(delta)
    assert before == []
    assert len(listed.json["items"]) == 1
    assert (item["step"], item["way"], item["recipient"], item["purpose"]) == ("looked_up", "view", "watch", RISK)
    assert (ids([item]), item["agreements"]) == (["a"], ["watch-all"])


async def test_what_a_look_does_not_show_is_not_written_down(watch: Caller, delta: Caller) -> None:
    assert (await delta.post(event("a"))).status == 201
    await known(delta, 1)

    await watch.get("/v1/events", type="customs.seal.broken")
    await watch.get("/v1/objects/iso6346/MSKU1234565")

    assert await accesses(delta) == []  # The agreement shows no subjects: nothing is found by them.


async def test_an_object_of_others_that_is_looked_at_is_written_down(world: HubWorld, delta: Caller) -> None:
    police = await world.reader("police")
    assert (await delta.post(event("a"))).status == 201
    await known(delta, 1)

    found = await police.get("/v1/objects/iso6346/MSKU1234565")

    assert len(found.json["events"]) == 1
    assert [(item["step"], item["recipient"]) for item in await accesses(delta)] == [("looked_up", "police")]


async def test_a_copy_of_a_document_that_is_opened_by_another_is_written_down(world: HubWorld) -> None:
    police = await world.reader("police")
    delta = await exporter(world)
    content = png(text=b"a")
    assert (await post_copy(delta, content, reference="INV-1", title="x")).status == 201
    path = f"/v1/documents/{sha256(content).hexdigest()}"
    assert (await delta.get(f"{path}/content")).status == 200
    before = await accesses(delta)

    assert (await police.get(path)).status == 200
    assert (await police.get(f"{path}/content")).body == content

    assert before == []
    assert [item["step"] for item in await accesses(delta)] == ["viewed", "looked_up"]


async def test_what_is_selected_for_inspection_reaches_no_company_by_any_way(world: HubWorld, delta: Caller) -> None:
    """Feeds and agreements have authorities for recipients alone, and a company sees no events but its own."""
    risk = await world.company("risk-desk", roles=["authority"], scopes=("events:write", "receipts:read"))
    sample = orjson.loads((SELECTED / "valid-physical.json").read_bytes())
    sent = {**sample, "id": "selected", "source": "urn:example:risk", "time": datetime.now(UTC).isoformat()}
    reads = await world.company("nosy", scopes=("feeds:read", "receipts:read"))
    assert (await risk.post(sent)).status == 201
    await known(risk, 1)
    subject = sent["data"]["subjects"][0]

    for company in (delta, reads):
        assert (await company.get("/v1/events")).json["items"] == []
        found = await company.get(f"/v1/objects/{subject['scheme']}/{subject['value']}")
        assert found.json["events"] == []
        assert await accesses(company) == []
        assert (await company.get("/v1/receipts/chain", source=sent["source"], id="selected")).json["recipients"] == []
    agreed = {
        "id": "x",
        "provider": {"all": True},
        "types": ["*"],
        "recipient": "nosy",
        "purpose": RISK,
        "fields": ["*"],
    }
    refused = await world.hub.registrar.perform("agreement.add", agreed, actor="test")
    assert isinstance(refused, Refusal)
    assert [fault.code for fault in refused.faults] == ["ACT_ROLE_MISSING"]
