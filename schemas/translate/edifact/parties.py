"""Whom an interchange names as sender and recipient (UNB S002, S003), against what is agreed with the partner."""

from __future__ import annotations

from collections.abc import Collection

from schemas.faults import Fault, fault
from schemas.translate.edifact.envelope import Interchange, interchange_place
from schemas.translate.edifact.profile import Profile


def party_faults(interchange: Interchange, senders: Collection[str], profile: Profile) -> list[Fault]:
    """Every element of UNB that names another than those agreed; of what nothing is agreed, anything will do.

    `senders`: those that the credential may send for. A code of one partner means another company under another
    qualifier (0007): 14 is GS1, ZZZ mutually defined.
    """
    rows = (
        ("SENDER_UNKNOWN", 2, 1, senders),
        ("SENDER_QUALIFIER_WRONG", 2, 2, profile.sender_qualifiers),
        ("RECIPIENT_UNKNOWN", 3, 1, profile.recipients),
        ("RECIPIENT_QUALIFIER_WRONG", 3, 2, profile.recipient_qualifiers),
    )
    faults = []
    for code, element, component, agreed in rows:
        if agreed and (named := interchange.value(element, component)) not in agreed:
            place = interchange_place(interchange, "UNB", f"{element}.{component}")
            faults.append(fault(code, place, named or "nothing", "one of " + ", ".join(sorted(agreed))))
    return faults
