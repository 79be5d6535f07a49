"""Digital copies of documents: handed in once, receipted, given back as they came, and withdrawn."""

from __future__ import annotations

import asyncio
import zlib
from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import orjson
import pytest
from msgspec import structs
from msgspec.structs import replace

from connectors.verify import verify
from hub.core.errors import StorageFull, Unknown
from hub.drivers.memory.blob_store import MemoryBlobStore
from hub.drivers.memory.event_log import MemoryEventLog
from hub.drivers.s3.blob_store import S3BlobStore
from tests.clock import ManualClock
from tests.s3 import bucket_of
from tests.wire.conftest import MakeWorld
from tests.world import Answer, Caller, HubWorld

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\nstartxref\n9\n%%EOF\n"
JSON = "application/json"
AEO = {"type": "F", "issuer": "NL", "valid_from": "2020-01-01"}


def png(*, text: bytes = b"") -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return len(content).to_bytes(4, "big") + name + content + zlib.crc32(name + content).to_bytes(4, "big")

    head = (1).to_bytes(4, "big") * 2 + b"\x08\0\0\0\0"
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"x" + text) + chunk(b"IEND", b"")


async def post(caller: Caller, body: Any, media_type: str = "image/png", **more: Any) -> Answer:
    headers = {"Content-Type": media_type} | more.pop("headers", {})
    asked = {"kind": "380", "reference": "INV-42", **more}
    query = urlencode({name: text for name, text in asked.items() if text is not None}, doseq=True)
    return await caller.ask("POST", f"/v1/documents?{query}", data=body, headers=headers)


async def withdraw(caller: Caller, digest: str, reason: object = None) -> Answer:
    body = orjson.dumps({"reason": reason or {"text": "Order cancelled."}})
    headers = {"Content-Type": JSON}
    return await caller.ask("POST", f"/v1/documents/{digest}/withdraw", data=body, headers=headers)


def at(content: bytes, part: str = "") -> str:
    return f"/v1/documents/{sha256(content).hexdigest()}{part}"


async def exporter(world: HubWorld, name: str = "delta", *, aeo: bool = True) -> Caller:
    caller = await world.company(name, roles=["exporter"])
    if aeo:
        await world.act("partner.aeo", id=name, number=f"NLAEOF-{name}", **AEO)
    return caller


def kept(world: HubWorld) -> Any:
    """What lies in the store of a hub in memory, as it lies there: when it was put and its bytes, by key."""
    vault: Any = world.hub.ports.blobs
    return vault._blobs._blobs


@pytest.fixture
async def watch(world: HubWorld) -> Caller:
    return await world.reader(feed=False)


@pytest.fixture
async def delta(world: HubWorld, watch: Caller) -> Caller:
    return await exporter(world)


async def test_a_copy_is_taken_with_a_receipt_of_its_bytes_and_comes_back_as_it_was(
    world: HubWorld, delta: Caller
) -> None:
    content = png()

    answer = await post(delta, content, subject=["ucr:6GB123456789000-SO42"], title="Faktura Ł")
    back = await delta.get(answer.headers["Location"] + "/content")

    assert (answer.status, answer.json["verdict"]) == (201, "ACCEPTED")
    receipt = answer.json["receipt"]
    assert receipt["statement"]["raw_sha256"] == sha256(content).hexdigest()
    assert verify(receipt, content, await world.keys()).fault == ""
    assert (back.status, back.body) == (200, content)
    assert answer.json["event"]["data"]["document"] | {"issuer": 1} == {
        "kind": "380", "reference": "INV-42", "sha256": sha256(content).hexdigest(), "media_type": "image/png",
        "size_bytes": len(content), "title": "Faktura Ł", "issuer": 1,
    }  # fmt: skip


async def test_a_copy_is_never_shown_inline(delta: Caller) -> None:
    await post(delta, png())

    headers = (await delta.get(at(png(), "/content"))).headers

    assert headers["Content-Disposition"].startswith("attachment;")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in headers["Content-Security-Policy"]
    assert headers["Accept-Ranges"] == "none"


async def test_the_same_bytes_again_are_answered_with_the_same_receipt(delta: Caller) -> None:
    first, again = await post(delta, png()), await post(delta, png())

    assert (first.status, again.status, again.json["verdict"]) == (201, 200, "DUPLICATE")
    assert again.json["receipt"]["statement"] == first.json["receipt"]["statement"]
    assert again.json["event"] == first.json["event"]


async def test_the_same_bytes_at_once_are_one_event(delta: Caller) -> None:
    answers = await asyncio.gather(*[post(delta, png()) for _ in range(8)])

    assert sorted(answer.status for answer in answers) == [200] * 7 + [201]
    assert len({answer.body[answer.body.index(b'"statement"') :][:300] for answer in answers}) == 1


async def test_known_bytes_are_told_of_otherwise_only_as_a_later_version(delta: Caller) -> None:
    await post(delta, png())

    assert (await post(delta, png(), reference="INV-43")).code == "CONFLICT"
    later = await post(delta, png(), reference="INV-43", updated_at=datetime.now(UTC).isoformat())

    assert later.status == 201
    known = (await delta.get(at(png()))).json
    assert (known["document"]["reference"], [each["status"] for each in known["versions"]]) == (
        "INV-43",
        ["CURRENT", "SUPERSEDED"],
    )


async def test_a_copy_that_replaces_another_is_a_version_of_the_same_document(delta: Caller) -> None:
    old, new = png(), png(text=b"new")
    first = await post(delta, old)

    amended = await post(delta, new, reference="INV-42-A", replaces=sha256(old).hexdigest(), reason="Price corrected.")

    assert (amended.status, amended.json["event"]["type"]) == (201, "customs.document.amended")
    assert amended.json["id"] == first.json["id"]
    assert amended.json["event"]["data"]["replaces"]["reference"] == "INV-42"
    states = [(await delta.get(at(content))).json["state"] for content in (old, new)]
    assert states == ["superseded", "current"]
    assert (await delta.get(at(old, "/content"))).body == old


async def test_a_withdrawn_document_is_handed_to_nobody_in_any_version(delta: Caller, watch: Caller) -> None:
    old, new = png(), png(text=b"new")
    await post(delta, old)
    await post(delta, new, replaces=sha256(old).hexdigest())

    gone, again = await withdraw(delta, sha256(old).hexdigest()), await withdraw(delta, sha256(old).hexdigest())

    assert (gone.status, again.status) == (201, 200)
    assert again.json["receipt"]["statement"] == gone.json["receipt"]["statement"]
    for caller in (delta, watch):
        for content in (old, new):
            assert (await known(caller, content))["state"] == "withdrawn"
            assert (await caller.get(at(content, "/content"))).code == "DOCUMENT_WITHDRAWN"


async def test_the_same_bytes_after_a_withdrawal_are_said_to_be_withdrawn_and_how_to_bring_them_back(
    delta: Caller,
) -> None:
    first = await post(delta, png())
    await withdraw(delta, sha256(png()).hexdigest())

    again = await post(delta, png())
    back = await post(delta, png(), updated_at=datetime.now(UTC).isoformat())

    assert (first.json["state"], again.json["verdict"], again.json["state"]) == ("current", "DUPLICATE", "withdrawn")
    [note] = again.json["document"]["faults"]
    assert (note["code"], note["severity"], "--updated-at" in note["fix"]) == (
        "DOCUMENT_STAYS_WITHDRAWN",
        "WARNING",
        True,
    )
    assert (back.status, back.json["state"], (await known(delta, png()))["state"]) == (201, "current", "current")


@pytest.mark.parametrize("ended", ["agreement", "aeo"])
async def test_what_was_handed_in_can_be_withdrawn_whatever_has_ended_since(
    world: HubWorld, delta: Caller, ended: str
) -> None:
    await post(delta, png())
    if ended == "agreement":
        await world.act("agreement.end", id="watch-all")
    else:
        await world.act("partner.aeo", id="delta", status="suspended")

    assert (await post(delta, png(text=b"new"))).status == 403
    assert (await withdraw(delta, sha256(png()).hexdigest())).status == 201
    assert (await withdraw(delta, sha256(png()).hexdigest())).status == 200
    assert (await known(delta, png()))["state"] == "withdrawn"


async def test_a_withdrawal_without_a_reason_is_told_what_it_lacks(delta: Caller) -> None:
    await post(delta, png())

    answer = await delta.ask("POST", at(png(), "/withdraw"), headers={"Content-Type": "application/octet-stream"})

    assert (answer.status, answer.code, "reason" in answer.json["detail"]) == (400, "BODY_MALFORMED", True)


async def test_a_recipient_sees_whether_it_is_given_the_copy(world: HubWorld, delta: Caller, watch: Caller) -> None:
    film = png() + b"and a film"
    for content in (png(), film):
        await post(delta, content)

    seen = [(await known(watch, content))["copy"] for content in (png(), film)]
    await world.act("document.refuse", document=sha256(film).hexdigest(), reason="A list is in it.")

    assert seen == ["given", "quarantined"]
    assert (await known(watch, film))["copy"] == "refused"


async def known(caller: Caller, content: bytes) -> Any:
    """What is told of a document, once that is known which its publisher was told is."""
    return (await caller.get(at(content))).json


async def test_after_a_withdrawal_a_later_version_counts_again(delta: Caller) -> None:
    content, new = png(), png(text=b"new")
    await post(delta, content)
    await withdraw(delta, sha256(content).hexdigest())
    assert (await known(delta, content))["state"] == "withdrawn"

    await post(delta, new, replaces=sha256(content).hexdigest())

    assert (await known(delta, new))["state"] == "current"
    assert (await delta.get(at(new, "/content"))).body == new


async def test_another_partner_knows_of_nothing_and_withdraws_nothing(world: HubWorld, delta: Caller) -> None:
    other = await exporter(world, "other")
    await post(delta, png())

    for part in ("", "/content"):
        assert (await other.get(at(png(), part))).code == "NOT_FOUND"
    assert (await withdraw(other, sha256(png()).hexdigest())).code == "NOT_FOUND"
    assert (await post(other, png(text=b"o"), replaces=sha256(png()).hexdigest())).code == "BAD_REQUEST"
    assert (await post(other, png())).status == 201
    assert (await delta.get(at(png(), "/content"))).status == 200


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        (["*"], 200),
        (["/data"], 200),
        (["/data/document"], 200),
        (["/data/document/sha256", "/data/document/kind"], 404),
        (["/data/subjects"], 404),
    ],
)
async def test_a_recipient_is_given_a_copy_where_its_agreement_shows_all_of_the_document(
    world: HubWorld, delta: Caller, fields: list[str], status: int
) -> None:
    risk = await world.reader("risk", feed=False, fields=fields)
    await post(delta, png())
    assert (await delta.get(at(png()))).status == 200

    assert (await risk.get(at(png(), "/content"))).status == status


async def test_when_an_agreement_ends_its_recipient_is_given_nothing_more(
    world: HubWorld, delta: Caller, watch: Caller
) -> None:
    await post(delta, png())
    assert (await delta.get(at(png()))).status == 200
    assert (await watch.get(at(png(), "/content"))).body == png()

    await world.act("agreement.end", id="watch-all")

    assert (await watch.get(at(png(), "/content"))).code == "NOT_FOUND"


async def test_a_partner_without_aeo_is_refused_before_its_copy_is_read(world: HubWorld, watch: Caller) -> None:
    caller = await exporter(world, "small", aeo=False)
    wire = await world.wire()
    path = "/v1/documents?kind=380&reference=1"

    await wire.send(caller.head(path=path, Content_Type="image/png", Content_Length="1000"), b"\r\n")

    assert (await wire.answer()).code == "AEO_REQUIRED"


async def test_without_an_agreement_nothing_is_taken_or_kept(make_world: MakeWorld) -> None:
    async with make_world() as world:
        blobs = kept(world)
        caller = await exporter(world)

        assert (await post(caller, png())).code == "NOT_PERMITTED"
        assert blobs == {}


async def test_a_suspended_partner_hands_nothing_in_and_is_given_nothing(world: HubWorld, delta: Caller) -> None:
    await post(delta, png())
    await world.act("partner.suspend", id="delta", reason="test")

    assert (await post(delta, png(text=b"x"))).code == "PARTNER_SUSPENDED"
    assert (await delta.get(at(png(), "/content"))).code == "PARTNER_SUSPENDED"


@pytest.mark.parametrize(
    ("body", "media_type", "fault"),
    [
        (png(), "application/pdf", "DOCUMENT_TYPE_DIFFERS"),
        (b"MZ\x90\0 a program", "application/pdf", "DOCUMENT_TYPE_UNKNOWN"),
        (b"", "image/png", "DOCUMENT_EMPTY"),
        (png()[:-6], "image/png", "DOCUMENT_TRUNCATED"),
        (b"<html><script>alert(1)</script></html>", "application/xml", "DOCUMENT_ACTIVE"),
    ],
)
async def test_what_is_not_the_document_it_claims_to_be_is_refused(
    delta: Caller, body: bytes, media_type: str, fault: str
) -> None:
    answer = await post(delta, body, media_type)

    assert answer.code == "DOCUMENT_REFUSED"
    assert fault in [each["code"] for each in answer.json["faults"]]
    assert (await delta.get(at(body))).code == "NOT_FOUND"


async def test_a_copy_of_doubtful_content_is_receipted_and_kept_from_everyone(delta: Caller, watch: Caller) -> None:
    content = png() + b"and a film"

    answer = await post(delta, content)

    assert (answer.status, answer.json["document"]["quarantined"]) == (201, True)
    assert [each["code"] for each in answer.json["document"]["faults"]] == ["DOCUMENT_PADDED"]
    assert (await known(delta, content))["quarantined"] is True
    for caller in (delta, watch):
        assert (await caller.get(at(content, "/content"))).code == "DOCUMENT_QUARANTINED"


def digest_of(content: bytes) -> str:
    return f"sha-256=:{b64encode(sha256(content).digest()).decode()}:"


@pytest.mark.parametrize("name", ["Content-Digest", "Repr-Digest"])
async def test_a_digest_that_is_claimed_is_compared(delta: Caller, name: str) -> None:
    good = await post(delta, png(), headers={name: f"sha-512=:AAAA:, {digest_of(png())}"})
    bad = await post(delta, png(), headers={name: digest_of(b"other")})
    broken = await post(delta, png(), headers={name: "sha-256=:AAAA:"})

    assert (good.status, bad.code, broken.code) == (201, "DIGEST_DIFFERS", "BAD_REQUEST")


@pytest.mark.parametrize(
    "asked",
    [
        {"kind": None}, {"reference": None}, {"reference": ""}, {"subject": ["MSKU1234565"]}, {"replaces": "no digest"},
        {"colour": "blue"}, {"title": ["one", "two"]},
    ],
)  # fmt: skip
async def test_what_cannot_be_understood_is_refused_before_the_copy_is_read(delta: Caller, asked: Any) -> None:
    assert (await post(delta, png(), **asked)).code == "BAD_REQUEST"


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ({"kind": "invoice"}, "kind"),
        ({"issued_at": "yesterday"}, "issued_at"),
        ({"subject": ["iso6346:X"]}, "subject/1"),
    ],
)
async def test_a_wrong_parameter_is_named_by_its_name(delta: Caller, asked: Any, place: str) -> None:
    answer = await post(delta, png(), **asked)

    assert answer.code == "EVENT_INVALID"
    assert answer.json["faults"][0]["place"].startswith(place.partition("/")[0])


async def test_media_types_of_nothing_that_is_a_document_are_refused(delta: Caller) -> None:
    for media_type in ("text/html", "application/zip", "multipart/form-data", "image/svg+xml"):
        assert (await post(delta, png(), media_type)).code == "MEDIA_TYPE_UNSUPPORTED"
    assert (await post(delta, png(), headers={"Content-Encoding": "gzip"})).code == "MEDIA_TYPE_UNSUPPORTED"
    assert (await post(delta, png(), "application/octet-stream")).status == 201


async def test_more_than_the_limit_is_refused_declared_or_not(make_world: MakeWorld) -> None:
    async def undeclared() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b"x" * 1_000

    async with make_world(documents={"body_bytes_max": 4_000}) as world:
        await world.reader(feed=False)
        delta = await exporter(world)

        assert (await post(delta, b"x" * 4_001)).code == "BODY_TOO_LARGE"
        assert (await post(delta, undeclared())).code == "BODY_TOO_LARGE"
        assert (await post(delta, png() + b"\0" * (4_000 - len(png())))).status == 201


async def test_a_sender_that_is_slow_or_goes_away_leaves_nothing(make_world: MakeWorld) -> None:
    async with make_world(documents={"upload_seconds_max": 0.2}) as world:
        blobs = kept(world)
        await world.reader(feed=False)
        delta = await exporter(world)
        head = delta.head(path="/v1/documents?kind=380&reference=1", Content_Type="image/png", Content_Length="1000")

        slow = await (await world.wire()).send(head, b"\r\n", b"half")
        gone = await (await world.wire()).send(head, b"\r\n", b"half")
        await gone.close()

        assert (await slow.answer()).code == "BODY_TOO_SLOW"
        assert blobs == {}


async def test_a_disk_without_room_is_507_and_the_next_try_succeeds(make_world: MakeWorld) -> None:
    full = asyncio.Event()

    class Full(MemoryBlobStore):
        async def put(self, key: Any, chunks: Any) -> Any:
            stored = await super().put(key, chunks)
            if full.is_set() and key.name.startswith("pending-"):
                await self.delete(key)
                raise StorageFull("no room")
            return stored

    async with make_world(lambda ports: replace(ports, blobs=Full(ports.blobs._clock))) as world:
        await world.reader(feed=False)
        delta = await exporter(world)
        full.set()
        assert (await post(delta, png())).code == "STORAGE_FULL"
        full.clear()

        assert (await post(delta, png())).status == 201


async def test_an_event_that_the_log_did_not_take_leaves_no_copy(make_world: MakeWorld) -> None:
    kept: dict[str, Any] = {}

    class Full(MemoryEventLog):
        async def append(self, stream: str, partition: int, records: Any) -> Any:
            raise StorageFull("no room")

    def full(ports: Any) -> Any:
        kept["blobs"] = ports.blobs
        return replace(ports, log=Full(ports.log._clock))

    async with make_world(full) as world:
        await world.reader(feed=False)
        delta = await exporter(world)

        assert (await post(delta, png())).code == "STORAGE_FULL"
        assert kept["blobs"]._blobs == {}


async def test_what_a_wrapped_trade_document_names_finds_its_event(delta: Caller) -> None:
    credential = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiableCredential", "BillOfLadingCredential"],
        "issuer": "did:web:carrier.example",
        "credentialSubject": {"type": ["BillOfLading"], "billOfLadingNumber": "EXLI587423158"},
    }

    answer = await post(delta, orjson.dumps(credential), JSON, kind="705", reference="EXLI587423158")

    assert answer.status == 201
    assert {"scheme": "bill_of_lading", "value": "EXLI587423158"} in answer.json["event"]["data"]["references"]
    [told] = answer.json["event"]["data"]["extensions"]["credentials"]
    assert (told["issuer"], told["standing"]) == ("did:web:carrier.example", "none")
    assert [each["code"] for each in answer.json["document"]["faults"]] == ["CREDENTIAL_NOT_PROVEN"]
    assert (await delta.get(answer.headers["Location"])).status == 200
    listed = (await delta.get("/v1/events", object="bill_of_lading:EXLI587423158")).json
    assert [each["event"]["id"] for each in listed["items"]] == [answer.json["id"]]


async def test_what_a_pdf_would_run_is_refused_by_what_the_judge_says(delta: Caller) -> None:
    scripted = PDF.replace(b"<<>>", b"<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>", 1)

    plain, bad = await post(delta, PDF, "application/pdf"), await post(delta, scripted, "application/pdf")

    assert (plain.status, bad.code) == (201, "DOCUMENT_REFUSED")
    assert "PDF_SCRIPT" in [each["code"] for each in bad.json["faults"]]


async def test_nothing_readable_lies_in_the_store(make_world: MakeWorld) -> None:
    async with make_world() as world:
        blobs = kept(world)
        await world.reader(feed=False)
        delta = await exporter(world)
        content = b'{"invoice": "secret price"}'
        assert (await post(delta, content, JSON)).status == 201

    lying = b"".join(content for _, content in blobs.values())
    assert b"secret" not in lying
    assert b"INV-42" not in lying


async def test_a_hub_keeps_copies_in_a_bucket_in_which_nothing_can_be_read(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    bucket = bucket_of(tmp_path / "s3")
    content = b'{"invoice": "' + b"secret" * 1_000_000 + b'"}'

    async with make_world(ground="sqlite", s3=structs.asdict(bucket)) as world:
        await world.reader(feed=False)
        delta = await exporter(world)
        answer = await post(delta, BytesIO(content), JSON)
        back = await delta.get(answer.headers["Location"] + "/content")

    assert (answer.status, back.body == content) == (201, True)
    lying = S3BlobStore.open_at(bucket, ManualClock())
    [key] = await lying.older("document-", 1 << 60)
    async with lying.open(key) as chunks:
        assert b"secret" not in b"".join([chunk async for chunk in chunks])


async def test_after_a_crash_between_copy_and_event_the_same_bytes_go_on_where_it_stopped(
    make_world: MakeWorld,
) -> None:
    class Away(MemoryEventLog):
        async def append(self, stream: str, partition: int, records: Any) -> Any:
            if stream == "hub.events" and away.is_set():
                return Unknown("nobody can tell")
            return await super().append(stream, partition, records)

    away = asyncio.Event()
    async with make_world(lambda ports: replace(ports, log=Away(ports.log._clock))) as world:
        await world.reader(feed=False)
        delta = await exporter(world)
        away.set()
        unknown = await post(delta, png())
        away.clear()
        none = await delta.get(at(png(), "/content"))

        again = await post(delta, png())

        assert (unknown.code, none.code, again.status) == ("OUTCOME_UNKNOWN", "NOT_FOUND", 201)
        assert (await delta.get(at(png(), "/content"))).body == png()


async def test_a_copy_that_its_store_damaged_never_comes_whole(make_world: MakeWorld) -> None:
    async with make_world() as world:
        blobs = kept(world)
        await world.reader(feed=False)
        delta = await exporter(world)
        content = b'{"a": "' + b"x" * 600_000 + b'"}'
        assert (await post(delta, content, JSON)).status == 201
        [key] = [key for key in blobs if key.name.startswith("document-")]
        stored_us, lying = blobs[key]
        blobs[key] = stored_us, lying[:-1] + bytes([lying[-1] ^ 1])

        headers = {"Authorization": f"Bearer {delta.token}"}
        with pytest.raises(aiohttp.ClientPayloadError):
            async with world.http.get(world.hub.url + at(content, "/content"), headers=headers) as response:
                await response.read()
        assert b'alarms_total{alarm="copy_damaged"} 1.0' in world.hub.observer.exposition()


@pytest.mark.parametrize("media_type", ["application/pdf", "image/png", "application/vc+jwt"])
@pytest.mark.parametrize("path", ["/v1/events", "/v1/validate"])
async def test_a_copy_that_is_sent_where_events_are_taken_is_told_where_to_go(
    delta: Caller, path: str, media_type: str
) -> None:
    answer = await delta.ask("POST", path, data=png(), headers={"Content-Type": media_type})

    assert (answer.status, "POST /v1/documents" in answer.json["detail"]) == (415, True)
