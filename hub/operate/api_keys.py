"""API keys of small firms: issued for a time and a few scopes, revoked at once.

Whoever issues one makes it and gives the hub its digest alone. Once its partner counts as of another tier, a key is
refused until it counts as before: moving up means proving that one holds a key.
"""

from __future__ import annotations

from ipaddress import ip_network

from hub.core.api_key import SCOPES_OF, VALIDITY_DAYS_MAX, ApiKey, scopes_for
from hub.core.codes import is_digest
from hub.core.operator import ANYONE, PARTNERS, SECURITY, Effect
from hub.core.partner import Partner
from hub.core.standing import DAY_SECONDS, standing_of
from hub.operate.acts import Act, Basis, Changes, Request
from hub.operate.checks import Checks
from hub.operate.keys import system_of
from hub.operate.revocation import Lost, ended_with
from hub.operate.views import All, Plain, View, plain

LIVE_API_KEYS_MAX = 2
"""One in use and one coming."""
NETWORKS_MAX = 16


class IssueApiKey(Request, frozen=True, kw_only=True):
    """Also makes the system, or gives it other scopes."""

    id: str
    """SHA-256 (hex) of the key."""
    partner: str
    system: str
    """The system's own name: its id is `<partner>.<system>`."""
    scopes: tuple[str, ...] = ()
    """May be left out for a system that is registered: it keeps its scopes."""
    days: int = 90
    networks: tuple[str, ...] = ()


class RevokeApiKey(Request, frozen=True, kw_only=True):
    id: str


def issue_api_key(request: IssueApiKey, basis: Basis, checks: Checks) -> Changes:
    snapshot = basis.snapshot
    partner = checks.known("/partner", request.partner, snapshot.partners)
    system = system_of(request, basis, checks)
    if not is_digest(request.id):
        checks.invalid("/id", "(not shown)", "the SHA-256 of an API key, in hexadecimal")
    elif snapshot.api_keys.get(request.id) is not None:
        checks.fault("ACT_NAME_TAKEN", "/id", request.id, "the digest of a new API key")
    if not 1 <= request.days <= VALIDITY_DAYS_MAX:
        checks.invalid("/days", request.days, f"1 to {VALIDITY_DAYS_MAX}")
    networks = _networks(request.networks, checks)
    if partner is None:
        return ()
    _may_have(partner, system.scopes, basis, checks)
    live = [each for each in snapshot.api_keys.of(system.id) if each.usable_at(basis.now)]
    if len(live) >= LIVE_API_KEYS_MAX:
        checks.fault("ACT_KEYS_TOO_MANY", "/system", f"{len(live)} live API keys", f"fewer than {LIVE_API_KEYS_MAX}")
    ends = basis.now + request.days * DAY_SECONDS
    key = ApiKey(request.id, system.id, system.scopes, basis.now, ends, networks)
    return (key,) if system == snapshot.systems.get(system.id) else (system, key)


def revoke_api_key(request: RevokeApiKey, basis: Basis, checks: Checks) -> Changes:
    key = checks.named("/id", request.id, basis.snapshot.api_keys)
    return () if key is None else ended_with(Lost((key,)), basis)


def list_api_keys(_: All, basis: Basis, __: Checks) -> Plain:
    keys = basis.snapshot.api_keys
    return {
        "items": [
            {**plain(key), "state": key.state_at(basis.now).value, "live": key.usable_at(basis.now)} for key in keys
        ]
    }


def _may_have(partner: Partner, scopes: tuple[str, ...], basis: Basis, checks: Checks) -> None:
    """Whether the partner may have an API key at all, and for these scopes."""
    tier = standing_of(partner, basis.snapshot, basis.now).facts.tier
    if tier not in SCOPES_OF:
        checks.invalid("/partner", f"a partner that counts as {tier}", "one of the tier small or sandbox")
        return
    may = scopes_for(partner, tier)
    for index, scope in enumerate(scopes):
        if scope not in may:
            checks.invalid(f"/scopes/{index}", scope, "one of " + ", ".join(sorted(may)))


def _networks(texts: tuple[str, ...], checks: Checks) -> tuple[str, ...]:
    if len(texts) > NETWORKS_MAX:
        checks.invalid("/networks", f"{len(texts)} networks", f"at most {NETWORKS_MAX}")
    networks = []
    for index, text in enumerate(texts):
        try:
            networks.append(str(ip_network(text)))
        except ValueError:
            checks.invalid(f"/networks/{index}", text, "an address or a network, such as 192.0.2.0/24")
    return tuple(networks)


ACTS = {
    "api-key.issue": Act(IssueApiKey, issue_api_key, Effect.STARTS, PARTNERS | SECURITY),
    "api-key.revoke": Act(RevokeApiKey, revoke_api_key, Effect.STOPS, ANYONE),
}
VIEWS = {"api-key.list": View(All, list_api_keys)}
