"""From the sender's receipt to a proof in the reader's hands: pages with seals, over HTTP, and what is made of them."""

from __future__ import annotations

import orjson

from connectors.disclosure import disclose, receipts_in, verify_disclosure
from connectors.feed_seal import SealedRecords
from hub.web.routes import BATCHED
from tests.world import Answer, Caller, HubWorld, event

RECORDS = "/v1/feeds/watch/records"
FIELDS = ["/id", "/data/subjects", "/data/empty"]


async def proved_page(watch: Caller, cursor: str | None = None) -> Answer:
    place = {} if cursor is None else {"cursor": cursor}
    return await watch.get(RECORDS, proof="yes", wait=30, **place)


async def test_what_was_withheld_from_a_reader_is_disclosed_by_its_sender_and_proved(world: HubWorld) -> None:
    watch, delta = await world.reader(fields=FIELDS), await world.company()
    sent = orjson.dumps(event("a", place={"unlocode": "DEHAM"}))
    answer = await delta.post(sent)

    page = await proved_page(watch)
    pages = [page.body] if page.json["seals"] else [page.body, (await proved_page(watch, page.json["next"])).body]
    told = disclose(receipts_in(answer.body), sent, "/data/place")

    assert b"DEHAM" not in page.body
    assert told.value == '{"unlocode":"DEHAM"}'
    checks = verify_disclosure(told.encoded(), pages, await world.keys())
    assert all(check.holds for check in checks), checks


async def test_in_binary_mode_a_member_of_the_body_is_proved(world: HubWorld) -> None:
    watch, delta = await world.reader(fields=FIELDS), await world.company()
    whole = event("b")
    body = orjson.dumps(whole.pop("data"))
    attributes = {f"ce_{name}": value for name, value in whole.items()}
    answer = await delta.post(body, "application/json", **attributes)

    page = await proved_page(watch)
    told = disclose(receipts_in(answer.body), body, "/data/place")

    assert all(check.holds for check in verify_disclosure(told.encoded(), [page.body], await world.keys()))


async def test_a_reader_waits_for_seals_and_gets_every_record_of_small_pages(world: HubWorld) -> None:
    watch, delta = await world.reader(fields=FIELDS), await world.company()
    await delta.post([event(str(number)) for number in range(5)], BATCHED)
    sealed, cursor, given = SealedRecords(await world.keys()), None, list[bytes]()

    while len(given) < 5:
        page = await watch.get(RECORDS, proof="yes", wait=30, limit=2, **({"cursor": cursor} if cursor else {}))
        cursor = page.json["next"]
        given += [each.record for each in sealed.take(page.body)]

    assert [orjson.loads(each)["id"] for each in given] == [str(number) for number in range(5)]
    assert sealed.waiting == 0


async def test_a_page_has_seals_only_where_they_are_asked_for(world: HubWorld) -> None:
    watch, delta = await world.reader(fields=["*"]), await world.company()
    await delta.post(event("a"))

    assert (await proved_page(watch)).json["seals"] == []
    assert "seals" not in (await watch.get(RECORDS)).json
    assert (await watch.get(RECORDS, proof="maybe")).code == "BAD_REQUEST"
