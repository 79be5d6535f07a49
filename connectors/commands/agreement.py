"""`customs-connect agreement`: the agreements that cover you, in words; sign what is proposed to you."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from cyclopts import App, Parameter

from connectors.commands.shared import JSON, HubOptions, print_json
from connectors.errors import ConnectorError
from connectors.keys import SigningKey, read_key
from connectors.language import language
from connectors.partner import agreements
from connectors.partner.agreements import AgreementInvalid
from connectors.session import HubSession, accepted
from connectors.terminal import agreed
from connectors.verdicts import print_faults

SIGN = "agreements:sign"
PENDING = 202

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
def sign(
    agreement: str,
    /,
    *,
    hub: HubOptions,
    yes: Annotated[bool, Parameter(negative=())] = False,
    json: JSON = False,
) -> int:
    """Sign an agreement that waits for you, once it was shown and you said so; for good or until it is ended.

    The key is that of --key, of a system of yours with the scope agreements:sign.

    Parameters
    ----------
    agreement
        Its name, as `list` shows it.
    yes
        Sign without being asked: it was read before.
    json
        Print the agreement as JSON, and ask nothing: with --yes alone.
    """
    key = read_key(hub.own_key("a system with a key of its own signs agreements"))
    if json and not yes:
        raise ConnectorError("--json asks nothing: read the agreement by `list`, then give --yes")
    proposed = asyncio.run(_proposed(agreement, hub))
    terms = agreements.read(proposed["text"], agreement)
    if not json:
        _print(proposed)
        print("The text that is signed:")
        for member, value in terms.items():
            print(f"  {member}  {_shown(member, value)}")
    if not (yes or agreed(f"Sign {agreement} as {hub.client}?")):
        print("not signed")
        return 1
    return asyncio.run(_sign(agreement, proposed["text"], key, hub, json=json))


async def _list(hub: HubOptions, *, json: bool) -> int:
    """Whatever scopes the system has: senders ask by one, signers by another."""
    async with hub.session("") as session:
        async for each in _own(session):
            print_json(each) if json else _print(each)
    return 0


async def _proposed(name: str, hub: HubOptions) -> dict[str, Any]:
    async with hub.session(SIGN) as session:
        found = [each async for each in _own(session) if each["id"] == name]
    if not found or not found[0]["text"]:
        raise AgreementInvalid(f"no agreement {name} is to be signed by you")
    return found[0]


async def _sign(name: str, text: str, key: SigningKey, hub: HubOptions, *, json: bool) -> int:
    async with hub.session(SIGN) as session:
        answer = await session.request(
            "POST",
            f"/v1/agreements/{name}/signatures",
            body=orjson.dumps({"signature": agreements.sign(text, key)}),
            headers={"Content-Type": "application/json"},
        )
    if answer.status == 422:
        print_faults(tuple(answer.json().get("faults") or ()), language())
    told = accepted(answer).json()
    if json:
        print_json(told)
    else:
        waits = ", and waits for the other side" if answer.status == PENDING else ""
        print(f"{name}  signed; it is {told['state']}{waits}")
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


def _shown(member: str, value: Any) -> str:
    """A member of the text, as people read it."""
    if member == "valid_to" and value is None:
        return "until it is ended"
    if member in ("valid_from", "valid_to"):
        return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, dict):
        value = [f"{name} {_shown(name, each)}" for name, each in value.items() if each]
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value in (None, "") else str(value)
