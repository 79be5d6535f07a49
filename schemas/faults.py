"""What is wrong with something a partner sent: code, place, found, expected; and the texts of the codes.

A code never changes its meaning; texts may improve. A place is a JSON Pointer (RFC 6901) into what the partner sent.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

FOUND_CHARACTERS_MAX = 64
FAULTS_MAX = 100
"""Per event; a fault `TOO_MANY_FAULTS` says that there are more."""


class Severity(StrEnum):
    ERROR = "ERROR"
    WARNING = "WARNING"


class Fault(Struct, frozen=True, omit_defaults=True):
    """One thing that is wrong, as its sender can act on it. `found` is shown to the sender only."""

    code: str
    place: str
    found: str
    expected: str
    severity: Severity = Severity.ERROR


class FaultText(Struct, frozen=True):
    """What a fault code means, in both languages, and an obvious fix where there is one."""

    code: str
    en: str
    fr: str
    fix: str


def shown(value: object) -> str:
    """A value as it may be echoed to its sender: JSON-like, at most 64 characters."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= FOUND_CHARACTERS_MAX else text[: FOUND_CHARACTERS_MAX - 1] + "…"


_TEXTS = (
    FaultText(
        "JSON_INVALID",
        "This is not JSON.",
        "Ceci n'est pas du JSON.",
        "Send one JSON value in UTF-8 without a byte-order mark.",
    ),
)

FAULTS = {text.code: text for text in _TEXTS}
