"""Why nothing comes to an endpoint: told to operators and to its recipient, and by the command that verifies it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from connectors.webhook import Keys
from hub.cli import run
from hub.core.errors import StorageUnavailable
from hub.trust.webhook import secret_text
from tests.receiver import Receiver, receiving
from tests.wire.test_webhooks import brought
from tests.world import HubWorld

Command = Callable[..., Awaitable[tuple[int, str]]]
WRONG = "the answer does not prove that the secret is known there"


@pytest.fixture
def command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """`customs-hub …` beside the running hub: exit code, stdout."""

    async def customs_hub(line: str) -> tuple[int, str]:
        code = await asyncio.to_thread(run, [*line.split(), "--data", str(tmp_path)])
        return code, capsys.readouterr().out

    return customs_hub


async def test_a_verification_that_is_answered_rightly_is_waited_for(
    hub: HubWorld, receiver: Receiver, command: Command
) -> None:
    await brought(hub, receiver)

    code, said = await command("delivery endpoint verify engine")

    assert (code, said.splitlines()[-1]) == (0, "endpoint engine  verified")
    assert "active" in (await command("delivery endpoint show engine"))[1]


async def test_a_verification_that_fails_exits_with_the_reason_which_everybody_concerned_can_look_up(
    hub: HubWorld, receiver: Receiver, command: Command
) -> None:
    receiver.keys = Keys(secret_text(bytes(32)))
    watch = await brought(hub, receiver)

    code, said = await command("delivery endpoint verify engine")

    assert code == 1
    assert said.splitlines()[-1].startswith("endpoint engine  not verified: ")
    failure = json.loads((await command("delivery endpoint list --json"))[1])["items"][0]["last_failure"]
    assert failure["why"] in said
    assert failure["why"] in (await command("status"))[1]
    [told] = (await watch.get("/v1/endpoints")).json["items"]
    assert told["last_failure"]["why"] == failure["why"]


async def test_a_failure_that_is_over_is_told_as_over(hub: HubWorld, receiver: Receiver, command: Command) -> None:
    rightly, receiver.keys = receiver.keys, Keys(secret_text(bytes(32)))
    await brought(hub, receiver)
    await command("delivery endpoint verify engine")
    failing = (await command("delivery endpoint show engine"))[1]
    receiver.keys = rightly

    assert (await command("delivery endpoint verify engine"))[0] == 0
    shown, listed = [(await command(f"delivery endpoint {line}"))[1] for line in ("show engine", "list")]

    assert "answered 500\n" in failing
    assert all("answered 500; over: it takes what is sent\n" in said for said in (shown, listed))


async def test_what_an_address_turned_out_to_be_is_told_to_operators_alone(hub: HubWorld, command: Command) -> None:
    async with receiving() as receiver:
        watch = await brought(hub, receiver, url=receiver.url.replace("127.0.0.1", "localhost"))
    assert (await command("delivery endpoint verify engine"))[0] == 1

    [told] = (await watch.get("/v1/endpoints")).json["items"]
    [listed] = json.loads((await command("delivery endpoint list --json"))[1])["items"]

    assert told["last_failure"]["why"] == listed["last_failure"]["why"] == "no connection"
    assert "127.0.0.1" in listed["last_failure"]["detail"]
    assert "127.0.0.1" not in json.dumps(told["last_failure"])


async def test_a_key_that_is_revoked_while_failures_are_looked_up_is_shown_no_endpoint(
    hub: HubWorld, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = await brought(hub, receiver)
    kept = hub.hub.ports.positions.kept

    async def slowly(name: str) -> bytes | None:
        await hub.act("key.revoke", key=watch.key.id)
        return await kept(name)

    monkeypatch.setattr(hub.hub.ports.positions, "kept", slowly)

    assert (await watch.get("/v1/endpoints")).code == "UNAUTHENTICATED"


async def test_of_an_endpoint_that_ended_storage_is_not_asked(
    hub: HubWorld, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = await brought(hub, receiver)
    await hub.act("endpoint.end", id="engine")

    async def away(name: str) -> bytes | None:
        raise StorageUnavailable(name)

    monkeypatch.setattr(hub.hub.ports.positions, "kept", away)

    [told] = (await watch.get("/v1/endpoints")).json["items"]
    assert told["state"] == "ended"
