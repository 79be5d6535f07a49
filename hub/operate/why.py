"""Why a partner may report a type of event, or not: every question that intake asks, in its order, with the answer."""

from __future__ import annotations

from msgspec import Struct

from hub.core.permission import answers
from hub.core.standing import standing_of
from hub.operate.acts import Basis
from hub.operate.checks import Checks
from hub.operate.views import Plain, View
from schemas.catalogue import catalogue
from schemas.faults import Fault

WRITES = "events:write"


class Why(Struct, frozen=True, forbid_unknown_fields=True):
    partner: str
    type: str
    agent: str | None = None
    """Who reports it in the partner's place."""


def why(request: Why, basis: Basis, checks: Checks) -> Plain:
    partner = checks.known("/partner", request.partner, basis.snapshot.partners)
    kind = catalogue().find(request.type)
    if isinstance(kind, Fault):
        checks.fault("ACT_NOT_REGISTERED", "/type", request.type, kind.expected)
        return {}
    agent = checks.known("/agent", request.agent, basis.snapshot.partners) if request.agent else None
    if partner is None or (request.agent and agent is None):
        return {}
    sender = agent or partner
    systems = [system for system in basis.snapshot.systems.of(sender.id) if WRITES in system.scopes]
    standing = standing_of(partner, basis.snapshot, basis.now)
    asked = list(answers(partner, standing, kind, basis.snapshot, basis.now, agent=agent.id if agent else None))
    refused = next((each.refusal for each in asked if each.refusal is not None), None)
    return {
        "partner": partner.id,
        "agent": agent and agent.id,
        "type": kind.name,
        "answer": refused.code if refused is not None else "PERMITTED",
        "systems": [
            {"id": system.id, "keys": sum(key.usable_at(basis.now) for key in basis.snapshot.keys_of(system.id))}
            for system in systems
        ],
        "questions": [
            {"question": each.question, "found": each.found, "code": each.refusal.code if each.refusal else None}
            for each in asked
        ],
    }


VIEWS = {"why": View(Why, why)}
