"""What is said when the demo is over: what was shown, in figures that were reported, and what to try next."""

from __future__ import annotations

from collections.abc import Iterator

from hub.lab.demo.cast import COMPANIES, ENGINES, shows
from hub.lab.demo.play import Options
from hub.lab.demo.tally import Sending, Tally, counted


def closing(tally: Tally, options: Options) -> Iterator[str]:
    """The closing summary, in lines of 80 columns at most."""
    if tally.first_delivery_seconds is None:
        yield "Stopped before there was anything to see"
    else:
        yield f"What you saw in {tally.seconds():.0f} seconds"
        yield from _seen(tally)
    yield "Try next"
    yield from (f"  {command}" for command in _next(options))


def _seen(tally: Tally) -> Iterator[str]:
    for company in COMPANIES:
        yield from _company(company.name, tally.companies[company.id])
    for engine in ENGINES:
        reading = tally.engines[engine.id]
        alerts = f"{counted(reading.raised, 'alert')}, {reading.withdrawn} withdrawn"
        received = f"received {reading.delivered} of {reading.expected}, {shows(engine)}"
        yield f"  {engine.name:<17} {received}; {alerts}"
    told = tally.summary()
    yield f"  {told['receipts_verified']} of {tally.taken} receipts verified with the hub's public key"
    latency = f"p50 {told['p50_ms']} ms, p99 {told['p99_ms']} ms"
    yield f"  accept to delivery {latency}; first delivery after {told['seconds_to_first_delivery']} s"


def _company(name: str, sending: Sending) -> Iterator[str]:
    counts = {
        "accepted": sending.accepted,
        "repeated": sending.duplicates,
        "refused": sending.rejected,
        "refused while suspended": sending.suspended_refused,
        "unanswered": sending.unanswered,
    }
    told = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    yield f"  {name:<17} sent {sending.sent}: {told or 'nothing'}"
    if sending.kept:
        yield f"  {'':<17} {sending.kept} events still wait there"


def _next(options: Options) -> Iterator[str]:
    if options.data is None:
        yield "customs-hub demo --data var/demo   keep everything, and look at it afterwards"
    else:
        yield f"customs-hub agreement list --data {options.data}"
    if options.ground == "kafka":
        yield "customs-hub kafka up               a Kafka to keep, for demo --kafka BOOTSTRAP"
    else:
        yield "customs-hub demo --log kafka       the same on a real Apache Kafka"
    yield "customs-hub explain NOT_PERMITTED  what a refusal means, and what to do"
