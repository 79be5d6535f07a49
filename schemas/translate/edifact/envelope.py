"""The envelope (ISO 9735 §6): interchanges, groups and messages of a document, and what is wrong with their headers and
trailers.

A first pass over the document finds where each message lies and what its interchange says of it; nothing in a message
is looked at. So a broken envelope costs the message that it breaks, and no other.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from schemas.faults import Fault, fault
from schemas.translate.edifact.syntax import (
    BLANKS,
    CHARACTER_SETS,
    Marks,
    decoded,
    elements_of,
    marks_at,
    segment_end,
    skip,
)

MESSAGES_MAX = 50_000
FAULTS_MAX = 10
"""Of the groups of an interchange: all are told of each of its messages."""
TOTALS_MAX = 20
"""Of a message: the guides have three at most."""
SEGMENT_HEAD_CHARACTERS = 1_000
"""How much of a header or trailer is looked at: none has more than 500 characters."""


class Interchange(Struct, gc=False):
    """One interchange, from UNB to UNZ; a document without UNB holds one without a sender."""

    number: int
    marks: Marks
    header: list[list[str]] = []
    faults: list[Fault] = []
    """What is wrong with the interchange: warnings to each of its messages, which may be whole."""

    def value(self, element: int, component: int = 1) -> str:
        return value_of(self.header, element, component)

    @property
    def syntax(self) -> str:
        return self.value(1)

    @property
    def sender(self) -> str:
        return self.value(2)

    @property
    def recipient(self) -> str:
        return self.value(3)

    @property
    def reference(self) -> str:
        return self.value(5)


class Message(Struct, gc=False):
    """Where one message lies in the text, from UNH to UNT, or to where it was broken off."""

    number: int
    """From 1, over all interchanges of the document."""
    interchange: Interchange
    start: int
    end: int = 0
    segment_count: int = 0
    identifier: tuple[str, ...] = ()
    """S009: type, version, release, agency, association code."""
    reference: str = ""
    group: str = ""
    """The reference of its group (UNG), where it is in one."""
    unit_count: int = 0
    """How many segments it has that may tell of an event."""
    totals: list[tuple[int, str, str]] = []
    """Control totals (CNT): number of the segment, what is counted (6069), how many there are said to be (6066)."""
    faults: list[Fault] = []

    @property
    def kind(self) -> str:
        """The message type (0065); empty: segments that are in no message."""
        return self.identifier[0] if self.identifier else ""


def value_of(elements: list[list[str]], element: int, component: int = 1) -> str:
    """A component (from 1) of an element (from 1, after the tag); empty where there is none."""
    if element >= len(elements) or component > len(elements[element]):
        return ""
    return elements[element][component - 1].strip()


def interchange_place(interchange: Interchange, tag: str, element: str = "") -> str:
    place = f"interchange {interchange.number} ({tag})"
    return f"{place}, element {element}" if element else place


def message_place(number: int, segment: int, tag: str, element: str = "") -> str:
    place = f"message {number}, segment {segment} ({tag})"
    return f"{place}, element {element}" if element else place


class Envelopes:
    """The first pass. `messages` holds them in document order, when `read` has been called."""

    def __init__(self, text: str, units: dict[str, frozenset[str]], messages_max: int) -> None:
        self.messages: list[Message] = []
        self._text = text
        self._units = units
        self._messages_max = messages_max
        self._count = 0
        self._interchange: Interchange | None = None
        self._message: Message | None = None
        self._wanted: frozenset[str] = frozenset()
        self._group: list[list[str]] = []
        self._in_interchange = self._in_group = 0
        """How many messages the open interchange has, and how many messages the open group has."""
        self._group_count = 0

    def read(self) -> bool:
        """Go through the document; False: it has more messages than are taken."""
        text, position = self._text, 0
        marks, position = marks_at(text, position)
        while (position := skip(text, position)) < len(text):
            if self._message is None and text.startswith("UNA", position):
                marks, position = marks_at(text, position)
                if text.startswith("UNA", position):
                    position += 3  # Separators that nothing follows: passed over.
                continue
            end = segment_end(text, position, marks)
            stop = len(text) if end < 0 else end
            self._segment(text[position : position + 3], position, stop, marks)
            if len(self.messages) > self._messages_max:
                return False
            position = stop + 1
        self._end_message(len(text))
        self._end_interchange(None)
        return True

    def _segment(self, tag: str, start: int, end: int, marks: Marks) -> None:
        message = self._message
        if tag[:2] == "UN" and (act := _SERVICE.get(tag)) is not None:
            act(self, start, end, marks)
        elif message is not None:
            message.segment_count += 1
            if tag in self._wanted:
                message.unit_count += 1
            elif tag == "CNT" and len(message.totals) < TOTALS_MAX:
                total = self._elements(start, end, marks)
                message.totals.append((message.segment_count, value_of(total, 1), value_of(total, 1, 2)))
        elif self._text[start:end].strip(BLANKS + "\x1a\x00"):
            self._stray(start, end, marks)

    def _elements(self, start: int, end: int, marks: Marks) -> list[list[str]]:
        head = self._text[start : min(end, start + SEGMENT_HEAD_CHARACTERS)]
        syntax = self._interchange.syntax if self._interchange is not None else ""
        return elements_of(decoded(head, syntax)[0], marks)

    def _opened(self, marks: Marks) -> Interchange:
        """The open interchange; one without UNB, where none was begun."""
        if self._interchange is None:
            self._count += 1
            self._in_interchange = self._group_count = 0
            self._interchange = Interchange(self._count, marks, faults=[])
            place = interchange_place(self._interchange, "UNB")
            self._interchange.faults.append(
                fault("ENVELOPE_SEGMENT_MISSING", place, "nothing", "an interchange header UNB")
            )
        return self._interchange

    def _begin_interchange(self, start: int, end: int, marks: Marks) -> None:
        self._end_message(start)
        self._end_interchange(None)
        header = elements_of(self._text[start : min(end, start + SEGMENT_HEAD_CHARACTERS)], marks)
        if value_of(header, 1, 2) != "4":
            marks = marks._replace(repetition="")  # Reserved before version 4.
        syntax = value_of(header, 1)
        header = [[decoded(each, syntax)[0] for each in element] for element in header]
        self._count += 1
        self._in_interchange = self._group_count = 0
        interchange = self._interchange = Interchange(self._count, marks, header, [])
        if syntax not in CHARACTER_SETS:
            place, expected = interchange_place(interchange, "UNB", "1.1"), "one of " + ", ".join(CHARACTER_SETS)
            interchange.faults.append(fault("SYNTAX_UNKNOWN", place, syntax or "nothing", expected))
        if interchange.value(11) == "1":
            place = interchange_place(interchange, "UNB", "11")
            interchange.faults.append(fault("TEST_INTERCHANGE", place, "1", "no test indicator"))

    def _begin_group(self, start: int, end: int, marks: Marks) -> None:
        self._end_message(start)
        self._opened(marks)
        self._group, self._in_group = self._elements(start, end, marks), 0
        self._group_count += 1

    def _begin_message(self, start: int, end: int, marks: Marks) -> None:
        self._end_message(start)
        interchange = self._opened(marks)
        elements = self._elements(start, end, interchange.marks)
        identifier = tuple(value_of(elements, 2, n) for n in range(1, 6))
        self._wanted = self._units.get(identifier[0], frozenset())
        self._in_interchange += 1
        self._in_group += 1
        self._message = Message(
            number=len(self.messages) + 1, interchange=interchange, start=start, end=end, segment_count=1,
            identifier=(identifier[0] or "?", *identifier[1:]), reference=value_of(elements, 1),
            group=value_of(self._group, 5), totals=[], faults=[],
        )  # fmt: skip
        self.messages.append(self._message)

    def _message_trailer(self, start: int, end: int, marks: Marks) -> None:
        message = self._message
        if message is None:
            return self._stray(start, end, marks)
        message.segment_count += 1
        message.end = end
        self._message = None
        trailer = self._elements(start, end, message.interchange.marks)
        here = message.number, message.segment_count, "UNT"
        count, reference = value_of(trailer, 1), value_of(trailer, 2)
        if count.lstrip("0") != str(message.segment_count):
            expected = f"{message.segment_count}, the number of segments from UNH to UNT"
            message.faults.append(fault("SEGMENT_COUNT_WRONG", message_place(*here, "1"), count, expected))
        if reference != message.reference:
            expected = f"{message.reference}, as in the header"
            message.faults.append(fault("TRAILER_REFERENCE_WRONG", message_place(*here, "2"), reference, expected))
        return None

    def _end_message(self, end: int) -> None:
        message = self._message
        if message is None:
            return
        self._message = None
        message.end = end
        if message.kind:
            place = message_place(message.number, message.segment_count + 1, "UNT")
            message.faults.append(fault("MESSAGE_INCOMPLETE", place, "nothing", "a message trailer UNT"))

    def _group_trailer(self, start: int, end: int, marks: Marks) -> None:
        self._end_message(start)
        if (interchange := self._interchange) is not None and self._group:
            trailer = self._elements(start, end, marks)
            if len(interchange.faults) < FAULTS_MAX:
                self._compare(interchange, trailer, "UNE", self._in_group, value_of(self._group, 5))
        self._group = []

    def _interchange_trailer(self, start: int, end: int, marks: Marks) -> None:
        self._end_message(start)
        if self._interchange is None:
            return self._stray(start, end, marks)
        return self._end_interchange(self._elements(start, end, marks))

    def _end_interchange(self, trailer: list[list[str]] | None) -> None:
        interchange, self._interchange, self._group = self._interchange, None, []
        if interchange is None:
            return
        if trailer is None:
            place = interchange_place(interchange, "UNZ")
            interchange.faults.append(fault("ENVELOPE_SEGMENT_MISSING", place, "nothing", "an interchange trailer UNZ"))
        else:
            count = self._group_count or self._in_interchange
            self._compare(interchange, trailer, "UNZ", count, interchange.reference if interchange.header else "")

    def _compare(
        self, interchange: Interchange, trailer: list[list[str]], tag: str, count: int, reference: str
    ) -> None:
        """Count and reference of a trailer against what it ends."""
        said = value_of(trailer, 1)
        if (said.lstrip("0") or "0") != str(count):
            expected = f"{count}, the number of messages or groups in it"
            place = interchange_place(interchange, tag, "1")
            interchange.faults.append(fault("ENVELOPE_COUNT_WRONG", place, said, expected))
        if reference and value_of(trailer, 2) != reference:
            place = interchange_place(interchange, tag, "2")
            found, expected = value_of(trailer, 2), f"{reference}, as in the header"
            interchange.faults.append(fault("ENVELOPE_REFERENCE_WRONG", place, found, expected))

    def _stray(self, start: int, end: int, marks: Marks) -> None:
        """Segments that are in no message stand together for one that cannot be read."""
        if self.messages and not self.messages[-1].kind and self.messages[-1].end + 3 > start:
            self.messages[-1].end = end
            return
        message = Message(len(self.messages) + 1, self._opened(marks), start, end, faults=[])
        place, found = message_place(message.number, 1, self._text[start : start + 3]), self._text[start:end][:64]
        message.faults.append(fault("SEGMENT_STRAY", place, found, "a message header UNH before it"))
        self.messages.append(message)


_SERVICE = {
    "UNB": Envelopes._begin_interchange,
    "UNG": Envelopes._begin_group,
    "UNH": Envelopes._begin_message,
    "UNT": Envelopes._message_trailer,
    "UNE": Envelopes._group_trailer,
    "UNZ": Envelopes._interchange_trailer,
}


def raw_segments(text: str, marks: Marks) -> Iterator[str]:
    """The segments of one message, without their terminators."""
    position = skip(text, 0)
    while position < len(text):
        end = segment_end(text, position, marks)
        stop = len(text) if end < 0 else end
        yield text[position:stop]
        position = skip(text, stop + 1)
