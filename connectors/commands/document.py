"""`customs-connect document`: digital copies of documents, handed in and withdrawn; their receipts are verified."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import orjson
from cyclopts import App, Parameter

from connectors.commands.shared import JSON, HubOptions, print_json
from connectors.language import language
from connectors.partner import ReceiptBook
from connectors.partner.client import SCOPE
from connectors.partner.documents import Handed, hand_in, handed, keep
from connectors.session import HubRefused, HubSession
from connectors.verdicts import print_faults

app = App(name="customs-connect document", help="Hand digital copies of documents in, and withdraw them.")


@app.command
def push(
    file: Path,
    /,
    *,
    kind: str,
    reference: str,
    hub: HubOptions,
    subject: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    title: str | None = None,
    issued_at: str | None = None,
    replaces: str | None = None,
    updated_at: str | None = None,
    receipts: Path | None = None,
    json: JSON = False,
) -> int:
    """Hand a PDF, JPEG, PNG, XML or JSON file in. The same file again gets the same receipt.

    Exits with 0 if the hub took it and the receipt verifies, else with 1; so it does if the document was withdrawn
    since: to bring it back, give updated_at, the time of now.

    Parameters
    ----------
    file
        The file, at most 10 MiB.
    kind
        What it is: a document name code of UNTDID 1001, such as 380 for a commercial invoice.
    reference
        Its reference, as its issuer writes it.
    subject
        What it is about, as scheme:value, such as iso6346:MSKU1234565; may be given several times.
    title
        What a person would call it.
    issued_at
        When it was issued (RFC 3339, with offset).
    replaces
        The SHA-256 (hex) of the copy that this one takes the place of.
    updated_at
        When what is said of the same file was changed (RFC 3339, with offset).
    receipts
        A directory to keep the verified receipt in.
    json
        Print one JSON object.
    """
    content = file.read_bytes()
    given = {"kind": kind, "reference": reference, "title": title, "issued_at": issued_at}
    given |= {"replaces": replaces, "updated_at": updated_at}
    asked = [(name, text) for name, text in given.items() if text] + [("subject", each) for each in subject]

    def hand(session: HubSession) -> Awaitable[Handed]:
        return hand_in(session, content, asked, file.suffix)

    return asyncio.run(_hand(hub, hand, receipts, json=json, digest=sha256(content).hexdigest()))


@app.command
def withdraw(digest: str, /, *, reason: str, hub: HubOptions, receipts: Path | None = None, json: JSON = False) -> int:
    """Withdraw a document, all its versions: the hub keeps it and hands it to nobody.

    Parameters
    ----------
    digest
        The SHA-256 (hex) of one of its copies.
    reason
        Why, in words.
    receipts
        A directory to keep the verified receipt in.
    json
        Print one JSON object.
    """
    body = orjson.dumps({"reason": {"text": reason}})
    headers = {"Content-Type": "application/json"}

    def hand(session: HubSession) -> Awaitable[Handed]:
        return handed(session, f"/v1/documents/{digest}/withdraw", body, headers, stated=None)

    return asyncio.run(_hand(hub, hand, receipts, json=json, digest=digest))


async def _hand(
    hub: HubOptions,
    hand: Callable[[HubSession], Awaitable[Handed]],
    receipts: Path | None,
    *,
    json: bool,
    digest: str,
) -> int:
    async with hub.session(SCOPE) as session:
        try:
            told = await hand(session)
        except HubRefused as e:
            return _refused(e, json=json)
    if receipts is not None:
        keep(ReceiptBook(receipts), told)
    _print(told, json=json, digest=digest)
    return 1 if told.fault or _stays_withdrawn(told.answer) else 0


def _stays_withdrawn(answer: dict[str, Any]) -> bool:
    """Whether the copy that was handed in is one of a document that was withdrawn, and does not count."""
    return "document" in answer and answer.get("state") == "withdrawn"


def _print(told: Handed, *, json: bool, digest: str) -> None:
    document = told.answer
    if json:
        print_json({name: each for name, each in document.items() if name != "receipt"} | {"receipt_fault": told.fault})
        return
    quarantined = "QUARANTINED" if document.get("document", {}).get("quarantined") else ""
    withdrawn = "WITHDRAWN" if _stays_withdrawn(document) else ""
    said = document["verdict"], document["source"], document["id"], withdrawn, quarantined, told.fault
    print("  ".join(filter(None, said)))
    print(f"sha256  {digest}")
    print_faults(document.get("document", {}).get("faults", ()), language())


def _refused(refused: HubRefused, *, json: bool) -> int:
    faults: Sequence[dict[str, Any]] = refused.problem.get("faults", ())
    if json:
        print_json(refused.problem)
    else:
        print(f"{refused.code}  {refused.words}")
        print_faults(faults, language())
    return 1
