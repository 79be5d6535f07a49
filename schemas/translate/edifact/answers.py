"""Answers in EDIFACT: what of a document was understood (CONTRL), and what became of it (APERAK).

Strict out: UNA, one interchange for each that came, back to its sender, in ISO 8859-1 (UNOC) with every separator
released, counts and references right. What stands outside of every interchange is told to the sender of the one before
it, else of the next; where no interchange names a sender, no one is to be answered. Of segments in no message CONTRL,
which goes by message references, can say nothing; APERAK tells of them as of a message.

CONTRL (syntax version 3, ISO 9735-4) tells of syntax and envelope only: a message is rejected for what `SYNTAX` names.
APERAK (D.00B) tells of every fault of every event, and of every other reason for which one was refused: one message for
each that came, one ERC group for each fault or reason.

Nothing is accepted by silence: a message of which there is no result is refused with what was said of the document as a
whole, and an interchange without any result is rejected at UCI, with all that is in it.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import count

from msgspec import Struct
from msgspec.structs import replace

from schemas.faults import Fault, Severity
from schemas.translate.edifact.envelope import MESSAGES_MAX, Envelopes, Interchange, Message
from schemas.translate.edifact.syntax import opened
from schemas.verdict import Judged, Verdict
from schemas.words import words

SYNTAX = {
    "CHARACTER_SET_LEFT": "21", "ELEMENT_MISSING": "13", "ELEMENT_SURPLUS": "16", "ENVELOPE_COUNT_WRONG": "29",
    "ENVELOPE_REFERENCE_WRONG": "28", "ENVELOPE_SEGMENT_MISSING": "13", "MESSAGE_INCOMPLETE": "13",
    "RECIPIENT_QUALIFIER_WRONG": "14", "RECIPIENT_UNKNOWN": "7", "REFERENCE_REPEATED": "26",
    "SEGMENT_COUNT_WRONG": "29", "SEGMENT_MISSING": "13", "SEGMENT_STRAY": "33", "SENDER_QUALIFIER_WRONG": "14",
    "SENDER_UNKNOWN": "23", "SYNTAX_UNKNOWN": "2", "TEST_INTERCHANGE": "25", "TRAILER_REFERENCE_WRONG": "28",
    "UNSUPPORTED_MESSAGE": "14", "VALUE_LENGTH": "39",
}  # fmt: skip
"""Faults of syntax and envelope, as code list 0085 names them."""
INVALID, UNSPECIFIED = "12", "18"
REJECTED, ACKNOWLEDGED = "4", "7"
"""Code list 0083."""

FAULTS_MAX = 99
"""Of a message, the ERC groups that an APERAK may have."""
_TEXT_MAX = 512
_MESSAGE = re.compile(r"message (\d+)(?:, segment (\d+) )?")
_ELEMENT = re.compile(r", element (\d+)(?:\.(\d+))?$", re.ASCII)
_UNTOLD = {
    "en": "The hub says nothing of this message: it is not stored.",
    "fr": "Le hub ne dit rien de ce message : il n'est pas enregistré.",
}
_LABELS = {"en": ("found", "expected"), "fr": ("trouvé", "attendu")}


class Result(Struct, frozen=True):
    """What became of one item: its place and whether it was refused, with its faults."""

    place: str
    """In no message: it is of the document as a whole, and holds for each message that has no result of its own."""
    refused: bool
    faults: Sequence[Fault]
    reason: str = ""
    """Why it was refused, if not for faults in the document: a code and what it means."""


def result_of(judged: Judged) -> Result:
    return Result(judged.item.place, judged.verdict is Verdict.REJECTED, judged.faults)


def contrl(document: bytes, results: Iterable[Result], *, made: datetime, reference: str) -> bytes:
    """The CONTRL answers to a document. `made`: now, in UTC; `reference`: the control reference of the answer, and
    with a number behind it of each that follows."""
    return b"".join(map(_contrl, _received(document, results, made, reference)))


def aperak(
    document: bytes, results: Iterable[Result], *, made: datetime, reference: str, language: str = "en"
) -> bytes:
    """The APERAK answers to a document, with texts in this language; parameters as for `contrl`."""
    return b"".join(_aperak(each, language) for each in _received(document, results, made, reference))


class _Received(Struct, frozen=True):
    """An interchange that has someone to be answered, what became of its messages, and how the answer is named."""

    interchange: Interchange
    messages: list[Message]
    by_message: Mapping[int, list[Result]]
    """Under 0 what was said of the document as a whole."""
    made: datetime
    reference: str

    def results(self, message: Message) -> list[Result]:
        return self.by_message.get(message.number) or self.of_document

    @property
    def of_document(self) -> list[Result]:
        """Nothing in it was looked at: refused, whatever is said."""
        said = self.by_message.get(0, [])
        return [replace(each, refused=True) for each in said] or [Result("", True, ())]

    @property
    def looked_at(self) -> bool:
        return any(message.number in self.by_message for message in self.messages)


def _received(document: bytes, results: Iterable[Result], made: datetime, reference: str) -> Iterator[_Received]:
    by_message = _by_message(results)
    for (interchange, messages), own in zip(_interchanges(document), _references(reference), strict=False):
        yield _Received(interchange, messages, by_message, made, own)


def _references(first: str) -> Iterator[str]:
    yield first
    yield from (f"{first[:9]}-{number}" for number in count(2))


def _by_message(results: Iterable[Result]) -> Mapping[int, list[Result]]:
    found: dict[int, list[Result]] = defaultdict(list)
    for result in results:
        match = _MESSAGE.match(result.place)
        found[int(match[1]) if match is not None else 0].append(result)
    return dict(found)


def _interchanges(document: bytes) -> Iterator[tuple[Interchange, list[Message]]]:
    """The interchanges that have someone to be answered, each with its messages and what stands outside of all."""
    envelopes = Envelopes(opened(document), {}, MESSAGES_MAX)
    envelopes.read()
    answered = next((each.interchange for each in envelopes.messages if each.interchange.header), None)
    if answered is None:
        return
    grouped: list[tuple[Interchange, list[Message]]] = [(answered, [])]
    for message in envelopes.messages:
        if message.interchange.header and message.interchange is not grouped[-1][0]:
            grouped.append((message.interchange, []))
        grouped[-1][1].append(message)
    yield from grouped


class _Writer:
    """An interchange in the making."""

    def __init__(self, received: _Received) -> None:
        self._parts: list[str] = ["UNA:+.? '"]
        self._reference = received.reference[:14]
        self._message_count = self._segment_count = 0
        prepared = (received.made.strftime("%y%m%d"), received.made.strftime("%H%M"))
        sender, recipient = _party(received.interchange, 3), _party(received.interchange, 2)
        self.segment("UNB", ("UNOC", "3"), sender, recipient, prepared, self._reference)

    def segment(self, tag: str, *elements: str | Sequence[str]) -> None:
        """Write a segment; what is empty at the end of an element, or of the segment, is left out."""
        composites = ([each] if isinstance(each, str) else each for each in elements)
        written = [_joined(":", map(_escaped, each)) for each in composites]
        self._parts.append(_joined("+", [tag, *written]) + "'")
        self._segment_count += 1

    def begin(self, *kind: str) -> None:
        self._message_count += 1
        self._segment_count = 0
        self.segment("UNH", str(self._message_count), kind)

    def end(self) -> None:
        self.segment("UNT", str(self._segment_count + 1), str(self._message_count))

    def written(self) -> bytes:
        self.segment("UNZ", str(self._message_count), self._reference)
        return "".join(self._parts).encode("latin-1")


def _joined(separator: str, texts: Iterable[str]) -> str:
    """The texts parted by the separator, without those at the end that are empty (ISO 9735 §8.7.2)."""
    kept = list(texts)
    while kept and not kept[-1]:
        kept.pop()
    return separator.join(kept)


def _escaped(text: str) -> str:
    """Text of the character set, with separators released; what has no place in the set as near as it comes."""
    kept = []
    for character in text:
        known = character if character <= "\xff" else unicodedata.normalize("NFKD", character)[0]
        if known > "\xff":
            known = "?"
        if not known.isprintable():
            known = " "
        kept.append(f"?{known}" if known in "+:?'" else known)
    return "".join(kept)


def _party(received: Interchange, element: int) -> tuple[str, str]:
    return received.value(element, 1)[:35], received.value(element, 2)[:4]


def _contrl(received: _Received) -> bytes:
    sent, writer = received.interchange, _Writer(received)
    writer.begin("CONTRL", "D", "3", "UN")
    own = next(each for each in received.messages if each.interchange is sent)
    told = [each for result in received.results(own) for each in result.faults]
    whole = [each for each in told if each.severity is Severity.ERROR and each.place.startswith("interchange ")]
    action: tuple[str | tuple[str, str], ...] = (ACKNOWLEDGED,)
    if not received.looked_at:
        action = (REJECTED, UNSPECIFIED)
    elif whole:
        action = (REJECTED, SYNTAX[whole[0].code], "UNB", _position(whole[0]))
    writer.segment("UCI", sent.reference[:14] or "0", _party(sent, 2), _party(sent, 3), *action)
    for message in received.messages if action[0] == ACKNOWLEDGED else ():
        _ucm(writer, message, received)
    writer.end()
    return writer.written()


def _position(each: Fault) -> tuple[str, str]:
    """Element and component that a fault is about (S011), counted from the tag, which is 1; empty: none of them."""
    found = _ELEMENT.search(each.place)
    return (str(int(found[1]) + 1), found[2] or "") if found is not None else ("", "")


def _ucm(writer: _Writer, message: Message, received: _Received) -> None:
    """What is to be said of the syntax of one message; of one without a header, nothing can be said."""
    if not message.kind:
        return
    faults = list(dict.fromkeys(each for result in received.results(message) for each in result.faults))
    wrong = [each for each in faults if each.code in SYNTAX and each.severity is Severity.ERROR]
    kind = tuple(part[:6] for part in message.identifier)
    unread = message.number not in received.by_message
    action = (REJECTED, SYNTAX[wrong[0].code]) if wrong else (REJECTED, UNSPECIFIED) if unread else (ACKNOWLEDGED,)
    writer.segment("UCM", message.reference[:14] or "0", kind, *action)
    for each in wrong[:FAULTS_MAX]:
        match = _MESSAGE.match(each.place)
        if match is None or match[2] is None:
            continue
        position = _position(each)
        if not position[0]:
            writer.segment("UCS", match[2], SYNTAX[each.code])
        else:
            writer.segment("UCS", match[2])
            writer.segment("UCD", SYNTAX[each.code], position)


def _aperak(received: _Received, language: str) -> bytes:
    sent, writer = received.interchange, _Writer(received)
    for number, message in enumerate(received.messages, start=1):
        results = received.results(message)
        refused = any(each.refused for each in results)
        writer.begin("APERAK", "D", "00B", "UN")
        writer.segment(
            "BGM", "313" if refused else "312", f"{received.reference[:14]}-{number}", "27" if refused else "29"
        )
        writer.segment("DTM", ("137", received.made.strftime("%Y%m%d%H%MUTC"), "303"))
        if message.reference:
            writer.segment("RFF", ("ACW", message.reference[:35]))
        if (reference := message.interchange.reference) and message.interchange.header:
            writer.segment("RFF", ("ACE", reference[:35]))
        writer.segment("NAD", "MS", _party(sent, 3)[:1])
        writer.segment("NAD", "MR", _party(sent, 2)[:1])
        faults = list(dict.fromkeys(each for result in results for each in result.faults))
        for each in faults[:FAULTS_MAX]:
            _erc(writer, each, language)
        reasons = list(dict.fromkeys(each.reason for each in results if each.reason))
        if refused and not faults and not reasons:
            reasons = [_UNTOLD[language]]
        for reason in reasons[: FAULTS_MAX - len(faults[:FAULTS_MAX])]:
            writer.segment("ERC", UNSPECIFIED)
            writer.segment("FTX", "AAO", "", "", reason[:_TEXT_MAX])
        writer.end()
    return writer.written()


def _erc(writer: _Writer, each: Fault, language: str) -> None:
    """A fault: its code of list 0085, and in free text its own code, its place, what it means, found and expected."""
    writer.segment("ERC", SYNTAX.get(each.code, INVALID))
    told, (found, expected) = words().fault(each, language), _LABELS[language]
    said = (
        f"{each.severity.value} {each.code}", each.place, told["text"], f"{found} {told['found']}",
        f"{expected} {told['expected']}",
    )  # fmt: skip
    writer.segment("FTX", "AAO", "", "", tuple(text[:_TEXT_MAX] for text in said))
