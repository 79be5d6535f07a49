"""Whether a schema may be published as the next version of its type: its form, and what its version number promises.

The form is what the rest of the package relies on: only keywords that the hub reads, every member described in both
languages, every array bounded, patterns that run in linear time, marks and words that the tables have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from schemas.catalogue import Catalogue, EventType, catalogue, data_members, drafted
from schemas.compat import Answer, Comparison, asked, compare
from schemas.compile import Schema
from schemas.faults import pointer
from schemas.identifiers import PATTERNS
from schemas.vocabularies import words as vocabulary
from schemas.words import words


class Finding(Struct, frozen=True):
    """Why a schema may not be published: a JSON Pointer into the flattened schema, and what is in the way there."""

    code: str
    place: str
    detail: str = ""

    def said(self, language: str) -> str:
        return TEXTS[self.code][1 if language == "fr" else 0].format(self.detail)


class Judgement(Struct, frozen=True):
    """What is in the way; and how the schema compares with `before`, the version that it would follow."""

    findings: tuple[Finding, ...]
    before: EventType | None = None
    comparison: Comparison | None = None

    @property
    def lawful(self) -> bool:
        return not self.findings


TEXTS = {
    "NOT_A_SCHEMA": ("it cannot be used: {}", "il est inutilisable : {}"),
    "ID_WRONG": ("$id must be {}", "$id doit être {}"),
    "EDITED": (
        "a published version is never edited, except for words: give the change a version of its own",
        "une version publiée ne change plus, sauf ses textes : donnez au changement sa propre version",
    ),
    "MINOR_NOT_COMPATIBLE": (
        "a minor version must take all that the one before takes, and whether it does is answered: {}",
        "une version mineure doit accepter tout ce qu'accepte la précédente, et la réponse est : {}",
    ),
    "ENVELOPE": ("it must refer to {}", "il doit se référer à {}"),
    "KEYWORD_UNUSED": ("the hub does not read the keyword {}", "le hub ne lit pas le mot-clé {}"),
    "ANY_OF": ("anyOf is for members of which one must be there: [{{required}}, …]",
               "anyOf sert aux membres dont l'un doit être présent : [{{required}}, …]"),
    "NOT_DESCRIBED": ("the member has no description", "le membre n'a pas de description"),
    "NO_FRENCH": ("french.json does not have the text: {}", "french.json n'a pas le texte : {}"),
    "NOT_BOUNDED": ("the array has no maxItems", "le tableau n'a pas de maxItems"),
    "NOT_NAMED": ("{} is not in the naming table", "{} n'est pas dans la table des noms"),
    "SCHEME_PATTERN": ("the pattern must be that of the scheme: {}", "le motif doit être celui du schéma : {}"),
    "VOCABULARY": ("the closed list must be the words of vocabularies/{}.json",
                   "la liste fermée doit être les mots de vocabularies/{}.json"),
}  # fmt: skip
"""What each code says, in English and in French."""

KEYWORDS = frozenset({
    "$id", "$schema", "title", "description", "type", "const", "enum", "pattern", "format", "minLength", "maxLength",
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minItems", "maxItems", "items", "properties",
    "required", "anyOf", "x-identifier", "x-scheme", "x-personal", "x-vocabulary",
})  # fmt: skip
"""What validators, faults and the visits of identifiers understand."""
ENVELOPE = "urn:customs-hub:schema:envelope:1.0"
_ID = re.compile(r"urn:customs-hub:schema:(customs\.[a-z_]+\.[a-z_]+):(0|[1-9][0-9]{0,3})\.(0|[1-9][0-9]{0,3})")


def judge(schema: Any, known: Catalogue | None = None) -> Judgement:
    """Judge a schema as it would lie in `events/<type>/`. Raises nothing."""
    known = known or catalogue()
    try:
        kind = drafted(schema)
    except ValueError as e:
        return Judgement((Finding("NOT_A_SCHEMA", "", str(e).splitlines()[0][:200]),))
    findings = [*_envelope(schema), *_form(kind.schema.flat, "")]
    data = kind.schema.flat["properties"]["data"]["properties"]
    findings += [
        Finding("NOT_NAMED", f"/properties/data/properties/{name}", name) for name in data.keys() - data_members()
    ]
    before, comparison = None, None
    match = _ID.fullmatch(kind.dataschema)
    if match is None or match[1] != kind.name:
        findings.append(Finding("ID_WRONG", "/$id", f"urn:customs-hub:schema:{kind.name}:<major>.<minor>"))
    else:
        before = before_of(kind, known)
        comparison = compare(before.schema.flat, kind.schema.flat) if before else None
        findings += _version(kind, before, comparison, known)
    return Judgement(tuple(findings), before, comparison)


def _envelope(schema: Schema) -> Iterator[Finding]:
    """A type refines the envelope, and its data the envelope's: what every reader of events stands on."""
    for place, part, wanted in (
        ("/$ref", schema, ENVELOPE),
        ("/$defs/data/$ref", schema.get("$defs", {}).get("data", {}), f"{ENVELOPE}#/$defs/data"),
        ("/properties/data/$ref", schema["properties"]["data"], "#/$defs/data"),
    ):
        if part.get("$ref") != wanted:
            yield Finding("ENVELOPE", place, wanted)


def before_of(kind: EventType, known: Catalogue) -> EventType | None:
    """The published version that a version is compared with: itself, else the newest below it."""
    number = version_number(kind.dataschema)
    versions = [each for each in known.types if each.name == kind.name and version_number(each.dataschema) <= number]
    return max(versions, key=lambda each: version_number(each.dataschema), default=None)


def version_number(dataschema: str) -> tuple[int, int]:
    """Major and minor."""
    major, _, minor = dataschema.rpartition(":")[2].partition(".")
    return int(major), int(minor)


def _version(
    kind: EventType, before: EventType | None, comparison: Comparison | None, known: Catalogue
) -> Iterator[Finding]:
    """What the number promises: the next minor one takes all that was taken, the next major one need not."""
    if before is not None and before.dataschema == kind.dataschema:
        if asked(before.schema.flat) != asked(kind.schema.flat):
            yield Finding("EDITED", "/$id")
        return
    numbers = [version_number(each.dataschema) for each in known.types if each.name == kind.name]
    major, minor = max(numbers, default=(0, 0))
    if version_number(kind.dataschema) not in ((major, minor + 1), (major + 1, 0)) or (not numbers and minor):
        stem = f"urn:customs-hub:schema:{kind.name}:"
        lawful = [f"{stem}{major}.{minor + 1}"] if numbers else []
        yield Finding("ID_WRONG", "/$id", " or ".join([*lawful, f"{stem}{major + 1}.0"]))
    elif comparison is not None and version_number(kind.dataschema)[0] == major and comparison.answer is not Answer.YES:
        yield Finding("MINOR_NOT_COMPATIBLE", "/$id", comparison.answer.value)


def _form(flat: Schema, place: str) -> Iterator[Finding]:
    """What is in the way of one place, and of all places in it."""
    yield from (Finding("KEYWORD_UNUSED", place + pointer(name), name) for name in flat.keys() - KEYWORDS)
    yield from _words(flat, place)
    if any(each.keys() != {"required"} for each in flat.get("anyOf", ())):
        yield Finding("ANY_OF", f"{place}/anyOf")
    if flat.get("type") == "array" and not ("maxItems" in flat and "items" in flat):
        yield Finding("NOT_BOUNDED", place)
    yield from _tables(flat, place)
    for name, member in flat.get("properties", {}).items():
        yield from _form(member, place + pointer("properties", name))
    if "items" in flat:
        yield from _form(flat["items"], f"{place}/items")


def _words(flat: Schema, place: str) -> Iterator[Finding]:
    if place and not flat.get("description"):
        yield Finding("NOT_DESCRIBED", place)
    for text in (flat.get("title"), flat.get("description")):
        if text and words().french(str(text)) is None:
            yield Finding("NO_FRENCH", place, str(text))


def _tables(flat: Schema, place: str) -> Iterator[Finding]:
    """Schemes and vocabularies: they exist, and say the same as the schema."""
    if "x-scheme" in flat:
        pattern = f"^{PATTERNS[flat['x-scheme']]}$"
        if flat.get("pattern") != pattern:
            yield Finding("SCHEME_PATTERN", f"{place}/pattern", pattern)
    if "enum" in flat or "x-vocabulary" in flat:
        name = str(flat.get("x-vocabulary", ""))
        try:
            listed = list(vocabulary(name)) if name else None
        except FileNotFoundError:
            listed = None
        if listed is None or ("enum" in flat and listed != flat["enum"]):
            yield Finding("VOCABULARY", f"{place}/enum", name or "…")
