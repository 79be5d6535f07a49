"""An agreement in the words of those whom it binds: sentences, each with its French in this package's table."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from hub.core.agreement import ALL_FIELDS, Agreement, AgreementState, Conditions, Provider, Purpose
from schemas.groups import groups

PURPOSES = {
    Purpose.SECURITY_RISK: "to assess risks to safety and security",
    Purpose.ADMISSIBILITY: "to decide whether goods are admitted",
    Purpose.DUTY_RISK: "to assess whether duties are paid as they are due",
    Purpose.FACILITATION: "to make trade easier",
    Purpose.STATISTICS: "for statistics",
    Purpose.INCIDENT_RESPONSE: "to respond to incidents",
}
STATES = {
    AgreementState.PROPOSED: "It is proposed, and holds once everybody has signed who must.",
    AgreementState.ACTIVE: "It holds.",
    AgreementState.SUSPENDED: "It is suspended: nothing is shown under it.",
    AgreementState.ENDED: "It has ended: nothing is shown under it any more.",
}


def says(agreement: Agreement, recipient: str) -> Iterator[str]:
    """Sentence by sentence; `recipient`: its name, as people know it."""
    yield STATES[agreement.state]
    yield f"{recipient} receives events of these types: {', '.join(agreement.types)}."
    yield f"They come from: {_provider(agreement.provider)}."
    yield f"It receives them {PURPOSES[agreement.purpose]}."
    yield from _fields(agreement)
    yield from _conditions(agreement.conditions)
    if agreement.legal_basis:
        yield f"This rests on: {agreement.legal_basis}."
    if agreement.retention_days is None:
        yield "How long it may keep them is not agreed."
    else:
        yield f"It may keep them for {agreement.retention_days} days."
    if agreement.onward:
        yield f"It may pass them on to: {', '.join(agreement.onward)}."
    else:
        yield "It may pass them on to nobody."
    if agreement.archive_days:
        yield f"The hub keeps them for {agreement.archive_days} days in all, where its usual time is shorter."
    if agreement.direct:
        yield "It may read them from Kafka itself, and see how much others send."
    if agreement.notices:
        yield f"It may answer with notices: {', '.join(agreement.notices)}."
    yield f"From {moment(agreement.valid_from)} on."
    if agreement.valid_to is not None:
        yield f"Until {moment(agreement.valid_to)}."


def _provider(provider: Provider) -> str:
    facts = {"tier": provider.tier, "role": provider.role, "country": provider.country, "AEO": provider.aeo}
    named = [f"{name} {fact}" for name, fact in facts.items() if fact is not None]
    if provider.partner is not None:
        named.insert(0, provider.partner)
    return ", ".join(named) or "everybody"


def _fields(agreement: Agreement) -> Iterator[str]:
    if agreement.fields == ALL_FIELDS:
        yield "It sees all of the event."
        return
    yield "It always sees what kind of event it is and when it happened."
    for name in agreement.groups:
        if name in groups():
            yield f"It sees {groups()[name].en}."
    of_groups = {field for name in agreement.groups if name in groups() for field in groups()[name].fields}
    if others := [field for field in agreement.fields if field not in of_groups]:
        yield f"It sees these members: {', '.join(others)}."
    yield "It sees nothing else, and pseudonyms in the place of names."


def _conditions(conditions: Conditions) -> Iterator[str]:
    if conditions.places:
        yield f"Only where the event names one of these places: {', '.join(conditions.places)}."
    if conditions.chapters:
        yield f"Only where the goods are of one of these HS chapters: {', '.join(conditions.chapters)}."
    if conditions.modes:
        yield f"Only where the mode of transport is: {', '.join(conditions.modes)}."


def moment(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
