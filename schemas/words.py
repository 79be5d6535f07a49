"""What faults and refusals say, in French: gettext in small.

Code and schemas speak English. A table of texts, and of templates in which `{}` stands for whatever was put in, gives
each its French when it is rendered; `french.json` beside this file is the table of this package. A test walks every
schema and every fault of the suite and fails for a text that has none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib import resources

import orjson

from schemas.faults import EXPECTED_CHARACTERS_MAX, FAULTS, Fault, FaultText, cut

LANGUAGES = ("en", "fr")

_NAME = re.compile(r"[^ ]*[^a-z ][^ ]*")
"""A member, code or number is the same in all languages."""
_COLUMN = re.compile(r" \([a-z][a-z0-9_.]*\)$", re.ASCII)
"""Behind a column's label stands its name."""
_HOLE = re.compile(r"\{(\d?)(?:\|(\w+))?\}")
"""In the French of a template: what was put in, or that of this number; of `{1|role}` each is said as `role: …`."""
_FOUND_HOLE = re.compile(r"\d+|'.*'|\".*\"")


class Words:
    """Tables of English texts and templates with their French, the later ones beside the earlier."""

    def __init__(self, *tables: Mapping[str, str]) -> None:
        self._texts = {english: french for table in tables for english, french in table.items()}
        templates = [english for english in self._texts if "{}" in english]
        # The template that says most itself is the one that was meant.
        templates.sort(key=lambda each: len(each) - 2 * each.count("{}"), reverse=True)
        self._templates = [(_pattern(each), self._texts[each]) for each in templates]
        self.french = lru_cache(4_096)(self._french)

    def said(self, text: str, language: str) -> str:
        """The text in the language asked for; in English where there is no French."""
        return (self.french(text) or text) if language == "fr" else text

    def fault(self, fault: Fault, language: str, texts: Mapping[str, FaultText] = FAULTS) -> dict[str, str]:
        """A fault as it is answered (`formats/problem.md`): with its text and, where one is obvious, a fix."""
        text = texts[fault.code]
        document = {
            "code": fault.code,
            "place": fault.place,
            "found": found(fault.found, language),
            "expected": cut(self.said(fault.expected, language), EXPECTED_CHARACTERS_MAX),
            "severity": fault.severity.value,
            "text": text.fr if language == "fr" else text.en,
        }
        return document | {"fix": self.said(text.fix, language)} if text.fix else document

    def _french(self, text: str) -> str | None:
        """The French of a text: its own, that of the two halves around a colon, or that of a template it was made from.

        None where there is none. What was put into a template is put into the French one, in French where it has one.
        """
        if (whole := self._texts.get(text)) is not None or _NAME.fullmatch(text):
            return whole or text
        if (columns := _columns(text)) is not None:
            return columns
        head, colon, tail = text.partition(": ")
        while colon:
            described = self._texts.get(tail) or self._made(tail)
            if described is not None and (asked := self.french(head)) is not None:
                return f"{asked} : {described}"
            more, colon, tail = tail.partition(": ")
            head = f"{head}: {more}"
        return self._made(text)

    def _made(self, text: str) -> str | None:
        for pattern, french in self._templates:
            if (match := pattern.fullmatch(text)) is not None:
                return self._filled(french, match.groups())
        return None

    def _filled(self, french: str, holes: tuple[str, ...]) -> str:
        count = iter(range(len(holes)))

        def hole(match: re.Match[str]) -> str:
            text = holes[int(match[1]) if match[1] else next(count)]
            if match[2]:
                return ", ".join(self._texts.get(f"{match[2]}: {each}", each) for each in text.split(", "))
            return self._texts.get(text) or _columns(text) or text

        return _HOLE.sub(hole, french)


def _columns(text: str) -> str | None:
    """The French of one or more columns of a table; None where the text names none."""
    if _COLUMN.search(text) is None:
        return None
    # Here, for the tables speak through this module; and only who is told of a column waits for the catalogue.
    from schemas.translate.tabular.labels import french_columns

    french = [french_columns().get(each) for each in text.split(" or ")]
    return " ou ".join(filter(None, french)) if all(french) else None


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile("(.*?)".join(map(re.escape, template.split("{}"))), re.DOTALL)


def found(text: str, language: str) -> str:
    """What was found, in the language asked for where the words are the hub's own: a closed list, the section `found`.

    All else is the sender's own value, and is shown as it was sent.
    """
    if language != "fr" or "{" in text:
        return text
    french = _finds().get(_FOUND_HOLE.sub("{}", text))
    return text if french is None else french.format(*_FOUND_HOLE.findall(text))


@cache
def _finds() -> dict[str, str]:
    return _sections("schemas")["found"]


def _sections(package: str) -> dict[str, dict[str, str]]:
    sections: dict[str, dict[str, str]] = orjson.loads(resources.files(package).joinpath("french.json").read_bytes())
    return sections


def table(package: str) -> dict[str, str]:
    """The `french.json` of a package: sections of texts, laid together; not what was found, which stands by itself."""
    named = _sections(package).items()
    return {english: french for name, section in named if name != "found" for english, french in section.items()}


@cache
def words() -> Words:
    """The words of the schemas and of the faults."""
    return Words(table("schemas"))
