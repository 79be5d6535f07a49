"""CONTRL and APERAK for a file of EDIFACT, made of what the hub said of it by the code that a hub makes its own with.

The hub answers in one form at a time (`?answer=contrl`): asking for both would send the file three times.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.partner.outcome import Verdict
from schemas.faults import FAULTS, Fault, Severity
from schemas.translate.edifact import Result, aperak, contrl

FINE = frozenset((Verdict.ACCEPTED, Verdict.DUPLICATE, Verdict.NOT_SHARED))


def answers(document: bytes, items: Iterable[Mapping[str, Any]], reference: str) -> dict[str, bytes]:
    """The ends of the names of the answers, with the answers; none where no interchange names a sender.

    `items` as they were answered, each with `place` and `verdict`; one without a place is of the whole file, and of a
    message that no item is of nothing is stored. `reference`: the control reference, at most 14 characters.
    """
    results, made = list(map(_result, items)), datetime.now(UTC)
    forms = {".contrl.edi": contrl, ".aperak.edi": aperak}
    written = {end: form(document, results, made=made, reference=reference) for end, form in forms.items()}
    return {end: said for end, said in written.items() if said}


def _result(item: Mapping[str, Any]) -> Result:
    refused = item["verdict"] not in FINE
    faults = list(_faults(item.get("faults") or ()))
    told = ": ".join(filter(None, (item.get("code"), item.get("detail"))))
    return Result(str(item.get("place", "")), refused, faults, told if refused and not faults else "")


def refused_whole(code: str, detail: str, faults: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """As items, the refusal of a file of which nothing was looked at."""
    return [{"place": "", "verdict": Verdict.REJECTED, "code": code, "detail": detail, "faults": faults}]


def _faults(told: Iterable[Mapping[str, str]]) -> Iterator[Fault]:
    """Those that this version knows: a hub may be newer."""
    for each in told:
        if each["code"] in FAULTS:
            severity = Severity.WARNING if each.get("severity") == Severity.WARNING else Severity.ERROR
            found, expected = each.get("found", ""), each.get("expected", "")
            yield Fault(each["code"], each.get("place", ""), found, expected, severity)
