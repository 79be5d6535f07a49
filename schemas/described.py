"""What a type asks for, as rows that a person reads: one for each member, in the order of the schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from schemas.compile import Schema
from schemas.vocabularies import Word
from schemas.vocabularies import words as vocabulary
from schemas.words import words


class Member(Struct, frozen=True):
    path: str
    """Names joined by dots; `[]` behind that of a list."""
    asked: bool
    """Whether it must be there wherever what it lies in is."""
    form: str
    description: str
    personal: bool = False
    pattern: str = ""
    closed: bool = False
    """Only the words below are taken; else they are those that are known."""
    words: Mapping[str, Word] = {}
    one_of: tuple[str, ...] = ()
    """Groups of names of which at least one must be there."""


def members(flat: Schema, language: str) -> list[Member]:
    """The members of a flattened schema; an identifier's two halves are not told each time."""
    return list(_members(flat, "", language))


def _members(flat: Schema, path: str, language: str) -> Iterator[Member]:
    for name, member in flat.get("properties", {}).items():
        at = f"{path}.{name}" if path else name
        yield _member(member, at, language, asked=name in flat.get("required", ()))
        inner = member
        while "items" in inner:
            inner, at = inner["items"], f"{at}[]"
        if not inner.get("x-identifier"):
            yield from _members(inner, at, language)


def _member(flat: Schema, path: str, language: str, *, asked: bool) -> Member:
    inner = flat.get("items", flat)
    named = flat.get("x-vocabulary", "")
    return Member(
        path,
        asked,
        form_of(flat, language),
        words().said(flat.get("description", ""), language),
        bool(flat.get("x-personal")),
        flat.get("pattern", ""),
        "enum" in flat or "const" in flat,
        vocabulary(named) if named and "const" not in flat else {},
        tuple(" + ".join(each["required"]) for each in inner.get("anyOf", ())),
    )


_SAID = {
    "en": {
        "string": "text", "number": "number", "integer": "whole number", "boolean": "true or false", "object": "object",
        "array": "list of {}", "identifier": "identifier: scheme and value", "date-time": "date and time with offset",
        "uri-reference": "URI reference", "characters": "characters", "const": "always {}", "enum": "one of {}",
        "any": "anything",
    },
    "fr": {
        "string": "texte", "number": "nombre", "integer": "nombre entier", "boolean": "true ou false",
        "object": "objet", "array": "liste de {}", "identifier": "identifiant : schéma et valeur",
        "date-time": "date et heure avec décalage", "uri-reference": "référence d'URI", "characters": "caractères",
        "const": "toujours {}", "enum": "l'une de {} valeurs", "any": "n'importe quoi",
    },
}  # fmt: skip


def form_of(flat: Schema, language: str) -> str:
    """The JSON type and the bounds of a member, in words."""
    said = _SAID[language]
    if "const" in flat:
        return said["const"].format(flat["const"])
    if "enum" in flat:
        return said["enum"].format(len(flat["enum"]) if language == "fr" else f"{len(flat['enum'])} words")
    if flat.get("x-identifier"):
        return said["identifier"]
    if "items" in flat:
        return f"{_range(flat, 'minItems', 'maxItems')} · {said['array'].format(form_of(flat['items'], language))}"
    kind = flat.get("format") or flat.get("type", "any")
    bounds = _range(flat, "minLength", "maxLength")
    if bounds and "format" not in flat:
        return f"{said.get(kind, kind)}, {bounds} {said['characters']}"
    return ", ".join(filter(None, (said.get(kind, str(kind)), _limits(flat))))


def _range(flat: Schema, least: str, most: str) -> str:
    if most in flat:
        return f"{flat.get(least, 0)}–{flat[most]}"
    return f"≥ {flat[least]}" if least in flat else ""


_LIMITS = {"exclusiveMinimum": ">", "minimum": "≥", "exclusiveMaximum": "<", "maximum": "≤"}


def _limits(flat: Schema) -> str:
    return ", ".join(f"{sign} {flat[keyword]}" for keyword, sign in _LIMITS.items() if keyword in flat)
