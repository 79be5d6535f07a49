"""The REST interface of EPCIS 2.0, as far as it is offered: what its OpenAPI says is what comes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from yarl import URL

from tests.wire.conftest import MakeWorld
from tests.world import Answer, Caller, HubWorld

LINKED = "application/ld+json"
CONTEXT = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
NOW = datetime.now(UTC)
TWO_HOURS_AGO = quote((NOW - timedelta(hours=2)).isoformat())
SSCC = "urn:epc:id:sscc:0614141.1234567890"


def epcis(id: str | None = "urn:uuid:1", **more: Any) -> dict[str, Any]:  # noqa: A002
    event = {
        "type": "ObjectEvent",
        "eventID": id,
        "eventTime": (NOW - timedelta(hours=1)).isoformat(timespec="seconds"),
        "eventTimeZoneOffset": "+00:00",
        "action": "OBSERVE",
        "bizStep": "departing",
        "epcList": [SSCC],
        "readPoint": {"id": "urn:epc:id:sgln:0614141.00777.0"},
    }
    return {name: value for name, value in (event | more).items() if value is not None}


def document(*events: dict[str, Any]) -> dict[str, Any]:
    return {
        "@context": [CONTEXT],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": NOW.isoformat(timespec="seconds"),
        "epcisBody": {"eventList": list(events)},
    }


async def send(caller: Caller, path: str, sent: object, **headers: str) -> Answer:
    body = sent if isinstance(sent, bytes) else orjson.dumps(sent)
    given = {"Content-Type": LINKED} | {name.replace("_", "-"): text for name, text in headers.items()}
    return await caller.ask("POST", path, data=body, headers=given)


async def ended(caller: Caller, place: str) -> Any:
    """A capture job, once it has ended."""
    while (job := (await caller.get(place)).json)["running"]:
        await asyncio.sleep(0.005)
    return job


async def capture(caller: Caller, sent: object, **headers: str) -> Any:
    answer = await send(caller, "/epcis/capture", sent, **headers)
    assert (answer.status, answer.body) == (202, b"")
    return await ended(caller, answer.headers["Location"])


def listed(answer: Answer) -> list[str]:
    """The ids in a query document."""
    assert answer.status == 200, answer
    assert answer.json["type"] == "EPCISQueryDocument"
    return [each["eventID"] for each in answer.json["epcisBody"]["queryResults"]["resultsBody"]["eventList"]]


async def known(caller: Caller, count: int, query: str = "") -> Answer:
    """One's own events, once there are so many."""
    while len(listed(answer := await caller.get(f"/epcis/events{query}"))) < count:
        await asyncio.sleep(0.005)
    return answer


async def test_a_captured_document_is_a_job_that_succeeds(delta: Caller) -> None:
    job = await capture(delta, document(epcis(), epcis("urn:uuid:2")))

    assert {name: job[name] for name in ("running", "success", "captureErrorBehaviour", "errors")} == {
        "running": False,
        "success": True,
        "captureErrorBehaviour": "rollback",
        "errors": [],
    }
    assert job["counts"] == {"ACCEPTED": 2}
    assert job["createdAt"] <= job["finishedAt"]
    assert sorted(listed(await known(delta, 2))) == ["urn:uuid:1", "urn:uuid:2"]


async def test_by_default_all_of_a_capture_is_taken_or_nothing(delta: Caller) -> None:
    job = await capture(delta, document(epcis(), epcis("urn:uuid:2", bizStep="flying")))

    assert (job["success"], job["counts"]) == (False, {"NOT_ATTEMPTED": 1, "REJECTED": 1})
    [error] = job["errors"]
    assert (error["type"], error["status"], error["code"]) == (
        "epcisException:ValidationException", 400, "EVENT_INVALID",
    )  # fmt: skip
    assert error["place"] == "/epcisBody/eventList/1"
    assert error["faults"][0]["place"] == "/epcisBody/eventList/1/bizStep"


async def test_a_capture_that_contradicts_what_is_known_is_rolled_back_whole(delta: Caller) -> None:
    await capture(delta, document(epcis("urn:e:1")))

    job = await capture(delta, document(epcis("urn:e:2"), epcis("urn:e:1", bizStep="arriving"), epcis("urn:e:3")))

    assert (job["success"], job["counts"]) == (False, {"NOT_ATTEMPTED": 2, "CONFLICT": 1})
    assert [error["place"] for error in job["errors"]] == ["/epcisBody/eventList/1"]
    assert listed(await known(delta, 1)) == ["urn:e:1"]


async def test_a_capture_that_contradicts_itself_is_told_so(delta: Caller) -> None:
    sent = document(epcis("urn:e:1"), epcis("urn:e:1", bizStep="arriving"))

    rolled_back = await capture(delta, sent)
    proceeding = await capture(delta, sent, **{"GS1-Capture-Error-Behaviour": "proceed"})

    assert rolled_back["counts"] == {"NOT_ATTEMPTED": 1, "CONFLICT": 1}
    assert proceeding["counts"] == {"ACCEPTED": 1, "CONFLICT": 1}


async def test_a_capture_that_is_to_proceed_may_be_longer_than_a_batch(make_world: MakeWorld) -> None:
    events = [epcis(f"urn:uuid:{number}") for number in range(6)]
    async with make_world(intake={"batch_events_max": 2}, documents={"capture_events_max": 5}) as world:
        await world.reader(feed=False)
        delta = await world.company()

        job = await capture(delta, document(*events[:5]), GS1_Capture_Error_Behaviour="proceed")
        too_long = await send(delta, "/epcis/capture", document(*events), GS1_Capture_Error_Behaviour="proceed")
        whole = await send(delta, "/epcis/capture", document(*events[:5]))

    assert (job["success"], job["counts"]) == (True, {"ACCEPTED": 5})
    assert (too_long.code, whole.code) == ("BODY_TOO_LARGE", "BODY_TOO_LARGE")


async def test_a_capture_that_is_to_proceed_takes_what_is_right(delta: Caller) -> None:
    sent = document(epcis(), epcis("urn:uuid:2", bizStep="flying"))

    job = await capture(delta, sent, GS1_Capture_Error_Behaviour="proceed")

    assert (job["success"], job["captureErrorBehaviour"]) == (False, "proceed")
    assert job["counts"] == {"ACCEPTED": 1, "REJECTED": 1}
    assert [error["id"] for error in job["errors"]] == ["urn:uuid:2"]


@pytest.mark.parametrize(
    ("sent", "headers", "code", "status", "kind"),
    [
        (b"", {}, "BODY_MALFORMED", 400, "Validation"),
        (b'{"type": "EPCISDocument"', {}, "BODY_MALFORMED", 400, "Validation"),
        (b"<epcis:EPCISDocument/>", {}, "DOCUMENT_NOT_TAKEN", 400, "Validation"),
        (b'{"events": []}', {}, "MEDIA_TYPE_UNSUPPORTED", 415, "UnsupportedMediaType"),
        (document(), {"Content_Type": "application/xml"}, "MEDIA_TYPE_UNSUPPORTED", 415, "UnsupportedMediaType"),
        (document(), {"GS1_Capture_Error_Behaviour": "all"}, "BAD_REQUEST", 400, "Validation"),
        (document(), {"GS1_EPCIS_Version": "1.2.0"}, "NOT_ACCEPTABLE", 406, "NotAcceptable"),
        (document(), {"GS1_CBV_Min": "2.1"}, "NOT_ACCEPTABLE", 406, "NotAcceptable"),
        (document(), {"GS1_EPCIS_Max": "1.2"}, "NOT_ACCEPTABLE", 406, "NotAcceptable"),
        (document(), {"GS1_EPCIS_Version": "two"}, "BAD_REQUEST", 400, "Validation"),
        (document(*[epcis()] * 1_001), {}, "BODY_TOO_LARGE", 413, "CaptureLimitExceeded"),
    ],
)
async def test_what_cannot_become_a_job_is_refused_at_once_in_terms_of_epcis(
    delta: Caller, sent: Any, headers: dict[str, str], code: str, status: int, kind: str
) -> None:
    answer = await send(delta, "/epcis/capture", sent, **headers)

    assert (answer.status, answer.code) == (status, code)
    assert answer.json["type"] == f"epcisException:{kind}Exception"
    assert (await delta.get("/epcis/capture")).json == []


async def test_versions_that_fit_are_taken(delta: Caller) -> None:
    versions = {
        "GS1_EPCIS_Version": "2.0.0",
        "GS1_CBV_Version": "2.0",
        "GS1_EPCIS_Min": "1.2",
        "GS1_EPCIS_Max": "2.0.0",
    }

    answer = await send(delta, "/epcis/capture", document(epcis()), **versions)

    assert (answer.status, answer.headers["GS1-EPCIS-Version"], answer.headers["GS1-CBV-Version"]) == (
        202,
        "2.0.0",
        "2.0.0",
    )


async def test_jobs_are_listed_newest_first_and_a_page_at_a_time(delta: Caller) -> None:
    jobs = [(await capture(delta, document(epcis(f"urn:uuid:{number}"))))["captureID"] for number in range(3)]

    first = await delta.get("/epcis/capture", perPage=2)
    link = first.headers["Link"]
    rest = await delta.get(link[1 : link.index(">")])

    assert [job["captureID"] for job in first.json + rest.json] == jobs[::-1]
    assert link.endswith('; rel="next"')
    assert "Link" not in rest.headers
    assert (await delta.get("/epcis/capture", nextPageToken="x")).code == "CURSOR_INVALID"


async def test_a_job_is_its_partners_alone(delta: Caller) -> None:
    other = await delta.world.company("other")
    job = await capture(delta, document(epcis()))

    assert (await other.get(f"/epcis/capture/{job['captureID']}")).code == "NOT_FOUND"
    assert (await other.get("/epcis/capture")).json == []
    assert (await delta.get(f"/v1/tables/{job['captureID']}")).code == "NOT_FOUND"


async def test_one_event_is_accepted_when_it_is_answered(delta: Caller) -> None:
    event = {"@context": [CONTEXT], **epcis("ni:///sha-256;a?ver=CBV2.0")}

    created = await send(delta, "/epcis/events", event)

    assert (created.status, created.json) == (201, event)
    assert created.headers["Location"] == f"/epcis/events/{quote('ni:///sha-256;a?ver=CBV2.0', safe='')}"
    again = await send(delta, "/epcis/events", event)
    assert (again.status, again.json["verdict"]) == (200, "DUPLICATE")
    url = delta.world.hub.url + created.headers["Location"]
    async with delta.world.http.get(_as_written(url), headers={"Authorization": f"Bearer {delta.token}"}) as answer:
        found = orjson.loads(await answer.read())
    assert found["epcisBody"]["queryResults"]["resultsBody"]["eventList"][0]["eventID"] == event["eventID"]


def _as_written(url: str) -> URL:
    return URL(url, encoded=True)


async def test_one_event_that_is_wrong_is_400_and_one_that_is_private_is_kept_by_nobody(delta: Caller) -> None:
    wrong = await send(delta, "/epcis/events", {"@context": [CONTEXT], **epcis(bizStep="flying")})
    private = await send(delta, "/epcis/events", {"@context": [CONTEXT], **epcis(bizStep="retail_selling")})
    many = await send(delta, "/epcis/events", document(epcis(), epcis("urn:uuid:2")))

    assert (wrong.status, wrong.code, wrong.json["type"]) == (
        400,
        "EVENT_INVALID",
        "epcisException:ValidationException",
    )
    assert (private.status, private.json["verdict"]) == (200, "NOT_SHARED")
    assert many.status in (400, 413)
    status = await delta.world.hub.status()
    assert [each["end"] for each in status["partitions"]] == [0]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", ["a", "b", "c"]),
        ("?eventType=ObjectEvent", ["a", "b", "c"]),
        ("?eventType=AggregationEvent", []),
        ("?EQ_bizStep=departing", ["a"]),
        ("?EQ_bizStep=urn:epcglobal:cbv:bizstep:departing|loading", ["a", "b"]),
        ("?EQ_action=ADD", ["c"]),
        (f"?MATCH_epc={SSCC}", ["a", "b"]),
        ("?MATCH_epc=https://id.gs1.org/00/106141412345678908", ["a", "b"]),
        ("?EQ_eventID=urn:b", ["b"]),
        pytest.param(f"?GE_eventTime={TWO_HOURS_AGO}", ["a", "b"], id="GE_eventTime"),
        pytest.param(f"?LT_eventTime={TWO_HOURS_AGO}", ["c"], id="LT_eventTime"),
        ("?GE_recordTime=2030-01-01T00:00:00Z", []),
    ],
)
async def test_ones_own_events_are_found_by_what_is_offered(delta: Caller, query: str, ids: list[str]) -> None:
    early = (NOW - timedelta(hours=3)).isoformat(timespec="seconds")
    events = [
        epcis("urn:a"),
        epcis("urn:b", bizStep="urn:epcglobal:cbv:bizstep:loading"),
        epcis(
            "urn:c", bizStep="arriving", action="ADD", eventTime=early, epcList=["urn:epc:id:sscc:0614141.0000000001"]
        ),
    ]
    await capture(delta, document(*events))
    await known(delta, 3)

    assert sorted(listed(await delta.get(f"/epcis/events{query}"))) == [f"urn:{id_}" for id_ in ids]


async def test_pages_of_events_follow_each_other(delta: Caller) -> None:
    await capture(delta, document(*[epcis(f"urn:{number}") for number in range(5)]))
    await known(delta, 5)

    found, place = list[str](), "/epcis/events?perPage=2"
    while place:
        answer = await delta.get(place)
        found += listed(answer)
        place = answer.headers.get("Link", "<>").partition(">")[0][1:]

    assert sorted(found) == [f"urn:{number}" for number in range(5)]


async def test_events_are_shown_to_their_publisher_alone(delta: Caller) -> None:
    await capture(delta, document(epcis()))
    await known(delta, 1)
    other = await delta.world.company("other")

    assert listed(await other.get("/epcis/events")) == []
    assert (await other.get("/epcis/events/urn:uuid:1")).code == "NOT_FOUND"
    assert listed(await delta.get("/epcis/events/urn:uuid:1")) == ["urn:uuid:1"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("?EQ_quantity=1", "NOT_OFFERED"),
        ("?orderBy=eventTime", "NOT_OFFERED"),
        ("?MATCH_epc=urn:epc:idpat:sscc:*.*", "NOT_OFFERED"),
        ("?EQ_action=LOOK", "BAD_REQUEST"),
        ("?GE_eventTime=yesterday", "BAD_REQUEST"),
        ("?perPage=many", "BAD_REQUEST"),
        ("?nextPageToken=x", "CURSOR_INVALID"),
        ("?eventType=ObjectEvent&eventType=AggregationEvent", "BAD_REQUEST"),
        ("?EQ_bizStep=", "BAD_REQUEST"),
    ],
)
async def test_a_question_that_is_wrong_or_not_offered_is_told_and_not_passed_over(
    delta: Caller, query: str, code: str
) -> None:
    answer = await delta.get(f"/epcis/events{query}")

    kind = "ImplementationException" if code == "NOT_OFFERED" else "QueryParameterException"
    assert (answer.code, answer.json["type"]) == (code, f"epcisException:{kind}")


async def test_a_parameter_that_is_not_known_is_named(delta: Caller) -> None:
    asked = await delta.get("/epcis/events?perPage=1&colour=red")

    assert asked.json["detail"].startswith("unknown parameter colour; known are: ")


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/epcis/queries", "NOT_OFFERED"),
        ("POST", "/epcis/queries", "NOT_OFFERED"),
        ("POST", "/epcis/queries/mine/subscriptions", "NOT_OFFERED"),
        ("DELETE", "/epcis/queries/mine", "NOT_OFFERED"),
        ("GET", "/epcis/eventTypes", "NOT_OFFERED"),
        ("GET", f"/epcis/epcs/{SSCC}/events", "NOT_OFFERED"),
        ("DELETE", "/epcis/nextPageToken/x", "NOT_OFFERED"),
        ("GET", "/epcis/elsewhere", "NOT_FOUND"),
        ("DELETE", "/epcis/capture", "METHOD_NOT_ALLOWED"),
    ],
)
async def test_the_rest_of_the_standard_is_501_and_what_it_has_not_is_nowhere(
    delta: Caller, method: str, path: str, code: str
) -> None:
    answer = await delta.ask(method, path)

    assert answer.code == code
    assert "/epcis/capture" in answer.json["detail"] if code == "NOT_OFFERED" else True


async def test_the_interface_says_what_it_is(delta: Caller) -> None:
    root = await delta.get("/epcis")
    options = await delta.ask("OPTIONS", "/epcis/capture")

    assert root.json["member"] == ["capture", "events"]
    assert (options.status, options.body) == (204, b"")
    assert {name: options.headers[name] for name in options.headers if name.startswith("GS1") or name == "Allow"} == {
        "Allow": "OPTIONS, GET, POST",
        "GS1-EPCIS-Version": "2.0.0",
        "GS1-CBV-Version": "2.0.0",
        "GS1-EPCIS-Min": "2.0.0",
        "GS1-EPCIS-Max": "2.0.0",
        "GS1-CBV-Min": "2.0.0",
        "GS1-CBV-Max": "2.0.0",
        "GS1-EPC-Format": "Never_Translates",
        "GS1-EPCIS-Capture-Limit": "1000",
        "GS1-EPCIS-Capture-File-Size-Limit": "4194304",
        "GS1-Capture-Error-Behaviour": "all",
    }
    assert (
        await delta.ask("GET", "/epcis/events", headers={"GS1-EPC-Format": "Always_EPC_URN"})
    ).code == "NOT_ACCEPTABLE"


@pytest.mark.parametrize("path", ["", "/capture", "/events", "/capture/x", "/events/x", "/queries"])
async def test_a_stranger_is_let_in_nowhere(world: HubWorld, path: str) -> None:
    answer = await world.ask("GET", f"/epcis{path}")

    assert (answer.code, answer.json["type"]) == ("UNAUTHENTICATED", "epcisException:SecurityException")


async def test_a_document_of_the_standard_itself_is_taken_at_both_doors(make_world: MakeWorld) -> None:
    async with make_world() as world:
        await world.reader(feed=False)
        one, other = await world.company("one"), await world.company("other")

        job = await capture(one, document(epcis()))
        items = (await send(other, "/v1/events", document(epcis()))).json["items"]

    assert job["counts"] == {"ACCEPTED": 1}
    assert [(item["verdict"], item["place"], item["source"]) for item in items] == [
        ("ACCEPTED", "/epcisBody/eventList/0", "epcis")
    ]
