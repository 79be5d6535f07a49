"""`customs-hub schema`: what its commands print, and their exit codes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from hub.cli import run
from hub.core.partner import CheckDigits
from hub.core.proposal import Proposal
from hub.core.record import EVENTS, LogRecord, Stream
from hub.drivers.sqlite.event_log import SQLiteEventLog
from hub.drivers.sqlite.registry import SQLiteRegistry
from hub.drivers.system.clock import SystemClock
from schemas.catalogue import catalogue
from tests.contracts.test_registry import EXPORTER as PARTNER
from tests.unit.operate.test_operate_rehearse import record
from tests.unit.test_schemas_style import NAME, REMARKS, draft


@pytest.fixture
def next_version(tmp_path: Path) -> Any:
    def write(version: str = "1.1", **data: Any) -> str:
        file = tmp_path / f"{version}.json"
        file.write_text(json.dumps(draft(version, **data)))
        return str(file)

    return write


def test_the_list_names_every_type_in_both_languages(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema", "list", "--json"]) == 0
    assert run(["schema", "list", "--lang", "fr"]) == 0

    first, rest = capsys.readouterr().out.split("\n", 1)
    assert {row["type"] for row in json.loads(first)["items"]} == {kind.name for kind in catalogue().types}
    assert "Un conteneur" in rest


def test_a_schema_is_shown_as_published_and_without_references(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema", "show", NAME]) == 0
    published = json.loads(capsys.readouterr().out)
    assert run(["schema", "show", NAME, "1.0", "--flat"]) == 0
    flat = json.loads(capsys.readouterr().out)

    assert published["$id"] == f"urn:customs-hub:schema:{NAME}:1.0"
    assert "$ref" not in json.dumps(flat)
    assert "$ref" in json.dumps(published)


@pytest.mark.parametrize("arguments", [["customs.no.such"], [NAME, "9.9"], ["common", "2.0"]])
def test_what_is_not_there_is_not_shown(arguments: list[str]) -> None:
    assert run(["schema", "show", *arguments]) == 2


def test_a_difference_is_told_with_the_answer(next_version: Any, capsys: pytest.CaptureFixture[str]) -> None:
    wider, narrower = (
        next_version(remarks=REMARKS | {"maxLength": 2000}),
        next_version("2.0", remarks=REMARKS | {"maxLength": 9}),
    )

    assert run(["schema", "diff", f"{NAME}:1.0", wider]) == 0
    assert "~ /properties/data/properties/remarks/maxLength  1000 → 2000" in capsys.readouterr().out
    assert run(["schema", "diff", NAME, narrower, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)

    assert told["compatible"] == "no"
    assert [each["place"] for each in told["reasons"]] == ["/properties/data/properties/remarks/maxLength"]


def test_a_file_is_checked_as_the_next_version(next_version: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema", "check", next_version(remarks=REMARKS | {"maxLength": 2000})]) == 0
    assert run(["schema", "check", next_version(remarks=REMARKS | {"maxLength": 9}), "--json", "--lang", "fr"]) == 1

    english, french = capsys.readouterr().out.split("it may be published\n")
    assert "yes" in english
    assert [each["code"] for each in json.loads(french)["findings"]] == ["MINOR_NOT_COMPATIBLE"]


@pytest.mark.parametrize("content", ["{", "[]", '{"$id": "x"}'])
def test_a_file_that_is_no_schema_is_said_to_be_none(content: str, tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text(content)

    assert run(["schema", "check", str(file)]) in (1, 2)
    assert run(["schema", "diff", NAME, str(file)]) == 2
    assert run(["schema", "check", str(tmp_path / "none.json")]) == 2


def test_a_version_is_rehearsed_on_the_log_of_a_data_directory(
    next_version: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(_fill(tmp_path / "log.db"))
    light = {"description": "the mass", "type": "number", "maximum": 10_000}
    strict, wide = next_version("2.0", weighed_mass_kg=light), next_version("1.1")

    assert run(["schema", "rehearse", NAME, wide, "--days", "2", "--data", str(tmp_path)]) == 0
    assert run(["schema", "rehearse", NAME, strict, "--data", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert run(["schema", "rehearse", NAME, strict, "--data", str(tmp_path), "--json"]) == 1

    assert "VALUE_RANGE  /data/weighed_mass_kg  2  such as urn:example:delta-terminal:gate e-1" in out
    assert json.loads(capsys.readouterr().out)["partners"][0]["failing"] == 2


def test_a_rehearsal_refuses_wrong_check_digits_of_those_for_whom_they_are_refused(
    next_version: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = [{"scheme": "iso6346", "value": "MSKU1234566"}]
    asyncio.run(_fill(tmp_path / "log.db", record(1, subjects=wrong), record(2, "depot", subjects=wrong)))
    asyncio.run(_set_apart(tmp_path / "registry.db", "depot"))

    code = run(["schema", "rehearse", NAME, next_version("1.1"), "--data", str(tmp_path), "--json"])

    partners = {each["partner"]: each["failing"] for each in json.loads(capsys.readouterr().out)["partners"]}
    assert (code, partners) == (1, {"depot": 1, "terminal": 0})


async def _set_apart(path: Path, partner: str) -> None:
    strict = replace(PARTNER, id=partner, check_digits=CheckDigits.REJECT)
    async with SQLiteRegistry.open(path) as registry:
        await registry.write(Proposal(0, (strict,), actor="ada", act="partner.add"), time_us=1)


async def _fill(path: Path, *records: LogRecord) -> None:
    async with SQLiteEventLog(path, SystemClock()) as log:
        await log.declare(Stream(EVENTS, 1))
        await log.append(EVENTS, 0, list(records) or [record(1), record(2)])


def test_a_rehearsal_needs_a_log_and_a_file_of_the_type(next_version: Any, tmp_path: Path) -> None:
    file = next_version("1.1")

    assert run(["schema", "rehearse", NAME, file, "--data", str(tmp_path)]) == 1
    assert run(["schema", "rehearse", "customs.seal.broken", file, "--data", str(tmp_path)]) == 2
    assert run(["schema", "rehearse", NAME, file, "--days", "0", "--data", str(tmp_path)]) == 2
