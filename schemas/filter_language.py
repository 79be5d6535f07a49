"""The language of filters: text to conditions, or every fault with its column (`formats/feed.md`).

A recursive descent over tokens. After a fault it goes on behind the condition that has it, so that one look tells all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, NoReturn

import orjson
from msgspec import Struct

TEXT_CHARACTERS_MAX = 4_096
CONDITIONS_MAX = 64
NESTING_MAX = 32
POINTER_TOKENS_MAX = 8
"""An array may stand at each token, and each such place doubles the schema."""

NAMED = (
    "type", "subject", "place", "country", "hs", "mode", "time_kind", "partner", "tier", "aeo", "warnings",
)  # fmt: skip
NUMERIC = ("<", "<=", ">", ">=")
OPERATORS = ("=", "!=", *NUMERIC, "in", "starts", "exists")
KEYWORDS = frozenset({"and", "or", "not", "in", "starts", "exists"})

_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)+")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_TOKEN = re.compile(
    r"""(?P<space>\s+) | (?P<quoted>"(?:[^"\\]|\\.)*") | (?P<sign>!=|<=|>=|[()=<>,]) | (?P<word>[^\s()=!<>,"]+)
        | (?P<wrong>.)""",
    re.VERBOSE | re.DOTALL,
)


class Value(Struct, frozen=True):
    """What a field is compared with: as JSON, and as it was written, for fields that are text in any case."""

    json: str | int | float | bool
    text: str


class Condition(Struct, frozen=True):
    field: str
    """A name of `NAMED`, or a JSON Pointer."""
    operator: str
    values: tuple[Value, ...]
    column: int
    """Where it begins, from 1."""


class Not(Struct, frozen=True):
    part: Node


class AllOf(Struct, frozen=True):
    parts: tuple[Node, ...]


class AnyOf(Struct, frozen=True):
    parts: tuple[Node, ...]


Node = Condition | Not | AllOf | AnyOf


class Mistake(Struct, frozen=True):
    column: int
    """From 1; of the end of the text, one more than it has characters."""
    found: str
    expected: str


class _Token(NamedTuple):
    kind: str
    """word, quoted, sign, wrong or end."""
    text: str
    column: int


class _Broken(Exception):
    """The condition cannot be read on; its fault was noted."""


def parse(text: str, *, registered: bool = False) -> Node | Sequence[Mistake]:
    """The filter that a text means, or all that is wrong with it. An empty text is no filter.

    `registered`: it was let in under the bounds of its time, and is read however large it is.
    """
    if len(text) > TEXT_CHARACTERS_MAX and not registered:
        return [Mistake(TEXT_CHARACTERS_MAX, f"{len(text)} characters", f"at most {TEXT_CHARACTERS_MAX} characters")]
    parser = _Parser(text, bounded=not registered)
    node = parser.filter(0)
    parser.end()
    return parser.mistakes if parser.mistakes or node is None else node


def conditions(node: Node) -> Iterator[Condition]:
    """All of them, in the order of the text."""
    match node:
        case Condition():
            yield node
        case Not(part):
            yield from conditions(part)
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from conditions(part)


def quoted(text: str) -> str:
    """The text as a value that means it."""
    return orjson.dumps(text).decode()


def _tokens(text: str) -> list[_Token]:
    found = [
        _Token(match.lastgroup or "", match.group(), match.start() + 1)
        for match in _TOKEN.finditer(text)
        if match.lastgroup != "space"
    ]
    return [*found, _Token("end", "the end", len(text) + 1)]


class _Parser:
    def __init__(self, text: str, *, bounded: bool) -> None:
        self._bounded = bounded
        self._tokens = _tokens(text)
        self._at = 0
        self._conditions = 0
        self._has_given_up = False
        self.mistakes: list[Mistake] = []

    def filter(self, depth: int) -> Node | None:
        return self._row("or", lambda: self._row("and", lambda: self._not(depth), AllOf), AnyOf)

    def end(self) -> None:
        while self._now.kind != "end":
            self._wrong('"and", "or" or the end')
            self._skip()
            if self._now.kind != "end":
                self._at += 1  # Over the word or bracket where the skipping ended, to look behind it.
            if self._now.kind != "end":
                self.filter(0)

    @property
    def _now(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        token = self._now
        self._at += token.kind != "end"
        return token

    def _is(self, text: str) -> bool:
        return self._now.text == text and self._now.kind in ("word", "sign")

    def _row(self, word: str, part: Callable[[], Node | None], joined: type[AllOf] | type[AnyOf]) -> Node | None:
        parts = [part()]
        while self._is(word):
            self._at += 1
            parts.append(part())
        known = tuple(each for each in parts if each is not None)
        return None if len(known) < len(parts) else known[0] if len(known) == 1 else joined(known)

    def _not(self, depth: int) -> Node | None:
        if depth > NESTING_MAX:
            self._wrong(f'at most {NESTING_MAX} times "not" or "(" within each other')
            self._at = len(self._tokens) - 1
            self._has_given_up = True
            return None
        if self._is("not"):
            self._at += 1
            part = self._not(depth + 1)
            return None if part is None else Not(part)
        if self._is("("):
            self._at += 1
            inner = self.filter(depth + 1)
            if not self._is(")"):
                self._wrong('"and", "or" or ")"')
                self._skip()
            self._at += self._is(")")
            return inner
        try:
            return self._condition()
        except _Broken:
            self._skip()
            return None

    def _condition(self) -> Condition:
        start = self._now
        field = self._field()
        operator = self._take()
        if operator.kind not in ("word", "sign") or operator.text not in OPERATORS:
            self._broken(operator, f"one of {' '.join(OPERATORS)}")
        name = operator.text
        if field in NAMED and (name in NUMERIC or (field == "country" and name == "starts")):
            self._mistake(
                operator,
                f"an operator for {field}, which is text: {'= != in exists' + ' starts' * (field != 'country')}",
            )
        self._conditions += 1
        if self._conditions == CONDITIONS_MAX + 1 and self._bounded:
            self._mistake(start, f"at most {CONDITIONS_MAX} conditions")
        if name == "exists":
            return Condition(field, name, (), start.column)
        if name == "in":
            return Condition(field, name, self._values(), start.column)
        token = self._now
        value = self._value()
        if name in NUMERIC and field not in NAMED and (isinstance(value.json, str | bool)):
            self._mistake(token, "a number")
        if name == "starts" and field not in NAMED and not isinstance(value.json, str):
            self._mistake(token, f"text, such as {quoted(value.text)}")
        return Condition(field, name, (value,), start.column)

    def _field(self) -> str:
        token = self._take()
        wanted = f"a field ({', '.join(NAMED)}) or a JSON Pointer such as /data/empty"
        if token.kind == "word" and token.text in NAMED:
            return token.text
        text = self._unquoted(token, wanted) if token.kind == "quoted" else token.text
        if token.kind not in ("word", "quoted") or not _POINTER.fullmatch(text):
            self._broken(token, wanted)
        if text.count("/") > POINTER_TOKENS_MAX and self._bounded:
            self._mistake(token, f"a pointer of at most {POINTER_TOKENS_MAX} tokens")
        return text

    def _values(self) -> tuple[Value, ...]:
        if not self._is("("):
            self._broken(self._take(), '"(" before the values')
        self._at += 1
        try:
            values = [self._value()]
            while self._is(","):
                self._at += 1
                values.append(self._value())
            if not self._is(")"):
                self._broken(self._take(), '"," or ")" behind a value')
        except _Broken:
            while self._now.kind != "end" and not self._is(")"):
                self._at += 1
            raise
        finally:
            self._at += self._is(")")
        return tuple(values)

    def _value(self) -> Value:
        token = self._take()
        wanted = 'a value: a word, a number, true, false, or "quoted text"'
        if token.kind == "quoted":
            text = self._unquoted(token, wanted)
            return Value(text, text)
        if token.kind != "word":
            self._broken(token, wanted)
        if token.text in KEYWORDS:
            self._broken(token, f"a value; as one, the word is written {quoted(token.text)}")
        if token.text in ("true", "false"):
            return Value(token.text == "true", token.text)
        if _NUMBER.fullmatch(token.text):
            try:
                return Value(orjson.loads(token.text), token.text)
            except orjson.JSONDecodeError:
                self._broken(token, "a number within the range of a double")
        return Value(token.text, token.text)

    def _unquoted(self, token: _Token, wanted: str) -> str:
        try:
            return str(orjson.loads(token.text))
        except orjson.JSONDecodeError:
            self._broken(token, wanted)

    def _skip(self) -> None:
        """Go on where the next condition may begin."""
        depth = 0
        while self._now.kind != "end" and (depth or not (self._is("and") or self._is("or") or self._is(")"))):
            depth += self._is("(") - self._is(")")
            self._at += 1

    def _broken(self, token: _Token, expected: str) -> NoReturn:
        self._mistake(token, expected)
        if token.kind in ("word", "sign") and token.text in ("and", "or", ")"):
            self._at -= 1  # It ends the condition: nothing behind it is to be passed over.
        raise _Broken

    def _wrong(self, expected: str) -> None:
        self._mistake(self._now, expected)

    def _mistake(self, token: _Token, expected: str) -> None:
        found = token.text if token.kind == "end" else token.text[:64]
        if not self._has_given_up and all(each.column != token.column for each in self.mistakes):
            self.mistakes.append(Mistake(token.column, found, expected))
