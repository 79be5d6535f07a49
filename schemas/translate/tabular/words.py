"""What a template says of its columns: meaning, allowed values, an example; and the rules of how to fill it."""

from __future__ import annotations

from schemas.identifiers import SCHEMES
from schemas.translate.tabular.columns import Column, Form, Kind
from schemas.translate.tabular.labels import WORDS, Language, choice_word, label, longest
from schemas.words import words

_NEEDS = {"*": ("required", "obligatoire"), "(*)": ("one of its group is required", "une du groupe est obligatoire")}


def description(column: Column, lang: Language) -> str:
    """What the column means, and whether it must be filled."""
    own = WORDS["descriptions"].get(column.name)
    text = own[0 if lang == "en" else 1] if own else words().said(column.description, lang)
    if column.form in (Form.IDENTIFIER, Form.LISTED):
        text = f"{label(column, lang)}: {example(column)}"
    need = _NEEDS.get(column.need.value)
    return f"{text} ({need[0 if lang == 'en' else 1]})" if need else text


def choice_words(column: Column, lang: Language) -> str:
    """What a cell of the column may hold, where that is a short list."""
    if column.kind is Kind.BOOLEAN:
        return "TRUE, FALSE" if lang == "en" else "VRAI, FAUX"
    named = ((code, choice_word(column, code, lang)) for code in column.choices)
    return ", ".join(f"{code} ({word})" if word else code for code, word in named)


def example(column: Column) -> str:
    """A value that the column takes, as a person types it."""
    if column.choices:
        return column.choices[0]
    if column.kind is Kind.BOOLEAN:
        return "TRUE"
    if column.kind is Kind.INSTANT:
        return str(WORDS["examples"]["occurred_at"])
    if column.scheme is not None:
        return str(WORDS["examples"].get(column.scheme) or SCHEMES[column.scheme].example)
    names = [each for each in column.path[1:] if isinstance(each, str)] or [column.name]
    return str(longest(WORDS["examples"], ".".join(names), names[-1]))


def notes(lang: Language) -> tuple[list[str], list[str]]:
    """The titles of the columns on the notes sheet, and the rules above them."""
    at = 0 if lang == "en" else 1
    return [each[at] for each in WORDS["notes"]["titles"]], [each[at] for each in WORDS["notes"]["rules"]]
