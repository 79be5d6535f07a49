"""The rules of the reference engine: what is known of one object → what a customs officer should look at.

A rule is a function of the whole history of an object, not of the newest event: so it does not matter in which order
the events arrived, the same event twice changes nothing, and a finding that a later event explains is simply not found
any more (its alert is then withdrawn). A rule about absence names the moment from which its finding counts.
A feed is cut down to what its agreement allows: a rule that misses what it needs finds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from schemas.identity import instant_us, utc_instant

GATE_IN, LOADED = "customs.container.gate_in", "customs.container.loaded"
DEPARTED, FILING = "customs.transport.departed", "customs.filing.pre_loading"
SEAL_BROKEN, STRIPPED = "customs.seal.broken", "customs.container.stripped"

TARE_KG = {"2": (1_800, 3_200), "4": (3_000, 5_000), "L": (4_000, 5_500), "M": (4_000, 5_500)}
"""What empty containers weigh, by the length in the first character of the size and type code (ISO 6346); boxes and
reefers of the makers' lists."""
TARE_KG_ANY = (1_800, 5_500)


EVIDENCE_COUNT_MAX = 20


class Settings(Struct, frozen=True):
    """What an administration sets."""

    grace_seconds: float = 3600.0
    """How long a gate-in may wait for its filing, from when the hub took it."""
    filing_days_max: int = 30
    """A filing belongs to a gate-in at most so long after it."""
    mass_tolerance_ratio: float = 0.05
    mass_tolerance_kg: float = 500.0
    """The larger of the two is the tolerance."""
    known_consignors: frozenset[str] = frozenset()
    """Identifiers, as `scheme:value`. If empty, a consignor is known if it has any identifier."""
    watched: frozenset[str] = frozenset()
    """Identifiers, as `scheme:value`, of whatever an officer wants to hear of."""


class Event(Struct, frozen=True):
    """One event as a rule sees it. Times are µs since 1970."""

    key: str
    """Publisher, source and id: the evidence that an alert names."""
    type: str
    occurred_us: int
    received_us: int
    version: str
    """`updated_at` as a UTC instant; empty if there is none."""
    body: dict[str, Any]
    """The event's `data`."""

    @classmethod
    def of(cls, record: dict[str, Any]) -> Event:
        """A feed record. Raises `KeyError` for what is always there and is missing."""
        data = record["data"]
        key = event_key(record)
        occurred = instant_us(data["occurred_at"]) or 0
        received = instant_us(record.get("receivedtime", record["time"])) or 0
        return cls(key, record["type"], occurred, received, utc_instant(data.get("updated_at", "")) or "", data)

    @property
    def actual(self) -> bool:
        return bool(self.body.get("time_kind") == "ACTUAL")

    def identifiers(self, scheme: str) -> list[str]:
        """Values of one scheme among the subjects and references."""
        named = (*self.body.get("subjects", ()), *self.body.get("references", ()))
        return [each["value"] for each in named if each.get("scheme") == scheme and "value" in each]


def event_key(record: dict[str, Any]) -> str:
    """What names an event of a feed, as the feed shows it."""
    return " ".join(str(record.get(name, "-")) for name in ("publisher", "source", "id"))


class Finding(Struct, frozen=True):
    """What one rule found of one object: in one sentence, with what to check and the events that show it."""

    rule: str
    anchor: str
    """The key of the event that the finding stands on: one alert for each rule, object and anchor."""
    sentence: str
    check: str
    evidence: tuple[str, ...]
    from_us: int = 0
    """It counts from this moment on; before, it may still be explained."""


History = Sequence[Event]
"""All events about one object, by when they occurred."""
Rule = Callable[[str, History, Settings], Iterator[Finding]]
"""(value of the object, its history, settings) → findings."""


def seal_broken_in_transit(container: str, history: History, settings: Settings) -> Iterator[Finding]:
    for broken in _actual(history, SEAL_BROKEN):
        before = [e for e in history if e.actual and e.occurred_us <= broken.occurred_us and e.type != SEAL_BROKEN]
        moves = [e for e in before if e.type in (GATE_IN, LOADED, STRIPPED)]
        if moves and moves[-1].type == STRIPPED:
            continue
        seal = broken.body.get("seal", {}).get("number", "(number not shared)")
        finding = str(broken.body.get("finding", "BROKEN")).lower()
        whole = [e for e in before if any(s.get("number") == seal for s in e.body.get("seals", ()))]
        last = f"; last seen whole at {_place(whole[-1])} on {_moment(whole[-1].occurred_us)}" if whole else ""
        yield Finding(
            "seal_broken_in_transit",
            broken.key,
            f"Seal {seal} of container {container} was found {finding} at {_place(broken)} "
            f"on {_moment(broken.occurred_us)}{last}.",
            "Hold the container, inspect its doors and contents, and compare them with its filing.",
            tuple(dict.fromkeys(e.key for e in (*moves[-1:], *whole[-1:], broken))),
        )


def gate_in_without_filing(container: str, history: History, settings: Settings) -> Iterator[Finding]:
    filings = _actual(history, FILING)
    for gate_in in _actual(history, GATE_IN):
        oldest_us = gate_in.occurred_us - settings.filing_days_max * 86_400_000_000
        if gate_in.body.get("empty") is True or any(filing.occurred_us >= oldest_us for filing in filings):
            continue
        yield Finding(
            "gate_in_without_filing",
            gate_in.key,
            f"Container {container} came in at {_place(gate_in)} on {_moment(gate_in.occurred_us)} "
            "and nothing was filed for it before loading.",
            "Ask the carrier for the filing's reference; keep the container from being loaded until there is one.",
            (gate_in.key,),
            gate_in.received_us + int(settings.grace_seconds * 1e6),
        )


def mass_differs(container: str, history: History, settings: Settings) -> Iterator[Finding]:
    """Weighed is the packed container (SOLAS VI/2); declared is the goods: between them stands the container itself."""
    weighings = [event for event in history if event.actual and "weighed_mass_kg" in event.body]
    for weighing in weighings[-1:]:
        oldest_us = weighing.occurred_us - settings.filing_days_max * 86_400_000_000
        filings = [e for e in _actual(history, FILING) if e.occurred_us >= oldest_us]
        # A filing for several containers does not say what is in which.
        if not filings or any(set(filing.identifiers("iso6346")) != {container} for filing in filings):
            continue
        masses = [goods.get("gross_mass_kg") for filing in filings for goods in filing.body.get("goods", ())]
        if not masses or None in masses:
            continue
        declared, weighed = sum(masses), weighing.body["weighed_mass_kg"]
        tare_min, tare_max = TARE_KG.get(str(weighing.body.get("size_type", ""))[:1], TARE_KG_ANY)
        tolerance = max(declared * settings.mass_tolerance_ratio, settings.mass_tolerance_kg)
        low, high = declared + tare_min - tolerance, declared + tare_max + tolerance
        if low <= weighed <= high:
            continue
        heavy = weighed > high
        tare = tare_max if heavy else tare_min
        expected = declared + tare
        yield Finding(
            "mass_differs",
            filings[-1].key,
            f"Container {container} was weighed at {weighed:,.0f} kg at {_place(weighing)}; {declared:,.0f} kg of "
            f"goods declared and an empty container of at {'most' if heavy else 'least'} {tare:,.0f} kg make "
            f"{expected:,.0f} kg: that is {abs(weighed - expected):,.0f} kg too {'much' if heavy else 'little'}, "
            f"beyond the tolerance of {tolerance:,.0f} kg.",
            "Weigh the container again and compare goods, pieces and packing list with the filing.",
            (*(filing.key for filing in filings), weighing.key),
        )


def departed_before_cut_off(call: str, history: History, settings: Settings) -> Iterator[Finding]:
    for departed in _actual(history, DEPARTED):
        stated = [e for e in (*history, departed) if _cut_off_us(e) is not None and _same_place(e, departed)]
        cut_off_us = _cut_off_us(stated[-1]) if stated else None
        if cut_off_us is None or departed.occurred_us >= cut_off_us:
            continue
        yield Finding(
            "departed_before_cut_off",
            departed.key,
            f"{_means(departed)} left {_place(departed)} on {_moment(departed.occurred_us)}, before loading closed "
            f"at {_moment(cut_off_us)}.",
            "Ask carrier and terminal which containers were left behind, and which filings are now without a voyage.",
            tuple(dict.fromkeys((stated[-1].key, departed.key))),
        )


def unknown_consignor(consignment: str, history: History, settings: Settings) -> Iterator[Finding]:
    for filing in _actual(history, FILING):
        if "consignor" not in filing.body:
            continue
        consignor = filing.body["consignor"]
        identifiers = {f"{each['scheme']}:{each['value']}" for each in consignor.get("identifiers", ())}
        if identifiers & settings.known_consignors if settings.known_consignors else identifiers:
            continue
        reference = filing.body.get("filing", {}).get("reference", "(reference not shared)")
        named = ", ".join(sorted(identifiers)) or "no identifier"
        yield Finding(
            "unknown_consignor",
            filing.key,
            f"Filing {reference} for {consignment} names a consignor that is not known here: "
            f"{consignor.get('name', '(name not shared)')} ({named}).",
            "Look the consignor up in the register of economic operators; if it is not there, ask the filer who it is.",
            (filing.key,),
        )


def on_a_watch_list(identifier: str, history: History, settings: Settings) -> Iterator[Finding]:
    if identifier in settings.watched and history:
        yield Finding(
            "on_a_watch_list",
            history[0].key,
            f"{identifier} is on the watch list, and events name it.",
            "See who put it on the list, and why.",
            tuple(event.key for event in history[:EVIDENCE_COUNT_MAX]),
        )


RULES: dict[str, tuple[Rule, ...]] = {
    "container": (seal_broken_in_transit, gate_in_without_filing, mass_differs),
    "call": (departed_before_cut_off,),
    "filing": (unknown_consignor,),
    "listed": (on_a_watch_list,),
}
"""By the kind of object that they look at (`objects_of`)."""


ARRIVED = {
    FILING: "the filing",
    GATE_IN: "word of its gate-in",
    LOADED: "word of its loading",
    STRIPPED: "word of its stripping",
    SEAL_BROKEN: "word of its seal",
    DEPARTED: "word of its departure",
}
"""What came, in words, by the type of the event."""
EXPLAINED_BY = {"gate_in_without_filing": (FILING,), "mass_differs": (FILING, GATE_IN, LOADED)}
"""By rule, the types of the events that first come into question where a finding is found no more."""


def explanation(rule: str, history: History) -> Event:
    """The event that most likely ended a finding: the newest of its rule's types, else the newest of all."""
    likely = [event for event in history if event.type in EXPLAINED_BY.get(rule, ())]
    return max(likely or history, key=lambda event: event.received_us)


def arrival(event: Event) -> str:
    """That it came and when, in words."""
    return f"{ARRIVED.get(event.type, event.type)} arrived on {_moment(event.received_us)} ({event.key})"


def objects_of(event: Event) -> list[str]:
    """The objects, as `kind:value`, whose rules an event may touch."""
    objects = [f"container:{number}" for number in event.identifiers("iso6346")]
    if (call := _call(event)) is not None:
        objects.append(f"call:{call}")
    if event.type == FILING:
        subjects = event.body.get("subjects", ())
        objects.append("filing:" + (subjects[0]["value"] if subjects else event.key))
    objects += [f"listed:{each['scheme']}:{each['value']}" for each in _identified(event.body)]
    return list(dict.fromkeys(objects))


def _identified(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every identifier in it: of what it is about, of parties, of means of transport."""
    waiting: list[Any] = [body]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            if isinstance(each.get("scheme"), str) and isinstance(each.get("value"), str):
                yield each
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each


def _call(event: Event) -> str | None:
    """One call or voyage of one means of transport."""
    transport = event.body.get("transport", {})
    journey = transport.get("call_reference") or transport.get("voyage")
    return f"{transport['means']['value']} {journey}" if "means" in transport and journey else None


def _actual(history: Iterable[Event], type_: str) -> list[Event]:
    return [event for event in history if event.type == type_ and event.actual]


def _cut_off_us(event: Event) -> int | None:
    return instant_us(event.body.get("transport", {}).get("loading_cut_off_at", ""))


def _same_place(one: Event, other: Event) -> bool:
    codes = [event.body.get("place", {}).get("unlocode") for event in (one, other)]
    return None in codes or codes[0] == codes[1]


def _place(event: Event) -> str:
    place = event.body.get("place", {})
    name, code = place.get("name"), place.get("unlocode") or place.get("gln") or place.get("facility_code")
    return f"{name} ({code})" if name and code else str(name or code or "a place not shared")


def _means(event: Event) -> str:
    transport = event.body.get("transport", {})
    means = transport.get("means", {}).get("value", "")
    voyage = f", voyage {transport['voyage']}" if "voyage" in transport else ""
    name = transport.get("name") or {"MARITIME": "Vessel", "AIR": "Flight", "RAIL": "Train"}.get(
        transport.get("mode", ""), "Transport"
    )
    return f"{name} {means}{voyage}".replace("  ", " ")


def _moment(us: int) -> str:
    return f"{datetime.fromtimestamp(us / 1e6, UTC):%Y-%m-%d %H:%M} UTC"
