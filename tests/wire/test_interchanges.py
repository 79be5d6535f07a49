"""EDIFACT of any length: judged as a job, asked for by the page, answered in EDIFACT, checked as what comes at once."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from hub.core.errors import Refusal, StorageUnavailable
from hub.core.evidence import Principal
from hub.drivers.memory.blob_store import MemoryBlobStore
from hub.intake.documents import in_chunks
from hub.intake.stretches import REVISION
from hub.ports.jobs import JobKind
from tests.edifact import GATE_IN, interchange, message
from tests.wire.conftest import MakeWorld, endless
from tests.world import Answer, Caller

PATH = "/v1/interchanges"
EDIFACT = "application/edifact"
ZONED = tuple(each.replace("202611201259:203", "202611200845UTC:303") for each in GATE_IN)


def moves(count: int, *more: str, reference: str = "R1", sender: str = "TERM") -> bytes:
    """An interchange of so many gate moves, and of other messages behind them."""
    several = (message("CODECO", *ZONED, reference=str(number)) for number in range(1, count + 1))
    return interchange(*several, *more, reference=reference, sender=sender)


async def post(caller: Caller, body: Any, media_type: str = EDIFACT, query: str = "", **headers: str) -> Answer:
    given = {"Content-Type": media_type} | {name.replace("_", "-"): text for name, text in headers.items()}
    return await caller.ask("POST", f"{PATH}{query}", data=body, headers=given)


def verdicts(answer: Answer) -> list[str]:
    return [item["verdict"] for item in answer.json["items"]]


def faults(answer: Answer) -> set[str]:
    return {each["code"] for item in answer.json["items"] for each in item.get("faults", ())}


async def test_good_messages_are_accepted_beside_one_that_is_not_read(delta: Caller) -> None:
    answer = await post(delta, moves(1, message("BAPLIE", "BGM++1+9", reference="2")))

    assert (answer.status, answer.json["counts"]) == (207, {"ACCEPTED": 1, "REJECTED": 1})
    assert (answer.json["format"], faults(answer)) == ("edifact/1", {"SENDER_UNCHECKED", "UNSUPPORTED_MESSAGE"})
    assert answer.json["items"][0]["place"].startswith("message 1, ")


async def test_more_than_is_answered_at_once_is_taken_and_told_a_page_at_a_time(delta: Caller) -> None:
    answer = await post(delta, moves(1_001))
    place = answer.headers["Location"]

    first = await delta.get(place)
    second = await delta.get(place, cursor=first.json["next"])

    assert first.json["counts"] == {"ACCEPTED": 1_001}
    assert (len(verdicts(first)), first.json["next"]) == (1_000, "1000")
    assert (len(verdicts(second)), second.json["next"]) == (1, None)


async def test_what_came_as_a_job_is_a_repeat_at_once_and_the_other_way_round(delta: Caller) -> None:
    jobs_first = [await post(delta, moves(1)), await delta.post(moves(1), EDIFACT)]
    events_first = [await delta.post(moves(1, reference="R2"), EDIFACT), await post(delta, moves(1, reference="R2"))]

    assert [verdicts(each) for each in jobs_first] == [["ACCEPTED"], ["DUPLICATE"]]
    assert [verdicts(each) for each in events_first] == [["ACCEPTED"], ["DUPLICATE"]]


@pytest.mark.parametrize("form", ["contrl", "aperak"])
async def test_its_answer_in_edifact_is_that_of_what_is_answered_at_once(delta: Caller, form: str) -> None:
    sent = moves(1, message("BAPLIE", "BGM++1+9", reference="2"))
    place = (await post(delta, sent)).headers["Location"]

    later = await delta.get(place, answer=form)
    headers = {"Content-Type": EDIFACT}
    at_once = await delta.ask("POST", f"/v1/events?answer={form}", data=sent, headers=headers)

    def told(answer: Answer) -> list[bytes]:
        own = (b"UNB", b"UNZ", b"BGM", b"DTM")  # They name the answer itself, and its moment.
        return [each for each in answer.body.split(b"'") if not each.startswith(own)]

    assert (later.status, later.headers["Content-Type"]) == (200, EDIFACT)
    assert told(later) == told(at_once)
    assert b"UNH+1+" in later.body


async def test_a_document_in_which_nothing_could_be_looked_at_is_refused_in_edifact_too(make_world: MakeWorld) -> None:
    async with make_world(documents={"interchange_events_max": 2}) as world:
        delta = await world.company()

        answer = await post(delta, moves(3))
        refused = await delta.get(answer.headers["Location"], answer="contrl")

    assert (answer.status, answer.code) == (413, "BODY_TOO_LARGE")
    assert [each["code"] for each in answer.json["faults"]] == ["TOO_MANY_ITEMS"]
    assert b"UCI+R1+TERM+LINE+4+18'" in refused.body


async def test_without_a_sender_to_be_answered_results_are_told_all_the_same(delta: Caller) -> None:
    place = (await post(delta, message("CODECO", *ZONED).encode())).headers["Location"]

    answer = await delta.get(place, answer="contrl")

    assert answer.json["state"] == "done"


async def test_a_job_that_has_not_ended_has_no_answer_in_edifact_yet(make_world: MakeWorld) -> None:
    class Away(MemoryBlobStore):
        def open(self, key: Any) -> Any:
            raise StorageUnavailable("away")

    async with make_world(
        lambda ports: replace(ports, blobs=Away(ports.blobs._clock)), documents={"answer_wait_seconds": 0.01}
    ) as world:
        delta = await world.company()

        answer = await post(delta, moves(1))

        assert (answer.status, answer.json["state"]) == (202, "running")
        assert (await delta.get(answer.headers["Location"], answer="aperak")).code == "NOT_FINISHED"


async def test_senders_and_profile_of_the_partner_count_as_at_once(delta: Caller) -> None:
    await delta.world.act("partner.set", id="delta", edi_senders=["TERM"])
    profile = orjson.dumps({"profile": 1, "documents": {"CODECO": {"98": {"type": "container.gate_in"}}}}).decode()
    await delta.world.act("edi.profile.set", id="delta", profile=profile)
    own = message("CODECO", *(each.replace("BGM+34+", "BGM+98+") for each in ZONED))

    answer = await post(delta, interchange(own) + moves(1, reference="R2", sender="OTHER"))

    assert verdicts(answer) == ["ACCEPTED", "REJECTED"]
    assert faults(answer) == {"SENDER_UNKNOWN"}


async def test_a_sender_of_another_partner_is_refused_where_none_is_agreed(delta: Caller) -> None:
    await delta.world.company("other")
    await delta.world.act("partner.set", id="other", edi_senders=["TERM"])

    assert faults(await post(delta, moves(1))) == {"SENDER_UNKNOWN"}


async def test_it_is_its_senders_alone_and_no_table(delta: Caller) -> None:
    other = await delta.world.company("other")
    place = (await post(delta, moves(1))).headers["Location"]

    for query in ("", "?answer=contrl"):
        assert (await other.get(place + query)).code == "NOT_FOUND"
    assert (await delta.get(place.replace("interchanges", "tables"))).code == "NOT_FOUND"
    assert (await delta.world.ask("GET", place)).code == "UNAUTHENTICATED"
    reads = await delta.world.company("reads", scopes=("receipts:read",))
    assert (await post(reads, moves(1))).code == "SCOPE_MISSING"


async def test_what_is_no_edifact_is_refused(delta: Caller) -> None:
    for media_type in ("application/json", "text/csv", ""):
        assert (await post(delta, moves(1), media_type)).code == "MEDIA_TYPE_UNSUPPORTED"
    assert (await post(delta, b"a,b\n1,2\n")).code == "BODY_MALFORMED"
    assert (await post(delta, b"")).code == "BODY_MALFORMED"


async def test_unknown_parameters_and_forms_are_refused(delta: Caller) -> None:
    place = (await post(delta, moves(1))).headers["Location"]

    assert (await post(delta, moves(1), query="?answer=contrl")).code == "BAD_REQUEST"
    for query in ("answer=dcsa", "form=contrl"):
        assert (await delta.ask("GET", f"{place}?{query}")).code == "BAD_REQUEST"


async def test_one_that_is_too_large_is_refused_by_its_size_and_as_it_comes(make_world: MakeWorld) -> None:
    async with make_world(documents={"interchange_bytes_max": 1_000}) as world:
        delta = await world.company()

        assert (await post(delta, b"U" * 1_001)).code == "BODY_TOO_LARGE"
        assert (await post(delta, endless(b"U" * 600))).code == "BODY_TOO_LARGE"


async def test_a_profile_that_changes_before_it_is_judged_counts_from_the_next_one_on(delta: Caller) -> None:
    before = delta.world.hub.snapshot().revision
    profile = orjson.dumps({"profile": 1, "documents": {"CODECO": {"34": {"type": "container.gate_out"}}}}).decode()
    await delta.world.act("edi.profile.set", id="delta", profile=profile)
    key, system = delta.key.id, delta.world.hub.snapshot().systems.get("delta.sys")
    partner = delta.world.hub.snapshot().partners.get("delta")
    assert partner
    assert system
    waiting = Principal(partner, system, key, frozenset(system.scopes), 1 << 40)

    await _judged(delta, waiting, moves(1), before)
    await _judged(delta, waiting, moves(1, reference="R2"), before + 1)

    types = await _types(delta)
    assert types == ["customs.container.gate_in", "customs.container.gate_out"]


async def _judged(delta: Caller, sender: Principal, sent: bytes, revision: int) -> None:
    runner, parameters = delta.world.hub.intake.jobs, {REVISION: str(revision)}
    job = await runner.take(sender, JobKind.INTERCHANGE, EDIFACT, parameters, in_chunks(sent))
    assert not isinstance(job, Refusal)
    assert (await runner.settled(job, seconds=10)).counts == {"ACCEPTED": 1}


async def _types(delta: Caller) -> list[str]:
    while len(items := (await delta.get("/v1/events", order="oldest")).json["items"]) < 2:
        await asyncio.sleep(0.01)
    return [each["event"]["type"] for each in items]
