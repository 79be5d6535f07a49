"""The whole way of a mandate, as people go it: drafted, signed by two, granted, acted under, withdrawn."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors import cli
from connectors.keys import generate, write_key
from connectors.partner import Outbox, ReceiptBook
from connectors.partner.mandates import read
from connectors.partner.outbox import OutboxOfAnother
from hub.core.mandate import MandateState
from tests.mandates import SIGNS
from tests.world import HubWorld, event, hub_world, settings_in

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[HubWorld]:
    """A terminal whose chief and deputy sign, and a broker; their keys are files in the test's folder."""
    async with hub_world(settings_in(tmp_path)) as world:
        await world.reader("watch", feed=False)
        for partner, role in (("terminal", "terminal"), ("broker", "broker")):
            await world.act("partner.add", id=partner, name=partner, country="NL", roles=[role])
        systems = {"terminal": ("chief", "deputy"), "broker": ("erp",)}
        for partner, system in ((partner, each) for partner, names in systems.items() for each in names):
            scopes = SIGNS if partner == "terminal" else ("events:write", "receipts:read")
            public = write_key(generate("ES256"), tmp_path / f"{system}.pem").read_text()
            await world.act("key.add", partner=partner, system=system, key=public, scopes=list(scopes))
        yield world


async def run(*arguments: object) -> int:
    return await asyncio.to_thread(cli.run, [str(each) for each in arguments])


def reach(world: HubWorld, client: str, key: Path) -> list[object]:
    return ["--hub", world.hub.url, "--client", client, "--key", key]


async def granted(world: HubWorld, folder: Path) -> None:
    file = folder / "gates.json"
    named = ["--hub", world.hub.url, "--principal", "terminal", "--agent", "broker", "--id", "gates"]
    assert await run("mandate", "draft", file, *named, "--type", "customs.container.*", "--until", "2099-01-01") == 0
    for signer in ("chief", "deputy"):
        assert await run("mandate", "sign", file, "--key", folder / f"{signer}.pem") == 0
    assert await run("mandate", "grant", file, *reach(world, "terminal.chief", folder / "chief.pem")) == 0


async def test_a_mandate_is_drafted_signed_by_two_granted_used_and_withdrawn(
    world: HubWorld, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sent, end = tmp_path / "event.json", tmp_path / "end.json"
    sent.write_bytes(orjson.dumps(event("a")))
    push = ["push", sent, *reach(world, "broker.erp", tmp_path / "erp.pem"), "--on-behalf-of", "terminal"]

    await granted(world, tmp_path)
    assert await run(*push, "--receipts", tmp_path / "receipts") == 0
    assert await run("mandate", "list", *reach(world, "broker.erp", tmp_path / "erp.pem")) == 0
    named = ["--hub", world.hub.url, "--principal", "terminal", "--id", "gates"]
    assert await run("mandate", "draft-withdrawal", end, *named) == 0
    for signer in ("chief", "deputy"):
        assert await run("mandate", "sign", end, "--key", tmp_path / f"{signer}.pem") == 0
    assert await run("mandate", "withdraw", end, *reach(world, "terminal.deputy", tmp_path / "deputy.pem")) == 0
    assert await run(*push) == 1

    said = capsys.readouterr().out
    assert "terminal/gates  in force  broker for terminal" in said
    assert "terminal/gates  withdrawn" in said
    assert "MANDATE_MISSING" in said
    [receipt] = ReceiptBook(tmp_path / "receipts")
    stated = receipt["statement"]
    assert (stated["publisher"], stated["submitted_by"]) == ("terminal", "broker.erp")


@pytest.mark.slow
async def test_the_readmes_lines_grant_a_mandate_send_under_it_and_end_it(tmp_path: Path) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "README.md").read_text(), re.M | re.S)
    [block] = [each for each in blocks if "mandate draft " in each]
    (tmp_path / "event.json").write_bytes(orjson.dumps(event("gate-0001")))
    async with hub_world(settings_in(tmp_path / "var", ground="sqlite")) as world:
        await world.reader("watch", feed=False)
        await world.act("partner.add", id="terminal", name="Terminal", country="NL", roles=["terminal"])
        script = f"set -e -o pipefail\nhub={world.hub.url}\n{block}"
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "CUSTOMS_HUB_LOG_DIRECTORY": str(tmp_path / "var")}

        process = await asyncio.create_subprocess_exec(
            "bash", "-c", script, cwd=tmp_path, env=environment,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        told, _ = await process.communicate()

        assert process.returncode == 0, told.decode()
        mandate = world.hub.snapshot().mandates.get("terminal/gates")
    assert mandate is not None
    assert mandate.state is MandateState.WITHDRAWN
    [receipt] = ReceiptBook(tmp_path / "broker-receipts")
    assert (receipt["statement"]["publisher"], receipt["statement"]["submitted_by"]) == ("terminal", "broker.erp")


async def test_one_key_signs_once(world: HubWorld, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await granted(world, tmp_path)

    assert await run("mandate", "sign", tmp_path / "gates.json", "--key", tmp_path / "chief.pem") == 1

    assert "has signed this" in capsys.readouterr().err
    assert len(read(tmp_path / "gates.json")["signatures"]) == 2


async def test_what_was_changed_after_it_was_signed_is_refused_with_its_faults(
    world: HubWorld, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await granted(world, tmp_path)
    file = tmp_path / "gates.json"
    changed: dict[str, Any] = orjson.loads(file.read_bytes())
    changed["mandate"] |= {"types": ["*"], "id": "wider"}
    file.write_bytes(orjson.dumps(changed))

    assert await run("mandate", "grant", file, *reach(world, "terminal.chief", tmp_path / "chief.pem")) == 1

    assert "/signatures/0" in capsys.readouterr().out


async def test_a_folder_is_watched_for_a_principal(world: HubWorld, tmp_path: Path) -> None:
    await granted(world, tmp_path)
    folder = tmp_path / "drop"
    folder.mkdir()
    (folder / "events.json").write_bytes(orjson.dumps([event("w1"), event("w2")]))
    sheet = b"type,id,empty,container,occurred_at,time_kind,unlocode\n"
    row = b"customs.container.gate_in,t1,no,MSKU1234565,2026-11-22T09:00:00Z,ACTUAL,NLRTM\n"
    (folder / "sheet.csv").write_bytes(sheet + row)
    watch = ["watch", folder, *reach(world, "broker.erp", tmp_path / "erp.pem"), "--on-behalf-of", "terminal"]

    # It looks after signals, which only the first thread of a process may.
    main = "from connectors.cli import main; main()"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", main, *map(str, watch), "--once")
    assert await process.wait() == 0

    assert {each.name for each in (folder / "done").iterdir()} >= {"events.json", "sheet.csv", "sheet.csv.marked.xlsx"}


def test_an_outbox_of_one_publisher_takes_no_events_of_another(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "box", publisher="terminal")
    outbox.add(event("a"))
    outbox.close()

    for other in ("", "carrier"):
        with pytest.raises(OutboxOfAnother, match="terminal"):
            Outbox(tmp_path / "box", publisher=other)
    assert len(Outbox(tmp_path / "box", publisher="terminal")) == 1


def test_an_outbox_from_before_mandates_is_the_senders_own(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "box")
    outbox.add(event("a"))
    outbox.close()

    with pytest.raises(OutboxOfAnother, match="your own"):
        Outbox(tmp_path / "box", publisher="terminal")
    assert len(Outbox(tmp_path / "box", publisher="")) == 1
