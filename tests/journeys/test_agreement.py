"""An agreement's life as both sides and an officer live it, with their own commands."""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from connectors import cli as connect
from connectors.keys import generate, write_key
from connectors.partner import ReceiptBook
from hub import cli as hub_cli
from hub.core.agreement import AgreementState
from tests.terminal import CONNECT, shell
from tests.world import HubWorld, event, hub_world, settings_in

SYSTEMS = {
    "terminal": ("terminal", ["events:write", "receipts:read", "agreements:sign"]),
    "watch": ("authority", ["feeds:read", "agreements:sign"]),
}
TERMS = shlex.split("""
    --type 'customs.container.*' --recipient watch --purpose security-risk-assessment --field @identity @place
    --legal-basis 'Regulation 2447, article 12' --retention-days 90
""")


class Journey:
    def __init__(self, world: HubWorld, folder: Path, said: pytest.CaptureFixture[str]) -> None:
        self.world, self.folder, self._said = world, folder, said
        self.event = folder / "event.json"
        self.event.write_bytes(orjson.dumps(event("gate-1", remarks="ask for Jan")))

    def said(self) -> str:
        return str(self._said.readouterr().out)

    async def officer(self, *arguments: object, exits: int = 0) -> str:
        """What `customs-hub` prints."""
        return await self._run(hub_cli.run, *arguments, "--data", self.folder / "var", exits=exits)

    async def side(self, partner: str, *arguments: object, exits: int = 0) -> str:
        """What `customs-connect` prints."""
        reach = ["--hub", self.world.hub.url, "--client", f"{partner}.erp", "--key", self.folder / f"{partner}.pem"]
        return await self._run(connect.run, *arguments, *reach, exits=exits)

    async def _run(self, command: object, *arguments: object, exits: int) -> str:
        assert callable(command)
        code = await asyncio.to_thread(command, [str(each) for each in arguments])
        said = self._said.readouterr()
        assert code == exits, said
        return f"{said.out}{said.err}"


@pytest.fixture
async def journey(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> AsyncIterator[Journey]:
    async with hub_world(settings_in(tmp_path / "var", ground="sqlite")) as world:
        for partner, (role, scopes) in SYSTEMS.items():
            await world.act("partner.add", id=partner, name=partner.title(), country="NL", roles=[role])
            public = write_key(generate("ES256"), tmp_path / f"{partner}.pem").read_text()
            await world.act("key.add", partner=partner, system="erp", key=public, scopes=scopes)
        yield Journey(world, tmp_path, capsys)


async def test_from_the_proposal_over_two_signatures_to_the_end(journey: Journey) -> None:
    officer, side, sent = journey.officer, journey.side, journey.event

    await officer("agreement", "propose", "gates", "--partner", "terminal", *TERMS)
    assert '"place":{"unlocode":"NLRTM"}' in await officer("agreement", "preview", "gates", sent)
    assert "NOT_PERMITTED" in await side("terminal", "push", sent, exits=1)

    assert "waits for your signature" in await side("terminal", "agreement", "list")
    assert "nobody is there to ask" in await side("terminal", "agreement", "sign", "gates", exits=1)
    signed = await side("terminal", "agreement", "sign", "gates", "--yes")
    assert "It may keep them for 90 days." in signed
    assert re.search(r"valid_from  20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ\n  valid_to  until it is ended", signed)
    assert "\n  archive_days  0\n" in signed
    assert "it is proposed, and waits for the other side" in signed
    assert "it is active" in await side("watch", "agreement", "sign", "gates", "--yes")
    await officer("feed", "add", "risk", "--recipient", "watch", "--purpose", "security-risk-assessment")

    receipts = ["--receipts", journey.folder / "receipts"]
    assert "FIELD_NOT_NEEDED" not in await side("terminal", "push", sent, "--strip", *receipts)
    assert len([*ReceiptBook(journey.folder / "receipts")]) == 1
    assert "customs.container.gate_in" in await officer("why", "terminal", sent, "--feed", "risk")

    await officer("agreement", "suspend", "gates", "--reason", "a question is open")
    assert "NOT_PERMITTED" in await side("terminal", "push", sent, exits=1)
    await officer("agreement", "resume", "gates")
    assert "DUPLICATE" in await side("terminal", "push", sent, "--strip")

    ended = await officer("agreement", "end", "gates", "--reason", "the project is over")
    assert "feed risk" in ended
    assert "FEED_GONE" in await side("watch", "read", "risk", exits=1)
    assert "ended" in await officer("agreement", "show", "gates")
    agreement = journey.world.hub.snapshot().agreements.get("gates")
    assert agreement is not None
    assert agreement.state is AgreementState.ENDED


async def test_without_stripping_the_sender_is_told_what_nobody_asked_for(journey: Journey) -> None:
    await journey.officer("agreement", "add", "gates", "--partner", "terminal", *TERMS)

    told = await journey.side("terminal", "push", journey.event)

    assert "FIELD_NOT_NEEDED" in told
    assert "/data/remarks" in told


async def test_stripping_goes_by_ones_own_agreements_alone(journey: Journey) -> None:
    told = await journey.side("terminal", "push", journey.event, "--strip", "--on-behalf-of", "other", exits=1)

    assert "your own agreements" in told


async def test_an_agreement_is_signed_by_who_says_yes_at_the_terminal(journey: Journey) -> None:
    await journey.officer("agreement", "propose", "gates", "--partner", "terminal", *TERMS)
    reach = ["--hub", journey.world.hub.url, "--client", "terminal.erp", "--key", str(journey.folder / "terminal.pem")]

    async with shell(journey.folder) as typist:
        for answer, told in (("n", "not signed"), ("y", "signed; it is proposed")):
            typist.run(*CONNECT, "agreement", "sign", "gates", *reach)
            assert "It may pass them on to nobody." in await typist.until("Sign gates as terminal.erp? [y/N] ")
            typist.type(f"{answer}\r")
            await typist.until(told)


async def test_a_company_reads_its_agreements_in_the_language_that_it_asks_for(journey: Journey) -> None:
    await journey.officer("agreement", "add", "gates", "--partner", "terminal", *TERMS)

    french = await journey.side("terminal", "agreement", "list", "--lang", "fr")
    english = await journey.side("terminal", "agreement", "list")

    assert "Il peut les conserver pendant 90 jours." in french
    assert "It may keep them for 90 days." in english


async def test_a_scope_that_is_missing_is_told_with_whom_to_ask_for_it(journey: Journey) -> None:
    told = await journey.side("terminal", "read", "risk", exits=1)

    assert "terminal.erp may not do this: it was not granted feeds:read." in told
    assert "customs-hub key add" in told


async def test_what_does_not_wait_for_a_side_is_not_signed(journey: Journey) -> None:
    await journey.officer("agreement", "add", "gates", "--partner", "terminal", *TERMS)

    for name in ("gates", "other"):
        assert "is to be signed by you" in await journey.side("terminal", "agreement", "sign", name, exits=1)


async def test_a_draft_is_looked_at_before_anybody_hears_of_it(journey: Journey) -> None:
    assert hub_cli.run(["agreement", "draft", "gates", "--everyone", *TERMS]) == 0
    draft = journey.folder / "draft.json"
    draft.write_text(journey.said())

    shown = await journey.officer("agreement", "preview", draft, journey.event, "--from", "terminal")

    assert "gate-1" in shown
    assert "ask for Jan" not in shown
    assert len(journey.world.hub.snapshot().agreements) == 0
