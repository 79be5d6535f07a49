"""A folder is watched: what is dropped into it reaches a risk engine once, however often the watcher is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from connectors.backoff import Backoff
from connectors.keys import read_key, signing_key
from connectors.partner import Client, ReceiptBook
from connectors.partner.client import SCOPE
from connectors.risk import Reader
from connectors.risk.reader import SCOPE as READER_SCOPE
from connectors.session import HubSession
from connectors.verify import KeyHistory, verify
from connectors.watch.folder import STATE, Folder
from connectors.watch.journal import Journal
from connectors.watch.sending import Sending
from connectors.watch.service import Bounds, Service, Told
from hub.assembly import Hub, build
from hub.core.settings import DocumentsSettings, HTTPSettings, LogSettings, Settings
from hub.lab.world import AEO, Company, hub_world
from hub.lab.world import Client as System
from hub.lab.world import Engine as Recipient
from tests.edifact import GATE_IN, interchange, message
from tests.samples import sample
from tests.unit.documents.make import jpeg, pdf
from tests.unit.tabular.tables import xlsx_of
from tests.wire.test_copies import png
from tests.wire.test_interchanges import moves

NOW = datetime.now(UTC).replace(microsecond=0)
AT = (NOW - timedelta(hours=1)).isoformat()
MOVES = (
    "type;occurred_at;time_kind;container;place.unlocode;empty\n"
    f"customs.container.gate_in;{AT};ACTUAL;CSQU3054383;NLRTM;no\n"
)
GATED = f"{NOW - timedelta(hours=1):%Y%m%d%H%M}UTC:303"
EDI = interchange(message("CODECO", *(each.replace("202611201259:203", GATED) for each in GATE_IN)))
PALLET: dict[str, Any] = {
    "@context": "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld", "type": "EPCISDocument",
    "schemaVersion": "2.0", "creationDate": AT, "epcisBody": {"eventList": [{
        "type": "ObjectEvent", "action": "OBSERVE", "eventTime": AT, "eventTimeZoneOffset": "+00:00",
        "bizStep": "inspecting", "epcList": ["urn:epc:id:sscc:4012345.0000000001"],
        "readPoint": {"id": "urn:epc:id:sgln:4012345.00001.0"}}]},
}  # fmt: skip
STEPS = ("take", "request", "answer", "lay", "move", "finish")
KILLED = {
    "moves.csv": (*STEPS, "note_job"),
    "codeco.edi": STEPS,
    "large.edi": (*STEPS, "note_job"),
    "scan.png": (*STEPS, "remove_details"),
}
"""What is dropped, and the steps that it takes."""
QUICK = (
    *(("moves.csv", step, "after") for step in ("request", "lay", "move")),
    *(("scan.png", step, "after") for step in ("request", "remove_details")),
    ("large.edi", "note_job", "after"),
)
_ALL = ((name, *each) for name, steps in KILLED.items() for each in product(steps, ("before", "after")))
KILLS = [*QUICK, *(pytest.param(*each, marks=pytest.mark.slow) for each in _ALL if each not in QUICK)]
BESIDE = {
    "moves.csv": ("", ".marked.xlsx", ".result.json"),
    "codeco.edi": ("", ".aperak.edi", ".contrl.edi", ".result.json"),
    "large.edi": ("", ".aperak.edi", ".contrl.edi", ".result.json"),
    "scan.png": ("", ".receipt.json", ".result.json", ".txt"),
}
DETAILS = "# An invoice.\r\nKind: commercial invoice\r\nreference: 2026/42\r\nsubject: iso6346:CSQU3054383\r\n".encode(
    "utf-16"
)
SAMPLES = (
    "dcsa/valid/tnt-300-beta1__bookingExample.json", "dcsa/valid/tnt-300-request-transport.json",
    "dcsa/invalid/tnt-220-response-wrong-date-times.json", "dcsa/valid/ebl-api-3.0.0-2c1u.json",
    "epcis/valid/gs1__Example_9.6.1-ObjectEvent.jsonld", "epcis/bom_valid/fastnt__ObjectEvent_Full.json",
    "edifact/edidom__IFTSTA_D99B_vessel_departure.edi", "edifact/pydifact__v3_aperak.edi",
    "onerecord/MultipleEvents_example1.json", "onerecord/CustomsInformation.json",
    "trade-documents/traceability-vocab__CommercialInvoiceCredential.json",
    "trade-documents/traceability-vocab__PackingListCredential.json",
)  # fmt: skip
EDIFACT_EVENTS_MAX = 1_010
"""More than are answered at once."""
RUNNER = Path(__file__).parents[1] / "faults" / "watch_until.py"


def gate_in(id_: str) -> bytes:
    path = files("schemas") / "events/customs.container.gate_in/examples/valid-weighed.json"
    sent: dict[str, Any] = orjson.loads(path.read_bytes())
    event = sent.get("event", sent)
    data = event["data"] | {"occurred_at": AT}
    return orjson.dumps(event | {"id": id_, "source": "urn:delta:tos", "time": AT, "data": data})


class World:
    """A hub, a terminal with a folder, and the key of its system."""

    def __init__(self, hub: Hub, systems: dict[str, System], home: Path) -> None:
        self.hub, self.systems, self.home = hub, systems, home
        self.drop = home / "drop"
        self.drop.mkdir()
        self.key = home / "key.pem"
        self.key.write_bytes(systems["delta"].key_pem)
        self.key.chmod(0o600)
        self.told: list[Told] = []

    async def once(self) -> bool:
        folder, bounds = Folder(self.drop), Bounds(interval_seconds=0.01)
        journal = Journal(self.drop / STATE / "journal.db")
        try:
            async with self.session(SCOPE) as session:
                book = ReceiptBook(self.home / "receipts")
                client = Client(session, receipts=book, backoff=Backoff(try_count_max=1))
                sending = Sending(session, client, receipts=book)
                return await Service(folder, journal, sending, tell=self.told.append, bounds=bounds).once()
        finally:
            journal.close()

    def session(self, scope: str) -> HubSession:
        return HubSession(self.hub.url, client_id=self.systems["delta"].id, key=read_key(self.key), scope=scope)

    async def shown(self, count: int) -> int:
        """How many records the engine is shown, once there are `count`: none more may follow them."""
        key = signing_key(load_pem_private_key(self.systems["watch"].key_pem, None))
        seen = 0
        session = HubSession(self.hub.url, client_id=self.systems["watch"].id, key=key, scope=READER_SCOPE)
        async with session, aclosing(Reader(session, "watch").pull()) as source:
            async for group in source:
                seen += len(group.records)
                if seen >= count:
                    return seen
        return seen

    async def killed(self, step: str, when: str) -> int:
        """Run the command until the step, where it is killed; its exit code."""
        reach = ["--hub", self.hub.url, "--client", self.systems["delta"].id, "--key", str(self.key)]
        command = [sys.executable, str(RUNNER), step, when, "watch", str(self.drop), "--once", "--interval", "0.1"]
        environment = {**os.environ, "PYTHONPATH": str(RUNNER.parents[2])}
        process = await asyncio.create_subprocess_exec(
            *command, *reach, env=environment, stdout=DEVNULL, stderr=DEVNULL
        )
        return await process.wait()

    def lies(self) -> list[str]:
        paths = (path for path in self.drop.rglob("*") if path.is_file() and STATE not in path.parts)
        return sorted(str(path.relative_to(self.drop)) for path in paths)

    def result(self, path: str) -> dict[str, Any]:
        return orjson.loads((self.drop / f"{path}.result.json").read_bytes())

    def receipts(self) -> list[str]:
        return [receipt["statement"]["id"] for receipt in ReceiptBook(self.home / "receipts")]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    settings = Settings(
        log=LogSettings(directory=str(tmp_path / "data")),
        http=HTTPSettings(port=0, operations_port=0),
        documents=DocumentsSettings(interchange_events_max=EDIFACT_EVENTS_MAX),
    )
    systems = await hub_world(
        settings,
        companies=[Company(id="delta", roles=("terminal", "carrier", "exporter"), aeo=AEO(number="NLAEOF0001"))],
        engines=[Recipient(id="watch")],
    )
    async with build(settings) as hub:
        yield World(hub, systems, tmp_path)


async def test_every_format_is_sent_as_it_is_and_answered_beside_the_file(world: World) -> None:
    (world.drop / "event.json").write_bytes(gate_in("e1"))
    (world.drop / "moves.csv").write_text(MOVES)
    (world.drop / "codeco.edi").write_bytes(EDI)
    (world.drop / "pallet.json").write_bytes(orjson.dumps(PALLET))

    assert await world.once(), world.told

    assert [(told.outcome, sum(told.counts.values())) for told in world.told] == [("done", 1)] * 4, world.told
    beside = ("", ".aperak.edi", ".contrl.edi", ".result.json")
    edi, event = [f"done/codeco.edi{end}" for end in beside], ["done/event.json", "done/event.json.result.json"]
    table = [f"done/moves.csv{end}" for end in ("", ".marked.xlsx", ".result.json")]
    pallet = ["done/pallet.json", "done/pallet.json.result.json"]
    assert world.lies() == [*edi, *event, *table, *pallet]
    assert b"UNH+1+CONTRL" in (world.drop / "done/codeco.edi.contrl.edi").read_bytes()
    assert b"BGM+312+" in (world.drop / "done/codeco.edi.aperak.edi").read_bytes()
    assert len(world.receipts()) == 3


async def test_what_is_refused_is_laid_apart_with_its_reasons_and_stops_no_other(world: World) -> None:
    (world.drop / "1.xml").write_bytes(b"<Invoice/>")
    (world.drop / "2.json").write_bytes(b"{")
    (world.drop / "3.csv").write_text(MOVES.replace("CSQU3054383", "no container"))
    (world.drop / "4.edi").write_bytes(EDI.replace(b"EQD+CN+MSKU1234565", b"EQD+CN+"))
    (world.drop / "5.json").write_bytes(gate_in("e1"))

    assert await world.once(), world.told

    assert [told.outcome for told in world.told] == ["refused"] * 4 + ["done"]
    assert world.result("refused/1.xml")["code"] == "FORMAT_NOT_TAKEN"
    assert world.result("refused/2.json")["faults"]
    assert world.result("refused/3.csv")["counts"] == {"REJECTED": 1}
    assert (world.drop / "refused/3.csv.marked.xlsx").read_bytes().startswith(b"PK")
    assert b"BGM+313+" in (world.drop / "refused/4.edi.aperak.edi").read_bytes()


async def test_a_file_of_which_the_hub_stored_nothing_is_refused_in_every_message_beside_it(world: World) -> None:
    text = EDI.decode()
    start, end = text.index("UNH"), text.index("UNZ")
    many = text[:start] + text[start:end] * (EDIFACT_EVENTS_MAX + 1) + text[end:]
    (world.drop / "many.edi").write_text(many)

    assert await world.once(), world.told

    syntax, application = (
        (world.drop / f"refused/many.edi.{form}.edi").read_text().split("'") for form in ("contrl", "aperak")
    )
    assert [each.rsplit("+", 2)[1] for each in syntax if each.startswith("UCI")] == ["4"]
    assert {each[:7] for each in application if each.startswith("BGM")} == {"BGM+313"}


async def test_documents_are_handed_in_and_their_receipts_lie_beside_them(world: World) -> None:
    credential = {
        "@context": ["https://www.w3.org/2018/credentials/v1"], "type": ["VerifiableCredential"],
        "issuer": "did:web:alpha.example", "issuanceDate": AT,
        "credentialSubject": {"type": ["Invoice"], "invoiceNumber": "INV-43"},
    }  # fmt: skip
    dropped = {
        "commercial invoice INV-42.pdf": pdf(),
        "facture_commerciale_INV-44.JPEG": jpeg(),
        "scan.png": png(),
        "wrapped.json": orjson.dumps(credential),
    }
    for name, content in dropped.items():
        (world.drop / name).write_bytes(content)
    (world.drop / "scan.png.txt").write_bytes(DETAILS)

    assert await world.once(), world.told

    assert [told.outcome for told in world.told] == ["done"] * 4, [world.result(t.to) for t in world.told]
    said = {name: world.result(f"done/{name}")["items"][0]["event"]["data"]["document"] for name in dropped}
    assert [(each["kind"], each["reference"]) for each in said.values()] == [
        ("380", "INV-42"), ("380", "INV-44"), ("380", "2026/42"), ("380", "INV-43"),
    ]  # fmt: skip
    keys = KeyHistory.from_json((world.home / "receipts" / "keys.json").read_bytes())
    for name, content in dropped.items():
        assert verify((world.drop / f"done/{name}.receipt.json").read_bytes(), content, keys).fault == ""
    assert (world.drop / "done/scan.png.txt").read_bytes() == DETAILS
    assert len(world.receipts()) == 4


async def test_a_document_that_nothing_describes_comes_back_with_a_form_to_fill_in(world: World) -> None:
    (world.drop / "scan.png").write_bytes(png())
    assert await world.once(), world.told
    refused, form = world.drop / "refused/scan.png", world.drop / "refused/scan.png.txt"
    said = world.result("refused/scan.png")
    assert (said["code"], "scan.png.txt" in said["detail"]) == ("DETAILS_MISSING", True)

    filled = form.read_bytes().replace(b"kind:\r", b"kind: 380\r").replace(b"reference:\r", b"reference: INV-42\r")
    (world.drop / "scan.png.txt").write_bytes(filled)
    refused.rename(world.drop / "scan.png")
    assert await world.once(), world.told

    assert world.result("done/scan.png")["counts"] == {"ACCEPTED": 1}
    assert not (world.drop / "scan.png.txt").exists()


async def test_a_document_that_is_described_wrongly_is_refused_with_what_the_hub_found(world: World) -> None:
    (world.drop / "commercial invoice INV-42.pdf").write_bytes(png())

    assert await world.once(), world.told

    [fault] = world.result("refused/commercial invoice INV-42.pdf")["faults"]
    assert fault["code"] == "DOCUMENT_TYPE_DIFFERS"


@pytest.mark.parametrize("path", SAMPLES)
async def test_each_published_document_gets_an_answer_and_none_stays(world: World, path: str) -> None:
    name = Path(path).name
    (world.drop / name).write_bytes(sample(path))

    assert await world.once(), world.told

    [told] = world.told
    assert told.outcome in ("done", "refused")
    result = world.result(told.to)
    assert result.get("items") or result.get("faults") or result.get("code") == "DETAILS_MISSING"


async def test_a_workbook_an_array_and_lines_are_taken(world: World) -> None:
    heads, row = (line.split(";") for line in MOVES.splitlines())
    (world.drop / "moves.xlsx").write_bytes(xlsx_of({"Moves": [heads, row]}))
    (world.drop / "array.json").write_bytes(b"[" + gate_in("a1") + b"," + gate_in("a2") + b"]")
    (world.drop / "lines.ndjson").write_bytes(gate_in("n1") + b"\n" + gate_in("n2") + b"\n")

    assert await world.once(), world.told

    assert {told.file: told.counts for told in world.told} == {
        "moves.xlsx": {"ACCEPTED": 1}, "array.json": {"ACCEPTED": 2}, "lines.ndjson": {"ACCEPTED": 2},
    }  # fmt: skip
    assert (world.drop / "done/moves.xlsx.marked.xlsx").read_bytes().startswith(b"PK")


async def test_an_epcis_document_with_more_events_than_are_answered_at_once_is_captured(world: World) -> None:
    [event] = PALLET["epcisBody"]["eventList"]
    events = [event | {"eventID": f"urn:uuid:{number}"} for number in range(1_001)]
    large = PALLET | {"epcisBody": {"eventList": [*events, event | {"eventTime": "yesterday"}]}}
    (world.drop / "large.jsonld").write_bytes(orjson.dumps(large))

    assert await world.once(), world.told

    result = world.result("refused/large.jsonld")
    assert result["counts"] == {"ACCEPTED": 1_001, "REJECTED": 1}
    assert [error["place"] for error in result["items"]] == ["/epcisBody/eventList/1001"]


async def test_edifact_with_more_events_than_are_answered_at_once_is_taken_as_a_job_and_answered(world: World) -> None:
    (world.drop / "large.edi").write_bytes(moves(1_001))
    (world.drop / "wrong.edi").write_bytes(moves(1_001, message("BAPLIE", "BGM++1+9", reference="X"), reference="R2"))

    assert await world.once(), world.told

    large, wrong = world.result("done/large.edi"), world.result("refused/wrong.edi")
    assert (large["counts"], wrong["counts"]) == ({"ACCEPTED": 1_001}, {"ACCEPTED": 1_001, "REJECTED": 1})
    assert b"UCI+R1+TERM+LINE+7'" in (world.drop / "done/large.edi.contrl.edi").read_bytes()
    assert (world.drop / "refused/wrong.edi.contrl.edi").read_bytes().count(b"+4+14'") == 1
    assert (world.drop / "refused/wrong.edi.aperak.edi").read_bytes().count(b"BGM+312+") == 1_001


async def test_edifact_of_more_bytes_than_are_answered_at_once_is_not_refused_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.watch.sending.AT_ONCE_BYTES_MAX", len(EDI) - 1)
    (world.drop / "long.edi").write_bytes(EDI)

    assert await world.once(), world.told

    assert world.result("done/long.edi")["interchange"]
    assert (world.drop / "done/long.edi.aperak.edi").read_bytes().startswith(b"UNA")


async def test_a_document_that_repeats_what_another_one_told_is_taken(world: World) -> None:
    [event] = PALLET["epcisBody"]["eventList"]
    both = [event | {"eventID": "urn:uuid:1"}, event | {"eventID": "urn:uuid:2"}]
    for name, events in (("1.jsonld", both[:1]), ("2.jsonld", both)):
        (world.drop / name).write_bytes(orjson.dumps(PALLET | {"epcisBody": {"eventList": events}}))

    assert await world.once(), world.told

    assert world.result("done/2.jsonld")["counts"] == {"DUPLICATE": 1, "ACCEPTED": 1}
    assert not (world.home / "receipts" / ReceiptBook.SUSPECT).exists()


async def test_the_same_content_again_is_answered_from_the_journal_and_no_name_is_overwritten(world: World) -> None:
    (world.drop / "a.json").write_bytes(gate_in("e1"))
    await world.once()
    (world.drop / "a.json").write_bytes(gate_in("e1"))
    (world.drop / "b.json").write_bytes(b" " + gate_in("e1"))

    assert await world.once(), world.told

    first, again, other = (world.result(f"done/{name}") for name in ("a.json", "a.2.json", "b.json"))
    assert first["counts"] == {"ACCEPTED": 1}
    assert again["sent_before"]["file"] == "a.json"
    assert other["counts"] == {"DUPLICATE": 1}
    assert len(world.receipts()) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
@pytest.mark.parametrize(("name", "step", "when"), KILLS)
async def test_a_watcher_that_is_killed_at_any_step_ends_what_it_began_and_sends_nothing_twice(
    world: World, name: str, step: str, when: str
) -> None:
    content = {"moves.csv": MOVES.encode(), "codeco.edi": EDI, "large.edi": moves(1_001), "scan.png": png()}
    count = 1_001 if name == "large.edi" else 1
    (world.drop / name).write_bytes(content[name])
    if name == "scan.png":
        (world.drop / "scan.png.txt").write_bytes(DETAILS)
    assert await world.killed(step, when) == -signal.SIGKILL

    assert await world.once(), world.told

    assert world.lies() == [f"done/{name}{end}" for end in BESIDE[name]]
    assert sum(world.result(f"done/{name}")["counts"].values()) == count
    (world.drop / "last.json").write_bytes(gate_in("last"))
    assert await world.once(), world.told
    assert await world.shown(count + 1) == count + 1
