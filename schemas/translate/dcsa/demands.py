"""What a DCSA event must hold: what its version requires, and the hub's rules where the published schema has none.

T&T 3.0.0 requires nothing at all (`{}` is valid), 2.2.0 forgets `eventID`: identity, time, classification and what the
event is about are asked for in every version.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from schemas.faults import fault
from schemas.translate.dcsa.codes import DOCUMENTS, IOT, TIME_KINDS, TYPES, UNLISTED
from schemas.translate.dcsa.sent import BETA, V2, V3, Sent

_ALWAYS = {V2: ("made",), BETA: ("made", "publisher"), V3: ("updated",)}
_OF_TYPE = {
    V2: {
        "SHIPMENT": ("document",),
        "TRANSPORT": ("call", "mode", "call_reference"),
        "EQUIPMENT": ("equipment", "empty"),
    },
    BETA: {
        "SHIPMENT": ("document",),
        "TRANSPORT": ("call",),
        "EQUIPMENT": ("equipment", "empty"),
        "IOT": ("equipment",),
        "REEFER": ("equipment",),
    },
    V3: {
        "SHIPMENT": ("document",),
        "TRANSPORT": ("call",),
        "EQUIPMENT": ("equipment",),
        "IOT": ("equipment",),
        "REEFER": ("equipment", "reefer"),
    },
}
"""What an event of each type needs beside its classification: in 2.2.0 and Beta 1 what `baseTransportEvent` and others
require, in 3.0.0 the details that its type is about. `call_reference` is `transportCallID`."""

_EXPECTED = {
    "id": "an identifier that is unique among the events of its publisher",
    "when": "when it happened or will happen: RFC 3339 with offset",
    "made": "when the event was created: RFC 3339 with offset",
    "updated": "when the event was last updated: RFC 3339 with offset",
    "publisher": "the publisher, with carrierCode and carrierCodeListProvider",
    "call": "the transport call",
    "document": "the reference of the document",
    "equipment": "the container number",
}
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def classified(sent: Sent) -> tuple[str, str, str, str] | None:
    """Type, code, detail and classifier of an event, all known; or None, with the faults of each that is not.

    The detail is the document type of a SHIPMENT, and what an IOT event has noticed.
    """
    classifier = _asked(sent, "classifier", TIME_KINDS)
    if classifier in UNLISTED:
        sent.fault("CODE_UNASSIGNED", "classifier", classifier, "one of ACT, EST, PLN")
    event_type = _asked(sent, "type", _OF_TYPE[sent.version])
    if event_type is None:
        return None
    member, codes = TYPES[event_type]
    code = _asked(sent, member, codes)
    detail: str | None = ""
    if event_type == "SHIPMENT":
        detail = _asked(sent, "document_type", DOCUMENTS)
    elif event_type == "IOT":
        detail = _asked(sent, "iot", IOT)
    for stray, _ in TYPES.values():
        if stray != member and sent.text(stray) is not None:
            sent.fault("VALUE_NOT_ALLOWED", stray, sent.text(stray), f"only {member} with an event of {event_type}")
    if code is None or detail is None or classifier is None:
        return None
    return event_type, code, detail, classifier


def _asked(sent: Sent, name: str, known: Collection[str]) -> str | None:
    if not sent.has(name):
        sent.fault("MEMBER_MISSING", name, "nothing", "one of " + ", ".join(sorted(known)))
        return None
    return sent.code(name, known)


def demand(sent: Sent, event_type: str) -> None:
    """Faults for each member that an event of this type needs and does not have."""
    for name in (*_ALWAYS[sent.version], *_OF_TYPE[sent.version][event_type]):
        if not sent.has(name):
            sent.fault("MEMBER_MISSING", name, "nothing", _EXPECTED.get(name, "this member"))


def demand_named(sent: Sent) -> None:
    """Faults for an identity or a time that is not there: of an event that is looked at no further."""
    for name in ("id", "when", *_ALWAYS[sent.version]):
        if not sent.has(name):
            sent.fault("MEMBER_MISSING", name, "nothing", _EXPECTED[name])


def check_identity(sent: Sent, name: str) -> None:
    """In 2.2.0 and Beta 1 an event id is a UUID (`eventID`, format uuid)."""
    value = sent.text(name)
    if sent.version != V3 and value is not None and not _UUID.fullmatch(value):
        sent.fault("VALUE_MALFORMED", name, value, "a UUID, such as 3cecb101-7a1a-43a4-9d62-e88a131651e2")


_PARTIES = {
    BETA: ("publisher", ("carrierCode", "carrierCodeListProvider")),
    V3: ("party", ("partyCode", "codeListProvider", "codeListName")),
}


def check_party(sent: Sent) -> None:
    """A party's code means nothing without the list that it is from."""
    name, members = _PARTIES.get(sent.version, ("", ()))
    party = sent.group(name)
    if party is None:
        return
    for member in members:
        value, place = party.get(member), f"{sent.place(name)}/{member}"
        if value is None:
            sent.faults.append(fault("MEMBER_MISSING", place, "nothing", "a code and the list that it is from"))
        elif type(value) is not str:
            sent.faults.append(fault("TYPE_WRONG", place, value, "text"))
