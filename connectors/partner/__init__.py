"""The partner's side: send events, keep their receipts, lose nothing when either side is away.

Here: the client, the receipt book, the durable outbox.
May import: `schemas`, the rest of `connectors` but `risk`.
Never here: a change to the bytes of an event once it is taken.
"""

from connectors.partner.client import Client, Limits, connect
from connectors.partner.outbox import Outbox
from connectors.partner.outcome import EventUnsendable, Outcome, OutgoingEvent, Verdict, events_of
from connectors.partner.receipts import ReceiptBook

__all__ = [
    "Client",
    "EventUnsendable",
    "Limits",
    "Outbox",
    "Outcome",
    "OutgoingEvent",
    "ReceiptBook",
    "Verdict",
    "connect",
    "events_of",
]
