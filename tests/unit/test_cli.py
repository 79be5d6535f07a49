"""The console script: what it says without a hub, and its exit codes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module

import pytest
from cyclopts import App

from hub.cli import NOUNS, run
from hub.core.errors import ERRORS
from hub.core.faults import ACT_FAULTS
from schemas.faults import FAULTS


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_help_names_every_noun(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 0

    out = capsys.readouterr().out
    assert all(noun in out for noun in NOUNS)


@pytest.mark.parametrize("noun", list(NOUNS))
def test_the_line_of_a_noun_names_all_its_commands(noun: str) -> None:
    app = import_module(f"hub.cli.{noun.replace('-', '_')}").app

    assert {word for name in _commands(app) for word in name.split()} <= set(re.findall(r"[a-z][a-z-]*", NOUNS[noun]))


def _commands(app: App) -> Iterator[str]:
    for name in (each for each in app if not each.startswith("-")):
        within = [f"{name} {each}" for each in _commands(app[name])]
        yield from within or [name]


def test_a_noun_that_does_not_exist_is_a_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fed"]) == 2

    assert "fed" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["partner", "add"], ["partner", "add", "x", "--colour", "red"], ["feed", "end"], ["key", "turn"]]
)
def test_a_command_used_wrongly_is_a_misuse(arguments: list[str]) -> None:
    assert run(arguments) == 2


@pytest.mark.parametrize("noun", ["partner", "key", "agreement", "feed", "explain", "config", "id"])
def test_each_noun_has_help_under_its_own_name(noun: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([noun, "--help"]) == 0

    assert f"customs-hub {noun}" in capsys.readouterr().out


@pytest.mark.parametrize("code", [*ERRORS, *FAULTS, *ACT_FAULTS])
def test_every_code_is_explained_in_both_languages(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", code, "--json"]) == 0
    assert run(["explain", code, "--json", "--lang", "fr"]) == 0

    english, french = map(json.loads, capsys.readouterr().out.splitlines())
    assert english["code"] == french["code"] == code
    assert english["means"] != french["means"]


@pytest.mark.parametrize(
    ("scheme", "value", "code"),
    [
        ("iso6346", "MSKU1234565", 0),
        ("iso6346", "MSKU1234566", 1),
        ("iso6346", "msku1234565", 1),
        ("currency", "XXQ", 1),
        ("container", "MSKU1234565", 2),
    ],
)
def test_an_identifier_is_right_wrong_or_of_no_scheme(scheme: str, value: str, code: int) -> None:
    assert run(["id", "check", scheme, value]) == code


def test_a_wrong_check_digit_is_told_with_the_right_one(capsys: pytest.CaptureFixture[str]) -> None:
    run(["id", "check", "imo", "9074728", "--json"])

    said = json.loads(capsys.readouterr().out)
    assert (said["right"], said["code"]) == (False, "CHECK_DIGIT_WRONG")
    assert said["expected"].startswith("check digit 9 (")


def test_a_scheme_that_does_not_exist_gets_a_guess(capsys: pytest.CaptureFixture[str]) -> None:
    run(["id", "check", "iso6364", "X"])
    run(["id", "check", "container", "X"])

    told = capsys.readouterr().err
    assert "perhaps iso6346;" in told
    assert "perhaps iso6346 or ilu or equipment;" in told


def test_a_gs1_key_is_shown_in_all_its_forms(capsys: pytest.CaptureFixture[str]) -> None:
    run(["id", "check", "uri", "urn:epc:id:sscc:0614141.1234567890", "--json"])
    run(["id", "check", "digital_link", "https://id.gs1.org/8004/4000001111", "--prefix-length", "7", "--json"])

    of_urn, of_link = map(json.loads, capsys.readouterr().out.splitlines())
    assert of_urn["identifier"] == "sscc 106141412345678908"
    assert of_urn["digital_link"] == "https://id.gs1.org/00/106141412345678908"
    assert of_link["epc_urn"] == "urn:epc:id:giai:4000001.111"


def test_the_list_of_schemes_has_an_example_of_each(capsys: pytest.CaptureFixture[str]) -> None:
    run(["id", "list", "--json"])
    run(["id", "list"])

    listed, *lines = capsys.readouterr().out.splitlines()
    assert {each["scheme"]: each["example"] for each in json.loads(listed)["items"]}["imo"] == "9074729"
    assert any(line.startswith("imo ") and "A.1117(30)" in line for line in lines)


def test_a_misspelt_code_gets_a_guess(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "event-invald"]) == 1

    assert "EVENT_INVALID?" in capsys.readouterr().err


def test_no_code_means_two_things() -> None:
    assert not (ERRORS.keys() & FAULTS.keys() | ERRORS.keys() & ACT_FAULTS.keys() | FAULTS.keys() & ACT_FAULTS.keys())


def test_a_configuration_that_cannot_stand_is_a_misuse(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUSTOMS_HUB_HTTP_PORT", "many")

    assert run(["config", "check"]) == 2
    assert run(["partner", "list"]) == 2
    assert capsys.readouterr().err.count("CUSTOMS_HUB_HTTP_PORT: takes") == 2


@pytest.mark.parametrize(
    "arguments",
    ["explain EVENT_INVALID", "partner suspend --help", "config"],
)
def test_a_trivial_command_loads_neither_server_nor_storage(arguments: str) -> None:
    heavy = ("aiohttp", "sqlalchemy", "aiokafka", "hub.assembly", "jsonschema_rs", "prometheus_client")
    script = (
        f"import sys, hub.cli; hub.cli.run({arguments.split()!r}); print([m for m in {heavy!r} if m in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"
