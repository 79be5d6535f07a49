"""What an event must be: its schema, and the rules of the trade that no schema can say. Every fault at once.

The schema is asked first, in one call that also says whether anything unknown is in the event; only an event that fails
it is looked at again, slowly, for the places. The rules look at identifiers, subjects and times in any case.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from schemas.absence import missing, missing_alternative
from schemas.catalogue import EventType
from schemas.compile import Compiled, Schema
from schemas.faults import EXPECTED_CHARACTERS_MAX, FAULTS_MAX, Fault, Severity, capped, fault, pointer
from schemas.headers import FLAG_LATE, FLAG_POSSIBLE_REPEAT
from schemas.identifiers import SCHEMES, form_of
from schemas.identity import ID_BYTES_MAX, SOURCE_BYTES_MAX, utc_instant
from schemas.sites import GUESSES_MAX, INSTANT, instant_of

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
CLOCK_AHEAD_US = 600 * SECOND_US
"""How far a partner's clock may be ahead: what has happened lies no further in the future."""
LATE_US = DAY_US
"""An event about something longer ago than this is marked as late; it is as welcome as any other."""
REMEMBERED_US = 30 * DAY_US
"""How long ids are remembered at least: an event made longer ago may be a repeat that nobody remembers."""
PLAUSIBLE_US = 2 * 366 * DAY_US


class Regard(Struct, frozen=True, kw_only=True):
    """How strictly an event is looked at: as a format allows, and as the settings of hub and partner ask."""

    raised: frozenset[str] = frozenset()
    """Codes of warnings that are errors here."""
    absent_ok: bool = False
    """A member that is missing under `/data` is a warning, save `ALWAYS` and the halves of an identifier."""
    time_stated: bool = True
    """False: the format does not say when the event was made, so that its `time` is not judged."""


STRICT = Regard()


def check(event: dict[str, Any], event_type: EventType, *, now_us: int, regard: Regard = STRICT) -> list[Fault]:
    """Every fault of an event that was parsed by the guard, errors first, warnings after, at most `FAULTS_MAX`."""
    faults: list[Fault] = []
    if not event_type.schema.closed.is_valid(event):
        _check_schema(event, event_type, faults, absent_ok=regard.absent_ok)
    event_type.visit(event, None, faults)
    _check_lengths(event, faults)
    data = event.get("data")
    if isinstance(data, dict):
        _check_subjects(data, event_type, faults)
        _check_times(event, data, now_us, faults, time_stated=regard.time_stated)
    if not faults:
        return faults
    if regard.raised:
        faults = [replace(each, severity=Severity.ERROR) if each.code in regard.raised else each for each in faults]
    return capped(faults)


def flags(event: dict[str, Any], now_us: int) -> int:
    """The `FLAG_*` of `schemas.headers` that a valid event is stored with."""
    made_us, occurred_us = instant_of(event["time"]), instant_of(event["data"]["occurred_at"])
    marked = 0
    if made_us is not None and now_us - made_us > REMEMBERED_US:
        marked |= FLAG_POSSIBLE_REPEAT
    if occurred_us is not None and now_us - occurred_us > LATE_US and event["data"]["time_kind"] == "ACTUAL":
        marked |= FLAG_LATE
    return marked


def _check_schema(event: dict[str, Any], event_type: EventType, faults: list[Fault], *, absent_ok: bool) -> None:
    """The faults of an event that the closed schema refuses."""
    schema = event_type.schema
    if absent_ok:
        event_type.absence(event.get("data"), (None, "data"), faults)
        schema = schema.sparse
        if schema.closed.is_valid(event):
            return
    if not schema.open.is_valid(event):
        faults.extend(_broken(event, schema))
    _unknown(event, schema.flat, (), faults)


def _check_lengths(event: dict[str, Any], faults: list[Fault]) -> None:
    """The schema counts characters; identity counts bytes of UTF-8 (CloudEvents leaves it open, the hub does not)."""
    for name, bytes_max in (("id", ID_BYTES_MAX), ("source", SOURCE_BYTES_MAX)):
        text = event.get(name)
        if isinstance(text, str) and not text.isascii() and len(text.encode(errors="replace")) > bytes_max:
            faults.append(fault("VALUE_LENGTH", f"/{name}", text, f"at most {bytes_max} bytes of UTF-8"))


def _check_subjects(data: dict[str, Any], event_type: EventType, faults: list[Fault]) -> None:
    subjects = data.get("subjects")
    if not isinstance(subjects, list):
        return
    wanted = event_type.object_schemes
    for subject in subjects:
        if isinstance(subject, dict) and subject.get("scheme") in wanted:
            return
    schemes = ", ".join(str(each.get("scheme")) for each in subjects if isinstance(each, dict))
    faults.append(fault("SUBJECT_MISSING", "/data/subjects", schemes, f"a subject of scheme {' or '.join(wanted)}"))


def _check_times(
    event: dict[str, Any], data: dict[str, Any], now_us: int, faults: list[Fault], *, time_stated: bool
) -> None:
    """Whether times are plausible together; that each is one has been looked at by the visit."""
    actual = data.get("time_kind") == "ACTUAL"
    occurred_us = _instant(data.get("occurred_at"))
    made_us = _instant(event.get("time")) if time_stated else None
    updated = data.get("updated_at")
    updated_us = _instant(updated)
    if isinstance(updated, str) and updated_us is not None and utc_instant(updated) is None:
        # The first hours of the year 1 in the east: a time, but no instant in UTC to make a version of.
        faults.append(fault("TIME_INVALID", "/data/updated_at", updated, INSTANT))
    for us, place, text in (
        (made_us, "/time", event.get("time")),
        (occurred_us if actual else None, "/data/occurred_at", data.get("occurred_at")),
        (updated_us, "/data/updated_at", updated),
    ):
        if us is not None and us > now_us + CLOCK_AHEAD_US:
            faults.append(fault("TIME_IN_FUTURE", place, text, "not more than 10 minutes after now"))
    if occurred_us is None:
        return
    if abs(now_us - occurred_us) > PLAUSIBLE_US:
        expected = "within two years of now"
        faults.append(fault("TIME_IMPLAUSIBLE", "/data/occurred_at", data["occurred_at"], expected))
    if actual and made_us is not None and occurred_us > made_us + CLOCK_AHEAD_US:
        faults.append(fault("TIME_BEFORE_FACT", "/time", event["time"], "not earlier than data/occurred_at"))


def _instant(text: object) -> int | None:
    return instant_of(text) if isinstance(text, str) else None


_KEYWORDS = {
    "type": ("TYPE_WRONG", "{}"),
    "enum": ("VALUE_NOT_ALLOWED", "one of {}"),
    "const": ("VALUE_NOT_ALLOWED", "{}"),
    "pattern": ("VALUE_MALFORMED", ""),
    "format": ("VALUE_MALFORMED", ""),
    "minLength": ("VALUE_LENGTH", "at least {} characters"),
    "maxLength": ("VALUE_LENGTH", "at most {} characters"),
    "minimum": ("VALUE_RANGE", "at least {}"),
    "maximum": ("VALUE_RANGE", "at most {}"),
    "exclusiveMinimum": ("VALUE_RANGE", "more than {}"),
    "exclusiveMaximum": ("VALUE_RANGE", "less than {}"),
    "minItems": ("COUNT_RANGE", "at least {}"),
    "maxItems": ("COUNT_RANGE", "at most {}"),
}
"""The keyword that failed: its code, and in words what it asks for."""


def _broken(event: dict[str, Any], schema: Compiled) -> list[Fault]:
    """Every keyword of the schema that the event breaks, as faults that its sender can act on; at least one."""
    cut: Any = _cut(event, schema.flat)
    faults: list[Fault] = []
    seen = set()
    for error in schema.open.evaluate(cut).errors():
        # Of alternatives the library tells why each failed, also where another one did not.
        location, alternative, _ = error["schemaLocation"].partition("/anyOf/")
        location, _, keyword = (location, "", "anyOf") if alternative else location.rpartition("/")
        place = error["instanceLocation"]
        if (keyword, place) not in seen and len(faults) <= FAULTS_MAX:
            seen.add((keyword, place))
            faults.extend(_faults(keyword, _followed(schema.flat, location), place, _followed(cut, place)))
    return faults or [fault("VALUE_INVALID", "", event, schema.flat["title"])]


def _faults(keyword: str, member: Schema, place: str, value: Any) -> Iterator[Fault]:
    """One failed keyword of one member: what it asks for, and the description of the member."""
    if keyword == "required":
        yield from missing(member, place, value)
    elif keyword == "anyOf":
        yield from missing_alternative(member, place, value)
    elif keyword == "format" and member["format"] == "date-time":
        yield fault("TIME_INVALID", place, value, INSTANT)
    elif keyword == "pattern" and "x-scheme" in member:
        yield fault("VALUE_MALFORMED", place, value, form_of(SCHEMES[member["x-scheme"]], value))
    else:
        code, words = _KEYWORDS.get(keyword, ("VALUE_INVALID", ""))
        asked = member[keyword]
        asked = words.format(", ".join(map(str, asked)) if isinstance(asked, list) else asked)
        if member[keyword] == 1:
            asked = asked.removesuffix("s") if asked.endswith(" characters") else asked
        told = ": ".join(filter(None, (asked, member.get("description"))))
        yield fault(code, place, value, told if len(told) <= EXPECTED_CHARACTERS_MAX else asked)


def _cut(value: Any, flat: Schema) -> Any:
    """The value with every array that is too long cut to one item more than allowed: as wrong, and quick to judge."""
    if isinstance(value, dict):
        members = flat.get("properties", {})
        return {name: _cut(inner, members[name]) if name in members else inner for name, inner in value.items()}
    if isinstance(value, list) and "items" in flat:
        return [_cut(inner, flat["items"]) for inner in value[: flat["maxItems"] + 1]]
    return value


def _followed(document: Any, place: str) -> Any:
    """What a JSON Pointer (RFC 6901) points to."""
    for token in place.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        document = document[int(name)] if isinstance(document, list) else document[name]
    return document


def _unknown(value: object, flat: Schema, path: tuple[str | int, ...], faults: list[Fault]) -> None:
    """A warning for each member that the schema does not name, with the name that was perhaps meant."""
    for name, inner, schema in _inside(value, flat):
        if len(faults) > FAULTS_MAX:
            return  # Only warnings are found here, and there are more faults than will be told.
        if schema is None:
            guess = get_close_matches(str(name)[:64], flat["properties"], n=1) if len(faults) < GUESSES_MAX else []
            expected = f"perhaps {guess[0]}" if guess else "a member of the schema"
            faults.append(fault("MEMBER_UNKNOWN", pointer(*path, name), inner, expected))
        else:
            _unknown(inner, schema, (*path, name), faults)


def _inside(value: object, flat: Schema) -> Iterator[tuple[str | int, object, Schema | None]]:
    """The members or items of a value, each with the schema that describes it; None: no schema does."""
    if isinstance(value, dict) and "properties" in flat:
        for name, inner in value.items():
            yield name, inner, flat["properties"].get(name)
    elif isinstance(value, list) and "items" in flat:
        for index, inner in enumerate(value):
            yield index, inner, flat["items"]
