"""Agreements as one side signs them, and what they leave of an event (`schemas/formats/agreement.md`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from connectors.errors import ConnectorError
from connectors.keys import SigningKey
from connectors.session import HubSession
from schemas.canonical import NotCanonical, canonical_bytes
from schemas.guard import Parsed, parse

PATH = "/v1/agreements/mine"
FORMAT = "customs-hub-agreement/1"
SIGNATURE_TYPE = "customs-hub-agreement+jws"


Needed = Mapping[str, Sequence[str]]
"""By event type, the members of `data` that an agreement covers; `*`: all."""
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


class AgreementInvalid(ConnectorError, ValueError):
    """This is no agreement's text, or not the one that was meant; the text says why."""


def read(text: str, id: str) -> Mapping[str, Any]:  # noqa: A002
    """The terms that a text states, if it is one of this agreement in its only spelling. Raises `AgreementInvalid`."""
    parsed = parse(text.encode())
    if not isinstance(parsed, Parsed) or parsed.value.get("format") != FORMAT:
        raise AgreementInvalid(f"this is no {FORMAT}")
    try:
        spelt = canonical_bytes(parsed.value).decode()
    except NotCanonical as e:
        raise AgreementInvalid("the text has numbers that no agreement has") from e
    if spelt != text:
        raise AgreementInvalid("the text is not RFC 8785 JSON: what would be signed is not what is shown")
    if parsed.value.get("id") != id:
        raise AgreementInvalid(f"the text is of another agreement than {id}")
    terms: Mapping[str, Any] = parsed.value
    return terms


def sign(text: str, key: SigningKey) -> str:
    """The detached JWS (RFC 7515, Appendix F) over the text."""
    head, _, signature = key.jws(text.encode(), SIGNATURE_TYPE).split(".")
    return f"{head}..{signature}"


async def needed_by(session: HubSession) -> Needed:
    """What agreements cover now of what this partner sends. Raises `HubRefused`, `HubUnreachable`."""
    needed: Needed = (await session.get(PATH, {"limit": "1"}))["needed"]
    return needed


def stripped(raw: bytes, needed: Needed) -> bytes:
    """The event without the members of `data` that no agreement covers; what stays is as it was, to the letter.

    `needed`: of `GET /v1/agreements/mine`. A type that it does not name is left as it is: the hub says why it does not
    take it, and so is what is no event.
    """
    try:
        event = _object.decode(raw)
        kept = needed.get(msgspec.json.decode(event["type"], type=str))
        data = _object.decode(event["data"])
    except (KeyError, msgspec.DecodeError):
        return raw
    if kept is None or "*" in kept or data.keys() <= set(kept):
        return raw
    event["data"] = msgspec.Raw(_joined({name: member for name, member in data.items() if name in kept}))
    return _joined(event)


def _joined(members: Mapping[str, msgspec.Raw]) -> bytes:
    return b"{" + b",".join(b"%b:%b" % (msgspec.json.encode(name), member) for name, member in members.items()) + b"}"
