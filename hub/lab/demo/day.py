"""A consistent day of shipments, in which minutes pass as seconds, with faults on purpose.

Every container is filed for, comes in through the gate, is loaded, and leaves with its voyage. A few shipments of each
round differ, each in one way (`Fault`), so that everything the hub and the engines say can be seen. The day is a
function of the moment at which it starts; it never ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from itertools import count
from typing import Any

from msgspec import Struct

from hub.lab.demo.cast import CARRIER, EXPORTER, TERMINAL
from hub.lab.demo.shipment import Plain, Shipment, Voyage, later

VOYAGE_SECONDS = 2.0
VOYAGE_SHIPMENTS = 12
ROUND_SHIPMENTS = 96
"""After so many shipments (16 s) the faults come again."""

INVOICE_AFTER, GATE_IN_AFTER, SEAL_AFTER, LOADED_AFTER, DEPARTED_AFTER = 0.15, 0.9, 1.3, 1.8, 4.2
CUT_OFF_AFTER = 4.0
"""Seconds after the shipment's filing, and after the voyage opens."""
CORRECTED_AFTER, REPEATED_AFTER, LATE_AFTER = 1.4, 1.2, 5.0
EXCESS_KG = 6_400.0


class Fault(StrEnum):
    """What is wrong on purpose."""

    BAD_FIELD = "a filing with bad fields, corrected afterwards"
    REPEAT = "an event that is sent twice"
    LATE_FILING = "a container at the gate before its filing"
    SEAL_BROKEN = "a broken seal in the yard"
    MASS_DIFFERS = "a container heavier than declared"
    UNKNOWN_CONSIGNOR = "a consignor that nobody knows"
    NO_AGREEMENT = "a departure told by a terminal without an agreement for it"
    EARLY_DEPARTURE = "a vessel that leaves before its cut-off"


_OF_SHIPMENTS = {
    1: Fault.LATE_FILING,
    3: Fault.BAD_FIELD,
    5: Fault.REPEAT,
    7: Fault.SEAL_BROKEN,
    9: Fault.NO_AGREEMENT,
    14: Fault.MASS_DIFFERS,
    18: Fault.UNKNOWN_CONSIGNOR,
}
"""By the shipment's number in its round."""
_EARLY_VOYAGE = 0
"""The voyage of each round that leaves early."""


class Posting(Struct, frozen=True):
    """An event that a company hands in, `at` seconds after the day starts."""

    at: float
    company: str
    event: Plain
    fault: Fault | None = None


def opening(starts: datetime) -> list[Posting]:
    """One event of each company, before the day starts: when all are answered, everybody is at work."""
    shipment = Shipment(0, Voyage(0, later(starts, CUT_OFF_AFTER)))
    gate_in, loaded = shipment.gate_in(starts), shipment.loaded(starts)
    return [
        Posting(0.0, EXPORTER.id, shipment.filing(starts)),
        Posting(0.0, TERMINAL.id, gate_in),
        Posting(0.0, CARRIER.id, loaded),
    ]


def day(starts: datetime) -> Iterator[Posting]:
    """All postings in the order of their times."""
    waiting: list[Posting] = []
    for number in count():
        waiting.extend(_voyage(number, starts))
        waiting.sort(key=lambda posting: posting.at)
        opens_next = (number + 1) * VOYAGE_SECONDS
        yield from (posting for posting in waiting if posting.at < opens_next)
        waiting = [posting for posting in waiting if posting.at >= opens_next]


def _voyage(number: int, starts: datetime) -> Iterator[Posting]:
    opens = number * VOYAGE_SECONDS
    early = number % (ROUND_SHIPMENTS // VOYAGE_SHIPMENTS) == _EARLY_VOYAGE
    voyage = Voyage(number, later(starts, opens + (3_600.0 if early else CUT_OFF_AFTER)))
    first = 1 + number * VOYAGE_SHIPMENTS
    for place in range(VOYAGE_SHIPMENTS):
        at = opens + place * VOYAGE_SECONDS / VOYAGE_SHIPMENTS
        yield from _shipment(Shipment(first + place, voyage), at, starts)
    leaves = opens + DEPARTED_AFTER
    departed = Shipment(first, voyage).departed(later(starts, leaves))
    yield Posting(leaves, CARRIER.id, departed, Fault.EARLY_DEPARTURE if early else None)


def _shipment(shipment: Shipment, at: float, starts: datetime) -> Iterator[Posting]:
    fault = _OF_SHIPMENTS.get((shipment.number - 1) % ROUND_SHIPMENTS)
    yield from _filings(shipment, at, starts, fault)

    def posting(after: float, company: str, event: Plain, wrong: Fault | None = None) -> Posting:
        return Posting(at + after, company, event, wrong)

    invoice = shipment.invoice(later(starts, at + INVOICE_AFTER))
    yield posting(INVOICE_AFTER, EXPORTER.id, invoice)
    if fault is Fault.REPEAT:
        yield posting(INVOICE_AFTER + REPEATED_AFTER, EXPORTER.id, invoice, fault)
    heavy = fault is Fault.MASS_DIFFERS
    gate_in = shipment.gate_in(later(starts, at + GATE_IN_AFTER), excess_kg=EXCESS_KG if heavy else 0.0)
    yield posting(GATE_IN_AFTER, TERMINAL.id, gate_in, fault if heavy else None)
    if fault is Fault.SEAL_BROKEN:
        yield posting(SEAL_AFTER, TERMINAL.id, shipment.seal_broken(later(starts, at + SEAL_AFTER)), fault)
    if fault in (Fault.SEAL_BROKEN, Fault.LATE_FILING):  # It stays in the yard and misses its vessel.
        return
    yield posting(LOADED_AFTER, CARRIER.id, shipment.loaded(later(starts, at + LOADED_AFTER)))
    if fault is Fault.NO_AGREEMENT:
        told = shipment.departed(later(starts, at + LOADED_AFTER), by=TERMINAL.id)
        yield posting(LOADED_AFTER, TERMINAL.id, told, fault)


def _filings(shipment: Shipment, at: float, starts: datetime, fault: Fault | None) -> Iterator[Posting]:
    filing = shipment.filing(later(starts, at))
    match fault:
        case Fault.LATE_FILING:
            late = at + LATE_AFTER
            yield Posting(late, EXPORTER.id, shipment.filing(later(starts, late)), fault)
        case Fault.BAD_FIELD:
            yield Posting(at, EXPORTER.id, _spoilt(filing), fault)
            corrected = at + CORRECTED_AFTER
            yield Posting(corrected, EXPORTER.id, shipment.filing(later(starts, corrected)))
        case Fault.UNKNOWN_CONSIGNOR:
            stranger = {"name": "Quick Parcel Forwarding", "country": "NL"}
            yield Posting(at, EXPORTER.id, shipment.filing(later(starts, at), consignor=stranger), fault)
        case _:
            yield Posting(at, EXPORTER.id, filing)


def _spoilt(filing: Plain) -> Plain:
    """Two faults, as a careless interface makes them: the hub names both at once."""
    data: dict[str, Any] = filing["data"]
    goods = [{**data["goods"][0], "hs": "84.13.70"}]
    return {**filing, "data": {**data, "goods": goods, "consignee": {**data["consignee"], "country": "Japan"}}}
