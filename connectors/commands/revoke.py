"""`customs-connect revoke`."""

from __future__ import annotations

import asyncio
import sys

from cyclopts import App

from connectors.keys import generate
from connectors.session import HubSession

app = App(name="customs-connect revoke")

REVOKE_PATH = "/v1/credentials/revoke"


@app.default
def end(code: str, /, *, hub: str) -> None:
    """End the key that the code was given with, for good and within a second. No key is needed for it.

    Parameters
    ----------
    code
        The offline revocation code, `chr_…`; `-` reads it from standard input.
    hub
        The hub's URL, such as https://hub.example.
    """
    asyncio.run(_end(sys.stdin.readline().strip() if code == "-" else code, hub))
    print("The hub has the code. If a key was given with it, that key is revoked.")


async def _end(code: str, hub: str) -> None:
    async with HubSession(hub, client_id="", key=generate("ES256"), scope="") as session:
        await session.public(REVOKE_PATH, method="POST", json={"code": code})
