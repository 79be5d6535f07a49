"""Every act and view that there is: each noun of the registry has a module, and here they come together."""

from __future__ import annotations

from collections.abc import Iterable

from hub.core.operator import ANYONE, SECURITY, OperatorRole
from hub.operate import (
    accesses,
    aeo,
    aeo_feeds,
    aeo_table,
    agreement_life,
    agreements,
    announcements,
    api_keys,
    approvals,
    break_glass,
    certificates,
    checklist,
    coverage,
    dead_letters,
    edi,
    endpoints,
    enrolment,
    feed_drafts,
    feeds,
    issuers,
    kafka_access,
    keys,
    leaks,
    mandates,
    operators,
    own_keys,
    partner_table,
    partners,
    quarantine,
    quotas,
    repairs,
    replays,
    restrictions,
    succession,
    why,
)
from hub.operate.acts import Act
from hub.operate.views import VIEWS as VIEWS_OF_THE_REGISTRY
from hub.operate.views import View

WATCH = SECURITY | frozenset({OperatorRole.AUDITOR})
"""Who may know everything."""
ACTS: dict[str, Act] = {
    **partners.ACTS,
    **partner_table.ACTS,
    **aeo.ACTS,
    **aeo_feeds.ACTS,
    **aeo_table.ACTS,
    **edi.ACTS,
    **keys.ACTS,
    **enrolment.ACTS,
    **api_keys.ACTS,
    **certificates.ACTS,
    **leaks.ACTS,
    **succession.ACTS,
    **issuers.ACTS,
    **agreements.ACTS,
    **agreement_life.ACTS,
    **feeds.ACTS,
    **endpoints.ACTS,
    **kafka_access.ACTS,
    **quarantine.ACTS,
    **dead_letters.ACTS,
    **repairs.ACTS,
    **restrictions.ACTS,
    **quotas.ACTS,
    **mandates.ACTS,
    **break_glass.ACTS,
    **operators.ACTS,
    **own_keys.ACTS,
    **approvals.ACTS,
}
VIEWS: dict[str, View] = {
    **VIEWS_OF_THE_REGISTRY,
    **aeo_feeds.VIEWS,
    **aeo_table.VIEWS,
    **enrolment.VIEWS,
    **feed_drafts.VIEWS,
    **checklist.VIEWS,
    **api_keys.VIEWS,
    **certificates.VIEWS,
    **leaks.VIEWS,
    **endpoints.VIEWS,
    **quarantine.VIEWS,
    **dead_letters.VIEWS,
    **repairs.VIEWS,
    **restrictions.VIEWS,
    **accesses.VIEWS,
    **kafka_access.VIEWS,
    **why.VIEWS,
    **agreement_life.VIEWS,
    **coverage.VIEWS,
    **quotas.VIEWS,
    **replays.VIEWS,
    **announcements.VIEWS,
    **mandates.VIEWS,
    **operators.VIEWS,
    **approvals.VIEWS,
}


def may_know(roles: Iterable[OperatorRole], name: str) -> bool:
    """Whether operators of these roles may know what was asked for in an act, and why: those who could sign it."""
    act = ACTS.get(name)
    signers = ANYONE if act is not None and act.in_haste else act.roles if act is not None else frozenset()
    return not (WATCH | signers).isdisjoint(roles)
