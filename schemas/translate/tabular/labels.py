"""What columns and event types are called in English and French, and which header a person may have meant.

The words are data: `labels.json`. A header is compared without case, accents, blanks, punctuation and marks such as `*`
or `(required)`; so are the names of event types and the allowed values.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from importlib import resources
from typing import Any, Literal

import orjson

from schemas.catalogue import EventType, catalogue
from schemas.translate.tabular.columns import Column, Form, columns_of
from schemas.vocabularies import words as vocabulary

Language = Literal["en", "fr"]

HEADER_CHARACTERS_MAX = 120
_MARKS = re.compile(r"\((?:required|mandatory|optional|obligatoire|requis|facultatif|optionnel)\)", re.IGNORECASE)
WORDS: Mapping[str, Any] = orjson.loads(
    resources.files("schemas.translate.tabular").joinpath("labels.json").read_bytes()
)
_SILENT = frozenset({"means", "identifier", "identifiers", "subjects", "references"})
"""Members whose name a label leaves out: the identifier's own says enough."""


@lru_cache(maxsize=4_096)
def key(text: str) -> str:
    """A header, type or value as it is compared: lower-case letters and digits without accents."""
    bare = unicodedata.normalize("NFKD", _MARKS.sub("", text[:HEADER_CHARACTERS_MAX]))
    return "".join(each for each in bare.casefold() if each.isalnum())


def label(column: Column, lang: Language) -> str:
    """What a person calls the column: `Place: UN/LOCODE`, `Lieu : UN/LOCODE`."""
    place = 0 if lang == "en" else 1
    if not column.path or column.path == ("id",):
        return str(WORDS["columns"][column.name][place])
    if column.form is Form.MEMBER:
        *groups, last = column.path[1:]
        dotted = ".".join(str(each) for each in column.path[1:] if isinstance(each, str))
        own = longest(WORDS["members"], dotted, str(last))[place]
    else:
        groups, own = list(column.path[1:]), _scheme_words(column)[place]
    group = _group(groups, place)
    if not group:
        return str(own)
    own = own if own[1:2].isupper() else own[:1].lower() + own[1:]
    return f"{group}: {own}" if lang == "en" else f"{group} : {own}"


@cache
def french_columns() -> Mapping[str, str]:
    """What faults call a column in English, its label and name, and what they call it in French."""
    columns = {column for event_type in catalogue().types for column in columns_of(event_type)}
    return {f"{label(each, 'en')} ({each.name})": f"{label(each, 'fr')} ({each.name})" for each in columns}


def _scheme_words(column: Column) -> list[str]:
    name = str(column.scheme)
    return list(WORDS["schemes"].get(name, [name, name]))


def _group(path: list[str | int], place: int) -> str:
    """The label of what holds the member: of the innermost that has one, with its slot."""
    names = [each for each in path if isinstance(each, str) and each not in _SILENT]
    if not names:
        return ""
    slot = next((each + 1 for each in reversed(path) if isinstance(each, int)), "")
    words: str = longest(WORDS["groups"], ".".join(names), names[-1])[place]
    return words.replace("{n}", str(slot))


def longest(words: Mapping[str, Any], dotted: str, last: str) -> Any:
    """The words of a dotted name, else of its last name alone."""
    return words.get(dotted) or words[last]


def type_label(name: str, lang: Language) -> str:
    return str(WORDS["types"][name][0 if lang == "en" else 1])


def sheet_name(name: str) -> str:
    """A type's name as a sheet can have it: at most 31 characters."""
    return name.removeprefix("customs.")


@cache
def choices_of(column: Column) -> Mapping[str, str]:
    """Every way to say an allowed value, as it is compared, and the value: its code, its words, what people write."""
    found = {key(code): code for code in column.choices}
    also: Mapping[str, list[str]] = WORDS["choices"].get(column.vocabulary, {})
    for code in column.choices:
        for text in (choice_word(column, code, "en"), choice_word(column, code, "fr"), *also.get(code, ())):
            found.setdefault(key(text), code)
    return found


def choice_word(column: Column, code: str, lang: Language) -> str:
    """What an allowed value means, in a few words; empty where there are none."""
    known = vocabulary(column.vocabulary).get(code) if column.vocabulary else None
    return "" if known is None else known.en if lang == "en" else known.fr


@cache
def _types() -> Mapping[str, str]:
    names: dict[str, str] = {}
    for event_type in catalogue().types:
        name = event_type.name
        for text in (name, sheet_name(name), *WORDS["types"][name]):
            names.setdefault(key(text), name)
    return names


def type_named(text: str) -> str | None:
    """The event type that a cell or a sheet names, in English, French or as the naming table has it."""
    return _types().get(key(text))


def type_names() -> Mapping[str, str]:
    """Every way to name a type, as it is compared, and the type."""
    return _types()


@cache
def headers_of(event_type: EventType) -> Mapping[str, Column]:
    """Every header that is understood for a type, as it is compared, and its column; the stricter name comes first."""
    columns = columns_of(event_type)
    found: dict[str, Column] = {}
    for words in (_names, _labels, _aliases, _last_names):
        for text, column in words(columns):
            found.setdefault(key(text), column)
    return found


def _names(columns: tuple[Column, ...]) -> Iterator[tuple[str, Column]]:
    for column in columns:
        yield column.name, column


def _labels(columns: tuple[Column, ...]) -> Iterator[tuple[str, Column]]:
    """Of what a template does not show, only what cannot be taken for another column."""
    for column in sorted(columns, key=lambda each: not each.shown):
        if column.shown or column.path[1:] not in _WHOLE:
            yield label(column, "en"), column
            yield label(column, "fr"), column


_WHOLE = (("subjects",), ("references",))
"""What identifiers of any scheme stand in: `GLN` alone may be that of a place as well."""


def _aliases(columns: tuple[Column, ...]) -> Iterator[tuple[str, Column]]:
    """What else people write; of an identifier its own name alone, where it is not that of a party or of goods."""
    for column in columns:
        if not column.shown:
            continue
        yield from ((text, column) for text in WORDS["aliases"].get(column.name, ()))
        if column.path[1:] in _WHOLE or column.path[-1:] == ("means",):
            texts = (*WORDS["aliases"].get(column.scheme, ()), *_scheme_words(column))
            yield from ((text, column) for text in texts)


def _last_names(columns: tuple[Column, ...]) -> Iterator[tuple[str, Column]]:
    """A member's last name alone, where only one shown column has it."""
    last: dict[str, list[Column]] = {}
    for column in columns:
        if column.shown:
            last.setdefault(column.name.rpartition(".")[2], []).append(column)
    return ((name, those[0]) for name, those in last.items() if len(those) == 1)
