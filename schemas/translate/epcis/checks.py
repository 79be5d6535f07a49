"""What the members of EPCIS events are made of (EPCIS 2.0 §7.3, §7.4, and its JSON binding §10), one check a kind.

A check looks at one value and adds what is wrong with it; it never raises. Lists and objects are put together from
checks by `array` and `record`, and the tables of `events` from those.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from msgspec.structs import replace

from schemas.faults import FAULTS_MAX, Fault, Severity, fault
from schemas.identity import utc_instant
from schemas.place import Place, pointer_of
from schemas.sites import INSTANT
from schemas.translate.epcis.identify import objection
from schemas.translate.epcis.namespaces import Namespaces, is_uri
from schemas.translate.epcis.vocabulary import Vocabulary, look_up


class Look(NamedTuple):
    """What a check needs beside its value: the names in force, and where faults go."""

    names: Namespaces
    faults: list[Fault]

    def wrong(self, code: str, place: Place, found: object, expected: str) -> None:
        self.faults.append(fault(code, pointer_of(place), found, expected))

    @property
    def full(self) -> bool:
        return len(self.faults) > FAULTS_MAX


Check = Callable[[Any, Place, Look], None]
_BLANK = re.compile(r"_:\w[\w.-]*")


def text(value: Any, place: Place, look: Look) -> None:
    if not isinstance(value, str):
        look.wrong("TYPE_WRONG", place, value, "string")


def number(value: Any, place: Place, look: Look) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        look.wrong("TYPE_WRONG", place, value, "number")


def boolean(value: Any, place: Place, look: Look) -> None:
    if not isinstance(value, bool):
        look.wrong("TYPE_WRONG", place, value, "boolean")


def instant(value: Any, place: Place, look: Look) -> None:
    """xsd:dateTimeStamp: the offset is not optional (EPCIS 2.0 §7.4.1)."""
    if not isinstance(value, str) or utc_instant(value) is None:
        look.wrong("TIME_INVALID" if isinstance(value, str) else "TYPE_WRONG", place, value, INSTANT)


def matching(pattern: str, expected: str) -> Check:
    """A text of a form."""
    fits = re.compile(pattern, re.ASCII).fullmatch

    def check(value: Any, place: Place, look: Look) -> None:
        if not isinstance(value, str):
            look.wrong("TYPE_WRONG", place, value, "string")
        elif not fits(value):
            look.wrong("VALUE_MALFORMED", place, value, expected)

    return check


OFFSET = matching(r"[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00)", "an offset from -14:00 to +14:00, such as +02:00")
UNIT = matching(r"[A-Z0-9]{2,3}", "a unit code of UNECE Recommendation 20, such as KGM")
HEXADECIMAL = matching(r"[0-9A-Fa-f]+", "hexadecimal digits")
VERSION = matching(r"2(?:\.[0-9]+)*", "2.0")
ACTIONS = ("ADD", "OBSERVE", "DELETE")


def action(value: Any, place: Place, look: Look) -> None:
    if value not in ACTIONS:
        look.wrong("VALUE_NOT_ALLOWED", place, value, "ADD, OBSERVE or DELETE")


def uri(value: Any, place: Place, look: Look) -> None:
    if not isinstance(value, str):
        look.wrong("TYPE_WRONG", place, value, "string")
    elif not is_uri(value):
        look.wrong("VALUE_MALFORMED", place, value, "a URI")


def node(value: Any, place: Place, look: Look) -> None:
    """What names a document: a URI, or a blank node (JSON-LD 1.1 §4.5.1), as many documents have it (`_:document1`)."""
    if not (isinstance(value, str) and _BLANK.fullmatch(value)):
        uri(value, place, look)


def epc(value: Any, place: Place, look: Look) -> None:
    """One object: an EPC, a Digital Link, or a URI of somebody's own (CBV 2.0 §8.2)."""
    _identifier(value, place, look, instance=True)


def epc_class(value: Any, place: Place, look: Look) -> None:
    """A class of objects: an EPC class or pattern, a Digital Link, or a URI of somebody's own (CBV 2.0 §8.3)."""
    _identifier(value, place, look, instance=False)


def _identifier(value: Any, place: Place, look: Look, *, instance: bool) -> None:
    if not isinstance(value, str):
        look.wrong("TYPE_WRONG", place, value, "string")
    elif not is_uri(value):
        look.wrong("VALUE_MALFORMED", place, value, "a URI, such as an EPC or a GS1 Digital Link")
    elif (expected := objection(look.names.expanded(value), instance=instance)) is not None:
        look.wrong("IDENTIFIER_MALFORMED", place, value, expected)


def word(vocabulary: Vocabulary) -> Check:
    known = vocabulary.words

    def check(value: Any, place: Place, look: Look) -> None:
        if not (isinstance(value, str) and value in known):
            look_up(vocabulary, value, place, look.names, look.faults)

    return check


def array(each: Check, *, least: int = 0, once: bool = False) -> Check:
    """An array whose entries pass `each`; `once`: none stands in it twice."""

    def check(value: Any, place: Place, look: Look) -> None:
        if not isinstance(value, list):
            look.wrong("TYPE_WRONG", place, value, "array")
            return
        if len(value) < least:
            look.wrong("COUNT_RANGE", place, f"{len(value)} entries", f"at least {least}")
        for index, entry in enumerate(value):
            if look.full:
                return
            each(entry, (place, index), look)
        if once:
            _no_repeats(value, place, look)

    return check


def _no_repeats(value: list[Any], place: Place, look: Look) -> None:
    texts = [entry for entry in value if isinstance(entry, str)]
    if len(set(texts)) == len(texts):
        return
    seen: set[str] = set()
    for index, entry in enumerate(value):
        if not isinstance(entry, str):
            continue
        if entry in seen:
            look.wrong("VALUE_INVALID", (place, index), entry, "each identifier once")
        seen.add(entry)


def one_or_more(each: Check) -> Check:
    """One entry by itself, or an array of them."""
    several = array(each)

    def check(value: Any, place: Place, look: Look) -> None:
        (several if isinstance(value, list) else each)(value, place, look)

    return check


def record(
    members: Mapping[str, Check],
    *,
    required: tuple[str, ...] = (),
    extensible: bool = True,
    further: Check | None = None,
) -> Check:
    """An object with these members; others only where it is `extensible`, and then with a namespace."""

    def check(value: Any, place: Place, look: Look) -> None:
        if not isinstance(value, dict):
            look.wrong("TYPE_WRONG", place, value, "object")
            return
        missing(value, required, place, look)
        for name, inner in value.items():
            if (member := members.get(name)) is not None:
                member(inner, (place, name), look)
            elif extensible:
                extension(name, inner, place, look)
            else:
                look.wrong("VALUE_INVALID", (place, name), inner, f"no member but {', '.join(members)}")
        if further is not None:
            further(value, place, look)

    return check


def missing(value: Mapping[str, Any], required: tuple[str, ...], place: Place, look: Look) -> None:
    for name in required:
        if name not in value:
            look.wrong("MEMBER_MISSING", (place, name), "nothing", name)


def extension(name: str, value: object, place: Place, look: Look) -> None:
    """A member beyond the standard has a namespace (EPCIS 2.0 §9.1); where a context could not be read, who knows."""
    if look.names.declares(name) or look.full:
        return
    wrong = fault("NAMESPACE_MISSING", pointer_of((place, name)), value, "a name with a prefix of @context")
    look.faults.append(replace(wrong, severity=Severity.WARNING) if look.names.unknown else wrong)


def extensions(value: Any, place: Place, look: Look) -> None:
    """An object that holds extensions only, such as `ilmd`."""
    if not isinstance(value, dict):
        look.wrong("TYPE_WRONG", place, value, "object")
        return
    for name, inner in value.items():
        extension(name, inner, place, look)


def anything(value: Any, place: Place, look: Look) -> None:
    """Not looked at."""


def quantity(value: dict[str, Any], place: Place, look: Look) -> None:
    """EPCIS 2.0 §7.3.3.3: above zero, whole pieces without a unit, and no unit without a quantity."""
    if "quantity" not in value:
        if "uom" in value:
            look.wrong("MEMBER_MISSING", (place, "quantity"), "nothing", "quantity, in the unit of uom")
        return
    amount = value["quantity"]
    if isinstance(amount, bool) or not isinstance(amount, int | float):
        return
    if amount <= 0:
        look.wrong("VALUE_RANGE", (place, "quantity"), amount, "more than 0")
    elif "uom" not in value and amount != int(amount):
        look.wrong("VALUE_INVALID", (place, "quantity"), amount, "a whole number of pieces, or uom beside it")
