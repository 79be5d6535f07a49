"""A company from its application to live traffic, as the README says it; and what both command lines do on the way."""

from __future__ import annotations

import asyncio
import os
import re
import stat
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors import cli as connect
from connectors.enrolment import EnrolmentImpossible, normal
from hub.cli import run
from hub.core.codes import is_api_key
from tests.world import HubWorld, hub_world, settings_in

ROOT = Path(__file__).parents[2]
SANDBOX = {"provider": {"tier": "sandbox"}, "types": ["*"], "fields": ["*"]}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[HubWorld]:
    async with hub_world(settings_in(tmp_path / "var", ground="sqlite")) as world:
        yield world


class Desk:
    """Both command lines in `tmp_path`: exit code and what they print."""

    def __init__(self, capfd: pytest.CaptureFixture[str]) -> None:
        self._capfd = capfd

    async def hub(self, *arguments: str) -> str:
        code = await asyncio.to_thread(run, [*arguments, "--data", "var"])
        out, err = self._capfd.readouterr()
        assert code == 0, err
        return out

    async def connect(self, *arguments: str, code: int = 0) -> str:
        outcome = await asyncio.to_thread(connect.run, list(arguments))
        out, err = self._capfd.readouterr()
        assert outcome == code, err
        return out + err


@pytest.fixture
def desk(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Desk]:
    monkeypatch.chdir(tmp_path)
    yield Desk(capfd)


def walk() -> str:
    """The block of the README, without the line that says where the hub is."""
    [block] = re.findall(r"^```sh\n(hub=.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)[:1]
    return block.partition("\n")[2]


@pytest.mark.slow
async def test_the_readmes_walk_leads_from_an_application_to_live_traffic(world: HubWorld, tmp_path: Path) -> None:
    await world.act("partner.add", id="customs", name="Customs", country="NL", roles=["authority"])
    script = f"set -e -o pipefail\nhub={world.hub.url}\n{walk()}"
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

    process = await asyncio.create_subprocess_exec(
        "bash", "-c", script, cwd=tmp_path, env={**os.environ, "PATH": path},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    told, _ = await process.communicate()

    assert process.returncode == 0, told.decode()
    shown = await world.hub.registrar.looks.view("partner.checklist", {"id": "acme"})
    assert [each["complete"] for each in shown["systems"]] == [True], told.decode()  # type: ignore[index, union-attr]
    assert stat.S_IMODE((tmp_path / "acme.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "acme.revocation").stat().st_mode) == 0o600


async def invited(desk: Desk) -> str:
    await desk.hub("partner", "apply", "acme", "--name", "Acme", "--country", "NL", "--role", "terminal")
    await desk.hub("partner", "vet", "acme")
    told = await desk.hub("invite", "acme", "tos", "--scope", "receipts:read")
    return told.rsplit(maxsplit=1)[-1]


async def test_an_enrolment_that_was_interrupted_is_taken_up_with_the_same_file(world: HubWorld, desk: Desk) -> None:
    enrol = ("enrol", await invited(desk), "--hub", world.hub.url, "--key", "key.pem", "--json")

    first = orjson.loads(await desk.connect(*enrol))
    key = Path("key.pem").read_bytes()
    again = orjson.loads(await desk.connect(*enrol))

    assert again == first
    assert Path("key.pem").read_bytes() == key


async def test_a_code_is_good_however_it_was_typed_and_a_mistyped_one_is_not_sent(world: HubWorld, desk: Desk) -> None:
    code = await invited(desk)
    typed = code.lower().replace("0", "o").replace("1", "i")

    short = await desk.connect("enrol", typed[:-1], "--hub", world.hub.url, code=1)
    await desk.connect("enrol", typed, "--hub", world.hub.url)

    assert "look at it again" in short
    assert not Path("key.pub").exists()


async def test_a_wrong_code_leaves_the_key_for_the_right_one(world: HubWorld, desk: Desk) -> None:
    refused = await desk.connect("enrol", "chi_" + "0" * 26, "--hub", world.hub.url, code=1)
    key = Path("key.pem").read_bytes()

    await desk.connect("enrol", await invited(desk), "--hub", world.hub.url)

    assert "ENROLMENT_REFUSED" in refused
    assert Path("key.pem").read_bytes() == key


async def test_a_key_that_others_can_read_is_not_enrolled(world: HubWorld, desk: Desk) -> None:
    await desk.connect("keygen", "key.pem")
    Path("key.pem").chmod(0o644)

    assert "can be read by others" in await desk.connect("enrol", await invited(desk), "--hub", world.hub.url, code=1)


async def test_a_clock_that_is_off_is_told_before_anything_is_signed(
    world: HubWorld, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = await invited(desk)
    monkeypatch.setattr("connectors.enrolment.time.time", lambda: 0.0)

    assert "behind the hub's" in await desk.connect("enrol", code, "--hub", world.hub.url, code=1)


async def test_who_waits_for_approval_is_told_so(world: HubWorld, desk: Desk) -> None:
    told = orjson.loads(await desk.connect("enrol", await invited(desk), "--hub", world.hub.url, "--json"))
    ask = ("checklist", "--hub", world.hub.url, "--client", "acme.tos", "--key", "key.pem")

    waiting = await desk.connect(*ask, code=1)
    await desk.hub("key", "approve", *told["read_out"].split())
    approved = await desk.connect(*ask, code=1)

    assert "the administration approves your key" in waiting
    assert "[x] key approved" in approved
    assert "Next: send an event" in approved


async def test_the_list_of_invitations_shows_what_to_hear_and_a_refused_key_is_gone(
    world: HubWorld, desk: Desk
) -> None:
    told = orjson.loads(await desk.connect("enrol", await invited(desk), "--hub", world.hub.url, "--json"))

    assert told["read_out"] in await desk.hub("invite", "list")
    await desk.hub("key", "refuse", told["key"])
    assert "revoked" in await desk.hub("invite", "list")


async def test_an_api_key_is_shown_once_and_listed_by_its_digest(world: HubWorld, desk: Desk) -> None:
    await desk.hub(
        "partner", "add", "shop", "--name", "Shop", "--country", "NL", "--role", "exporter", "--tier", "small"
    )

    told = await desk.hub("api-key", "issue", "shop", "web", "--scope", "events:write", "--network", "192.0.2.0/24")
    key = told.rsplit(maxsplit=1)[-1]
    listed = await desk.hub("api-key", "list")

    assert is_api_key(key)
    assert key not in listed
    await desk.hub("api-key", "revoke", listed.splitlines()[1].split()[1])
    assert "revoked" in await desk.hub("api-key", "list")


async def test_a_partners_contacts_and_tier_are_set_and_it_leaves_for_good(world: HubWorld, desk: Desk) -> None:
    await invited(desk)
    await desk.hub("partner", "set", "acme", "--contact", "legal:Bo::+3110", "security:Ann:ann@acme.example:")
    await desk.hub("partner", "tier", "acme", "small")

    shown: dict[str, Any] = orjson.loads(await desk.hub("partner", "show", "acme", "--json"))
    await desk.hub("partner", "leave", "acme")

    assert [each["purpose"] for each in shown["contacts"]] == ["legal", "security"]
    assert shown["contacts"][0]["phone"] == "+3110"
    assert shown["tier"] == "small"
    assert "left" in await desk.hub("partner", "list")


@pytest.mark.parametrize("wrong", ["", "chi_", "chr_" + "0" * 26, "chi_" + "0" * 27])
def test_what_is_no_code_is_told_before_a_hub_is_asked(wrong: str) -> None:
    with pytest.raises(EnrolmentImpossible):
        normal(wrong)
