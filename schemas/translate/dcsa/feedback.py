"""Faults in the form in which DCSA answers: `feedbackElements` of T&T 3.0.0, with JSONPath for pointers."""

from __future__ import annotations

import re
from collections.abc import Iterable

from schemas.faults import Fault, Severity
from schemas.words import words

MESSAGE_CHARACTERS_MAX = 5_000
PATH_CHARACTERS_MAX = 1_000
"""`maxLength` of `message` and `propertyPath` in `FeedbackElement`."""

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


_SAID = {"en": "{text} Found: {found}. Expected: {expected}.", "fr": "{text} Trouvé : {found}. Attendu : {expected}."}


def feedback(faults: Iterable[Fault], language: str = "en") -> list[dict[str, str]]:
    """One element for each fault; `language` is `en` or `fr`. `code` is the hub's own member beside those of DCSA."""
    elements = []
    for each in faults:
        element = {
            "severity": "ERROR" if each.severity is Severity.ERROR else "WARN",
            "code": each.code,
            "message": _SAID[language].format(**words().fault(each, language))[:MESSAGE_CHARACTERS_MAX],
        }
        if (path := json_path(each.place)) and len(path) <= PATH_CHARACTERS_MAX:
            element["propertyPath"] = path
        elements.append(element)
    return elements


def json_path(place: str) -> str:
    """The JSONPath (RFC 9535) of a JSON Pointer, such as `$.events[2].eventLocation`; "" of another kind of place."""
    if place and not place.startswith("/"):
        return ""
    path = "$"
    for token in place.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if name.isascii() and name.isdigit():
            path += f"[{name}]"
        elif _PLAIN.fullmatch(name):
            path += f".{name}"
        else:
            escaped = name.replace("\\", "\\\\").replace("'", "\\'")
            path += f"['{escaped}']"
    return path
