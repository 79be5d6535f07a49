"""One message, opened: its segments with their places, its head, and the groups of segments that tell of events."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from schemas.faults import Fault, Severity, fault
from schemas.translate.edifact.codes import Grammar
from schemas.translate.edifact.envelope import Message, message_place, raw_segments
from schemas.translate.edifact.profile import Profile
from schemas.translate.edifact.syntax import SEGMENT_CHARACTERS_MAX, Marks, control_in, decoded, elements_of

UNIT_SEGMENTS_MAX = 500
HEAD_SEGMENTS_MAX = 200
"""How many segments of a group, and of what groups share, are looked at. The guides allow for some fifty."""
KEPT_CHARACTERS_MAX = 4_000
"""How much of a message's head is kept with each of its events, and of the group itself twice as much."""


class Segment(Struct, frozen=True, gc=False):
    """One segment; `number` counts from UNH, which is 1, as UNT does."""

    tag: str
    elements: list[list[str]]
    raw: str
    message: int
    number: int

    def at(self, element: int, component: int = 1) -> str:
        """A component of an element, both from 1 after the tag, without blanks around; empty where there is none."""
        if element >= len(self.elements):
            return ""
        components = self.elements[element]
        return components[component - 1].strip() if component <= len(components) else ""

    @property
    def qualifier(self) -> str:
        return self.at(1)

    def place(self, element: str = "") -> str:
        """Where it stands; `element` such as 2 or 1.2."""
        return message_place(self.message, self.number, self.tag, element)


def first(segments: list[Segment], tag: str, *qualifiers: str) -> Segment | None:
    """The segment of the first of these qualifiers that is there."""
    for qualifier in qualifiers:
        for each in segments:
            if each.tag == tag and each.qualifier == qualifier:
                return each
    return None


class Unit(Struct, gc=False):
    """A group of segments that tells of an event, and what it shares with others: segments over it, and the head."""

    number: int
    """From 1, in the message."""
    first: Segment
    segments: list[Segment]
    over: list[Segment]
    cut: bool = False
    """It has more segments than are looked at."""

    def of(self, *tags: str) -> list[Segment]:
        return [each for each in self.segments if each.tag in tags]


class Report:
    """An opened message. `faults` are those of its envelope and of its head: they are those of each of its events."""

    def __init__(self, message: Message, text: str, profile: Profile) -> None:
        interchange = message.interchange
        self.message = message
        self.profile = profile
        self.marks: Marks = interchange.marks
        self.faults: list[Fault] = [_tolerated(each, profile) for each in (*interchange.faults, *message.faults)]
        self.text, read_as = decoded(text[message.start : message.end], interchange.syntax)
        if read_as:
            expected = f"characters of {interchange.syntax or 'UNOA'}; read as {read_as}"
            self.faults.append(fault("CHARACTER_SET_LEFT", self.place, interchange.syntax, expected))
        if control := control_in(self.text, self.marks):
            expected = f"characters of {interchange.syntax or 'UNOA'}, and no control characters"
            self.faults.append(fault("CHARACTER_SET_LEFT", self.place, control, expected))
        self.head: list[Segment] = []
        self.kept_head: list[str] = []
        self._segments = self._opened()
        self.header = next(self._segments)

    @property
    def place(self) -> str:
        return f"message {self.message.number}"

    def _opened(self) -> Iterator[Segment]:
        number = self.message.number
        for count, raw in enumerate(raw_segments(self.text, self.marks), start=1):
            if len(raw) > SEGMENT_CHARACTERS_MAX:
                place = message_place(number, count, raw[:3])
                expected = f"at most {SEGMENT_CHARACTERS_MAX} characters"
                self.faults.append(fault("VALUE_LENGTH", place, f"{len(raw)} characters", expected))
                raw = raw[:SEGMENT_CHARACTERS_MAX]
            elements = elements_of(raw, self.marks)
            yield Segment(elements[0][0].strip(), elements, raw, number, count)

    def units(self, grammar: Grammar) -> Iterator[Unit]:
        """The groups of the message, in order. The head is complete when the first one is handed out."""
        number, over, unit = 0, self.head, None
        over_max = HEAD_SEGMENTS_MAX
        for segment in self._segments:
            tag = segment.tag
            if tag in grammar.ends:
                if unit is not None:
                    yield unit
                unit, over, over_max = None, [], 0  # Control totals: of no event.
            elif tag == grammar.unit:
                if unit is not None:
                    yield unit
                number += 1
                unit = Unit(number, segment, [segment], over if over is not self.head else [])
            elif tag == grammar.over and tag:
                if unit is not None:
                    yield unit
                unit, over, over_max = None, [segment], HEAD_SEGMENTS_MAX
            elif unit is None:
                if len(over) < over_max:
                    over.append(segment)
            elif len(unit.segments) < UNIT_SEGMENTS_MAX:
                unit.segments.append(segment)
            else:
                unit.cut = True
        if unit is not None:
            yield unit

    def kept(self, unit: Unit) -> tuple[list[str], bool]:
        """The segments of an event as they were sent, with those of the head; and whether some were left out."""
        if not self.kept_head:
            self.kept_head, self._head_cut = _room([self.header, *self.head], KEPT_CHARACTERS_MAX)
        own, cut = _room([*unit.over, *unit.segments], 2 * KEPT_CHARACTERS_MAX)
        return [*self.kept_head, *own], cut or self._head_cut or unit.cut


def _room(segments: list[Segment], characters_max: int) -> tuple[list[str], bool]:
    kept: list[str] = []
    room = characters_max
    for segment in segments:
        room -= len(segment.raw)
        if room < 0:
            return kept, True
        kept.append(segment.raw)
    return kept, False


def _tolerated(each: Fault, profile: Profile) -> Fault:
    return replace(each, severity=Severity.WARNING) if each.code in profile.tolerated else each
