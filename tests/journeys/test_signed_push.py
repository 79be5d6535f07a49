"""A company signs what it sends, and looks at the proof that the hub keeps of it, as the README says it."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from connectors.keys import generate, write_key
from schemas.identity import identity_key
from tests.world import RISK, HubWorld, hub_world, settings_in

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[HubWorld]:
    settings = settings_in(tmp_path / "var", ground="sqlite", auth={"sender_constrained": "required"})
    async with hub_world(settings) as world:
        yield world


def steps() -> tuple[str, str, str]:
    """What the README types to send with nothing but curl; to push signed; and to look at the proof."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "README.md").read_text(), re.M | re.S)
    by_hand = next(block for block in blocks if "\nask() {" in block)
    pushed, mark, looked = next(block for block in blocks if "--sign " in block).partition("name=")
    return by_hand, pushed, mark + looked


async def judged(world: HubWorld) -> None:
    """Until the hub finds the receipt of what was pushed: a moment after it was answered."""
    identity = identity_key("terminal", "urn:example:terminal:gate", "gate-0002", None)
    while not await world.hub.ports.index.occurrences(identity):
        await asyncio.sleep(0.02)


@pytest.mark.slow
async def test_the_readmes_lines_sign_a_push_and_verify_what_the_hub_kept(world: HubWorld, tmp_path: Path) -> None:
    await world.act("partner.add", id="terminal", name="Terminal", country="NL", roles=["terminal"])
    await world.act("partner.add", id="watch", name="Watch", country="NL", roles=["authority"])
    offer = {"purpose": RISK, "provider": {"all": True}, "types": ["*"], "fields": ["*"]}
    await world.act("agreement.add", id="a", recipient="watch", **offer)
    key = generate("EdDSA")
    write_key(key, tmp_path / "terminal.pem")
    public = key.public_pem().decode()
    await world.act("key.add", partner="terminal", system="tos", key=public, scopes=["events:write"])
    by_hand, pushed, looked = steps()
    script = f"set -e\n{by_hand}\n{pushed}\nread -r _\n{looked}".replace("http://127.0.0.1:8480", world.hub.url)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "CUSTOMS_HUB_LOG_DIRECTORY": str(tmp_path / "var")}

    process = await asyncio.create_subprocess_exec(
        "bash", "-c", script, cwd=tmp_path, env=environment,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    assert process.stdin
    assert process.stdout
    telling = asyncio.create_task(process.stdout.read())
    pushing = asyncio.create_task(judged(world))
    await asyncio.wait({telling, pushing}, return_when=asyncio.FIRST_COMPLETED)
    pushing.cancel()
    process.stdin.write(b"\n")
    told = (await telling).decode()

    assert await process.wait() == 0, told
    assert f"key     {key.id}\nsigned  POST {world.hub.url}/v1/events\n" in told
    assert told.endswith("event   in the body, to the letter\n")
