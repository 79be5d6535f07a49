"""Whether a new version of an event type's schema takes every event that an older one took: yes, no, or unknown.

What is promised: after YES, an event that `rules.check` found no error in under the old version has none under the new
one, unless it carried a member that the old version did not name, and the new one does. Such a member was warned about
(`MEMBER_UNKNOWN`) when it was sent; each is told as a remark, and a rehearsal counts who sends it.

Theory of operation. Two flattened schemas are walked side by side. A schema is the conjunction of its keywords, so each
keyword of the new one is asked alone whether it covers all that the old one takes there: the library says yes only
where it can prove it. Keywords that bear upon each other are asked together. Marks that the hub reads and JSON Schema
does not (`x-…`, times that no clock counts) are compared here. In the end the whole is asked once more: where the two
ways of asking differ, nothing is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from jsonschema_rs import CanonicalSchema, canonical, canonicalize
from msgspec import Struct

from schemas.compile import PATTERNS, Schema
from schemas.faults import pointer
from schemas.identifiers import SCHEMES
from schemas.probes import refused


class Answer(StrEnum):
    YES = "yes"
    UNKNOWN = "unknown"
    NO = "no"


class Reason(Struct, frozen=True):
    """One difference: where in the flattened schema (JSON Pointer; of what is gone, in the old one), and what of it."""

    code: str
    place: str

    @property
    def answer(self) -> Answer:
        return TEXTS[self.code][0]

    def said(self, language: str) -> str:
        return TEXTS[self.code][2 if language == "fr" else 1]


class Comparison(Struct, frozen=True):
    """The answer; why it is not YES; and what should be known even if it is."""

    answer: Answer
    reasons: tuple[Reason, ...] = ()
    remarks: tuple[Reason, ...] = ()


TEXTS = {
    "NARROWER": (Answer.NO, "it refuses what was taken before", "refuse ce qui était accepté"),
    "NOT_TOLD": (
        Answer.UNKNOWN,
        "whether all that was taken before is still taken cannot be told",
        "impossible de dire si tout ce qui était accepté l'est encore",
    ),
    "CHECK_ADDED": (
        Answer.NO,
        "a check that was not made before can refuse what was taken",
        "un contrôle qui n'était pas fait peut refuser ce qui était accepté",
    ),
    "WARNING_ADDED": (
        Answer.UNKNOWN,
        "a check that was not made before warns, and refuses where warnings are raised to errors",
        "un contrôle qui n'était pas fait avertit, et refuse là où les avertissements valent erreurs",
    ),
    "NO_LONGER_PERSONAL": (
        Answer.NO,
        "what was masked as personal would be shown",
        "ce qui était masqué comme personnel serait montré",
    ),
    "MEMBER_NEW": (
        Answer.YES,
        "a new member: who sent one of this name before, with a warning, is held to it now",
        "membre nouveau : qui en envoyait un de ce nom, avec un avertissement, doit désormais s'y tenir",
    ),
    "MEMBER_GONE": (
        Answer.YES,
        "the member is no longer named: it is taken, unchecked and with a warning",
        "le membre n'est plus nommé : il est accepté, sans contrôle et avec un avertissement",
    ),
}  # fmt: skip
"""What each code answers by itself, in English, in French."""

ANNOTATIONS = frozenset(
    {"title", "description", "$comment", "examples", "default", "deprecated", "$id", "$schema", "$defs", "x-vocabulary"}
)
"""What refuses nothing."""
MARKS = frozenset({"x-identifier", "x-scheme", "x-personal"})
_ALONE = frozenset({
    "type", "enum", "const", "pattern", "format", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "multipleOf", "minItems", "maxItems", "uniqueItems", "required", "minProperties",
    "maxProperties", "anyOf",
})  # fmt: skip
"""Keywords whose meaning does not hang on any other keyword beside them."""
_WALKED = frozenset({"properties", "items"})


def compare(old: Schema, new: Schema) -> Comparison:
    """Compare two flattened schemas (`Compiled.flat`). Raises nothing: what cannot be read is unknown."""
    found = [*_marks(old, new, "", personal=False), *_node(old, new, "")]
    reasons = tuple({each.place: each for each in reversed(found) if each.answer is not Answer.YES}.values())[::-1]
    remarks = tuple(each for each in found if each.answer is Answer.YES)
    if not reasons and _covers(new, _known(old, new)) is Answer.NO:
        reasons = (Reason("NOT_TOLD", ""),)
    answer = max((each.answer for each in reasons), key=list(Answer).index, default=Answer.YES)
    return Comparison(answer, reasons, remarks)


def asked(flat: Schema) -> Schema:
    """A flattened schema without its words: what it asks for."""
    kept = {name: inner for name, inner in flat.items() if name not in ANNOTATIONS}
    if "properties" in flat:
        kept["properties"] = {name: asked(member) for name, member in flat["properties"].items()}
    if "items" in flat:
        kept["items"] = asked(flat["items"])
    return kept


def _node(old: Schema, new: Schema, place: str) -> Iterator[Reason]:
    """What the keywords of one place, and of all places under it, refuse that was taken before."""
    if asked(old) == asked(new):
        return
    mixed = (old.keys() | new.keys()) - _ALONE - _WALKED - ANNOTATIONS - MARKS
    if mixed:
        yield from _told(_covers(new, _known(old, new)), place)
        return
    for keyword, value in new.items():
        if keyword in _ALONE and old.get(keyword) != value:
            yield from _told(_asks(keyword, value, old, new), place + pointer(keyword))
    yield from _members(old, new, place)
    if "items" in new:
        yield from _node(old.get("items", {}), new["items"], f"{place}/items")


def _members(old: Schema, new: Schema, place: str) -> Iterator[Reason]:
    named, members = old.get("properties"), new.get("properties", {})
    for name, member in members.items():
        at = place + pointer("properties", name)
        if named is None:
            yield from _node({}, member, at)  # Anything was taken under this name, and nobody was warned.
        elif name in named:
            yield from _node(named[name], member, at)
        else:
            yield Reason("MEMBER_NEW", at)
    for name in (named or {}).keys() - members.keys():
        yield Reason("MEMBER_GONE", place + pointer("properties", name))


def _told(answer: Answer, place: str) -> Iterator[Reason]:
    if answer is not Answer.YES:
        yield Reason("NARROWER" if answer is Answer.NO else "NOT_TOLD", place)


def _asks(keyword: str, value: Any, old: Schema, new: Schema) -> Answer:
    """Whether one keyword of the new schema takes all that the old one takes: first without what lies inside."""
    alone = {keyword: value}
    outside = {name: inner for name, inner in old.items() if name not in _WALKED}
    if _covers(alone, outside) is Answer.YES:
        return Answer.YES
    return _covers(alone, _known(old, new))


def _known(old: Schema, new: Schema) -> Schema:
    """The old schema of what was sent without a warning, as far as the new one names more: those names are not there.
    An object that names no member takes any without a warning."""
    known = dict(old)
    if "properties" in old:
        members = new.get("properties", {})
        known["properties"] = {
            name: _known(member, members.get(name, {})) for name, member in old["properties"].items()
        }
        known["properties"] |= dict.fromkeys(members.keys() - old["properties"].keys(), _NOTHING)
    if "items" in old:
        known["items"] = _known(old["items"], new.get("items", {}))
    return known


_NOTHING: Schema = {"not": {}}
"""What no value is valid under: a member of it cannot be there."""


def _covers(new: Schema, old: Schema) -> Answer:
    """Whether `new` takes every value that `old` takes, as the library or an example proves it."""
    try:
        contained = _canonical(new).covers(_canonical(old))
        if contained == canonical.Containment.YES:
            return Answer.YES
        return Answer.NO if contained == canonical.Containment.NO or refused(new, old) else Answer.UNKNOWN
    except ValueError:
        return Answer.UNKNOWN


def _canonical(schema: Schema) -> CanonicalSchema:
    return canonicalize(asked(schema), validate_formats=True, offline=True, pattern_options=PATTERNS)


def _marks(old: Schema, new: Schema, place: str, *, personal: bool) -> Iterator[Reason]:
    """Checks that the hub makes beyond the schema, and members that it masks."""
    personal = personal or bool(new.get("x-personal"))
    if old.get("x-personal") and not personal:
        yield Reason("NO_LONGER_PERSONAL", f"{place}/x-personal")
    was, is_ = _check(old), _check(new)
    if is_ is not None and is_ != was:
        yield Reason(_added(is_), f"{place}/{_MARK.get(is_, 'x-scheme')}")
    if is_ != was is not None:
        old = _unchecked(old)  # Under a check, what lies inside was not looked at by itself.
    members = old.get("properties", {})
    for name, member in new.get("properties", {}).items():
        if name in members:
            yield from _marks(members[name], member, place + pointer("properties", name), personal=personal)
    if not personal:
        for name in members.keys() - new.get("properties", {}).keys():
            yield from _lost(members[name], place + pointer("properties", name))
    if "items" in old and "items" in new:
        yield from _marks(old["items"], new["items"], f"{place}/items", personal=personal)
    elif "items" in old and not personal:
        yield from _lost(old["items"], f"{place}/items")


_IDENTIFIER, _TIME = "an identifier", "a time"
_MARK = {_IDENTIFIER: "x-identifier", _TIME: "format"}


def _check(flat: Schema) -> str | None:
    """What `schemas.sites` looks at here: an identifier, a text of a scheme, a time, or nothing."""
    if flat.get("x-identifier"):
        return _IDENTIFIER
    if "x-scheme" in flat:
        return str(flat["x-scheme"])
    return _TIME if flat.get("format") == "date-time" else None


def _added(check: str) -> str:
    """A list of codes only warns. A check digit refuses where the hub is set so; an identifier or a time always may."""
    only_warns = check in SCHEMES and SCHEMES[check].check_digit is None and check != "digital_link"
    return "WARNING_ADDED" if only_warns else "CHECK_ADDED"


def _unchecked(flat: Schema) -> Schema:
    """The schema without the marks of checks, here and inside."""
    kept = {name: inner for name, inner in flat.items() if name not in ("x-identifier", "x-scheme", "format")}
    if "properties" in flat:
        kept["properties"] = {name: _unchecked(member) for name, member in flat["properties"].items()}
    if "items" in flat:
        kept["items"] = _unchecked(flat["items"])
    return kept


def _lost(flat: Schema, place: str) -> Iterator[Reason]:
    """Marks of personal members that went with the member that held them."""
    if flat.get("x-personal"):
        yield Reason("NO_LONGER_PERSONAL", f"{place}/x-personal")
        return
    for name, member in flat.get("properties", {}).items():
        yield from _lost(member, place + pointer("properties", name))
    if "items" in flat:
        yield from _lost(flat["items"], f"{place}/items")
