"""How items, receipts and seals are written in an answer (`schemas/formats/receipt.md`).

Statements and seals are put in as the bytes that were signed, so that they are the same wherever they are shown.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterable, Sequence

import orjson

from hub.core.evidence import Item, Receipt, SealProof
from hub.core.words import words
from hub.trust.feed_seal import FeedSeal
from hub.web.problems import fault_documents

Document = dict[str, object]


def single_item(item: Item, language: str) -> Document:
    """The item of a single post, its seal in its receipt."""
    document = _item(item, language)
    if item.receipt:
        document["receipt"] = receipt_alone(item.receipt)
    return document


def batch(items: Iterable[Item], language: str) -> Document:
    """The items of a batch in request order, and each seal once."""
    seals: list[SealProof] = []
    numbers: dict[int, int] = {}
    documents = []
    for item in items:
        document = _item(item, language)
        if (receipt := item.receipt) is not None:
            if receipt.path is not None:
                document["receipt"] = receipt_alone(receipt)
            else:
                number = numbers.get(id(receipt.seal))
                if number is None:
                    number = numbers[id(receipt.seal)] = len(seals)
                    seals.append(receipt.seal)
                document["receipt"] = {
                    "statement": orjson.Fragment(receipt.statement),
                    "leaf": receipt.leaf,
                    "seal": number,
                }
        documents.append(document)
    answer: Document = {"items": documents}
    if seals:
        answer["seals"] = [_seal(seal) | {"range": _range(seal)} for seal in seals]
    return answer


def receipt_with_proof(receipt: Receipt) -> Document:
    """A receipt alone, and the name under which its sender's signed request is kept, if it was signed."""
    return receipt_alone(receipt) | ({"proof": receipt.proof.hex()} if receipt.proof else {})


def receipt_alone(receipt: Receipt) -> Document:
    """A receipt that needs nothing beside it but the key history."""
    return {
        "statement": orjson.Fragment(receipt.statement),
        "leaf": {"index": receipt.leaf, "path": _hex(receipt.path or ())},
        "seal": _seal(receipt.seal),
    }


def item(judged: Item, language: str) -> Document:
    """One item by itself, without its receipt."""
    return _item(judged, language)


def _item(item: Item, language: str) -> Document:
    document: Document = {"index": item.index, "id": item.id, "source": item.source, "verdict": item.verdict.value}
    if item.place:
        document["place"] = item.place
    faults = item.refusal.faults if item.refusal else item.warnings
    if item.refusal:
        row = item.refusal.row
        document["code"] = row.code
        document["title"] = row.fr if language == "fr" else row.en
        document["fix"] = words().said(row.fix, language)
        if item.refusal.detail:
            document["detail"] = words().said(item.refusal.detail, language)
    if faults:
        document["faults"] = fault_documents(faults, language)
    return document


def feed_seal(seal: FeedSeal) -> Document:
    """A seal over cut records, with all its leaves."""
    return _seal(seal) | {"leaves": _hex(seal.leaves)}


def _seal(seal: SealProof | FeedSeal) -> Document:
    signature = urlsafe_b64encode(seal.signature).rstrip(b"=").decode()
    return {"body": orjson.Fragment(seal.body), "signature": signature}


def _range(seal: SealProof) -> Document:
    return {"first": seal.first, "count": seal.count, "proof": _hex(seal.proof)}


def _hex(nodes: Sequence[bytes]) -> list[str]:
    return [node.hex() for node in nodes]
