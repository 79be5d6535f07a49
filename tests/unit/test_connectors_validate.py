"""`customs-connect validate`: what it prints, in two languages and for machines, and its exit codes."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.cli import run
from tests.edifact import interchange, message
from tests.unit.valid_events import NOW_US, event

GOOD = event("good")
BAD = event("bad", empty="no")
WARNED = event("warned", subjects=[{"scheme": "iso6346", "value": "MSKU1234566"}])


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.commands.validate.time_ns", lambda: NOW_US * 1_000)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "events.json"


def written(file: Path, *events: dict[str, Any]) -> str:
    file.write_bytes(orjson.dumps(events))
    return str(file)


def test_what_is_accepted_exits_with_0_also_with_warnings(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["validate", written(file, GOOD, WARNED)])

    out = capsys.readouterr().out
    assert code == 0
    assert "2 accepted (1 with warnings)" in out
    assert "warning  /data/subjects/0/value  CHECK_DIGIT_WRONG" in out


def test_what_is_refused_exits_with_1_and_says_where_what_and_how_to_mend_it(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(["validate", written(file, GOOD, BAD)])

    out = capsys.readouterr().out
    assert code == 1
    assert "/1  refused  customs.container.gate_in  bad" in out
    assert "    error    /data/empty  TYPE_WRONG\n             The value is of the wrong JSON type.\n" in out
    assert "             found:    no\n" in out
    assert "             fix:      Send the type named.\n" in out
    assert "1 accepted, 1 refused" in out
    assert "Not judged here: whether an agreement covers these events" in out


def test_a_wrong_check_digit_is_refused_on_request(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validate", written(file, WARNED), "--reject-check-digits"]) == 1
    assert "error    /data/subjects/0/value  CHECK_DIGIT_WRONG" in capsys.readouterr().out


def test_json_has_an_object_for_each_event_and_one_for_the_file(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["validate", written(file, GOOD, BAD), "--json"])

    good, bad, whole = map(orjson.loads, capsys.readouterr().out.splitlines())
    assert (good["verdict"], good["faults"], good["type"]) == ("ACCEPTED", [], GOOD["type"])
    assert (bad["index"], bad["id"], bad["faults"][0]["place"]) == (1, "bad", "/data/empty")
    assert whole["counts"] == {"ACCEPTED": 1, "REJECTED": 1, "NOT_SHARED": 0}


def test_standard_input_is_read_for_a_hyphen(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(orjson.dumps(GOOD))))

    assert run(["validate", "-"]) == 0
    assert "1 accepted" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["no-such-file.json"],
        ["."],
        ["--no-such-option"],
        ["-", "--time-zone", "Nowhere"],
        ["-", "--time-zone", ".."],
    ],
)
def test_misuse_and_files_that_cannot_be_read_exit_with_2(arguments: list[str]) -> None:
    assert run(["validate", *arguments]) == 2


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe{\x00", b"<epcis/>"])
def test_a_document_that_cannot_be_opened_is_refused_as_a_whole(
    file: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_bytes(content)

    assert run(["validate", str(file)]) == 1
    assert "refused" in capsys.readouterr().out


@pytest.mark.parametrize("asked", ["option", "environment"])
def test_it_speaks_french(
    file: Path, asked: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if asked == "environment":
        monkeypatch.setenv("CUSTOMS_LANG", "fr_FR.UTF-8")

    run(["validate", written(file, BAD), *(["--lang", "fr"] if asked == "option" else [])])

    out = capsys.readouterr().out
    assert "La valeur n'est pas du bon type JSON." in out
    assert "remède :  Envoyez le type indiqué." in out
    assert "1 refusé" in out


CSV = (
    b"type;occurred_at;time_kind;container;place;empty\r\n"
    b"customs.container.gate_in;2026-11-21T10:00:00+01:00;ACTUAL;MSKU1234565;NLRTM;no\r\n"
    b"customs.container.gate_in;2026-11-21 10:00;ACTUAL;MSKU1234565;NLRTM;maybe\r\n"
)


def test_a_table_is_judged_row_by_row_with_its_cells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "moves.csv"
    file.write_bytes(CSV)

    code = run(["validate", str(file), "--time-zone", "Europe/Amsterdam"])

    out = capsys.readouterr().out
    assert code == 1
    assert "row 3, column F (empty)  VALUE_NOT_ALLOWED" in out
    assert "1 accepted, 1 refused" in out
    assert "OFFSET_MISSING" not in out


def test_a_table_from_standard_input_may_be_told_its_type(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    without_type = b"\n".join(line.partition(b";")[2] for line in CSV.splitlines()[:2])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(without_type)))

    code = run(["validate", "-", "--media-type", "text/csv", "--type", "customs.container.gate_in"])

    assert (code, "1 accepted" in capsys.readouterr().out) == (0, True)


def test_places_in_tables_are_said_in_french_to_people_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "moves.csv"
    file.write_bytes(CSV)

    run(["validate", str(file), "--lang", "fr"])
    run(["validate", str(file), "--lang", "fr", "--json"])

    out = capsys.readouterr().out
    assert "ligne 3, colonne F (empty)" in out
    assert '"place":"row 3, column F (empty)"' in out


STATUS = interchange(
    message("IFTSTA", "BGM+23+1+9", "CNI+1", "STS+1+I::87", "DTM+334:202611201259:203", "EQD+CN+MSKU1234565")
)


def test_a_mapping_profile_is_tried_on_a_file_before_it_is_agreed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, profile = tmp_path / "status.edi", tmp_path / "profile.json"
    file.write_bytes(STATUS)
    profile.write_text('{"time_zone": "Europe/Paris", "statuses": {"87:I": {"type": "container.gate_in"}}}')

    without = run(["validate", str(file), "--time-zone", "Europe/Paris"]), capsys.readouterr().out
    tried = run(["validate", str(file), "--profile", str(profile)]), capsys.readouterr().out

    assert (without[0], tried[0]) == (0, 0)
    assert "CODE_UNMAPPED" in without[1]
    assert "CODE_UNMAPPED" not in tried[1]
    assert "customs.container.gate_in" in tried[1]


def test_a_mapping_profile_with_faults_says_them_all_and_judges_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    profile = tmp_path / "profile.json"
    profile.write_text('{"time_zone": "Mars/Base", "identity": 3}')

    code = run(["validate", "-", "--profile", str(profile)])

    out = capsys.readouterr().out
    assert code == 2
    assert "/time_zone" in out
    assert "/identity" in out
