"""`customs-connect rotate`."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

from cyclopts import App

from connectors.commands.shared import JSON, HubOptions, print_json
from connectors.rotation import rotate

app = App(name="customs-connect rotate")


@app.default
def put(*, hub: HubOptions, json: JSON = False) -> None:
    """Make a new key, register it at the hub under the old one, and put it in the file's place; programs that run go
    on with it by themselves. The same command again finishes what was interrupted.

    Parameters
    ----------
    json
        Print one JSON object.
    """
    file = hub.own_key("an API key is replaced by the administration, which gives another and revokes this one")
    done = asyncio.run(rotate(hub.hub, client_id=hub.client, file=file))
    if json:
        print_json({**asdict(done), "kept": str(done.kept)})
        return
    print(f"Key in use: {done.key}  ({file})")
    print(f"Before it:  {done.replaced}  ({done.kept})")
    if done.accepted_until:
        print(f"The hub takes the old key until {done.accepted_until}; then delete its file.")
