"""`customs-connect mandate`: let another partner report for you, and end that; two people sign."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
from cyclopts import App, Parameter

from connectors.commands.shared import JSON, HubOptions, print_json
from connectors.keys import generate, read_key
from connectors.language import language
from connectors.partner import mandates
from connectors.partner.mandates import MandateInvalid, Signed, kind_of
from connectors.session import KEY_HISTORY_PATH, HubSession, accepted
from connectors.verdicts import print_faults
from schemas.identity import instant_us

SIGN, READ = "mandates:sign", "receipts:read"
JSON_HEADERS = {"Content-Type": "application/json"}
Several = Parameter(negative="", consume_multiple=True)
SignedFile = Annotated[Path, Parameter(help="The signed file.")]
MandateJSON = Annotated[JSON, Parameter(help="Print the mandate as JSON.")]

app = App(name="customs-connect mandate", help="Let another partner report for you, and end that; two people sign.")


@app.command
def draft(
    file: Path,
    /,
    *,
    hub: str,
    principal: str,
    agent: str,
    id: str,  # noqa: A002
    type: Annotated[list[str], Several],  # noqa: A002
    until: str,
    since: str | None = None,
    source: Annotated[list[str] | None, Several] = None,
    subject: Annotated[list[str] | None, Several] = None,
    sub_delegation: Annotated[bool, Parameter(negative=())] = False,
    under: str = "",
) -> int:
    """Write a mandate to be signed.

    Parameters
    ----------
    file
        The file to be written.
    hub
        The hub's URL: a mandate is good at one hub.
    principal
        You: whose events are reported.
    agent
        The partner that is to report them.
    id
        The mandate's name, never used by you before: a-z, 0-9 and -, at most 32 characters.
    type
        Event types; `customs.seal.*` stands for a family, `*` for all; one or more.
    until
        The first moment at which it no longer holds: a date (UTC), or an RFC 3339 time.
    since
        When it begins. Default: now.
    source
        The only sources that the agent may use; one or more. Default: all.
    subject
        The only schemes of the objects that it may report about, such as iso6346; one or more. Default: all.
    sub_delegation
        Whether the agent may let another partner act in its place.
    under
        PRINCIPAL/ID of the mandate that this one rests on.
    """
    written = mandates.mandate(
        hub=asyncio.run(_name_of(hub)),
        id=id,
        principal=principal,
        agent=agent,
        types=type,
        valid_from=int(time.time()) if since is None else _seconds(since),
        valid_to=_seconds(until),
        sources=source or (),
        subjects=subject or (),
        sub_delegation=sub_delegation,
        under=under,
    )
    return _drafted(written, file)


@app.command
def draft_withdrawal(file: Path, /, *, hub: str, principal: str, id: str) -> int:  # noqa: A002
    """Write the withdrawal of a mandate, to be signed.

    Parameters
    ----------
    file
        The file to be written.
    hub
        The hub's URL.
    principal
        You, who gave it.
    id
        The mandate's name.
    """
    name = asyncio.run(_name_of(hub))
    return _drafted(mandates.withdrawal(hub=name, principal=principal, id=id, time=int(time.time())), file)


@app.command
def sign(file: Path, /, *, key: Path) -> int:
    """Sign a mandate or a withdrawal as it stands in the file; what is signed is shown.

    Parameters
    ----------
    file
        The file that was drafted; the signature is added to it.
    key
        A private key (PEM or JWK) of a system of yours with the scope mandates:sign.
    """
    signed = mandates.sign(mandates.read(file), read_key(key))
    for name, value in signed[kind_of(signed)].items():
        print(f"{name}  {_shown(name, value)}")
    mandates.write(signed, file)
    print(f"{len(signed['signatures'])} of 2 signatures in {file}")
    return 0


@app.command
def grant(file: SignedFile, /, *, hub: HubOptions, json: MandateJSON = False) -> int:
    """Give the hub a mandate that two of your keys have signed."""
    return asyncio.run(_post(_of_kind(file, "mandate"), "/v1/mandates", hub, json=json))


@app.command
def withdraw(file: SignedFile, /, *, hub: HubOptions, json: MandateJSON = False) -> int:
    """Give the hub a withdrawal that two of your keys have signed; the mandate ends within a second."""
    signed = _of_kind(file, "withdrawal")
    return asyncio.run(_post(signed, f"/v1/mandates/{signed['withdrawal']['id']}/withdraw", hub, json=json))


@app.command(name="list")
def list_(*, hub: HubOptions, json: JSON = False) -> int:
    """The mandates that you gave, and those that you were given.

    Parameters
    ----------
    json
        Print one JSON object for each mandate, with its signatures.
    """
    return asyncio.run(_list(hub, json=json))


async def _post(signed: Signed, path: str, hub: HubOptions, *, json: bool) -> int:
    hub.own_key("two systems of yours sign a mandate, and one of them hands it in")
    async with hub.session(SIGN) as session:
        answer = await session.request("POST", path, body=orjson.dumps(signed), headers=JSON_HEADERS)
    if answer.status == 422:
        print_faults(tuple(answer.json().get("faults") or ()), language())
    told = accepted(answer).json()
    if json:
        print_json(told)
        return 0
    _print(told)
    if answer.status == 202:
        print("waits for an officer: you have but one system that may sign it")
    return 0


async def _list(hub: HubOptions, *, json: bool) -> int:
    """Whatever scopes the system has: principals ask by one, agents by another."""
    async with hub.session("") as session:
        cursor: str | None = "0"
        while cursor is not None:
            page = await session.get("/v1/mandates", {"cursor": cursor})
            for each in page["items"]:
                print_json(each) if json else _print(each)
            cursor = page["next"]
    return 0


async def _name_of(hub: str) -> str:
    """What the hub calls itself in what it signs."""
    async with HubSession(hub, client_id="", key=generate("EdDSA"), scope="") as session:
        return str(orjson.loads(await session.public(KEY_HISTORY_PATH))["hub"])


def _of_kind(file: Path, kind: str) -> Signed:
    signed = mandates.read(file)
    if kind_of(signed) != kind:
        raise MandateInvalid(f"{file} holds a {kind_of(signed)}, not a {kind}")
    return signed


def _drafted(signed: Signed, file: Path) -> int:
    mandates.write(signed, file, new=True)
    print(f"{file}  to be signed by two people: customs-connect mandate sign {file} --key KEY")
    return 0


def _print(told: dict[str, Any]) -> None:
    state = "in force" if told["in_force"] else told["state"]
    between = f"{told['agent']} for {told['publisher']}"
    print(f"{told['id']}  {state}  {between}  {', '.join(told['types'])}  until {_shown('valid_to', told['valid_to'])}")


def _shown(name: str, value: Any) -> str:
    if name in ("valid_from", "valid_to", "time"):
        return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S} UTC"
    return ", ".join(value) if isinstance(value, list) else str(value)


def _seconds(text: str) -> int:
    instant = instant_us(f"{text}T00:00:00Z" if len(text) == len("2026-01-31") else text)
    if instant is None:
        raise MandateInvalid(f"{text} is no time: a date, or an RFC 3339 time such as 2026-01-31T12:00:00Z")
    return instant // 1_000_000
