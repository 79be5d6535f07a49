"""Operators at the command line, at a hub that runs and one that is down: who signs, who reviews, who is refused."""

from __future__ import annotations

import asyncio
import json
import stat
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hub.assembly import Hub, build
from hub.cli import run, signing
from hub.core.settings import HTTPSettings, LogSettings, Settings
from hub.drivers.system.clock import SystemClock

DELTA = ("partner", "add", "delta", "--name", "Delta", "--country", "NL", "--role", "terminal")
ANN = ("--as", "ann", "--key", "ann.pem")
BEN = ("--as", "ben", "--key", "ben.pem")
LIA = ("--as", "lia", "--key", "lia.pem")
DAY_SECONDS = 86_400
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """`customs-hub …` on a data directory: exit code, stdout, stderr. Ann is the first operator, ben her colleague."""
    monkeypatch.chdir(tmp_path)

    def customs_hub(*arguments: str) -> tuple[int, str, str]:
        code = run([*arguments, "--data", "data"])
        return code, *capfd.readouterr()

    for name in ("ann", "ben", "lia"):
        assert run(["operator", "keygen", f"{name}.pem"]) == 0
    Path("data").mkdir(mode=0o700)
    assert customs_hub("operator", "first", "ann", "--key", "ann.pem")[0] == 0
    assert (
        customs_hub("operator", "add", "ben", "ben.pub.pem", "--role", "partner-officer", "security-officer", *ANN)[0]
        == 0
    )
    return customs_hub


@pytest.fixture
async def hub(command: Command, tmp_path: Path) -> AsyncIterator[Hub]:
    settings = Settings(
        http=HTTPSettings(port=0, operations_port=0), log=LogSettings(directory=str(tmp_path / "data"), ground="sqlite")
    )
    async with build(settings) as hub:
        yield hub


def proposals(command: Command) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads(command("proposal", "list", "--json")[1])["items"]
    return items


def test_two_operators_start_something_while_the_hub_is_down(command: Command) -> None:
    asked = command(*DELTA, *ANN)
    identifier = proposals(command)[0]["id"]

    assert "waits until" in asked[1]
    assert command("proposal", "approve", identifier, *ANN)[0] == 1
    approved = command("proposal", "approve", identifier[:12], *BEN)

    assert (approved[0], "partner delta  takes part" in approved[1]) == (0, True)
    assert proposals(command)[0]["signed_by"] == ["ann", "ben"]


async def test_two_operators_start_something_at_a_running_hub(hub: Hub, command: Command) -> None:
    await asyncio.to_thread(command, *DELTA, *ANN)
    identifier = (await asyncio.to_thread(proposals, command))[0]["id"]
    assert hub.snapshot().partners.get("delta") is None

    code, _, err = await asyncio.to_thread(command, "proposal", "approve", identifier, *BEN)

    assert code == 0, err
    assert hub.snapshot().partners.get("delta") is not None


async def test_without_an_operator_only_stopping_is_done_and_another_looks_at_it(hub: Hub, command: Command) -> None:
    await asyncio.to_thread(command, *DELTA, *ANN)
    await asyncio.to_thread(
        command, "proposal", "approve", (await asyncio.to_thread(proposals, command))[0]["id"], *BEN
    )

    stopped = await asyncio.to_thread(command, "partner", "suspend", "delta")
    resumed = await asyncio.to_thread(command, "partner", "resume", "delta")
    review = next(iter(hub.snapshot().reviews))
    seen = await asyncio.to_thread(command, "review", "done", review.id, "--note", "rightly so", *BEN)

    assert (stopped[0], resumed[0], seen[0]) == (0, 1, 0)
    assert "OPERATOR_REQUIRED" in resumed[2]
    assert "seen by ben" in (await asyncio.to_thread(command, "review", "list"))[1]


def both(command: Command, *arguments: str) -> None:
    """Ann asks and ben agrees."""
    assert command(*arguments, *ANN)[0] == 0
    assert command("proposal", "approve", open_proposal(command), *BEN)[0] == 0


def open_proposal(command: Command) -> str:
    [waiting] = [each["id"] for each in proposals(command) if each["state"] == "open"]
    return str(waiting)


def visit(command: Command) -> None:
    """Lia of a neighbouring administration comes to ben for a week, as a partner officer."""
    until = datetime.fromtimestamp(time.time() + 7 * DAY_SECONDS, UTC).isoformat(timespec="seconds")
    given = ("--role", "partner-officer", "--mentor", "ben", "--until", until)
    both(command, "operator", "add", "lia", "lia.pub.pem", *given)
    both(command, *DELTA)


def test_a_visitor_works_within_the_role_and_under_the_mentors_eyes(command: Command) -> None:
    visit(command)

    asked = command("partner", "tier", "delta", "aeo", *LIA)
    beyond = command("operator", "role", "lia", "--role", "security-officer", *LIA)
    agreed = command("proposal", "approve", open_proposal(command), *BEN)
    stopped = command("partner", "suspend", "delta", *LIA)
    look = command("review", "list", "--json")[1]

    assert (asked[0], agreed[0], stopped[0]) == (0, 0, 0), (asked, agreed, stopped)
    assert (beyond[0], "none of the roles" in beyond[2]) == (1, True), beyond
    assert next(each["actors"] for each in json.loads(look)["items"] if each["act"] == "partner.suspend") == ["lia"]
    assert "0 at fault" in command("audit", "verify")[1]


def test_a_visit_is_over_when_the_mentor_ends_it_and_leaves_a_trail_that_verifies(command: Command) -> None:
    visit(command)

    ended = command("operator", "remove", "lia", *BEN)
    late = command("partner", "suspend", "delta", *LIA)

    assert (ended[0], late[0]) == (0, 1), ended
    assert "OPERATOR_NOT_PERMITTED" in late[2]
    assert "0 at fault" in command("audit", "verify")[1]


def test_a_visit_is_over_by_itself_at_its_end(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    visit(command)
    now_us = SystemClock().now_us
    assert command("partner", "suspend", "delta", *LIA)[0] == 0

    monkeypatch.setattr(SystemClock, "now_us", lambda _: now_us() + 8 * DAY_SECONDS * 1_000_000)
    late = command("partner", "set", "delta", "--time-zone", "Europe/Paris", *LIA)
    mentor = command("partner", "set", "delta", "--time-zone", "Europe/Paris", *BEN)

    assert (late[0], "may not act any more" in late[2], mentor[0]) == (1, True, 0), (late, mentor)


def test_the_operator_is_known_from_the_environment(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUSTOMS_HUB_OPERATOR", "ann")
    assert command(*DELTA)[0] == 2

    monkeypatch.setenv("CUSTOMS_HUB_OPERATOR_KEY", "ann.pem")

    assert "waits until" in command(*DELTA)[1]


def test_a_key_that_others_could_read_is_not_signed_with(command: Command) -> None:
    assert stat.S_IMODE(Path("ann.pem").stat().st_mode) == 0o600
    Path("ann.pem").chmod(0o640)

    code, _, err = command(*DELTA, *ANN)

    assert (code, "chmod 600" in err) == (2, True)
    assert "PRIVATE" not in err


def test_a_key_is_never_overwritten(command: Command) -> None:
    before = Path("ann.pem").read_bytes()

    assert run(["operator", "keygen", "ann.pem"]) == 1
    assert Path("ann.pem").read_bytes() == before


def test_nothing_is_signed_that_was_not_asked_for(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub that answers the statement of another act gets no signature over it."""
    honest = signing.make_sure
    monkeypatch.setattr("hub.cli.desk.make_sure", lambda text, *rest: honest(text.replace("Delta", "Other"), *rest))

    code, _, err = command(*DELTA, *ANN)

    assert (code, "nothing was signed" in err) == (1, True)
    assert proposals(command) == []
