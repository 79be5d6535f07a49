"""API keys: what a small firm sends instead of proving that it holds a key.

Whoever reads one can use it, so it may do less, for a time, at a low pace, and only for those of whom little is at
stake. The hub keeps no more of it than its digest.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address, ip_network

from msgspec import Struct

from hub.core.credential import KeyState
from hub.core.partner import Partner, Role, Tier

VALIDITY_DAYS_MAX = 365

SCOPES_OF: Mapping[Tier, frozenset[str]] = {
    Tier.SMALL: frozenset({"events:write", "receipts:read"}),
    Tier.SANDBOX: frozenset({"events:write", "receipts:read", "feeds:read"}),
}
"""What an API key may be good for, by the tier that its partner counts as; other tiers have none. A feed holds others'
events: outside the sandbox nobody reads it on the strength of a password."""


class ApiKey(Struct, frozen=True, omit_defaults=True):
    """`id` is the SHA-256 (hex) of what is sent: a key is found by it, and never compared character by character."""

    id: str
    system: str
    scopes: tuple[str, ...]
    made: int
    """Seconds since 1970."""
    not_after: int
    networks: tuple[str, ...] = ()
    """From which it may be used, such as `192.0.2.0/24`; empty: from everywhere."""
    state: KeyState = KeyState.ACTIVE
    """`active` or `revoked`; that it ended, its date says."""

    def usable_until(self) -> float:
        """Seconds since 1970 before which it is good."""
        return self.not_after if self.state is KeyState.ACTIVE else 0

    def state_at(self, now: int) -> KeyState:
        return self.state if self.state is not KeyState.ACTIVE or now < self.not_after else KeyState.EXPIRED

    def usable_at(self, now: int) -> bool:
        return self.state_at(now) is KeyState.ACTIVE

    def may_come_from(self, address: str) -> bool:
        """`address`: of the sender, as the hub sees it; empty: unknown."""
        if not self.networks:
            return True
        try:
            found = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        found = getattr(found, "ipv4_mapped", None) or found
        return any(found in ip_network(network) for network in self.networks)


def scopes_for(partner: Partner, tier: Tier) -> frozenset[str]:
    """What an API key of the partner may be good for while it counts as of this tier."""
    scopes = SCOPES_OF.get(tier, frozenset())
    return scopes - {"feeds:read"} if Role.AUTHORITY in partner.roles else scopes
