"""`customs-connect checklist`."""

from __future__ import annotations

import asyncio
from collections import deque
from pathlib import Path
from typing import Any

import orjson
from cyclopts import App

from connectors.commands.shared import JSON, HubOptions, print_json
from connectors.enrolment import CHECKLIST_PATH, RECEIPT_VERIFIED_PATH
from connectors.partner.receipts import ReceiptBook
from connectors.session import HubRefused, TokenRefused, accepted

app = App(name="customs-connect checklist")

_JSON = {"Content-Type": "application/json"}
NEXT = {
    "key_approved": "the administration approves your key once it has heard what `customs-connect enrol` told you",
    "clock": "set this machine's clock",
    "event_accepted": "send an event: customs-connect push FILE … --receipts DIR",
    "receipt_verified": "show a receipt that was verified: customs-connect checklist … --receipts DIR",
    "partner_active": "the administration lets you take part",
}


@app.default
def show(*, hub: HubOptions, receipts: Path | None = None, json: JSON = False) -> int:
    """Ask the hub how far this system has come, and say what comes next. Done: exit code 0.

    Parameters
    ----------
    receipts
        The directory that `push --receipts` keeps verified receipts in: the last of them is shown to the hub.
    json
        Print one JSON object.
    """
    try:
        found = asyncio.run(_ask(hub, _last(receipts)))
    except TokenRefused as refused:
        raise HubRefused(refused.status, {**refused.problem, "fix": NEXT["key_approved"]}) from refused
    if json:
        print_json(found)
    else:
        _say(found)
    return 0 if found["complete"] else 1


def _last(directory: Path | None) -> dict[str, Any] | None:
    """The receipt that was kept last."""
    if directory is None:
        return None
    if not directory.is_dir():
        raise FileNotFoundError(f"there is no directory {directory}")
    return next(iter(deque(ReceiptBook(directory), maxlen=1)), None)


async def _ask(hub: HubOptions, receipt: dict[str, Any] | None) -> dict[str, Any]:
    async with hub.session("") as session:
        if receipt is None:
            return await session.get(CHECKLIST_PATH)
        body = orjson.dumps({"receipt": receipt})
        return accepted(await session.request("POST", RECEIPT_VERIFIED_PATH, body=body, headers=_JSON)).json()


def _say(found: dict[str, Any]) -> None:
    for item in found["items"]:
        words = " ".join(filter(None, (item["name"].replace("_", " "), item.get("found") and f"({item['found']})")))
        print(f"[{'x' if item['done'] else ' '}] {words}  {item.get('at', '')}".rstrip())
    waiting = next((item["name"] for item in found["items"] if not item["done"]), None)
    if waiting is not None:
        print(f"Next: {NEXT[waiting]}")
