"""`customs-hub edi profile`: a profile tried on messages before it goes live, and set."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hub.cli import run
from tests.edifact import GATE_IN, interchange, message

Command = Callable[..., tuple[int, str, str]]

OWN_CODE = tuple(each.replace("BGM+34+", "BGM+98+") for each in GATE_IN)


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """`customs-hub …` beside a terminal that is enrolled, a profile and messages: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    means = {"profile": 1, "documents": {"CODECO": {"98": {"type": "container.gate_out"}}}}
    Path("profile.json").write_text(json.dumps(means))
    Path("wrong.json").write_text('{"profile": 2, "zones": {"NLRTM": "Mars"}}')
    sent = (message("CODECO", *OWN_CODE), message("CODECO", "BGM+777+X+9", reference="2"))
    Path("moves.edi").write_bytes(interchange(*sent))

    def customs_hub(*arguments: str) -> tuple[int, str, str]:
        code = run([*arguments, "--data", "data"])
        return code, *capsys.readouterr()

    said = ("--name", "T", "--country", "NL", "--role", "terminal", "--time-zone", "Europe/Amsterdam")
    assert customs_hub("partner", "add", "terminal", *said, "--edi-sender", "TERM")[0] == 0
    return customs_hub


def test_a_profile_is_tried_on_messages_without_changing_anything(command: Command) -> None:
    code, out, _ = command("edi", "profile", "try", "terminal", "profile.json", "moves.edi", "--json")

    said = json.loads(out)
    assert (code, said["counts"]) == (1, {"ACCEPTED": 1, "REJECTED": 1})
    assert said["items"][0]["event"]["type"] == "customs.container.gate_out"
    assert said["items"][0]["event"]["data"]["occurred_at"].endswith("+01:00")
    assert said["items"][1]["faults"][0]["place"].startswith("message 2")
    assert json.loads(command("edi", "profile", "show", "terminal", "--json")[1])["profile"] is None


def test_a_trial_tells_a_person_what_each_message_would_become(command: Command) -> None:
    _, out, _ = command("edi", "profile", "try", "terminal", "profile.json", "moves.edi")

    first, second = out.splitlines()[1:3]
    assert "ACCEPTED  customs.container.gate_out  MSKU1234565  ACTUAL 2026-11-20T12:59:00+01:00" in first
    assert "REJECTED" in second
    assert out.splitlines()[-1] == "1 ACCEPTED, 1 REJECTED"


def test_a_trial_looks_at_the_senders_of_the_partner(command: Command) -> None:
    command("partner", "set", "terminal", "--edi-sender", "OTHER", "--edi-sender", "THIRD")

    _, out, _ = command("edi", "profile", "try", "terminal", "profile.json", "moves.edi")

    assert "SENDER_UNKNOWN" in out
    assert "one of OTHER, THIRD" in out


def test_a_profile_that_is_shown_can_be_set_again(command: Command) -> None:
    set_ = command("edi", "profile", "set", "terminal", "profile.json", "--reason", "dialect")
    Path("shown.json").write_text(command("edi", "profile", "show", "terminal")[1])

    again = command("edi", "profile", "set", "terminal", "shown.json")

    assert (set_[0], again[0]) == (0, 0)
    assert "edi_profile terminal  in force (revision 2)" in set_[1]
    assert "nothing to change" in again[1]


def test_all_faults_of_a_profile_are_told_at_once_when_it_is_tried_and_when_it_is_set(command: Command) -> None:
    tried = command("edi", "profile", "try", "terminal", "wrong.json", "moves.edi")
    set_ = command("edi", "profile", "set", "terminal", "wrong.json")

    assert (tried[0], set_[0]) == (1, 1)
    for told in (tried[1], set_[2]):
        assert "/profile  " in told
        assert "/zones/NLRTM  " in told


def test_what_cannot_be_looked_at_is_said(command: Command) -> None:
    Path("empty.edi").write_bytes(b"")

    nothing = command("edi", "profile", "try", "terminal", "profile.json", "empty.edi")
    nobody = command("edi", "profile", "try", "nobody", "profile.json", "moves.edi")
    missing = command("edi", "profile", "set", "terminal", "missing.json")

    assert (nothing[0], "EMPTY" in nothing[1]) == (1, True)
    assert (nobody[0], "ACT_REFUSED" in nobody[2]) == (1, True)
    assert missing[0] == 2
