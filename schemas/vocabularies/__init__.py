"""Vocabularies: lists of words that members of an event are taken from, each with its text in English and French.

They are facts of the standards that each file names, in words of our own; closed lists are bound to the schemas' `enum`
by a test, open ones help to explain a code that a partner sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources

import msgspec
from msgspec import Struct


class Word(Struct, frozen=True, forbid_unknown_fields=True):
    """What a code means, as a person reads it."""

    en: str
    fr: str


class _Vocabulary(Struct, frozen=True, forbid_unknown_fields=True):
    about: str
    standard: str
    words: dict[str, Word]


@cache
def words(name: str) -> Mapping[str, Word]:
    """The words of one vocabulary by code, in the order of its file. Raises `FileNotFoundError` for one that is not."""
    raw = resources.files("schemas").joinpath("vocabularies", f"{name}.json").read_bytes()
    return msgspec.json.decode(raw, type=_Vocabulary).words
