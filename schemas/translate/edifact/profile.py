"""The mapping profile of a partner: what this partner means by codes that the guides leave open, as one JSON object.

A profile is tried by translating a document with it; nothing is stored here. Its form is versioned by `profile`:

    {"profile": 1, "name": "Example Terminal", "time_zone": "Europe/Amsterdam",
     "documents": {"CODECO": {"35": {"type": "container.gate_in"}}},
     "statuses": {"87:I": {"type": "container.dropped_off"}}, "facility_list": "SMDG"}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct

from schemas.catalogue import catalogue
from schemas.faults import Fault, fault, pointer
from schemas.identifiers import SCHEMES
from schemas.translate.document import read
from schemas.translate.edifact.codes import DOCUMENTS, FACILITY_AGENCIES, GRAMMARS, Meaning
from schemas.translate.edifact.moments import known_zone

VERSION = 1
ENTRIES_MAX = 1_000
"""Of each table of a profile."""
TIME_KINDS = ("ACTUAL", "ESTIMATED", "PLANNED", "REQUESTED")
CONTROL, DOCUMENT = "control", "document"

Table = Mapping[str, Meaning]


class Facility(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a partner's code of a terminal, berth or depot stands for (LOC 3223)."""

    unlocode: str | None = None
    facility_code: str | None = None
    facility_list: str | None = None
    name: str | None = None


class Profile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Defaults are those of the guides; each member that is named overrides them."""

    profile: int = VERSION
    name: str = ""
    time_zone: str | None = None
    """Instead of the zone agreed with the partner."""
    zones: Mapping[str, str] = {}
    """UN/LOCODE, or country, to the IANA zone of the times at that place; the UN/LOCODE counts first."""
    identity: str = CONTROL
    """What an event is known by: `control`, the references of interchange and message; `document`, the number of the
    document (BGM) and the container or status, where the partner never uses a number for another document. Only then
    can a cancellation or a replacement say what it takes back."""
    documents: Mapping[str, Table] = {}
    """By message type and BGM 1001."""
    statuses: Table = {}
    """By the status code of STS (9011), or `<agency 3055>:<code>`, which counts first."""
    times: Mapping[str, tuple[str, ...]] = {}
    """By message type: the DTM qualifiers of the time of an event, before those of the guides."""
    references: Mapping[str, str] = {}
    """RFF qualifier to the scheme of its value; empty: not an identifier."""
    facilities: Mapping[str, Facility] = {}
    facility_list: str | None = None
    """The list, SMDG or BIC, of facility codes for which the message names none."""
    filing_country: str | None = None
    filing_kind: str | None = None
    """What a CUSCAR is filed as: ENS, ACE, AFR …"""
    tolerated: frozenset[str] = frozenset()
    """Faults of the envelope that are warnings here."""
    sender_qualifiers: frozenset[str] = frozenset()
    """Of the sender in UNB (0007: 14, ZZZ …), one of these; none: any, or none at all. So are the next two."""
    recipients: frozenset[str] = frozenset()
    """By whom the partner means the hub: the recipient in UNB (0010)."""
    recipient_qualifiers: frozenset[str] = frozenset()


TOLERABLE = frozenset({
    "SEGMENT_COUNT_WRONG", "TRAILER_REFERENCE_WRONG", "MESSAGE_INCOMPLETE", "TEST_INTERCHANGE",
})  # fmt: skip
DEFAULT = Profile()


def read_profile(content: bytes) -> Profile | list[Fault]:
    """A profile in its JSON form, or every fault of it at once. Raises nothing."""
    value, faults = read(content)
    if faults:
        return faults
    if not isinstance(value, dict):
        return [fault("JSON_NOT_AN_OBJECT", "", value, "a mapping profile")]
    faults = list(_faults(value))
    if faults:
        return faults
    try:
        return msgspec.convert(value, Profile)
    except msgspec.ValidationError as e:
        return [fault("VALUE_INVALID", "", str(e), "a mapping profile")]


def written(profile: Profile) -> bytes:
    """The JSON form of a profile, without what is as the guides have it."""
    return msgspec.json.encode(profile, order="deterministic")


def _faults(value: dict[str, Any]) -> Iterator[Fault]:
    for name, member in value.items():
        if name in _CHECKS:
            yield from _CHECKS[name](member, pointer(name))
        else:
            guess = get_close_matches(name[:64], _CHECKS, n=1)
            expected = f"perhaps {guess[0]}" if guess else "a member of a mapping profile"
            yield fault("PROFILE_MEMBER_UNKNOWN", pointer(name), name, expected)


def _version(value: object, place: str) -> Iterator[Fault]:
    if value != VERSION or type(value) is not int:
        yield fault("VALUE_NOT_ALLOWED", place, value, "1")


def _text(value: object, place: str) -> Iterator[Fault]:
    if not isinstance(value, str) or not 0 < len(value) <= 256:
        yield fault("TYPE_WRONG", place, value, "text of 1 to 256 characters")


def _zone(value: object, place: str) -> Iterator[Fault]:
    if not isinstance(value, str) or not known_zone(value):
        yield fault("VALUE_NOT_ALLOWED", place, value, "a zone such as Europe/Amsterdam")


def _one_of(*allowed: str) -> Any:
    def check(value: object, place: str) -> Iterator[Fault]:
        if value not in allowed:
            yield fault("VALUE_NOT_ALLOWED", place, value, "one of " + ", ".join(allowed))

    return check


def _fits(scheme: str) -> Any:
    def check(value: object, place: str) -> Iterator[Fault]:
        if not isinstance(value, str) or not SCHEMES[scheme].fits(value):
            yield fault("VALUE_MALFORMED", place, value, f"{scheme} in a form like {SCHEMES[scheme].example}")

    return check


def _table(value: object, place: str, each: Any) -> Iterator[Fault]:
    """A table of at most `ENTRIES_MAX` entries, whose values `each` looks at."""
    if not isinstance(value, dict):
        yield fault("TYPE_WRONG", place, value, "an object")
    elif len(value) > ENTRIES_MAX:
        yield fault("COUNT_RANGE", place, f"{len(value)} entries", f"at most {ENTRIES_MAX} entries")
    else:
        for name, member in value.items():
            yield from each(member, place + pointer(name))


def _zones(value: object, place: str) -> Iterator[Fault]:
    yield from _table(value, place, _zone)
    for name in value if isinstance(value, dict) else ():
        if not SCHEMES["unlocode"].fits(name) and not SCHEMES["country"].fits(name):
            yield fault("VALUE_MALFORMED", place + pointer(name), name, "a UN/LOCODE such as NLRTM, or a country")


def _documents(value: object, place: str) -> Iterator[Fault]:
    yield from _table(value, place, _meanings)
    yield from _messages(value, place, tuple(DOCUMENTS))


def _messages(value: object, place: str, allowed: tuple[str, ...]) -> Iterator[Fault]:
    for name in value if isinstance(value, dict) else ():
        if name not in allowed:
            yield fault("VALUE_NOT_ALLOWED", place + pointer(name), name, "one of " + ", ".join(allowed))


def _meanings(value: object, place: str) -> Iterator[Fault]:
    yield from _table(value, place, _meaning)


def _meaning(value: object, place: str) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield fault("TYPE_WRONG", place, value, "an object with type")
        return
    if "type" not in value:
        yield fault("MEMBER_MISSING", f"{place}/type", "nothing", "an event type, such as container.gate_in")
    for name, member in value.items():
        here = place + pointer(name)
        if name == "type":
            if member not in _types():
                yield fault("TYPE_UNKNOWN", here, member, "an event type, such as container.gate_in")
        elif name == "time_kind":
            yield from _one_of(*TIME_KINDS)(member, here)
        elif name == "mode":
            yield from _one_of(*_modes())(member, here)
        elif name != "empty":
            yield fault("PROFILE_MEMBER_UNKNOWN", here, name, "no member but type, time_kind, empty, mode")
        elif type(member) is not bool:
            yield fault("TYPE_WRONG", here, member, "boolean")


@cache
def _types() -> frozenset[str]:
    return frozenset(kind.name.removeprefix("customs.") for kind in catalogue().types)


def _modes() -> tuple[str, ...]:
    return ("MARITIME", "RAIL", "ROAD", "AIR", "POST", "MULTIMODAL", "FIXED_INSTALLATION", "INLAND_WATERWAY")


def _times(value: object, place: str) -> Iterator[Fault]:
    yield from _table(value, place, _codes_of(3))
    yield from _messages(value, place, tuple(GRAMMARS))


def _codes_of(characters_max: int) -> Any:
    def check(value: object, place: str) -> Iterator[Fault]:
        if not isinstance(value, list) or len(value) > 20:
            yield fault("TYPE_WRONG", place, value, "an array of at most 20 codes")
            return
        for index, code in enumerate(value):
            if not isinstance(code, str) or not 0 < len(code.strip()) == len(code) <= characters_max:
                yield fault("VALUE_MALFORMED", f"{place}/{index}", code, f"a code of 1 to {characters_max} characters")

    return check


def _references(value: object, place: str) -> Iterator[Fault]:
    def scheme(member: object, here: str) -> Iterator[Fault]:
        if member not in SCHEMES and member != "":
            yield fault("SCHEME_UNKNOWN", here, member, "a scheme of the naming table")

    yield from _table(value, place, scheme)


def _facilities(value: object, place: str) -> Iterator[Fault]:
    yield from _table(value, place, _facility)


def _facility(value: object, place: str) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield fault("TYPE_WRONG", place, value, "an object")
        return
    checks = {"unlocode": _fits("unlocode"), "facility_list": _FACILITY_LIST, "facility_code": _text, "name": _text}
    for name, member in value.items():
        if name in checks:
            yield from checks[name](member, place + pointer(name))
        else:
            yield fault("PROFILE_MEMBER_UNKNOWN", place + pointer(name), name, "no member but " + ", ".join(checks))


def _tolerated(value: object, place: str) -> Iterator[Fault]:
    if not isinstance(value, list):
        yield fault("TYPE_WRONG", place, value, "an array")
        return
    for index, code in enumerate(value):
        yield from _one_of(*sorted(TOLERABLE))(code, f"{place}/{index}")


_FACILITY_LIST = _one_of(*sorted(FACILITY_AGENCIES.values()))
_CHECKS: Mapping[str, Any] = {
    "profile": _version, "name": _text, "time_zone": _zone, "zones": _zones, "identity": _one_of(CONTROL, DOCUMENT),
    "documents": _documents, "statuses": _meanings, "times": _times, "references": _references,
    "facilities": _facilities, "facility_list": _FACILITY_LIST, "filing_country": _fits("country"),
    "filing_kind": _text, "tolerated": _tolerated, "sender_qualifiers": _codes_of(4), "recipients": _codes_of(35),
    "recipient_qualifiers": _codes_of(4),
}  # fmt: skip
