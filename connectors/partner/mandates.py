"""Mandates and their withdrawals as files that two people sign, one after the other (`schemas/formats/mandate.md`).

A file holds what is signed, for everybody to read, and the signatures over it; it is posted to the hub as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jwt
import orjson

from connectors.errors import ConnectorError
from connectors.keys import SigningKey
from schemas.canonical import NotCanonical, canonical_bytes

FORMATS = {"mandate": "customs-hub-mandate/1", "withdrawal": "customs-hub-mandate-withdrawal/1"}
SIGNATURE_TYPE = "customs-hub-mandate+jws"

Signed = dict[str, Any]
"""`{"mandate" or "withdrawal": {…}, "signatures": […]}`."""


class MandateInvalid(ConnectorError, ValueError):
    """This is no file of a mandate, or it cannot be signed so; the text says why."""


def mandate(
    *,
    hub: str,
    id: str,  # noqa: A002
    principal: str,
    agent: str,
    types: Sequence[str],
    valid_from: int,
    valid_to: int,
    sources: Sequence[str] = (),
    subjects: Sequence[str] = (),
    sub_delegation: bool = False,
    under: str = "",
) -> Signed:
    """An unsigned mandate. `hub`: the hub's name, as in its key history; times in seconds since 1970."""
    document: dict[str, Any] = {
        "format": FORMATS["mandate"],
        "hub": hub,
        "id": id,
        "principal": principal,
        "agent": agent,
        "types": list(types),
        "valid_from": valid_from,
        "valid_to": valid_to,
        "sub_delegation": sub_delegation,
    }
    optional = {"sources": list(sources), "subjects": list(subjects), "under": under}
    return {"mandate": document | {name: value for name, value in optional.items() if value}, "signatures": []}


def withdrawal(*, hub: str, principal: str, id: str, time: int) -> Signed:  # noqa: A002
    """An unsigned withdrawal of the principal's mandate `id`."""
    document = {"format": FORMATS["withdrawal"], "hub": hub, "principal": principal, "id": id, "time": time}
    return {"withdrawal": document, "signatures": []}


def sign(signed: Signed, key: SigningKey) -> Signed:
    """The same with one more signature. Raises `MandateInvalid`: this key has signed."""
    headers = {"typ": SIGNATURE_TYPE, "kid": key.id}
    if any(jwt.get_unverified_header(each).get("kid") == key.id for each in signed["signatures"]):
        raise MandateInvalid(f"the key {key.id} has signed this: a second person signs under another key")
    text = canonical_bytes(signed[kind_of(signed)])
    signature = jwt.api_jws.encode(text, key.private, algorithm=key.algorithm, headers=headers)
    return signed | {"signatures": [*signed["signatures"], signature]}


def kind_of(signed: Mapping[str, Any]) -> str:
    return "mandate" if "mandate" in signed else "withdrawal"


def read(path: Path) -> Signed:
    """A file of a mandate or of a withdrawal. Raises `MandateInvalid`, `OSError`."""
    try:
        signed = orjson.loads(path.read_bytes())
        kind = kind_of(signed)
        canonical_bytes(signed[kind])
        for each in signed["signatures"]:
            jwt.get_unverified_header(each)
    except (ValueError, KeyError, TypeError, NotCanonical, jwt.InvalidTokenError) as e:
        raise MandateInvalid(f"{path} is no file of a mandate") from e
    if set(signed) != {kind, "signatures"} or signed[kind].get("format") != FORMATS[kind]:
        raise MandateInvalid(f"{path} is no file of a mandate in a format known here")
    return dict(signed)


def write(signed: Signed, path: Path, *, new: bool = False) -> None:
    """Raises `FileExistsError` where it is to be a new one."""
    content = orjson.dumps(signed, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    with path.open("xb" if new else "wb") as file:
        file.write(content)
