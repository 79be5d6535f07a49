"""How a partner stands now: what is stamped into its records, and what AEO earns it.

By default the suspension of an AEO authorisation takes benefits away and nothing else: the tier falls to `trusted`,
types that ask for AEO close, everything that must be reported stays open. The full stop is a separate act.
"""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct

from hub.core.aeo import Benefit, Recognition, recognised
from hub.core.partner import Facts, Partner, PartnerState, Tier
from hub.core.registry import Snapshot

DAY_SECONDS = 86_400


class Standing(Struct, frozen=True):
    facts: Facts
    aeo: Recognition
    until: float
    """Seconds since 1970 at which it may change by itself: at midnight, or when an issuer has been silent too long."""

    @property
    def may_send_aeo_types(self) -> bool:
        return Benefit.TYPES in self.aeo.benefits


def standing_of(partner: Partner, snapshot: Snapshot, now: int) -> Standing:
    """How the partner stands at `now` (seconds since 1970)."""
    aeo = Recognition(shortfall=f"{partner.id} has no AEO authorisation")
    if authorisations := snapshot.authorisations.of(partner.id):
        aeo = recognised(authorisations, snapshot.arrangements, snapshot.status_feeds, day=day_of(now), now=now)
    facts = Facts(_tier(partner, aeo), partner.country, partner.roles, aeo.type.value if aeo.type else None)
    return Standing(facts, aeo, min(aeo.until, now - now % DAY_SECONDS + DAY_SECONDS))


def day_of(now: int) -> str:
    return datetime.fromtimestamp(now, UTC).date().isoformat()


def _tier(partner: Partner, aeo: Recognition) -> Tier:
    if partner.state is PartnerState.VETTED:
        return Tier.SANDBOX
    if partner.tier is Tier.AEO and Benefit.TIER not in aeo.benefits:
        return Tier.TRUSTED
    return partner.tier
