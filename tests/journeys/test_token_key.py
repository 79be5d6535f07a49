"""The administration rotates the key of access tokens; nobody is refused."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from hub.cli import run
from tests.world import hub_world, settings_in


async def test_tokens_go_on_while_their_key_is_rotated_under_a_running_hub(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    directory = tmp_path / "data"
    async with hub_world(settings_in(directory, ground="sqlite")) as world:
        delta = await world.company()

        code = await asyncio.to_thread(run, ["token-key", "rotate", "--data", str(directory)])
        capfd.readouterr()
        await asyncio.to_thread(run, ["token-key", "list", "--json", "--data", str(directory)])

        jwks = (await world.ask("GET", "/.well-known/jwks.json")).json["keys"]
        before = await delta.get("/v1/events")
        signed_in = await delta.sign_in()
        after = await delta.get("/v1/events")
    listed = json.loads(capfd.readouterr().out)["items"]
    assert (code, [key["kid"] for key in jwks]) == (0, [key["key"] for key in listed])
    assert len(listed) == 2
    assert [answer.status for answer in (before, signed_in, after)] == [200, 200, 200]
