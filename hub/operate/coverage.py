"""Why an event is shown to a recipient, or not: every question that decides it, asked of the code that decides.

For a draft, for a registered agreement or for a feed, always of an event as if its provider sent it now. Nothing is
written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from msgspec import Struct
from msgspec.structs import replace

from hub.core.agreement import Agreement, AgreementState, Conditions, type_matches
from hub.core.event import Event
from hub.core.feed import Feed, Way
from hub.core.filter import matcher
from hub.core.partner import Facts
from hub.core.record import StoredRecord
from hub.core.standing import standing_of
from hub.core.terms import Decisions, Grant, Term, Terms
from hub.operate.acts import Basis
from hub.operate.agreements import AddAgreement, agreement_of
from hub.operate.checks import Checks
from hub.operate.views import Plain, View
from hub.trust.project import compile_projection
from schemas.catalogue import EventType, catalogue
from schemas.faults import Fault
from schemas.headers import EventHeader, pack

PSEUDONYMS = bytes(32)
"""The key of the pseudonyms shown here: those of feeds are made with keys that nobody sees."""
_FOR_EVER = 1 << 62


class OfEvent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    event: dict[str, Any]
    """A CloudEvent in JSON, as it would be sent."""
    partner: str | None = None
    """Who would send it; None: the provider, where an agreement names one."""


class PreviewAgreement(OfEvent, frozen=True, kw_only=True):
    id: str | None = None
    """A registered one; or else a draft."""
    draft: AddAgreement | None = None


class WhyFeed(OfEvent, frozen=True, kw_only=True):
    name: str


class Sent(Struct, frozen=True):
    """An event as the hub would have it."""

    event: Event
    facts: Facts

    @property
    def header(self) -> EventHeader:
        return self.event.header


def preview(request: PreviewAgreement, basis: Basis, checks: Checks) -> Plain:
    """What the recipient would see of the event under this agreement alone, and why."""
    agreement = _agreement(request, basis, checks)
    if checks.faults or agreement is None:
        return {}
    sent = _sent(request, request.partner or agreement.provider.partner, basis, checks)
    if sent is None:
        return {}
    terms = Terms()
    held = replace(agreement, state=AgreementState.ACTIVE)
    terms.add(Term(0, _FOR_EVER, held, held))
    grant = Decisions(terms).decide(sent.header, sent.event)
    return {
        "agreement": agreement.id,
        "recipient": agreement.recipient,
        **_shown(grant, sent),
        "questions": [*_questions(agreement, sent, basis.now)],
    }


def why_feed(request: WhyFeed, basis: Basis, checks: Checks) -> Plain:
    """What the feed would show of the event, and what each agreement behind it says to that."""
    feed = checks.known("/name", request.name, basis.snapshot.feeds)
    sent = _sent(request, request.partner, basis, checks)
    if feed is None or sent is None:
        return {}
    snapshot = basis.snapshot
    agreements = snapshot.agreements_for(feed.recipient, feed.purpose)
    recipient = snapshot.partners.get(feed.recipient)
    goes_on = not feed.ended and recipient is not None and not recipient.stopped
    own = [
        _question(
            "", "Does the feed go on?", "yes" if goes_on else "no: it has ended, or its recipient is stopped", goes_on
        ),
        _type_question("", feed.types, sent),
    ]
    grant = None
    if all(each["yes"] for each in own):
        terms = Terms()
        for each in agreements:
            if each.holds:
                terms.add(Term(0, _FOR_EVER, each, each))
        terms = terms.standing(basis.now)
        grant = Decisions(terms.direct if Way.KAFKA in feed.ways else terms, types=feed.types).decide(
            sent.header, sent.event
        )
    shown = _shown(grant, sent)
    if grant is not None and feed.filter:
        passes = matcher(feed.filter)(shown["shown"])
        own.append(_question("", "Does what is shown pass the feed's filter?", "yes" if passes else "no", passes))
        shown = shown if passes else _shown(None, sent)
    questions = [*own, *(question for each in agreements for question in _questions(each, sent, basis.now, feed))]
    return {"feed": feed.name, "recipient": feed.recipient, **shown, "questions": questions}


def _agreement(request: PreviewAgreement, basis: Basis, checks: Checks) -> Agreement | None:
    if (request.id is None) == (request.draft is None):
        checks.invalid("", "both, or neither", "the id of a registered agreement, or a draft")
        return None
    if request.draft is None:
        return checks.known("/id", request.id or "", basis.snapshot.agreements)
    within = Checks()
    agreement = agreement_of(request.draft, basis, within)
    checks.within("/draft", within.faults)
    return agreement


def _sent(request: OfEvent, publisher: str | None, basis: Basis, checks: Checks) -> Sent | None:
    if publisher is None:
        checks.invalid("/partner", "nothing", "who would send it: the agreement is for a class")
        return None
    partner = checks.known("/partner", publisher, basis.snapshot.partners)
    kind = catalogue().find(request.event.get("type"), request.event.get("dataschema"))
    if isinstance(kind, Fault):
        checks.within("/event", [kind])
        return None
    if not kind.schema.open.is_valid(request.event):
        checks.invalid("/event", "an event with faults", "a valid one: `customs-connect validate` shows the faults")
    if checks.faults or partner is None:
        return None
    facts = standing_of(partner, basis.snapshot, basis.now).facts
    return Sent(_event(request.event, partner.id, facts, kind, basis), facts)


def _event(event: Mapping[str, Any], publisher: str, facts: Facts, kind: EventType, basis: Basis) -> Event:
    received_us = basis.now * 1_000_000
    stamped = (facts.tier.value, facts.country, tuple(role.value for role in facts.roles), facts.aeo)
    header = EventHeader(
        publisher=publisher,
        submitted_by=publisher,
        source=str(event["source"]),
        id=str(event["id"]),
        version=None,
        type=kind.name,
        dataschema=kind.dataschema,
        received_us=received_us,
        raw_digest=b"",
        canonical_digest=b"",
        salt=bytes(16),
        revision=basis.snapshot.revision,
        facts=stamped,
        format="ce-json/1",
        key=kind.object_key(event),
    )
    return Event(header, StoredRecord(0, received_us, header.key.encode(), pack(header), orjson.dumps(event)))


def _shown(grant: Grant | None, sent: Sent) -> Plain:
    """The record's value, None: not even that there is an event; and on which agreements that rests."""
    if grant is None:
        return {"shown": None, "agreements": [], "fields": []}
    value = compile_projection(grant.fields, PSEUDONYMS)(sent.event)[1]
    return {"shown": orjson.loads(value), "agreements": list(grant.agreements), "fields": list(grant.fields)}


def _questions(agreement: Agreement, sent: Sent, now: int, feed: Feed | None = None) -> Iterable[Plain]:
    """Each with its answer; the agreement shows the event, in this feed if it is about one, where all are yes."""
    name, provider, publisher = agreement.id, agreement.provider, sent.header.publisher
    yield _question(name, "Does it hold?", f"it is {agreement.state}", agreement.holds)
    begun, over = agreement.valid_from <= now, agreement.valid_to is not None and agreement.valid_to <= now
    dates = "its last day has passed" if over else "today is one of its days" if begun else "its first day is to come"
    yield _question(name, "Do its dates allow it?", dates, begun and not over)
    facts = f"{publisher}: {sent.facts.tier}, {', '.join(sent.facts.roles)}, {sent.facts.country}"
    aeo = f", AEO {sent.facts.aeo}" if sent.facts.aeo else ""
    yield _question(name, "Does it cover this provider?", facts + aeo, provider.covers(publisher, sent.facts))
    yield _type_question(name, agreement.types, sent, covered=agreement.covers_type(sent.header.type))
    if agreement.conditions != Conditions():
        said = ", ".join(sorted(sent.event.said.places | sent.event.said.chapters | sent.event.said.modes))
        met = sent.event.said.meets(agreement.conditions)
        yield _question(name, "Does the event say what it asks for?", said or "it says nothing of it", met)
    if feed is not None and Way.KAFKA in feed.ways:
        found = "direct" if agreement.direct else "not direct"
        yield _question(name, "Does it let its events be read from Kafka itself?", found, agreement.direct)


def _type_question(name: str, types: Sequence[str], sent: Sent, *, covered: bool | None = None) -> Plain:
    if covered is None:
        covered = any(type_matches(pattern, sent.header.type) for pattern in types)
    question = "Does it cover this type?" if name else "Does the feed ask for this type?"
    return _question(name, question, f"{sent.header.type}; {', '.join(types)}", covered)


def _question(agreement: str, question: str, found: str, yes: bool) -> Plain:
    return {"agreement": agreement, "question": question, "found": found, "yes": yes}


VIEWS = {
    "agreement.preview": View(PreviewAgreement, preview, posted=True),
    "feed.why": View(WhyFeed, why_feed, posted=True),
}
