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
from connectors.watch.folder import STATE, Folder
from connectors.watch.journal import Journal
from connectors.watch.sending import Sending
from connectors.watch.service import Bounds, Service, Told
from hub.assembly import Hub, build
from hub.core.settings import HTTPSettings, LogSettings, Settings
from hub.lab.world import Client as System
from hub.lab.world import Company, hub_world
from hub.lab.world import Engine as Recipient
from tests.edifact import GATE_IN, interchange, message

NOW = datetime.now(UTC).replace(microsecond=0)
AT = (NOW - timedelta(hours=1)).isoformat()
MOVES = (
    "type;occurred_at;time_kind;container;place.unlocode;empty\n"
    f"customs.container.gate_in;{AT};ACTUAL;CSQU3054383;NLRTM;no\n"
)
GATED = f"{NOW - timedelta(hours=1):%Y%m%d%H%M}UTC:303"
EDI = interchange(message("CODECO", *(each.replace("202611201259:203", GATED) for each in GATE_IN)))
PALLET = {
    "@context": "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld", "type": "EPCISDocument",
    "schemaVersion": "2.0", "creationDate": AT, "epcisBody": {"eventList": [{
        "type": "ObjectEvent", "action": "OBSERVE", "eventTime": AT, "eventTimeZoneOffset": "+00:00",
        "bizStep": "inspecting", "epcList": ["urn:epc:id:sscc:4012345.0000000001"],
        "readPoint": {"id": "urn:epc:id:sgln:4012345.00001.0"}}]},
}  # fmt: skip
STEPS = ("take", "request", "note_job", "answer", "lay", "move", "finish")
QUICK = (("request", "after"), ("lay", "after"), ("move", "after"))
KILLS = [
    *QUICK,
    *(pytest.param(*k, marks=pytest.mark.slow) for k in product(STEPS, ("before", "after")) if k not in QUICK),
]
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
                client = Client(session, receipts=ReceiptBook(self.home / "receipts"), backoff=Backoff(try_count_max=1))
                sending = Sending(session, client)
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
    settings = Settings(log=LogSettings(directory=str(tmp_path / "data")), http=HTTPSettings(port=0, operations_port=0))
    systems = await hub_world(
        settings, companies=[Company(id="delta", roles=("terminal", "carrier"))], engines=[Recipient(id="watch")]
    )
    async with build(settings) as hub:
        yield World(hub, systems, tmp_path)


async def test_every_format_is_sent_as_it_is_and_answered_beside_the_file(world: World) -> None:
    (world.drop / "event.json").write_bytes(gate_in("e1"))
    (world.drop / "moves.csv").write_text(MOVES)
    (world.drop / "codeco.edi").write_bytes(EDI)
    (world.drop / "pallet.json").write_bytes(orjson.dumps(PALLET))

    assert await world.once()

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
    (world.drop / "1.pdf").write_bytes(b"%PDF-1.7\n")
    (world.drop / "2.json").write_bytes(b"{")
    (world.drop / "3.csv").write_text(MOVES.replace("CSQU3054383", "no container"))
    (world.drop / "4.edi").write_bytes(EDI.replace(b"EQD+CN+MSKU1234565", b"EQD+CN+"))
    (world.drop / "5.json").write_bytes(gate_in("e1"))

    assert await world.once()

    assert [told.outcome for told in world.told] == ["refused"] * 4 + ["done"]
    assert "POST /v1/documents" in world.result("refused/1.pdf")["detail"]
    assert world.result("refused/2.json")["faults"]
    assert world.result("refused/3.csv")["counts"] == {"REJECTED": 1}
    assert (world.drop / "refused/3.csv.marked.xlsx").read_bytes().startswith(b"PK")
    assert b"BGM+313+" in (world.drop / "refused/4.edi.aperak.edi").read_bytes()


async def test_the_same_content_again_is_answered_from_the_journal_and_no_name_is_overwritten(world: World) -> None:
    (world.drop / "a.json").write_bytes(gate_in("e1"))
    await world.once()
    (world.drop / "a.json").write_bytes(gate_in("e1"))
    (world.drop / "b.json").write_bytes(b" " + gate_in("e1"))

    assert await world.once()

    first, again, other = (world.result(f"done/{name}") for name in ("a.json", "a.2.json", "b.json"))
    assert first["counts"] == {"ACCEPTED": 1}
    assert again["sent_before"]["file"] == "a.json"
    assert other["counts"] == {"DUPLICATE": 1}
    assert len(world.receipts()) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
@pytest.mark.parametrize(("step", "when"), KILLS)
async def test_a_watcher_that_is_killed_at_any_step_ends_what_it_began_and_sends_nothing_twice(
    world: World, step: str, when: str
) -> None:
    (world.drop / "moves.csv").write_text(MOVES)
    assert await world.killed(step, when) == -signal.SIGKILL

    assert await world.once()

    assert world.lies() == [f"done/moves.csv{end}" for end in ("", ".marked.xlsx", ".result.json")]
    assert sum(world.result("done/moves.csv")["counts"].values()) == 1
    (world.drop / "last.json").write_bytes(gate_in("last"))
    assert await world.once()
    assert await world.shown(2) == 2
