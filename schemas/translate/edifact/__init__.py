"""UN/EDIFACT: what terminals, carriers and lines send of containers, ships and cargo.

Taken are IFTSTA, CODECO, COARRI and COPARN, and of IFTSAI and CUSCAR what they tell of calls and filings; any other
message is answered by name. `syntax` cuts bytes into segments, `envelope` finds messages and what is wrong with their
headers and trailers, `report` opens one message, `codes` holds what codes mean, `events`, `schedule` and `cargo` make
events of it, `profile` is what a partner means by its own codes, `parties` looks at who sends to whom, `answers` writes
CONTRL and APERAK.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from schemas.faults import Fault, fault
from schemas.translate.edifact.answers import Result, aperak, contrl, result_of
from schemas.translate.edifact.codes import UNITS
from schemas.translate.edifact.envelope import MESSAGES_MAX, Envelopes, Message
from schemas.translate.edifact.items import SOURCE, items_of
from schemas.translate.edifact.parties import party_faults
from schemas.translate.edifact.profile import DEFAULT, Profile, read_profile
from schemas.translate.edifact.report import Report
from schemas.translate.edifact.syntax import opened
from schemas.translate.item import Context, Item, Translation

__all__ = ["Profile", "Result", "aperak", "contrl", "read_profile", "result_of", "translate"]

FORMAT = "edifact/1"


def translate(document: bytes, context: Context) -> Translation | list[Fault]:
    """Open a document of one or more interchanges. Raises nothing."""
    text = opened(document)
    envelopes = Envelopes(text, UNITS, min(context.items_max, MESSAGES_MAX))
    expected = f"at most {context.items_max} events"
    if not envelopes.read():
        return [fault("TOO_MANY_ITEMS", "", "more messages", expected)]
    messages = envelopes.messages
    if not any(message.kind for message in messages):
        return [fault("EMPTY", "", "no message", "at least one message, from UNH to UNT")]
    count = sum(max(1, message.unit_count) for message in messages)
    if count > context.items_max:
        return [fault("TOO_MANY_ITEMS", "", f"{count} events", expected)]
    profile = context.profile or DEFAULT
    if profile.time_zone is None and context.time_zone is not None:
        profile = replace(profile, time_zone=context.time_zone)
    return Translation(format=FORMAT, items=_items(text, messages, profile, context))


def _items(text: str, messages: list[Message], profile: Profile, context: Context) -> Iterator[Item]:
    index, seen = 0, dict[tuple[str, ...], int]()
    for message in messages:
        report = Report(message, text, profile)
        report.faults += party_faults(message.interchange, context, profile)
        report.faults += _repeated(report, seen)
        for item in items_of(report, context.source or SOURCE):
            yield replace(item, index=index)
            index += 1


def _repeated(report: Report, seen: dict[tuple[str, ...], int]) -> list[Fault]:
    """The fault of a message with the references of an earlier one in the document, and other content. One that was
    sent before, or the same once more, is for the hub to tell: it is a conflict or a repeat by its identity."""
    message = report.message
    sent = message.interchange
    if not message.reference or not sent.header:
        return []
    content = hash(report.text)
    if seen.setdefault((sent.sender, sent.reference, message.group, message.reference), content) == content:
        return []
    expected = "a reference that no other message of the interchange has"
    return [fault("REFERENCE_REPEATED", report.header.place("1"), message.reference, expected)]
