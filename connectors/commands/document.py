"""`customs-connect document`: digital copies of documents, handed in and withdrawn; their receipts are verified."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import orjson
from cyclopts import App, Parameter

from connectors.commands.shared import JSON, HubOptions, print_json
from connectors.keys import read_key
from connectors.language import language
from connectors.partner import ReceiptBook
from connectors.session import KEY_HISTORY_PATH, Answer, HubSession, refusal
from connectors.verdicts import print_faults
from connectors.verify import KeyHistory, ReceiptInvalid, verify

app = App(name="customs-connect document", help="Hand digital copies of documents in, and withdraw them.")

MEDIA_TYPES = {
    ".pdf": "application/pdf",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".xml": "application/xml",
    ".json": "application/json",
}
"""Of anything else the hub tells by its bytes what it is."""
ANSWER_SECONDS_MAX = 90.0
"""A copy of ten megabytes takes its time on a slow line."""


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

    Exits with 0 if the hub took it and the receipt verifies, else with 1.

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
    query = [(name, text) for name, text in given.items() if text] + [("subject", each) for each in subject]
    digest = sha256(content).digest()
    headers = {"Content-Type": MEDIA_TYPES.get(file.suffix.lower(), "application/octet-stream")}
    path = f"/v1/documents?{urlencode(query)}"
    return asyncio.run(_sent(hub, path, content, headers, content, receipts, json=json, digest=digest.hex()))


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
    path = f"/v1/documents/{digest}/withdraw"
    return asyncio.run(_sent(hub, path, body, headers, None, receipts, json=json, digest=digest))


async def _sent(
    hub: HubOptions,
    path: str,
    body: bytes,
    headers: Mapping[str, str],
    stated: bytes | None,
    receipts: Path | None,
    *,
    json: bool,
    digest: str,
) -> int:
    """`stated`: what the receipt must state the digest of; None: the body, or that of the first request like it."""
    scope = "events:write"
    async with HubSession(hub.hub, client_id=hub.client, key=read_key(hub.key), scope=scope) as session:
        answer = await session.request("POST", path, body=body, headers=headers, answer_seconds_max=ANSWER_SECONDS_MAX)
        if answer.status >= 300:
            return _refused(answer, json=json)
        document = answer.json()
        history = await session.public(KEY_HISTORY_PATH)
    repeated = document["verdict"] == "DUPLICATE"
    fault = _fault(document, body if stated is None else stated, history) if stated or not repeated else ""
    if receipts is not None and not fault:
        book = ReceiptBook(receipts)
        book.keep([document["receipt"]])
        book.keep_keys(history)
    if json:
        print_json({name: member for name, member in document.items() if name != "receipt"} | {"receipt_fault": fault})
    else:
        quarantined = "QUARANTINED" if document.get("document", {}).get("quarantined") else ""
        print("  ".join(filter(None, (document["verdict"], document["source"], document["id"], quarantined, fault))))
        print(f"sha256  {digest}")
        print_faults(document.get("document", {}).get("faults", ()), language())
    return 1 if fault else 0


def _refused(answer: Answer, *, json: bool) -> int:
    refused = refusal(answer)
    faults: Sequence[dict[str, Any]] = refused.problem.get("faults", ())
    if json:
        print_json(refused.problem)
    else:
        print(f"{refused.code}  {refused.words}")
        print_faults(faults, language())
    return 1


def _fault(document: Mapping[str, Any], stated: bytes, history: bytes) -> str:
    """Why the receipt does not prove what was sent; empty: it does."""
    try:
        return verify(document, stated, KeyHistory.from_json(history)).fault
    except (ReceiptInvalid, KeyError) as e:
        return f"this is no receipt: {e}"
