"""`customs-connect agreement`: the agreements that cover you, in words; sign what is proposed to you."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
from cyclopts import App

from connectors.commands.shared import JSON, HubOptions, print_json
from connectors.keys import read_key
from connectors.language import language
from connectors.partner import agreements
from connectors.partner.agreements import AgreementInvalid
from connectors.session import HubSession, accepted
from connectors.verdicts import print_faults

SIGN = "agreements:sign"

app = App(name="customs-connect agreement", help="The agreements that cover you: read them, and sign what is proposed.")


@app.command(name="list")
def list_(*, hub: HubOptions, json: JSON = False) -> int:
    """The agreements that cover you, oldest first, each in words.

    Parameters
    ----------
    json
        Print one JSON object for each agreement.
    """
    return asyncio.run(_list(hub, json=json))


@app.command
def sign(agreement: str, /, *, hub: HubOptions, json: JSON = False) -> int:
    """Sign an agreement that waits for you, as the hub shows it; what is signed is printed.

    The key is that of --key, of a system of yours with the scope agreements:sign.

    Parameters
    ----------
    agreement
        Its name, as `list` shows it.
    json
        Print the agreement as JSON.
    """
    return asyncio.run(_sign(agreement, hub, json=json))


async def _list(hub: HubOptions, *, json: bool) -> int:
    """Whatever scopes the system has: senders ask by one, signers by another."""
    async with hub.session("") as session:
        async for each in _own(session):
            print_json(each) if json else _print(each)
    return 0


async def _sign(name: str, hub: HubOptions, *, json: bool) -> int:
    key = read_key(hub.own_key("a system with a key of its own signs agreements"))
    async with hub.session(SIGN) as session:
        found = [each async for each in _own(session) if each["id"] == name]
        if not found or not found[0]["text"]:
            raise AgreementInvalid(f"no agreement {name} is to be signed by you")
        text = found[0]["text"]
        terms = agreements.read(text, name)
        signature = orjson.dumps({"signature": agreements.sign(text, key)})
        answer = await session.request(
            "POST",
            f"/v1/agreements/{name}/signatures",
            body=signature,
            headers={"Content-Type": "application/json"},
        )
    if answer.status == 422:
        print_faults(tuple(answer.json().get("faults") or ()), language())
    told = accepted(answer).json()
    if json:
        print_json(told)
        return 0
    for member, value in terms.items():
        print(f"{member}  {orjson.dumps(value).decode()}")
    print(f"{name}  signed; it is {told['state']}")
    return 0


async def _own(session: HubSession) -> AsyncIterator[dict[str, Any]]:
    cursor: str | None = "0"
    while cursor is not None:
        page = await session.get(agreements.PATH, {"cursor": cursor})
        for each in page["items"]:
            yield each
        cursor = page["next"]


def _print(told: dict[str, Any]) -> None:
    waits = "  waits for your signature" if told["waits_for_you"] else ""
    print(f"{told['id']}  {told['state']}{waits}")
    for sentence in told["says"]:
        print(f"  {sentence}")
