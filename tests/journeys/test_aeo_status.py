"""AEO status as hub/README.md says it, word for word; and a hub that dies between an event and its mark."""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest

from hub.cli import run
from hub.core.errors import Refusal
from tests.unit.operate.office import public_pem
from tests.unit.operate.test_operate_aeo_feeds import KEY, alive, line
from tests.world import hub_world, settings_in

ROOT = Path(__file__).parents[2]
PARTNERS = """id,name,country,roles,tier,identifiers
customs,Customs,NL,authority,,
zephyr,"Zephyr, BV",NL,exporter;importer,aeo,eori=NL123456789
"""
AUTHORISATIONS = """issuer,number,partner,type,status,valid_from
NL,NLAEOF1,eori=NL123456789,F,valid,2025-01-01
"""

Command = Callable[[str], tuple[int, str, str]]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """A command line in a directory with the files that the README speaks of: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "partners.csv").write_text(PARTNERS)
    (tmp_path / "authorisations.csv").write_text(AUTHORISATIONS)
    (tmp_path / "nl-feed.pub").write_text(public_pem(KEY))
    (tmp_path / "statuses.txt").write_text("\n".join((line(1, status="suspended", reason_class="A1"), alive(2))))

    def customs_hub(text: str) -> tuple[int, str, str]:
        program, *arguments = shlex.split(text, comments=True)
        assert program == "customs-hub"
        return run([*arguments, "--data", "data"]), *capfd.readouterr()

    return customs_hub


def lines_of_the_readme() -> list[str]:
    [block] = re.findall(r"^```sh\n# AEO status.*?\n(.*?)^```$", (ROOT / "hub/README.md").read_text(), re.M | re.S)
    return block.splitlines()


def test_every_line_of_the_readme_does_what_it_says(command: Command) -> None:
    told = {}
    for text in lines_of_the_readme():
        code, told[text], err = command(text)
        assert (code, err) == (0, ""), text

    shown = next(out for text, out in told.items() if "aeo show" in text)
    assert re.findall(r"\b(suspended|valid)  ", shown.split("REVISION")[1]) == ["suspended", "valid"]
    assert "A1" in shown
    assert "zephyr" in next(out for text, out in told.items() if "partner list" in text)


def test_what_is_wrong_in_a_file_is_told_by_row_and_nothing_is_taken(command: Command) -> None:
    command("customs-hub partner import partners.csv")
    Path("authorisations.csv").write_text(AUTHORISATIONS + "NL,,nobody,F,valid,2025-01-01\n")

    code, out, err = command("customs-hub aeo import authorisations.csv")

    assert (code, out) == (1, "")
    assert "row 3, partner  found: nobody" in err
    assert "row 3, number" in err
    assert "NLAEOF1" not in command("customs-hub aeo list")[1]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("customs-hub aeo import missing.csv", "missing.csv cannot be read"),
        ("customs-hub partner import partners.xlsx", "neither *.csv nor *.ndjson"),
        ("customs-hub aeo feed add NL --issuer-key missing.pub", "missing.pub cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_misuse(command: Command, text: str, told: str) -> None:
    code, _, err = command(text)

    assert code == 2
    assert told in err


def test_messages_come_in_by_the_standard_input_too(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    command("customs-hub aeo feed add NL --issuer-key nl-feed.pub")
    monkeypatch.setattr("sys.stdin", StringIO(f"{alive(1)}\n{alive(2)}\n"))

    assert command("customs-hub aeo tell -")[0] == 0

    assert re.search(r"^NL +2 ", command("customs-hub aeo feed list")[1], re.MULTILINE)


def test_a_refused_message_names_its_line_and_what_to_do(command: Command) -> None:
    command("customs-hub aeo feed add NL --issuer-key nl-feed.pub")
    Path("statuses.txt").write_text(alive(2))

    code, _, err = command("customs-hub aeo tell statuses.txt")

    assert code == 1
    assert "line 1  found: seq 2  expected: seq 1 of NL" in err
    assert "Ask the administration for the missing ones" in err


async def test_the_state_of_the_hub_shows_what_was_refused_and_who_is_silent(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with hub_world(settings_in(tmp_path, ground="sqlite")) as world:
        await world.act("aeo.feed.add", issuer="NL", keys=[public_pem(KEY)])
        await world.act("arrangement.add", id="mutual", issuers=["BE"], valid_from="2020-01-01", stale_after_hours=1)
        assert isinstance(await world.hub.registrar.perform("aeo.tell", {"lines": [alive(2)]}, actor="x"), Refusal)

        assert await asyncio.to_thread(run, ["status", "--data", str(tmp_path)]) == 0

    told = capfd.readouterr().out
    assert "NL: STATUS_GAP at line 1, expected seq 1 of NL; BE is silent (mutual)" in told
