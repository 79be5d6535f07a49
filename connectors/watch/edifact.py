"""CONTRL and APERAK for a file of EDIFACT, made of what the hub said of it by the code that a hub makes its own with.

The hub answers in one form at a time (`?answer=contrl`): asking for both would send the file three times.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from schemas.faults import FAULTS, Fault, Severity
from schemas.translate.edifact import Result, aperak, contrl


def answers(document: bytes, items: Iterable[Mapping[str, Any]], reference: str) -> dict[str, bytes]:
    """The ends of the names of the answers, with the answers; none where no interchange names a sender.

    `items` as they were answered, each with `place` and `verdict`; `reference`: the control reference, at most 14
    characters.
    """
    results, made = list(map(_result, items)), datetime.now(UTC)
    forms = {".contrl.edi": contrl, ".aperak.edi": aperak}
    written = {end: form(document, results, made=made, reference=reference) for end, form in forms.items()}
    return {end: said for end, said in written.items() if said}


def _result(item: Mapping[str, Any]) -> Result:
    refused = item["verdict"] in ("REJECTED", "CONFLICT")
    faults = list(_faults(item.get("faults") or ()))
    told = ": ".join(filter(None, (item.get("code"), item.get("detail"))))
    return Result(str(item.get("place", "")), refused, faults, told if refused and not faults else "")


def _faults(told: Iterable[Mapping[str, str]]) -> Iterator[Fault]:
    """Those that this version knows: a hub may be newer."""
    for each in told:
        if each["code"] in FAULTS:
            severity = Severity.WARNING if each.get("severity") == Severity.WARNING else Severity.ERROR
            found, expected = each.get("found", ""), each.get("expected", "")
            yield Fault(each["code"], each.get("place", ""), found, expected, severity)
