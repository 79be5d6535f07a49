"""Documents of the trade at `POST /v1/events`: translated, judged, kept, and answered as native events are."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from hub.core.errors import BlobMissing, StorageFull
from hub.core.record import EVENTS
from hub.ports.blob_store import BlobKey
from schemas.headers import EventHeader, unpack
from schemas.translate import recognise
from tests.tiny_translator import FORMAT, document
from tests.wire.conftest import MakeWorld
from tests.world import RISK, Answer, Caller, event

LINKED = "application/ld+json"
OBSERVED = "customs.goods.observed"


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """EPCIS documents go to the tiny translator."""
    row = replace(recognise.FAMILIES["epcis"], module="tests.tiny_translator")
    monkeypatch.setitem(recognise.FAMILIES, "epcis", row)  # type: ignore[arg-type]


def verdicts(answer: Answer) -> list[str]:
    return [item["verdict"] for item in answer.json["items"]]


async def headers(caller: Caller) -> list[EventHeader]:
    log = caller.world.hub.ports.log
    async with log.reader(EVENTS) as reader:
        records = await reader.read(0, 0, records_max=100, bytes_max=1 << 30)
    return [header for header in (unpack(record.header) for record in records) if isinstance(header, EventHeader)]


async def kept(caller: Caller, sent: bytes) -> bytes | None:
    try:
        async with caller.world.hub.ports.blobs.open(BlobKey(caller.partner, sha256(sent).hexdigest())) as chunks:
            return b"".join([chunk async for chunk in chunks])
    except BlobMissing:
        return None


@pytest.mark.parametrize("media_type", ["application/json", LINKED])
async def test_a_document_becomes_events_that_say_where_they_came_from(delta: Caller, media_type: str) -> None:
    sent = document(event("a"), event("b"))

    answer = await delta.post(sent, media_type)

    assert (answer.status, verdicts(answer)) == (200, ["ACCEPTED", "ACCEPTED"])
    assert [item["place"] for item in answer.json["items"]] == ["/events/0", "/events/1"]
    assert [item["receipt"]["statement"]["raw_sha256"] for item in answer.json["items"]] == [
        sha256(sent).hexdigest()
    ] * 2
    assert [(each.format, each.place, each.source) for each in await headers(delta)] == [
        (FORMAT, "/events/0", "tiny"),
        (FORMAT, "/events/1", "tiny"),
    ]


async def test_a_document_is_kept_as_it_was_sent_if_something_of_it_was_accepted(delta: Caller) -> None:
    mixed = b" " + document(event("a"), event("b", empty="no"))

    answer = await delta.post(mixed, LINKED)

    assert (answer.status, verdicts(answer)) == (207, ["ACCEPTED", "REJECTED"])
    assert await kept(delta, mixed) == mixed


async def test_a_document_of_which_nothing_was_accepted_is_not_kept(delta: Caller) -> None:
    one = event("a")
    first, again, wrong = document(one), b" " + document(one), document(event("b"), wrong="x")

    answers = [await delta.post(sent, LINKED) for sent in (first, again, wrong)]

    assert [verdicts(each) for each in answers] == [["ACCEPTED"], ["DUPLICATE"], ["REJECTED"]]
    assert [await kept(delta, sent) for sent in (first, again, wrong)] == [first, None, None]


async def test_a_document_sent_again_is_a_repeat_and_stays_kept(delta: Caller) -> None:
    sent = document(event("a"))

    answers = [await delta.post(sent, LINKED) for _ in range(2)]

    assert [verdicts(each) for each in answers] == [["ACCEPTED"], ["DUPLICATE"]]
    assert await kept(delta, sent) == sent


async def test_faults_have_their_places_in_the_document(delta: Caller) -> None:
    answer = await delta.post(document(event("a"), event("b", empty="no")), LINKED)

    [_, refused] = answer.json["items"]
    assert (refused["code"], refused["id"], refused["place"]) == ("EVENT_INVALID", "b", "/events/1")
    assert [each["place"] for each in refused["faults"]] == ["/events/1/event/data/empty"]


async def test_an_event_without_customs_meaning_is_not_shared_and_its_document_not_kept(delta: Caller) -> None:
    sent = document(event("a", type=OBSERVED), unmeant=True)

    answer = await delta.post(sent, LINKED)

    assert (answer.status, verdicts(answer)) == (200, ["NOT_SHARED"])
    assert await headers(delta) == []
    assert await kept(delta, sent) is None


async def test_what_is_beside_an_event_that_is_not_shared_is_accepted_without_keeping_the_document(
    delta: Caller,
) -> None:
    private = {"event": event("a", type=OBSERVED), "unmeant": True}
    sent = orjson.dumps({"type": "EPCISDocument", "events": [private, {"event": event("b")}]})

    answer = await delta.post(sent, LINKED)

    assert (answer.status, verdicts(answer)) == (200, ["NOT_SHARED", "ACCEPTED"])
    assert await kept(delta, sent) is None


async def test_an_event_without_customs_meaning_is_accepted_where_an_agreement_names_its_type(delta: Caller) -> None:
    watch = {"recipient": "watch", "purpose": RISK, "fields": ["*"]}
    await delta.world.act("agreement.add", id="named", provider={"partner": "delta"}, types=[OBSERVED], **watch)

    answer = await delta.post(document(event("a", type=OBSERVED), unmeant=True), LINKED)

    assert verdicts(answer) == ["ACCEPTED"]


async def test_an_agreement_with_another_partner_or_a_family_of_types_names_nothing(delta: Caller) -> None:
    watch = {"recipient": "watch", "purpose": RISK, "fields": ["*"]}
    await delta.world.company("other")
    await delta.world.act("agreement.add", id="theirs", provider={"partner": "other"}, types=[OBSERVED], **watch)
    await delta.world.act("agreement.add", id="family", provider={"all": True}, types=["customs.goods.*"], **watch)

    assert verdicts(await delta.post(document(event("a", type=OBSERVED), unmeant=True), LINKED)) == ["NOT_SHARED"]


async def test_an_event_without_customs_meaning_that_is_wrong_is_refused(delta: Caller) -> None:
    answer = await delta.post(document(event("a", type=OBSERVED, time_kind="NEVER"), unmeant=True), LINKED)

    assert (answer.status, verdicts(answer)) == (422, ["REJECTED"])


async def test_an_atomic_document_is_taken_whole_or_not_at_all(delta: Caller) -> None:
    sent = document(event("a"), event("b", empty="no"))

    answer = await delta.post(sent, LINKED, Hub_Batch="atomic")

    assert (answer.status, answer.json["code"]) == (422, "BATCH_REFUSED")
    assert verdicts(answer) == ["NOT_ATTEMPTED", "REJECTED"]
    assert await headers(delta) == []
    assert await kept(delta, sent) is None


async def test_what_is_not_shared_does_not_keep_an_atomic_document_from_being_taken(delta: Caller) -> None:
    private = {"event": event("a", type=OBSERVED), "unmeant": True}
    sent = orjson.dumps({"type": "EPCISDocument", "events": [private, {"event": event("b")}]})

    assert verdicts(await delta.post(sent, LINKED, Hub_Batch="atomic")) == ["NOT_SHARED", "ACCEPTED"]


async def test_a_request_names_the_source_of_a_document(delta: Caller) -> None:
    by_header = await delta.post(document(event("a")), LINKED, Hub_Source="urn:one")
    by_query = await delta.ask(
        "POST", "/v1/events?source=urn:two", data=document(event("a")), headers={"Content-Type": LINKED}
    )

    assert [each.json["items"][0]["source"] for each in (by_header, by_query)] == ["urn:one", "urn:two"]
    assert (await delta.post(document(event("a")), LINKED, Hub_Source="x" * 257)).code == "BAD_REQUEST"


@pytest.mark.parametrize(
    ("body", "code", "fault"),
    [
        (b"", "BODY_MALFORMED", "JSON_EMPTY"),
        (b"{", "BODY_MALFORMED", "JSON_TRUNCATED"),
        (b"{}", "DOCUMENT_NOT_TAKEN", "FORMAT_UNKNOWN"),
        (b"<?xml version='1.0'?><a/>", "DOCUMENT_NOT_TAKEN", "FORMAT_NOT_TAKEN"),
        (b"%PDF-1.7", "DOCUMENT_NOT_TAKEN", "FORMAT_NOT_TAKEN"),
        (b'{"type": "EPCISDocument"}', "BODY_MALFORMED", "JSON_INVALID"),
        (document(*[event("a")] * 1_001), "BODY_TOO_LARGE", "TOO_MANY_ITEMS"),
        (b"PK\x03\x04", "MEDIA_TYPE_UNSUPPORTED", None),
        (orjson.dumps(event("a")), "MEDIA_TYPE_UNSUPPORTED", None),
    ],
)
async def test_a_document_that_cannot_be_opened_is_refused_as_a_whole(
    delta: Caller, body: bytes, code: str, fault: str | None
) -> None:
    answer = await delta.post(body, "application/json")

    assert answer.code == code
    assert fault is None or fault in [each["code"] for each in answer.json["faults"]]
    assert await kept(delta, body) is None


async def test_a_stranger_brings_no_document(delta: Caller) -> None:
    reader = await delta.world.company("reads", scopes=("receipts:read",))

    assert (await delta.world.ask("POST", "/v1/events", data=b"{}", headers={"Content-Type": LINKED})).status == 401
    assert (await reader.post(document(event("a")), LINKED)).code == "SCOPE_MISSING"


async def test_a_document_that_finds_no_room_is_507_and_none_of_its_events_is_accepted(make_world: MakeWorld) -> None:
    class Full:
        async def put(self, *_: Any) -> None:
            raise StorageFull("no room")

    async with make_world(lambda ports: replace(ports, blobs=Full())) as world:
        await world.reader(feed=False)
        delta = await world.company()

        assert (await delta.post(document(event("a")), LINKED)).code == "STORAGE_FULL"
        assert await headers(delta) == []


async def test_what_is_wrong_is_told_in_the_form_of_dcsa_as_well_where_that_is_asked_for(delta: Caller) -> None:
    headers, sent = {"Content-Type": LINKED}, document(event("a"), event("b", empty="no"))

    answer = await delta.ask("POST", "/v1/events?answer=dcsa", data=sent, headers=headers)

    assert verdicts(answer) == ["ACCEPTED", "REJECTED"]
    [element] = answer.json["feedbackElements"]
    assert (element["severity"], element["propertyPath"]) == ("ERROR", "$.events[1].event.data.empty")
    assert (await delta.ask("POST", "/v1/events?answer=other", data=sent, headers=headers)).code == "BAD_REQUEST"
