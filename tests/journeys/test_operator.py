"""An operator's day: enrolling a company, its key, an agreement and a feed; over the socket and with the hub down."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from pwd import getpwuid
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from hub.assembly import build
from hub.cli import desk, run
from hub.core.registry import Version
from hub.core.settings import HTTPSettings, LogSettings, Settings
from hub.drivers.system.directory import DataDirectory
from hub.operate.follow import LiveRegistry
from hub.ports.registry import Registry
from hub.web.admin import BOUNDS

Command = Callable[..., tuple[int, str, str]]

RISK = ("--recipient", "risk", "--purpose", "security-risk-assessment")
SET_UP = (
    ("partner", "add", "zephyr", "--name", "Zephyr", "--country", "NL", "--role", "exporter"),
    ("partner", "add", "risk", "--name", "Risk Centre", "--country", "NL", "--role", "authority"),
    ("key", "add", "zephyr", "erp", "erp.pub", "--scope", "events:write", "receipts:read"),
    ("agreement", "add", "a1", "--type", "customs.seal.*", "--role", "exporter", *RISK, "--field", "/data/seal"),
    ("feed", "add", "seals", *RISK, "--filter", "time_kind in (ACTUAL, PLANNED)"),
)


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """`customs-hub …` on a data directory, in a working directory with a key pair: exit code, stdout, stderr."""
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "erp.pub").write_bytes(public)
    (tmp_path / "erp.pem").touch(0o600)
    (tmp_path / "erp.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    monkeypatch.chdir(tmp_path)

    def customs_hub(*arguments: str) -> tuple[int, str, str]:
        code = run([*arguments, "--data", "data"])
        return code, *capfd.readouterr()

    return customs_hub


@asynccontextmanager
async def a_running_hub(directory: Path) -> AsyncIterator[tuple[LiveRegistry, Registry]]:
    """A hub on this directory, on ports that the system chooses."""
    settings = Settings(
        http=HTTPSettings(port=0, operations_port=0), log=LogSettings(directory=str(directory), ground="sqlite")
    )
    async with build(settings) as hub:
        yield hub.live, hub.ports.registry


def test_a_hub_is_set_up_while_it_is_down(command: Command) -> None:
    outcomes = [command(*arguments) for arguments in SET_UP]

    assert [code for code, _, _ in outcomes] == [0] * len(SET_UP), outcomes
    shown = json.loads(command("partner", "show", "zephyr", "--json")[1])
    assert shown["systems"][0]["scopes"] == ["events:write", "receipts:read"]
    assert [agreement["id"] for agreement in shown["agreements"]] == ["a1"]
    assert "seals" in command("feed", "list")[1]


async def test_acts_on_a_running_hub_are_in_force_when_the_command_returns(command: Command, tmp_path: Path) -> None:
    async with a_running_hub(tmp_path / "data") as (live, registry):
        told: list[Version] = []
        live.on_change(told.extend)

        outcomes = [await asyncio.to_thread(command, *arguments) for arguments in SET_UP]
        stopped = await asyncio.to_thread(command, "partner", "suspend", "zephyr", "--reason", "key lost")

        assert [code for code, _, _ in [*outcomes, stopped]] == [0] * 6, outcomes
        assert live.snapshot.partners.get("zephyr").stopped
        assert len(told) == 7
        last = orjson.loads((await registry.audit(5, 1))[0])
        assert (last["actor"], last["act"], last["reason"]) == (
            getpwuid(os.getuid()).pw_name,
            "partner.suspend",
            "key lost",
        )


async def test_a_filter_is_tried_kept_and_looked_at_on_a_running_hub(command: Command, tmp_path: Path) -> None:
    fewer = ("--filter", "/data/seal/number starts NL")
    alone = await asyncio.to_thread(command, "feed", "preview", "seals", *RISK)

    async with a_running_hub(tmp_path / "data"):
        for arguments in SET_UP:
            await asyncio.to_thread(command, *arguments)
        tried = await asyncio.to_thread(command, "feed", "preview", "seals", *fewer)
        wrong = await asyncio.to_thread(command, "feed", "preview", "seals", "--filter", "place = NLRTM")
        changed = await asyncio.to_thread(command, "feed", "change", "seals", *fewer)
        shown = await asyncio.to_thread(command, "feed", "show", "seals")

    assert (alone[0], "no hub runs" in alone[2]) == (1, True)
    assert (tried[0], tried[1].startswith("fewer than 10 events since ")) == (0, True)
    assert (wrong[0], "ACT_REFUSED" in wrong[2], "/filter, column 1" in wrong[2]) == (1, True, True)
    assert (changed[0], shown[0]) == (0, 0)
    assert fewer[1] in shown[1]


async def test_a_refusal_is_told_alike_by_a_running_hub_and_without_one(command: Command, tmp_path: Path) -> None:
    wrong = ("partner", "add", "Zephyr", "--name", "Z", "--country", "XX", "--role", "pirate")
    alone = await asyncio.to_thread(command, *wrong)

    async with a_running_hub(tmp_path / "data"):
        running = await asyncio.to_thread(command, *wrong)

    assert alone == running
    code, out, err = running
    assert (code, out) == (1, "")
    assert all(place in err for place in ("/id", "/country", "/roles/0"))


def test_a_private_key_never_reaches_registry_or_terminal(command: Command, tmp_path: Path) -> None:
    command(*SET_UP[0])
    secret = (tmp_path / "erp.pem").read_text().splitlines()[1]

    code, out, err = command("key", "add", "zephyr", "erp", "erp.pem", "--scope", "events:write")

    assert code == 1
    assert "private key" in err
    assert secret not in out + err
    assert not any(secret.encode() in file.read_bytes() for file in (tmp_path / "data").iterdir())


async def test_only_its_owner_can_open_the_admin_socket_and_it_goes_with_the_hub(tmp_path: Path) -> None:
    path = tmp_path / "data" / "admin.sock"
    async with a_running_hub(tmp_path / "data"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.exists()


async def test_a_socket_left_by_a_killed_hub_is_in_nobodys_way(command: Command, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "data" / "admin.sock"))

    assert (await asyncio.to_thread(command, *SET_UP[0]))[0] == 0
    async with a_running_hub(tmp_path / "data"):
        assert (await asyncio.to_thread(command, "partner", "suspend", "zephyr"))[0] == 0


def test_a_directory_in_use_without_a_socket_is_left_alone(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "STARTING_SECONDS", 0.0)

    with DataDirectory(tmp_path / "data"):
        code, _, err = command(*SET_UP[0])

    assert code == 1
    assert "in use by process" in err


def test_looking_at_a_directory_that_is_not_there_makes_none(command: Command, tmp_path: Path) -> None:
    code, _, err = command("partner", "list")

    assert code == 1
    assert "no data directory data" in err
    assert not (tmp_path / "data").exists()


async def request(directory: Path, text: bytes) -> dict[str, Any]:
    """Raw bytes to the admin socket; the JSON of the answer."""
    reader, writer = await asyncio.open_unix_connection(str(directory / "admin.sock"))
    writer.write(text)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return dict(json.loads(answer.partition(b"\r\n\r\n")[2]))


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("POST", "partner/add", b"{", "BODY_MALFORMED"),
        ("POST", "partner/add", b'{"id": 1}', "BODY_MALFORMED"),
        ("POST", "partner/add", b"[" + b" " * BOUNDS.body_bytes_max + b"]", "BODY_TOO_LARGE"),
        ("POST", "partner/delete", b"{}", "NOT_FOUND"),
        ("GET", "partner/add", b"", "METHOD_NOT_ALLOWED"),
        ("POST", "partner/suspend", b'{"id": "nobody"}', "ACT_REFUSED"),
    ],
)
async def test_a_bad_request_to_the_admin_socket_is_a_problem_with_a_code(
    tmp_path: Path, method: str, path: str, body: bytes, code: str
) -> None:
    head = f"{method} /admin/v1/{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"

    async with a_running_hub(tmp_path / "data"):
        problem = await request(
            tmp_path / "data", head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body
        )

    assert problem["code"] == code


async def test_what_is_left_out_of_a_question_is_left_out_on_its_way_to_a_running_hub(
    command: Command, tmp_path: Path
) -> None:
    async with a_running_hub(tmp_path / "data"):
        for arguments in SET_UP:
            await asyncio.to_thread(command, *arguments)
        code, out, err = await asyncio.to_thread(command, "why", "zephyr", "customs.container.gate_in")

    assert (code, err) == (0, "")
    assert "ROLE_NOT_PERMITTED" in out
