"""Times of DTM segments as RFC 3339: their formats, and the zone that most of them do not have.

A time without a zone is the local time of a place. It takes the zone that the partner's profile names for the place,
else the one that is agreed with the partner, and the event says so (`time_zone_source: ASSUMED`). Where the clocks go
back, an hour is there twice: the first is taken, with a warning. Where they go forward, an hour is not there: a fault.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from schemas.faults import Fault, fault

FORMATS = {
    "2": "ddmmyy", "3": "mmddyy", "4": "ddmmYYYY", "101": "yymmdd", "102": "YYYYmmdd", "201": "yymmddHHMM",
    "202": "yymmddHHMMSS", "203": "YYYYmmddHHMM", "204": "YYYYmmddHHMMSS", "205": "YYYYmmddHHMMZ",
    "301": "yymmddHHMMZ", "302": "yymmddHHMMSSZ", "303": "YYYYmmddHHMMZ", "304": "YYYYmmddHHMMSSZ",
}  # fmt: skip
"""DE 2379, in which a date with or without a time of day may be written."""
_LENGTHS = {6: "101", 8: "102", 10: "201", 12: "203", 14: "204"}
"""What a format that is not stated is taken for."""

_FIELDS = {
    "d": r"(?P<day>[0-9]{2})", "m": r"(?P<month>[0-9]{2})", "y": r"(?P<short>[0-9]{2})", "Y": r"(?P<year>[0-9]{4})",
    "H": r"(?P<hour>[0-9]{2})", "M": r"(?P<minute>[0-9]{2})", "S": r"(?P<second>[0-9]{2})",
    "Z": r"(?P<zone>[A-Z]{1,4}|[+-][0-9]{2}(?::?[0-9]{2})?)",
}  # fmt: skip


def _pattern(layout: str) -> re.Pattern[str]:
    return re.compile("".join(_FIELDS[letter] for letter in dict.fromkeys(layout)))


_PATTERNS = {code: _pattern(layout) for code, layout in FORMATS.items()}
_ZONES = {
    "UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "CET": 1, "EET": 2, "MSK": 3, "HKT": 8, "SGT": 8, "JST": 9, "KST": 9,
    "WEST": 1, "CEST": 2, "EEST": 3,
}  # fmt: skip
"""Letters that name one offset. BST, CST, EST, IST are each those of several countries: an offset is asked for."""


class Moment(NamedTuple):
    text: str
    """RFC 3339 with offset."""
    assumed: bool
    """Its offset comes from a zone that the message does not name."""
    doubt: Fault | None = None
    """A warning: there was a choice."""


def notation(code: str) -> str:
    """A format as the code list writes it, such as CCYYMMDDHHMM."""
    return FORMATS[code].replace("YYYY", "CCYY").upper()


def known_zone(name: str) -> bool:
    return _zone(name) is not None


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if re.fullmatch(r"[A-Za-z0-9_+-]{1,32}(?:/[A-Za-z0-9_+-]{1,32}){0,2}", name) else None
    except (KeyError, ValueError, OSError):  # No such zone, or a folder of zones.
        return None


@lru_cache(maxsize=4096)
def moment(value: str, code: str, zone: str) -> Moment | Fault:
    """The instant that a value in the format `code` says. `zone`: the IANA name for where it is local; empty: none.

    Faults have no place yet: one time of a document is often that of all its containers.
    """
    known = code or _LENGTHS.get(len(value), "")
    pattern = _PATTERNS.get(known)
    if pattern is None:
        return fault("DTM_INVALID", "", f"{value}:{code}", "a date and time in format 203 or 303")
    match = pattern.fullmatch(value)
    parts = match.groupdict() if match else {}
    whole = _whole(parts)
    if whole is None:
        return fault("DTM_INVALID", "", value, f"a date and time that exists, in format {known} ({notation(known)})")
    doubt = None if "hour" in parts else fault("TIME_OF_DAY_MISSING", "", value, "a time of day as well")
    if "zone" in parts:
        offset = _offset(parts["zone"])
        if offset is None:
            return fault("DTM_ZONE_MISSING", "", value, "UTC, or an offset such as +01")
        return Moment(whole.isoformat() + offset, assumed=False, doubt=doubt)
    return _local(whole, zone, value, doubt)


def _whole(parts: dict[str, str]) -> datetime | None:
    if not parts:
        return None
    year = int(parts["year"]) if "year" in parts else 2000 + int(parts["short"])
    try:
        day = date(year, int(parts["month"]), int(parts["day"]))
        hour, minute, second = (int(parts.get(name, "0")) for name in ("hour", "minute", "second"))
        if (hour, minute, second) == (24, 0, 0):  # The end of the day, as ISO 8601 writes it.
            return datetime(day.year, day.month, day.day) + timedelta(days=1)
        return datetime(day.year, day.month, day.day, hour, minute, second)
    except (ValueError, OverflowError):
        return None


def _offset(text: str) -> str | None:
    if text in _ZONES:
        return f"+{_ZONES[text]:02}:00" if _ZONES[text] else "Z"
    if text[0] not in "+-":
        return None
    hours, minutes = int(text[1:3]), int(text[-2:] if len(text) > 3 else "0")
    return f"{text[0]}{hours:02}:{minutes:02}" if hours <= 14 and minutes < 60 else None


def _local(whole: datetime, name: str, value: str, doubt: Fault | None) -> Moment | Fault:
    zone = _zone(name) if name else None
    if zone is None:
        expected = "a zone agreed with the partner, or a time in format 303 with its zone"
        return fault("DTM_ZONE_MISSING", "", value, expected)
    try:
        early, late = (whole.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    except (OverflowError, ValueError):
        return fault("DTM_INVALID", "", value, "a date and time that exists")
    if early is None or late is None or early < late:
        return fault("DTM_INVALID", "", value, f"a time that there is in {name}: the clocks skip this hour")
    if early != late and doubt is None:
        doubt = fault("TIME_TWICE", "", value, f"an offset, in format 303: the clocks of {name} go back")
    return Moment(whole.isoformat() + _written(early), assumed=True, doubt=doubt)


def _written(offset: timedelta) -> str:
    minutes = round(offset.total_seconds() / 60)
    if not minutes:
        return "Z"
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
