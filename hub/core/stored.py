"""Objects of the registry as they are stored: JSON, those of older hubs brought to today's shape.

Rows are never rewritten: what an older hub wrote is read as what it would be today.
"""

from __future__ import annotations

from typing import Any

import msgspec

from hub.core.agreement import AgreementState
from hub.core.partner import PartnerState
from hub.core.registry import KINDS, Registered
from schemas.filter_language import Condition, parse, quoted


def stored(item: Registered) -> str:
    return msgspec.json.encode(item).decode()


def read_stored(kind: str, body: str) -> list[Registered]:
    """The objects that a row stands for: one, or a partner and the authorisation that once was a part of it."""
    if kind == "partner" and ('"suspended":' in body or '"aeo":' in body):
        return _from_one_partner(msgspec.json.decode(body, type=dict[str, Any]))
    if kind == "agreement" and '"ended":' in body:
        return [_with_state(msgspec.json.decode(body, type=dict[str, Any]))]
    if kind == "feed" and '"where":' in body:
        return [_with_filter(msgspec.json.decode(body, type=dict[str, Any]))]
    return [msgspec.json.decode(body, type=KINDS[kind])]


def _from_one_partner(members: dict[str, Any]) -> list[Registered]:
    """Before 1.1, `suspended` was a mark and `aeo` an authorisation without its holder."""
    aeo = members.pop("aeo", None)
    if members.pop("suspended", False):
        members["state"] = PartnerState.SUSPENDED.value
    found: list[Registered] = [msgspec.convert(members, KINDS["partner"])]
    if aeo is not None:
        found.append(msgspec.convert({**aeo, "partner": members["id"]}, KINDS["authorisation"]))
    return found


def _with_filter(members: dict[str, Any]) -> Registered:
    """Before 1.2, a feed's filter was pointers with values; a text that spells a JSON value stood for that as well."""
    asked = [f"{quoted(pointer)} in ({', '.join(map(_meanings, values))})" for pointer, values in members.pop("where")]
    return msgspec.convert({**members, "filter": " and ".join(asked)}, KINDS["feed"])


def _meanings(text: str) -> str:
    value = parse(f"/x = {text}") if text.split() == [text] else None
    spelt = isinstance(value, Condition) and not isinstance(value.values[0].json, str)
    return f"{quoted(text)}, {text}" if spelt else quoted(text)


def _with_state(members: dict[str, Any]) -> Registered:
    """Before 1.2, an agreement was in force from the act that made it, until it had `ended`."""
    if members.pop("ended"):
        members["state"] = AgreementState.ENDED.value
    return msgspec.convert(members, KINDS["agreement"])
