"""Dates and times of cells as RFC 3339: only what can be read in one way is read.

`22/11/2026` has one reading, `03/04/2026` has two and is a fault, whatever the other rows say: a file often comes from
more than one hand. Points always part day, month, year. A cell without an offset takes the row's `utc_offset`, else
the zone agreed with the partner, which the event then says (`time_zone_source: ASSUMED`).
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from msgspec import Struct

from schemas.faults import Fault, fault
from schemas.sites import INSTANT
from schemas.translate.tabular.table import Broken, Cell

_TIME = (
    r"(?P<h>\d{1,2})(?:[:hH](?P<min>\d{2})?(?::(?P<s>\d{2})(?:[.,](?P<f>\d{1,9}))?)?)?\s*(?P<half>[AaPp]\.?[Mm]\.?)?"
)
_OFFSET = r"(?P<offset>[Zz]|UTC|GMT|[+-]\d{2}:?\d{2})"
_MOMENT = re.compile(
    r"(?:(?P<y>\d{4})(?P<sep>[-/.])(?P<m>\d{1,2})(?P=sep)(?P<d>\d{1,2})"
    r"|(?P<a>\d{1,2})(?P<sep2>[-/.])(?P<b>\d{1,2})(?P=sep2)(?P<y2>\d{4}|\d{2}))"
    rf"(?:(?:\s*[Tt]\s*|,?\s+(?:à\s+|at\s+)?){_TIME}\s*{_OFFSET}?)?",
    re.ASCII,
)
_SERIAL = re.compile(r"[2-7]\d{4}(?:[.,]\d+)?", re.ASCII)
"""Days since 1899-12-30, as Excel counts: 20000 is in 1954, 79999 in 2119."""
_FIXED = re.compile(r"(?:UTC|GMT)?\s*([+-])(\d{1,2})(?::?(\d{2}))?", re.ASCII | re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z_]{1,32}(?:/[A-Za-z0-9_+-]{1,32}){1,2}", re.ASCII)
"""Of a zone (IANA), which is also the name of a file."""
_EPOCH = datetime(1899, 12, 30)


class Zone(Struct, frozen=True):
    """The offset or zone of a row's times."""

    info: tzinfo
    stated: bool
    """By the row; else agreed with the partner."""


class Moment(Struct, frozen=True):
    text: str
    """RFC 3339 with offset."""
    assumed: bool = False
    """Its offset comes from the agreed zone."""


def zone(text: str, *, stated: bool) -> Zone | None:
    """`+01:00`, `UTC+1`, `Z` or an IANA name; None if it is none of them. A bare `1` or `01:00` has no sign."""
    info = _zone(text.strip().replace("−", "-"))
    return None if info is None else Zone(info, stated)


@lru_cache(maxsize=256)
def _zone(text: str) -> tzinfo | None:
    if text.upper() in ("Z", "UTC", "GMT"):
        return UTC
    if match := _FIXED.fullmatch(text):
        offset = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
        return timezone(-offset if match[1] == "-" else offset) if offset <= timedelta(hours=15) else None
    try:
        return ZoneInfo(text) if _NAME.fullmatch(text) else None
    except (KeyError, ValueError, OSError):  # No such zone, or a folder of zones.
        return None


def moment(cell: Cell, near: Zone | None, place: str) -> Moment | Fault:
    """The instant that a cell says."""
    if isinstance(cell, datetime):
        return _local(_rounded(cell), "", near, place, str(cell))
    if isinstance(cell, str):
        return _from_text(cell, near, place)
    if isinstance(cell, date):
        return fault("TIME_INVALID", place, str(cell), "a time of day as well; midnight as text, 2026-11-22 00:00")
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return _serial(float(cell), f"{cell:.10g}", place)
    text = cell.text if isinstance(cell, Broken) else str(cell)
    return fault("TIME_INVALID", place, text, INSTANT)


def _rounded(value: datetime) -> datetime:
    """To milliseconds: a spreadsheet's day fractions are no finer, and fall short of the second they mean."""
    try:
        return (value + timedelta(microseconds=500)).replace(tzinfo=None)
    except OverflowError:
        return value


def _serial(number: float, shown: str, place: str) -> Fault:
    if not 20_000 <= number < 80_000:
        return fault("TIME_INVALID", place, shown, INSTANT)
    likely = _EPOCH + timedelta(days=number, milliseconds=500)
    return fault("DATE_SERIAL", place, shown, f"a date; it was probably {likely:%Y-%m-%d %H:%M:%S}")


def _from_text(text: str, near: Zone | None, place: str) -> Moment | Fault:
    match = _MOMENT.fullmatch(text)
    if match is None:
        if _SERIAL.fullmatch(text):
            return _serial(float(text.replace(",", ".")), text, place)
        return fault("TIME_INVALID", place, text, INSTANT)
    day = _day(match, text, place)
    if isinstance(day, Fault):
        return day
    if match["h"] is None:
        return fault("TIME_INVALID", place, text, "a time of day as well, such as 2026-11-22 10:00")
    clock = _clock(match)
    if clock is None:
        return fault("TIME_INVALID", place, text, INSTANT)
    whole, fraction = datetime.combine(day, clock), (match["f"] or "").rstrip("0")
    if not match["offset"]:
        return _local(whole, fraction, near, place, text)
    offset = match["offset"].upper()
    written = "Z" if offset in ("Z", "UTC", "GMT") else f"{offset[:3]}:{offset[-2:]}"
    return Moment(_written(whole, fraction) + written)


def _day(match: re.Match[str], text: str, place: str) -> date | Fault:
    if match["y"]:
        return _date(int(match["y"]), int(match["m"]), int(match["d"])) or fault("TIME_INVALID", place, text, INSTANT)
    if len(match["y2"]) == 2:
        return fault("TIME_INVALID", place, text, "a year of four digits")
    year, first, second = int(match["y2"]), int(match["a"]), int(match["b"])
    by_day = _date(year, second, first)
    by_month = None if match["sep2"] == "." else _date(year, first, second)
    if by_day and by_month and by_day != by_month:
        return fault("DATE_AMBIGUOUS", place, text, f"the year first: {by_day} or {by_month}")
    return by_day or by_month or fault("TIME_INVALID", place, text, INSTANT)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _clock(match: re.Match[str]) -> time | None:
    hour, half = int(match["h"]), (match["half"] or "").lower()[:1]
    if half:
        hour = hour % 12 + (12 if half == "p" else 0) if 1 <= hour <= 12 else 99
    elif match["min"] is None and "h" not in match[0].lower():
        return None  # `2026-11-22 10` is no time of day.
    try:
        return time(hour, int(match["min"] or 0), int(match["s"] or 0))
    except ValueError:
        return None


def _local(whole: datetime, fraction: str, near: Zone | None, place: str, found: str) -> Moment | Fault:
    """A time without an offset, in the zone of the row or of the partner."""
    if near is None:
        return fault(
            "OFFSET_MISSING", place, found, "an offset, such as +01:00, after the time or in the column UTC offset"
        )
    if not fraction and whole.microsecond >= 1_000:
        fraction = f"{whole.microsecond // 1_000:03}".rstrip("0")
    whole = whole.replace(microsecond=0)
    try:
        early, late = (whole.replace(tzinfo=near.info, fold=fold).utcoffset() for fold in (0, 1))
    except (OverflowError, ValueError):
        return fault("TIME_INVALID", place, found, INSTANT)
    if early is None or early != late:
        return fault(
            "TIME_INVALID", place, found, "an offset: the clocks change there, and this hour is twice or never"
        )
    return Moment(_written(whole, fraction) + _offset(early), assumed=not near.stated)


def _written(whole: datetime, fraction: str) -> str:
    return f"{whole.isoformat()}{'.' if fraction else ''}{fraction}"


def _offset(offset: timedelta) -> str:
    if not offset:
        return "Z"
    minutes = round(abs(offset).total_seconds() / 60)
    return f"{'-' if offset < timedelta(0) else '+'}{minutes // 60:02}:{minutes % 60:02}"
