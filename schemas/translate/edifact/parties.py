"""Whom an interchange names as sender and recipient (UNB S002, S003), against what is agreed with the partner."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.faults import Fault, fault
from schemas.translate.edifact.envelope import Interchange, interchange_place
from schemas.translate.edifact.profile import Profile
from schemas.translate.item import Context


def party_faults(interchange: Interchange, context: Context, profile: Profile) -> Iterator[Fault]:
    """Every element of UNB that names another than those agreed. A code of one partner means another company under
    another qualifier (0007): 14 is GS1, ZZZ mutually defined."""
    rows = (
        ("SENDER_UNKNOWN", 2, 1, context.edi_senders),
        ("SENDER_QUALIFIER_WRONG", 2, 2, profile.sender_qualifiers),
        ("RECIPIENT_UNKNOWN", 3, 1, profile.recipients),
        ("RECIPIENT_QUALIFIER_WRONG", 3, 2, profile.recipient_qualifiers),
    )
    for code, element, component, agreed in rows:
        if agreed and (named := interchange.value(element, component)) not in agreed:
            place = interchange_place(interchange, "UNB", f"{element}.{component}")
            yield fault(code, place, named or "nothing", "one of " + ", ".join(sorted(agreed)))
    if not context.edi_senders and interchange.sender:
        yield from _unagreed(interchange, context)


def _unagreed(interchange: Interchange, context: Context) -> Iterator[Fault]:
    """Where no sender is agreed: one of another partner is refused all the same, any other is told to be unchecked."""
    sender, place = interchange.sender, interchange_place(interchange, "UNB", "2.1")
    if context.edi_sender_taken is not None and context.edi_sender_taken(sender):
        yield fault("SENDER_UNKNOWN", place, sender, "a sender that is not agreed with another partner")
    elif context.edi_senders is not None:
        yield fault("SENDER_UNCHECKED", place, sender, "a sender that is agreed with you")
