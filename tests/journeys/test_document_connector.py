"""A company hands a document in from its own machine, and keeps a receipt that verifies without the hub."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.cli import run
from connectors.keys import read_key, write_key
from connectors.partner.client import SCOPE
from connectors.session import HubSession
from connectors.watch.copies import Copies
from tests.wire.test_copies import exporter, png
from tests.world import hub_world, settings_in


@pytest.fixture
async def company(tmp_path: Path) -> Any:
    (tmp_path / "hub").mkdir()
    async with hub_world(settings_in(tmp_path / "hub")) as world:
        await world.reader(feed=False)
        caller = await exporter(world)
        write_key(caller.key, tmp_path / "key.pem")
        (tmp_path / "invoice.png").write_bytes(png())
        yield caller


async def connect(company: Any, *arguments: str) -> int:
    key = company.world.hub.settings.log.directory.removesuffix("hub") + "key.pem"
    reach = ["--hub", company.world.hub.url, "--client", company.id, "--key", key]
    return await asyncio.to_thread(run, ["document", *arguments, *reach])


async def test_a_file_is_handed_in_once_and_its_receipt_kept(
    company: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("push", str(tmp_path / "invoice.png"), "--kind", "380", "--reference", "INV-42",
             "--subject", "ucr:6GB123456789000-SO42", "--receipts", str(tmp_path / "receipts"))  # fmt: skip

    codes = [await connect(company, *asked), await connect(company, *asked)]

    said = capsys.readouterr().out
    assert codes == [0, 0]
    assert [line.split()[0] for line in said.splitlines()] == ["ACCEPTED", "sha256", "DUPLICATE", "sha256"]
    [kept, again] = (tmp_path / "receipts").glob("receipts-*.jsonl").__next__().read_bytes().splitlines()
    assert orjson.loads(kept)["statement"] == orjson.loads(again)["statement"]
    assert orjson.loads(kept)["statement"]["raw_sha256"] == sha256(png()).hexdigest()


async def test_what_the_hub_refuses_is_said_with_its_faults(
    company: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "invoice.pdf").write_bytes(png())

    code = await connect(company, "push", str(tmp_path / "invoice.pdf"), "--kind", "380", "--reference", "INV-42")

    said = capsys.readouterr().out
    assert code == 1
    assert said.startswith("DOCUMENT_REFUSED")
    assert "DOCUMENT_TYPE_DIFFERS" in said


async def test_a_document_is_withdrawn_by_one_of_its_digests(
    company: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await connect(company, "push", str(tmp_path / "invoice.png"), "--kind", "380", "--reference", "INV-42")
    digest = sha256(png()).hexdigest()

    codes = [await connect(company, "withdraw", digest, "--reason", "Order cancelled.") for _ in range(2)]

    assert codes == [0, 0]
    assert "DUPLICATE" in capsys.readouterr().out


async def test_a_withdrawn_document_that_is_handed_in_again_is_no_success_until_it_is_brought_back(
    company: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("push", str(tmp_path / "invoice.png"), "--kind", "380", "--reference", "INV-42")
    await connect(company, *asked)
    await connect(company, "withdraw", sha256(png()).hexdigest(), "--reason", "Order cancelled.")
    capsys.readouterr()

    again = await connect(company, *asked)
    said = capsys.readouterr().out
    back = await connect(company, *asked, "--updated-at", datetime.now(UTC).isoformat())

    assert (again, back) == (1, 0)
    assert "WITHDRAWN" in said.splitlines()[0]
    assert "--updated-at" in said


async def test_a_watched_folder_lays_a_withdrawn_document_apart(company: Any, tmp_path: Path) -> None:
    key = read_key(tmp_path / "key.pem")
    async with HubSession(company.world.hub.url, client_id=company.id, key=key, scope=SCOPE) as session:
        copies = Copies(session, None)
        rooms = [(await copies.send("commercial invoice INV-42.png", png(), None, wrapped=False)).room]
        await connect(company, "withdraw", sha256(png()).hexdigest(), "--reason", "Order cancelled.")

        again = await copies.send("commercial invoice INV-42.png", png(), None, wrapped=False)

    assert [*rooms, again.room] == ["done", "refused"]
    assert again.result["items"][0]["state"] == "withdrawn"
