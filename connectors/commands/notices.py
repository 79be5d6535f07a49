"""`customs-connect notices`."""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing
from pathlib import Path

from cyclopts import App

from connectors.commands.shared import JSON, HubOptions, print_json
from connectors.keys import read_key
from connectors.partner.notices import SCOPE, NoticePage, notices
from connectors.session import HubSession

app = App(name="customs-connect notices", help="What customs found of events after it took them.")


@app.default
def show(*, hub: HubOptions, cursor: Path | None = None, json: JSON = False) -> None:
    """Print the notices that the hub has for this partner, oldest first.

    Parameters
    ----------
    cursor
        A file to keep the place in: the next run goes on after what this one printed. Without it, all are printed.
    json
        Print each notice whole, as one JSON object.
    """
    asyncio.run(_show(hub, cursor, json=json))


async def _show(hub: HubOptions, file: Path | None, *, json: bool) -> None:
    session = HubSession(hub.hub, client_id=hub.client, key=read_key(hub.key), scope=SCOPE)
    async with session, aclosing(notices(session, _kept(file))) as pages:
        async for page in pages:
            _print(page, json=json)
            _keep(file, page.cursor)


def _kept(file: Path | None) -> str | None:
    return (file.read_text().strip() or None) if file is not None and file.exists() else None


def _keep(file: Path | None, cursor: str) -> None:
    if file is not None:
        new = file.with_name(f"{file.name}.new")
        new.write_text(cursor)
        new.replace(file)


def _print(page: NoticePage, *, json: bool) -> None:
    if page.after_gap:
        print("The place kept had expired: older notices may be missing.", file=sys.stderr)
    for notice in page.notices:
        if json:
            print_json(notice)
        else:
            words = (notice.get(name, "") for name in ("received", "code", "source", "id", "version"))
            print("  ".join(words).rstrip(), flush=True)
