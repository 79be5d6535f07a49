"""Sheets of events: judged row by row, corrected and sent again, given back marked."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from msgspec.structs import replace

from hub.core.errors import StorageFull, StorageUnavailable
from hub.drivers.memory.blob_store import MemoryBlobStore
from hub.drivers.memory.jobs import MemoryJobs
from tests.wire.conftest import MakeWorld, endless
from tests.world import GATE_IN, Answer, Caller, HubWorld

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
AT = datetime.now(UTC).isoformat(timespec="seconds")


def sheet(*rows: str) -> bytes:
    """Rows of `id,empty`, or of `id,empty,updated_at`."""
    lines = ["id,empty,updated_at,container,occurred_at,time_kind,unlocode"]
    for row in rows:
        cells = (*row.split(","), "")[:3]
        lines.append(",".join((*cells, "MSKU1234565", AT, "ACTUAL", "NLRTM")))
    return "\n".join(lines).encode()


async def post(caller: Caller, body: Any, media_type: str = CSV, query: str = f"type={GATE_IN}") -> Answer:
    return await caller.ask("POST", f"/v1/tables?{query}", data=body, headers={"Content-Type": media_type})


def said(answer: Answer) -> list[tuple[str, str]]:
    return [(item["id"], item["verdict"]) for item in answer.json["items"]]


async def settled(caller: Caller, place: str) -> Answer:
    """The results at a place, once there are all."""
    while (answer := await caller.get(place)).json["state"] not in ("done", "failed"):
        await asyncio.sleep(0.005)
    return answer


async def test_every_row_gets_a_verdict_with_its_place_in_the_sheet(delta: Caller) -> None:
    answer = await post(delta, sheet("a,no", "b,perhaps"))

    assert (answer.status, answer.json["counts"]) == (207, {"ACCEPTED": 1, "REJECTED": 1})
    [good, bad] = answer.json["items"]
    assert (good["id"], good["source"], good["place"], good["verdict"]) == ("a", "table", "row 2", "ACCEPTED")
    assert [(each["place"], each["found"]) for each in bad["faults"]] == [("row 3, column B (empty)", "perhaps")]


async def test_beyond_the_bound_of_a_documents_faults_verdicts_and_codes_go_on(make_world: MakeWorld) -> None:
    async with make_world(documents={"job_faults_bytes_max": 200}, intake={"batch_events_max": 2}) as world:
        await world.reader(feed=False)
        delta = await world.company()

        answer = await post(delta, sheet(*[f"r{number},perhaps" for number in range(5)]))
        marked = await delta.get(f"{answer.headers['Location']}/workbook")

    items = answer.json["items"]
    assert [(item["verdict"], item["code"]) for item in items] == [("REJECTED", "EVENT_INVALID")] * 5
    told = [[each["code"] for each in item.get("faults", ())] for item in items]
    assert told == [["VALUE_NOT_ALLOWED"], ["TOO_MANY_FAULTS"], [], [], []]
    assert marked.status == 200


async def test_results_can_be_asked_for_again_a_page_at_a_time(delta: Caller) -> None:
    answer = await post(delta, sheet("a,no", "b,no", "c,no"))
    place = answer.headers["Location"]

    first = await delta.get(place, limit=2)
    second = await delta.get(place, cursor=first.json["next"])

    assert said(first) + said(second) == said(answer)
    assert (first.json["next"], second.json["next"]) == ("2", None)
    receipts = await delta.get("/v1/receipts", source="table", id="a")
    assert receipts.json["items"][0]["statement"]["raw_sha256"] == answer.json["sha256"]


async def test_a_corrected_sheet_is_a_new_version_where_it_was_corrected_and_a_repeat_elsewhere(delta: Caller) -> None:
    answers = [await post(delta, sheet("a,no", f"b,{empty}")) for empty in ("no", "yes", "yes", "no")]

    assert [said(each) for each in answers] == [
        [("a", "ACCEPTED"), ("b", "ACCEPTED")],
        [("a", "DUPLICATE"), ("b", "ACCEPTED")],
        [("a", "DUPLICATE"), ("b", "DUPLICATE")],
        [("a", "DUPLICATE"), ("b", "ACCEPTED")],
    ]
    assert len((await delta.get("/v1/events", publisher="delta", type=GATE_IN)).json["items"]) >= 1


async def test_a_row_in_another_notation_is_a_repeat_whether_or_not_it_says_its_version(delta: Caller) -> None:
    tokyo = datetime.fromisoformat(AT).astimezone(timezone(timedelta(hours=9))).isoformat().encode()
    table = sheet("a,no", f"b,no,{AT}")

    answers = [await post(delta, table.replace(AT.encode(), each)) for each in (AT.encode(), tokyo)]

    assert [answer.json["counts"] for answer in answers] == [{"ACCEPTED": 2}, {"DUPLICATE": 2}]


async def test_a_correction_counts_also_where_the_version_before_lies_ahead_of_the_clock(delta: Caller) -> None:
    ahead = (datetime.now(UTC) + timedelta(seconds=100)).isoformat(timespec="seconds")

    answers = [await post(delta, sheet(row)) for row in (f"a,no,{ahead}", "a,yes", "a,yes", "a,no")]

    counts = [answer.json["counts"] for answer in answers]
    assert counts == [{"ACCEPTED": 1}, {"ACCEPTED": 1}, {"DUPLICATE": 1}, {"ACCEPTED": 1}]


async def test_a_row_that_says_when_it_was_changed_is_that_version(delta: Caller) -> None:
    rows = ["a,no,2026-01-01T10:00:00Z", "a,yes,2026-01-01T11:00:00Z", "a,no,2026-01-01T10:00:00Z"]

    answers = [await post(delta, sheet(row)) for row in rows]

    assert [said(each)[0][1] for each in answers] == ["ACCEPTED", "ACCEPTED", "DUPLICATE"]


async def test_a_time_without_offset_is_refused_until_a_zone_is_agreed_with_the_partner(delta: Caller) -> None:
    body = sheet("a,no").replace(AT.encode(), b"2026-11-20 10:00:00")

    refused = await post(delta, body)
    await delta.world.act("partner.set", id="delta", time_zone="Europe/Amsterdam")
    taken = await post(delta, body)

    assert [each["code"] for each in refused.json["items"][0]["faults"]] == ["OFFSET_MISSING"]
    assert said(taken) == [("a", "ACCEPTED")]


async def test_a_sheet_that_cannot_be_read_is_refused_with_its_faults(delta: Caller) -> None:
    malformed, foreign = (400, "BODY_MALFORMED"), (422, "DOCUMENT_NOT_TAKEN")
    for body, media_type, expected in (
        (b"", CSV, malformed),
        (b"a,b\n1,2\n", CSV, malformed),
        (b"PK\x03\x04rubbish", XLSX, malformed),
        (b"%PDF-1.7", CSV, foreign),
    ):
        answer = await post(delta, body, media_type)

        assert (answer.status, answer.code) == expected
        assert answer.json["faults"]
        again = await delta.get(answer.headers["Location"])
        assert (again.json["state"], again.json["code"]) == ("failed", expected[1])


@pytest.mark.parametrize("media_type", ["application/json", "text/plain", "application/vnd.ms-excel", ""])
async def test_what_is_no_table_is_refused_before_it_is_read(delta: Caller, media_type: str) -> None:
    assert (await post(delta, sheet("a,no"), media_type)).code == "MEDIA_TYPE_UNSUPPORTED"


async def test_a_table_that_is_too_large_is_refused_by_its_size_and_as_it_comes(make_world: MakeWorld) -> None:
    async with make_world(documents={"table_bytes_max": 1_000}) as world:
        delta = await world.company()

        assert (await post(delta, b"x" * 1_001)).code == "BODY_TOO_LARGE"
        assert (await post(delta, endless(b"x" * 600))).code == "BODY_TOO_LARGE"


async def test_a_table_that_does_not_come_is_408_and_one_that_is_cut_leaves_nothing(make_world: MakeWorld) -> None:
    async with make_world(documents={"upload_seconds_max": 0.05, "jobs_per_partner_max": 1}) as world:
        delta = await world.company()
        head = delta.head(path=f"/v1/tables?type={GATE_IN}", Content_Type=CSV, Content_Length="100")

        wire = await world.wire()
        slow = await (await wire.send(head + b"\r\nid,empty")).answer()
        cut = await world.wire()
        await cut.send(head + b"\r\nid,empty")
        await cut.close()

        assert slow.code == "BODY_TOO_SLOW"
        assert (await post(delta, b"")).code == "BODY_MALFORMED"  # The place of both is free again.
        assert await world.hub.ports.jobs.unfinished() == []


async def test_a_table_is_its_senders_alone(delta: Caller) -> None:
    other = await delta.world.company("other")
    place = (await post(delta, sheet("a,no"))).headers["Location"]

    for path in (place, f"{place}/workbook", "/v1/tables/none"):
        assert (await other.get(path)).code == "NOT_FOUND"
    assert (await delta.world.ask("GET", place)).code == "UNAUTHENTICATED"
    assert (await delta.world.ask("POST", "/v1/tables", headers={"Content-Type": CSV})).code == "UNAUTHENTICATED"
    reads = await delta.world.company("reads", scopes=("receipts:read",))
    assert (await post(reads, sheet("a,no"))).code == "SCOPE_MISSING"


async def test_the_sheet_comes_back_as_a_workbook_with_its_faults_explained(delta: Caller) -> None:
    place = (await post(delta, sheet("a,no", "b,perhaps"))).headers["Location"]

    answer = await delta.get(f"{place}/workbook", lang="fr")

    assert (answer.status, answer.headers["Content-Type"]) == (200, XLSX)
    with ZipFile(BytesIO(answer.body)) as workbook:
        assert any("comments" in name for name in workbook.namelist())
    assert (await delta.get(f"{place}/workbook", lang="de")).code == "BAD_REQUEST"


@pytest.mark.parametrize("form", ["csv", "xlsx"])
async def test_anybody_may_have_a_template_and_a_filled_one_is_taken(world: HubWorld, form: str) -> None:
    answer = await world.ask("GET", f"/v1/schemas/{GATE_IN}/template.{form}?lang=fr")

    assert answer.status == 200
    assert answer.headers["Content-Type"] == (CSV if form == "csv" else XLSX)
    assert answer.body.startswith("\ufeffNuméro".encode() if form == "csv" else b"PK")
    assert (await world.ask("GET", f"/v1/schemas/customs.container.gate/template.{form}")).code == "NOT_FOUND"
    assert (await world.ask("GET", f"/v1/schemas/{GATE_IN}/templateX{form}")).code == "NOT_FOUND"


async def test_a_table_that_takes_long_is_202_and_its_results_come_later(make_world: MakeWorld) -> None:
    away = asyncio.Event()

    class Slow(MemoryBlobStore):
        def open(self, key: Any) -> Any:
            if not away.is_set():
                raise StorageUnavailable("away")
            return super().open(key)

    async with make_world(
        lambda ports: replace(ports, blobs=Slow(ports.blobs._clock)), documents={"answer_wait_seconds": 0.01}
    ) as world:
        await world.reader(feed=False)
        delta = await world.company()
        answer = await post(delta, sheet("a,no"))
        place = answer.headers["Location"]
        early = await delta.get(f"{place}/workbook")
        away.set()

        assert (answer.status, answer.json["state"], answer.json["next"]) == (202, "running", "0")
        assert early.code == "NOT_FINISHED"
        assert said(await settled(delta, place)) == [("a", "ACCEPTED")]


async def test_a_partner_has_so_many_tables_waiting_and_no_more(make_world: MakeWorld) -> None:
    class Away(MemoryBlobStore):
        def open(self, key: Any) -> Any:
            raise StorageUnavailable("away")

    async with make_world(
        lambda ports: replace(ports, blobs=Away(ports.blobs._clock)),
        documents={"answer_wait_seconds": 0.01, "jobs_per_partner_max": 2},
    ) as world:
        delta, other = await world.company(), await world.company("other")

        assert [(await post(delta, sheet("a,no"))).status for _ in range(3)] == [202, 202, 429]
        assert (await post(other, sheet("a,no"))).status == 202


async def test_a_table_that_nobody_foresaw_fails_alone(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    from hub.intake.judging import Judging

    judged = Judging.translated

    def poisoned(self: Judging, admitted: Any, digest: bytes, translation: Any, item: Any) -> Any:
        if item.id == "poison":
            raise ZeroDivisionError
        return judged(self, admitted, digest, translation, item)

    monkeypatch.setattr(Judging, "translated", poisoned)
    async with make_world(documents={"jobs_running_max": 1}) as world:
        await world.reader(feed=False)
        delta = await world.company()

        bad, good = await post_raw(delta, sheet("poison,no")), await post(delta, sheet("a,no"))

        assert (bad.status, bad.json["code"]) == (500, "INTERNAL")
        assert said(good) == [("a", "ACCEPTED")]
        assert b'alarms_total{alarm="job_failed"} 1.0' in world.hub.observer.exposition()


async def post_raw(caller: Caller, body: bytes) -> Answer:
    """As `post`, for what is answered 500."""
    headers = {"Content-Type": CSV, "Authorization": f"Bearer {caller.token}"}
    url = f"{caller.world.hub.url}/v1/tables?type={GATE_IN}"
    async with caller.world.http.post(url, data=body, headers=headers) as response:
        return Answer(response.status, response.headers, await response.read())


async def test_a_table_for_which_there_is_no_room_is_507_and_leaves_nothing(make_world: MakeWorld) -> None:
    class Full(MemoryJobs):
        async def add(self, job: Any) -> None:
            raise StorageFull("no room")

    kept: dict[str, Any] = {}

    def full(ports: Any) -> Any:
        kept["blobs"] = ports.blobs
        return replace(ports, jobs=Full())

    async with make_world(full) as world:
        delta = await world.company()

        assert (await post(delta, sheet("a,no"))).code == "STORAGE_FULL"
        assert kept["blobs"]._blobs == {}


async def test_a_job_goes_on_where_the_last_process_left_it(make_world: MakeWorld, tmp_path: Path) -> None:
    class Away(MemoryBlobStore):
        def open(self, key: Any) -> Any:
            raise StorageUnavailable("away")

    kept: dict[str, Any] = {}

    def first(ports: Any) -> Any:
        kept["blobs"] = Away(ports.blobs._clock)
        kept["others"] = {"keys": ports.keys, "jobs": ports.jobs, "registry": ports.registry}
        return replace(ports, blobs=kept["blobs"])

    def second(ports: Any) -> Any:
        blobs = MemoryBlobStore(ports.blobs._clock)
        blobs._blobs = kept["blobs"]._blobs
        return replace(ports, blobs=blobs, **kept["others"])

    async with make_world(first, documents={"answer_wait_seconds": 0.01}) as world:
        await world.reader(feed=False)
        delta = await world.company()
        place = (await post(delta, sheet("a,no"))).headers["Location"]
    async with make_world(second) as world:
        delta = Caller(world, delta.id, delta.key)
        assert (await delta.sign_in()).status == 200

        assert said(await settled(delta, place)) == [("a", "ACCEPTED")]
