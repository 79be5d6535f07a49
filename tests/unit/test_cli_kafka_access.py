"""`customs-hub feed kafka-access`: who reads a feed from Kafka itself, and a password that is shown once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from connectors.keys import generate
from hub.cli import run

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """`customs-hub …` beside an authority with a feed that may be read from Kafka: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUSTOMS_HUB_KAFKA_RECIPIENTS_SCRAM", "kafka.example:9093")
    Path("key.pem").write_bytes(generate("EdDSA").public_pem())

    def customs_hub(*arguments: str) -> tuple[int, str, str]:
        code = run([*arguments, "--data", "data"])
        return code, *capsys.readouterr()

    for line in (
        "partner add customs --name Customs --country NL --role authority",
        "key add customs engine key.pem --scope feeds:read",
        "agreement add live --everyone --type * --recipient customs --purpose duty-risk --field * --direct",
        "feed add live --recipient customs --purpose duty-risk --way pull kafka",
    ):
        assert customs_hub(*line.split())[0] == 0
    return customs_hub


def test_a_granted_access_shows_what_its_reader_needs_and_keeps_no_password_in_clear(command: Command) -> None:
    code, out, _ = command("feed", "kafka-access", "grant", "live", "live", "engine", "--json")

    given = json.loads(out.splitlines()[1])
    password = given.pop("password")
    assert code == 0
    assert given == {
        "user": "customs.live.1",
        "bootstrap": "kafka.example:9093",
        "topics": ["hub.feed.live"],
        "groups": "customs.*",
    }
    kept = b"".join(each.read_bytes() for each in Path("data").rglob("*") if each.is_file())
    assert password.encode() not in kept
    assert password not in "".join(
        command(*noun.split())[1] for noun in ("audit list --json", "feed kafka-access list")
    )


def test_each_rotation_has_a_user_and_a_password_of_its_own(command: Command) -> None:
    _, first, _ = command("feed", "kafka-access", "grant", "live", "live", "engine", "--json")
    _, second, _ = command("feed", "kafka-access", "rotate", "live", "--json")

    one, two = (json.loads(out.splitlines()[1]) for out in (first, second))
    assert (one["user"], two["user"]) == ("customs.live.1", "customs.live.2")
    assert one["password"] != two["password"]
    assert "customs.live.1 customs.live.2" in command("feed", "kafka-access", "list")[1]


def test_a_refused_grant_shows_no_password_and_what_is_wrong(command: Command) -> None:
    code, out, error = command("feed", "kafka-access", "grant", "live", "live", "desk")

    assert (code, out) == (1, "")
    assert "/system" in error


def test_a_revoked_access_is_listed_as_closed(command: Command) -> None:
    command("feed", "kafka-access", "grant", "live", "live", "engine")

    assert command("feed", "kafka-access", "revoke", "live", "--reason", "replaced")[0] == 0
    assert "closed: it was revoked" in command("feed", "kafka-access", "list")[1]
