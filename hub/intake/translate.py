"""Translate: from a document of the trade to events with the way back to where each stood in it.

The other half of decoding. A translated event is written out and parsed again by the rules that all events pass, so
that its bytes are what is stored, digested and handed on, whatever its translator made of a hostile document.
"""

from __future__ import annotations

from hashlib import sha256

import orjson

from hub.core.errors import Refusal
from hub.core.evidence import Decoded
from hub.core.settings import IntakeSettings
from schemas import guard
from schemas.faults import fault
from schemas.translate.item import Context, Event, Translation
from schemas.translate.recognise import FAMILIES, recognise, translator

_OF_FAULT = {
    "FORMAT_NOT_TAKEN": "DOCUMENT_NOT_TAKEN",
    "FORMAT_UNKNOWN": "DOCUMENT_NOT_TAKEN",
    "TOO_MANY_ITEMS": "BODY_TOO_LARGE",
    "TYPE_UNKNOWN": "BAD_REQUEST",
}
"""What a document is refused as, by its first fault; a type that is unknown was a parameter's."""


def open_translation(
    document: bytes, media_type: str, context: Context, *, families: frozenset[str]
) -> Translation | Refusal:
    """The items of a document of one of these families; a `Refusal` if nothing in it can be looked at."""
    family = recognise(document, media_type)
    if not isinstance(family, str):
        return Refusal(_OF_FAULT.get(family.code, "BODY_MALFORMED"), faults=[family])
    if family not in families:
        if family == "native":
            return Refusal("MEDIA_TYPE_UNSUPPORTED", "send CloudEvents as application/cloudevents+json")
        taken = ", ".join(sorted(FAMILIES[name].name for name in families))
        return Refusal("MEDIA_TYPE_UNSUPPORTED", f"{FAMILIES[family].name} here; this route takes: {taken}")
    opened = translator(family)(document, context)
    if isinstance(opened, list):
        limit = f"at most {context.items_max} events" if opened[0].code == "TOO_MANY_ITEMS" else ""
        return Refusal(_OF_FAULT.get(opened[0].code, "BODY_MALFORMED"), limit, faults=opened)
    return opened


def rewritten(index: int, event: Event, document_digest: bytes, *, bounds: IntakeSettings) -> Decoded | Refusal:
    """A translated event as the hub stores it; its raw digest is that of the whole document."""
    try:
        raw = orjson.dumps(event)
    except TypeError as e:
        return Refusal("EVENT_INVALID", faults=[fault("JSON_INVALID", "", str(e), "text and numbers of JSON")])
    if len(raw) > bounds.event_bytes_max:
        return Refusal("BODY_TOO_LARGE", f"one event of {len(raw)} bytes; at most {bounds.event_bytes_max}")
    parsed = guard.parse(raw)
    if isinstance(parsed, list):
        return Refusal("EVENT_INVALID", faults=parsed)
    return Decoded(index, raw, parsed.value, document_digest, sha256(parsed.canonical).digest(), None)
