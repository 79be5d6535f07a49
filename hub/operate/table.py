"""Every act and view that there is: each noun of the registry has a module, and here they come together."""

from __future__ import annotations

from hub.operate import (
    aeo,
    aeo_feeds,
    aeo_table,
    agreements,
    api_keys,
    approvals,
    break_glass,
    certificates,
    checklist,
    edi,
    enrolment,
    feeds,
    issuers,
    keys,
    leaks,
    mandates,
    operators,
    own_keys,
    partner_table,
    partners,
    quarantine,
    quotas,
    succession,
    why,
)
from hub.operate.acts import Act
from hub.operate.views import VIEWS as VIEWS_OF_THE_REGISTRY
from hub.operate.views import View

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
    **feeds.ACTS,
    **quarantine.ACTS,
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
    **checklist.VIEWS,
    **api_keys.VIEWS,
    **certificates.VIEWS,
    **leaks.VIEWS,
    **quarantine.VIEWS,
    **why.VIEWS,
    **quotas.VIEWS,
    **mandates.VIEWS,
    **operators.VIEWS,
    **approvals.VIEWS,
}
