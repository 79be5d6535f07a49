"""The console script: what it says without a hub, and its exit codes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from hub.cli import NOUNS, run
from hub.core.errors import ERRORS
from hub.core.faults import ACT_FAULTS
from schemas.faults import FAULTS


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_help_names_every_noun(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 0

    out = capsys.readouterr().out
    assert all(noun in out for noun in NOUNS)


def test_a_noun_that_does_not_exist_is_a_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fed"]) == 2

    assert "fed" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["partner", "add"], ["partner", "add", "x", "--colour", "red"], ["feed", "end"], ["key", "turn"]]
)
def test_a_command_used_wrongly_is_a_misuse(arguments: list[str]) -> None:
    assert run(arguments) == 2


@pytest.mark.parametrize("noun", ["partner", "key", "agreement", "feed", "explain", "config"])
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

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30)

    assert done.stdout.splitlines()[-1] == "[]"
