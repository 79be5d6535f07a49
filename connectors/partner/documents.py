"""Digital copies of documents, handed in at a hub; a receipt counts only when it proves the bytes that were sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from msgspec import Struct

from connectors.partner.receipts import ReceiptBook
from connectors.session import KEY_HISTORY_PATH, HubSession, accepted
from connectors.verify import KeyHistory, ReceiptInvalid, publisher_fault, verify

MEDIA_TYPES = {
    ".pdf": "application/pdf",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".xml": "application/xml",
    ".json": "application/json",
}
"""By the endings of files; of anything else the hub tells by its bytes what it is."""
ANSWER_SECONDS_MAX = 90.0
"""A copy of ten megabytes takes its time on a slow line."""


class Handed(Struct, frozen=True):
    """What the hub answered; `fault`: why its receipt does not prove what was sent, empty if it does."""

    answer: dict[str, Any]
    fault: str
    history: bytes
    """The hub's keys, as it publishes them."""


async def hand_in(session: HubSession, content: bytes, asked: Iterable[tuple[str, str]], ending: str) -> Handed:
    """Hand a copy in. `asked`: parameters of `POST /v1/documents`; `ending`: of the file's name.

    Raises `HubRefused`, `HubUnreachable`.
    """
    path = f"/v1/documents?{urlencode(list(asked))}"
    headers = {"Content-Type": MEDIA_TYPES.get(ending.lower(), "application/octet-stream")}
    return await handed(session, path, content, headers, stated=content)


async def handed(
    session: HubSession, path: str, body: bytes, headers: Mapping[str, str], *, stated: bytes | None
) -> Handed:
    """Post what becomes an event of a document. `stated`: what the receipt must state the digest of; None: the body,
    or that of the first request like it. Raises `HubRefused`, `HubUnreachable`."""
    answer = accepted(
        await session.request("POST", path, body=body, headers=headers, answer_seconds_max=ANSWER_SECONDS_MAX)
    ).json()
    history = await session.public(KEY_HISTORY_PATH)
    repeated = answer["verdict"] == "DUPLICATE"
    fault = (
        _fault(answer, body if stated is None else stated, history, session.on_behalf_of)
        if stated or not repeated
        else ""
    )
    return Handed(answer, fault, history)


def keep(book: ReceiptBook, handed: Handed) -> None:
    """Keep the receipt, if it proves what was sent, with the keys under which it does."""
    if not handed.fault:
        book.keep([handed.answer["receipt"]])
        book.keep_keys(handed.history)


def _fault(answer: Mapping[str, Any], stated: bytes, history: bytes, publisher: str) -> str:
    try:
        verdict = verify(answer, stated, KeyHistory.from_json(history))
        return verdict.fault or publisher_fault(verdict.statement, publisher)
    except (ReceiptInvalid, KeyError) as e:
        return f"this is no receipt: {e}"
