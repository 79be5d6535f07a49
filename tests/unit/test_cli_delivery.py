"""`customs-hub delivery endpoint`: where feeds are brought, and a secret that is shown once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from connectors.webhook import Keys
from hub.cli import run

Command = Callable[..., tuple[int, str, str]]
ADD = ("delivery", "endpoint", "add", "engine", "live", "https://engine.example/hooks")


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """`customs-hub …` beside an authority with a feed that may be brought: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def customs_hub(*arguments: str) -> tuple[int, str, str]:
        code = run([*arguments, "--data", "data"])
        return code, *capsys.readouterr()

    for line in (
        "partner add customs --name Customs --country NL --role authority",
        "agreement add live --everyone --type * --recipient customs --purpose duty-risk --field *",
        "feed add live --recipient customs --purpose duty-risk --way pull webhook",
    ):
        assert customs_hub(*line.split())[0] == 0
    return customs_hub


def on(command: Command, verb: str, *more: str) -> int:
    return command("delivery", "endpoint", verb, "engine", *more)[0]


def test_a_new_endpoint_shows_its_secret_once_and_keeps_it_nowhere_in_clear(command: Command) -> None:
    code, out, _ = command(*ADD, "--json")

    given = json.loads(out.splitlines()[1])
    assert code == 0
    assert Keys(given["secret"]).secrets
    kept = b"".join(each.read_bytes() for each in Path("data").rglob("*") if each.is_file())
    assert given["secret"].encode() not in kept
    listed = command("delivery", "endpoint", "list", "--json")[1]
    assert given["secret"] not in listed
    [endpoint] = json.loads(listed)["items"]
    assert (endpoint["keys"][0]["public"], endpoint["state"]) == (given["public"], "unverified")


def test_a_client_secret_is_sealed_before_it_leaves_the_command(command: Command) -> None:
    Path("client").write_text("a-client-secret-of-the-receiver\n")

    oauth = ["--token-url", "https://as.example/token", "--client-id", "hub", "--client-secret-file", "client"]
    assert command(*ADD, *oauth)[0] == 0

    kept = b"".join(each.read_bytes() for each in Path("data").rglob("*") if each.is_file())
    assert b"a-client-secret-of-the-receiver" not in kept


def test_an_endpoint_is_rotated_paused_resumed_verified_and_ended(command: Command) -> None:
    assert command(*ADD)[0] == 0
    first = json.loads(command("delivery", "endpoint", "list", "--json")[1])["items"][0]["keys"]
    _, out, _ = command("delivery", "endpoint", "rotate", "engine", "--json")

    assert json.loads(out.splitlines()[1])["public"] != first[0]["public"]
    assert [on(command, verb) for verb in ("pause", "resume", "verify", "end")] == [0, 0, 0, 0]
    assert on(command, "resume") == 1
    assert "ended" in command("delivery", "endpoint", "list")[1]


@pytest.mark.parametrize("wrong", ["http://engine.example/", "https://", "engine.example"])
def test_an_address_that_cannot_be_is_refused(command: Command, wrong: str) -> None:
    code, out, err = command(*ADD[:-1], wrong)

    assert code == 1
    assert "/url" in out + err


def test_a_missing_file_of_the_client_s_secret_is_said(command: Command) -> None:
    code, _, err = command(*ADD, "--token-url", "https://as.example/", "--client-secret-file", "nowhere")

    assert code == 2
    assert "nowhere" in err
