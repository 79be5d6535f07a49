"""What an operator sets apart of the quota that a partner's tier has."""

from __future__ import annotations

from msgspec import Struct

from hub.core.partner import Partner, Role, Tier
from hub.core.quota import Quota, QuotaSettings

EVERYONE = "*"
"""In the place of a partner's name: an allowance of everyone's."""


class Allowance(Struct, frozen=True, omit_defaults=True):
    """What an operator set apart from the tier's quota. None: as the tier has it."""

    partner: str
    """`*`: everyone; only `catch_up_until` is said of it."""
    events_per_second: int | None = None
    bytes_per_second: int | None = None
    requests_per_second: int | None = None
    burst_seconds: int | None = None
    requests_in_flight_max: int | None = None
    streams_max: int | None = None
    catch_up_until: int = 0
    """Seconds since 1970: until then the rates are those of catching up, after an outage that was declared."""


SET_APART = Quota.__struct_fields__


def quota_of(partner: Partner, tier: Tier, tiers: QuotaSettings, allowance: Allowance | None) -> Quota:
    """The quota of a partner's tier, or of authorities, with what was set apart for it."""
    own: Quota = tiers.authority if Role.AUTHORITY in partner.roles else getattr(tiers, tier.value)
    if allowance is None:
        return own
    given = {name: getattr(allowance, name) for name in SET_APART}
    return Quota(**{name: getattr(own, name) if value is None else value for name, value in given.items()})
