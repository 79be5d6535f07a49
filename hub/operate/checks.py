"""Checking an operator's request as a whole: every fault is collected, with a JSON Pointer into the request.

A check that fails returns a stand-in of the right type, so that the checks after it still run; a request with faults
is refused as a whole, and no stand-in is ever written.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, available_timezones

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from hub.core.agreement import type_matches
from hub.core.errors import Refusal
from hub.core.pointer import is_pointer
from hub.core.registry import History, Registered, object_id
from schemas.codes import COUNTRIES
from schemas.faults import Fault, shown

E = TypeVar("E", bound=StrEnum)
T = TypeVar("T", bound=Registered)

TEXT_CHARACTERS_MAX = 200
ITEMS_MAX = 64
"""Roles, identifiers, types, fields or filter conditions of one object."""
ID_CHARACTERS_MIN = 8
"""So much of a long id is enough to name its object, while it is the only one that begins so."""

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_TYPE_PATTERN = re.compile(r"\*|customs\.[a-z_]+\.(?:\*|[a-z_]+)")


class Checks:
    """The faults of one request, in the order in which they were found."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def fault(self, code: str, place: str, found: object, expected: str) -> None:
        self.faults.append(Fault(code, place, shown(found), expected))

    def invalid(self, place: str, found: object, expected: str) -> None:
        self.fault("ACT_VALUE_INVALID", place, found, expected)

    def within(self, place: str, faults: Iterable[Fault]) -> None:
        """Faults of a document that stands at `place` in the request; those of its text have a line and column."""
        for each in faults:
            within = each.place if each.place[:1] in ("", "/") else f", {each.place}"
            self.faults.append(replace(each, place=place + within))

    def refusal(self, act: str) -> Refusal:
        return Refusal("ACT_REFUSED", f"{act}: {len(self.faults)} fault(s)", tuple(self.faults))

    def slug(self, place: str, text: str) -> str:
        if not _SLUG.fullmatch(text):
            self.invalid(place, text, "1 to 32 of a-z, 0-9 and -, not beginning with -")
        return text

    def new(self, place: str, name: str, history: History[T]) -> str:
        """A slug that was never used for an object of this kind."""
        self.slug(place, name)
        if history.get(name) is not None:
            self.fault("ACT_NAME_TAKEN", place, name, "a name never used before")
        return name

    def known(self, place: str, name: str, history: History[T]) -> T | None:
        item = history.get(name)
        if item is None:
            self.fault("ACT_NOT_REGISTERED", place, name, "the name of something registered")
        return item

    def named(self, place: str, name: str, history: History[T]) -> T | None:
        """The one of this id, or whose id begins so."""
        if (exact := history.get(name)) is not None:
            return exact
        found = [each for each in history if len(name) >= ID_CHARACTERS_MIN and object_id(each).startswith(name)]
        return found[0] if len(found) == 1 else self.known(place, name, history)

    def text(self, place: str, text: str) -> str:
        if not text.strip() or len(text) > TEXT_CHARACTERS_MAX or not text.isprintable():
            self.invalid(place, text, f"1 to {TEXT_CHARACTERS_MAX} printable characters")
        return text

    def country(self, place: str, code: str) -> str:
        if code not in COUNTRIES:
            self.invalid(place, code, "an ISO 3166-1 alpha-2 code, such as NL")
        return code

    def choice(self, place: str, text: str, choices: type[E]) -> E:
        try:
            return choices(text)
        except ValueError:
            self.invalid(place, text, "one of " + ", ".join(choices))
            return next(iter(choices))

    def some(self, place: str, items: Sequence[object], least: int = 1) -> None:
        if not least <= len(items) <= ITEMS_MAX:
            self.invalid(place, f"{len(items)} items", f"{least} to {ITEMS_MAX} entries")

    def time_zone(self, place: str, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ValueError, OSError, LookupError):
            wanted = "an IANA time zone, such as Europe/Amsterdam"
            if not available_timezones():
                wanted = "a table of time zones on the hub's machine: install tzdata"
            self.invalid(place, name, wanted)
        return name

    def day(self, place: str, text: str) -> str:
        """An ISO 8601 calendar date."""
        if not is_day(text):
            self.invalid(place, text, "a date, such as 2026-01-31")
        return text

    def instant(self, place: str, text: str) -> int:
        """Seconds since 1970 of an RFC 3339 time with offset, or of a date's first second (UTC)."""
        try:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None and len(text) > len("2026-01-31"):
                raise ValueError("no offset")
            return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
        except (ValueError, OverflowError):
            self.invalid(place, text, "a date, or an RFC 3339 time with offset, such as 2026-01-31T12:00:00Z")
            return 0

    def reason(self, place: str, text: str) -> None:
        if not text.strip():
            self.invalid(place, text, "why, in words for those who look into it")

    def types(self, place: str, patterns: Sequence[str], known: Collection[str]) -> tuple[str, ...]:
        """Event types, families (`customs.seal.*`) or `*`; each must stand for at least one type that exists."""
        self.some(place, patterns)
        for index, pattern in enumerate(patterns):
            if not _TYPE_PATTERN.fullmatch(pattern):
                self.invalid(f"{place}/{index}", pattern, "customs.<family>.<event>, customs.<family>.* or *")
            elif not any(type_matches(pattern, name) for name in known):
                self.invalid(f"{place}/{index}", pattern, "a type of the naming table, or a family of it")
        return tuple(dict.fromkeys(patterns))

    def pointer(self, place: str, text: str) -> str:
        if not is_pointer(text):
            self.invalid(place, text, "a JSON Pointer into the event (RFC 6901), such as /data/subjects")
        return text


def decoded(request: object, shape: type[Struct]) -> Any:
    """The request as its struct, or a `Refusal` that names the first member of a wrong shape."""
    try:
        return msgspec.convert(request, shape)
    except msgspec.ValidationError as error:
        return Refusal("BODY_MALFORMED", str(error))


def is_day(text: str) -> bool:
    """Whether it is an ISO 8601 calendar date in its extended form, by which days compare as text."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
