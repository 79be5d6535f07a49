"""When a credential counts, by its own word: `validFrom` and `validUntil` (VCDM 2.0 §4.9), `issuanceDate` and
`expirationDate` (VCDM 1.1 §4.6, §4.7), and `nbf` and `exp` of the JWT around it (RFC 7519 §4.1.4, §4.1.5).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from schemas.faults import Fault, fault
from schemas.identity import instant_us

Validity = Literal["expired", "not_yet_valid"]
SKEW_SECONDS = 60
"""By which an issuer's clock may be ahead (RFC 7519 §4.1.5 has some leeway)."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def second(text: str, *, end: bool = False) -> int | None:
    """Seconds since 1970 of what an issuer wrote; None: no time. A day without time counts from its beginning, or to
    its `end`, and what has no zone is UTC: both are seen though the standards ask for more."""
    if _DAY.fullmatch(text):
        text += "T23:59:59Z" if end else "T00:00:00Z"
    moment = instant_us(text)
    moment = instant_us(text + "Z") if moment is None else moment
    return None if moment is None else moment // 1_000_000


def latest(texts: Iterable[str]) -> str:
    """Of several beginnings the one that counts; empty: none is told."""
    return max(texts, key=lambda each: second(each) or 0, default="")


def earliest(texts: Iterable[str]) -> str:
    """The same of ends."""
    return min(texts, key=lambda each: _end(each), default="")


def validity(valid_from: str, valid_until: str, *, now: int) -> Validity | None:
    """Where `now`, in seconds since 1970, is not within. None: it is, or nothing readable says otherwise."""
    begins = second(valid_from)
    if valid_until and now >= _end(valid_until):
        return "expired"
    return "not_yet_valid" if begins is not None and begins > now + SKEW_SECONDS else None


def validity_fault(place: str, valid_from: str, valid_until: str, *, now: int) -> Fault | None:
    """What is to be said of a credential that does not count at `now`."""
    match validity(valid_from, valid_until, now=now):
        case "expired":
            return fault("CREDENTIAL_EXPIRED", place, valid_until, "a credential that is valid today")
        case "not_yet_valid":
            return fault("CREDENTIAL_NOT_YET_VALID", place, valid_from, "a credential that is valid today")
    return None


def _end(text: str) -> float:
    end = second(text, end=True)
    return float("inf") if end is None else end
