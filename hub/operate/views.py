"""What an operator sees of the registry: plain JSON values of the newest versions, with what follows from them now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from msgspec import Struct, to_builtins

from hub.core.aeo import Authorisation
from hub.core.agreement import Agreement
from hub.core.credential import KeyState
from hub.core.feed import Feed
from hub.core.filter import compile_filter
from hub.core.operator import OperatorRole
from hub.core.partner import Partner, PartnerState, PublicKey, Role, Tier
from hub.core.standing import standing_of
from hub.operate.acts import Basis, Gather
from hub.operate.checks import Checks

Plain = dict[str, Any]
PARTNERS_SHOWN_MAX = 1_000
"""In one answer: more would keep the hub's requests waiting."""
EXPIRING_SECONDS = 30 * 86_400
"""As long before the end as the first warning goes to the company."""


class All(Struct, frozen=True, forbid_unknown_fields=True):
    """A list has nothing to ask for."""


class WhichPartners(Struct, frozen=True, forbid_unknown_fields=True):
    """Empty: any. The tier is the one given by operators, whatever it counts as now."""

    role: str = ""
    tier: str = ""
    state: str = ""
    country: str = ""


class OfPartner(Struct, frozen=True, forbid_unknown_fields=True):
    id: str


class Keys(Struct, frozen=True, forbid_unknown_fields=True):
    """`yes`: only those that end within 30 days, or that nobody uses."""

    expiring: str = ""
    unused: str = ""


class OfFeed(Struct, frozen=True, forbid_unknown_fields=True):
    name: str


class View(Struct, frozen=True):
    """One question: `answer` is pure, and empty only if `Checks` was told why."""

    request: type[Struct]
    answer: Callable[[Any, Basis, Checks], Plain]
    gather: Gather | None = None
    asks_uses: bool = False
    """It shows when credentials were used last."""
    roles: frozenset[OperatorRole] = frozenset(OperatorRole)
    """Which operators may look."""
    posted: bool = False
    """What is asked about is a document, and comes as the body."""

    discloses: Callable[[Any, Basis], bool] = lambda _, __: False
    """Whether this look shows something confidential to who has these roles; the others are answered without it."""

    noted: Callable[[Any], object] = lambda asked: asked
    """What is written into the audit trail of a question that is confidential."""

    is_large: bool = False
    """As of an act: it is answered on a thread."""

    @property
    def is_confidential(self) -> bool:
        """Not for everybody's eyes: each look goes into the audit trail."""
        return self.roles != frozenset(OperatorRole)


def list_partners(request: WhichPartners, basis: Basis, checks: Checks) -> Plain:
    wanted = request.role and checks.choice("/role", request.role, Role)
    if request.tier:
        checks.choice("/tier", request.tier, Tier)
    if request.state:
        checks.choice("/state", request.state, PartnerState)
    found = (
        partner
        for partner in basis.snapshot.partners
        if (not wanted or wanted in partner.roles)
        and request.tier in ("", partner.tier)
        and request.state in ("", partner.state)
        and request.country in ("", partner.country)
    )
    if checks.faults:
        return {}
    shown = list(found)
    return {
        "items": [_partner(partner, basis) for partner in shown[:PARTNERS_SHOWN_MAX]],
        "more": max(0, len(shown) - PARTNERS_SHOWN_MAX),
    }


def show_partner(request: OfPartner, basis: Basis, checks: Checks) -> Plain:
    """A partner with its systems and keys, the agreements that bind it, and the feeds that it receives."""
    snapshot = basis.snapshot
    partner = checks.known("/id", request.id, snapshot.partners)
    if partner is None:
        return {}
    systems = snapshot.systems.of(partner.id)
    return {
        **_partner(partner, basis),
        "systems": [
            {**plain(system), "keys": [_key(key, basis) for key in snapshot.keys_of(system.id)]} for system in systems
        ],
        "agreements": [_agreement(a, basis) for a in snapshot.agreements if _binds(a, partner, basis)],
        "feeds": [_feed(feed, basis) for feed in snapshot.feeds_of(partner.id)],
    }


def show_profile(request: OfPartner, basis: Basis, checks: Checks) -> Plain:
    """The profile of a partner in its JSON form; None: its codes mean what the guides say."""
    if checks.known("/id", request.id, basis.snapshot.partners) is None:
        return {}
    held = basis.snapshot.edi_profiles.get(request.id)
    return {"partner": request.id, "profile": held and to_builtins(held.profile, order="deterministic")}


def list_keys(request: Keys, basis: Basis, _: Checks) -> Plain:
    items = [_key(key, basis) for key in basis.snapshot.keys]
    if request.expiring:
        ends = basis.now + EXPIRING_SECONDS
        items = [each for each in items if each["live"] and (each["not_after"] or ends + 1) <= ends]
    if request.unused:
        items = [each for each in items if each["unused"]]
    return {"items": items}


def list_issuer_keys(_: All, basis: Basis, __: Checks) -> Plain:
    keys = basis.snapshot.issuer_keys
    return {"items": [{"id": key.id, **plain(key), "in_force": key.in_force(basis.now)} for key in keys]}


def list_agreements(_: All, basis: Basis, __: Checks) -> Plain:
    return {"items": [_agreement(agreement, basis) for agreement in basis.snapshot.agreements]}


def list_arrangements(_: All, basis: Basis, __: Checks) -> Plain:
    return {"items": [plain(arrangement) for arrangement in basis.snapshot.arrangements]}


def list_feeds(_: All, basis: Basis, __: Checks) -> Plain:
    return {"items": [_feed(feed, basis) for feed in basis.snapshot.feeds]}


def show_feed(request: OfFeed, basis: Basis, checks: Checks) -> Plain:
    """A feed with the agreements behind it and its filter as JSON Schema."""
    feed = checks.known("/name", request.name, basis.snapshot.feeds)
    if feed is None:
        return {}
    agreements = basis.snapshot.agreements_for(feed.recipient, feed.purpose)
    return {
        **_feed(feed, basis),
        "agreements": [_agreement(agreement, basis) for agreement in agreements],
        "filter_schema": compile_filter(feed.filter),
    }


_LEAVES = frozenset({str, int, float, bool, type(None)})


def plain(value: Any) -> Any:
    """Any registered value as JSON, every member written out: a reader need not know the defaults."""
    if type(value) in _LEAVES:
        return value
    if isinstance(value, Struct):
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, tuple | frozenset):
        return [plain(item) for item in value]
    return value.value if isinstance(value, Enum) else value


def _partner(partner: Partner, basis: Basis) -> Plain:
    """With its AEO authorisations, and how it stands by them."""
    standing = standing_of(partner, basis.snapshot, basis.now)
    return {
        **plain(partner),
        "authorisations": [_authorisation(each) for each in basis.snapshot.authorisations.of(partner.id)],
        "standing": {
            "tier": standing.facts.tier.value,
            "aeo": standing.facts.aeo,
            "benefits": sorted(standing.aeo.benefits),
            "status_stale": standing.aeo.stale,
            "shortfall": standing.aeo.shortfall,
        },
    }


def _authorisation(authorisation: Authorisation) -> Plain:
    """Without the reason: it is confidential."""
    shown: Plain = plain(authorisation)
    del shown["reason_class"]
    return {"id": authorisation.id, **shown}


def _binds(agreement: Agreement, partner: Partner, basis: Basis) -> bool:
    """Whether the partner receives under the agreement, or gives under it as it stands now."""
    facts = standing_of(partner, basis.snapshot, basis.now).facts
    return agreement.recipient == partner.id or agreement.provider.covers(partner.id, facts)


def _key(key: PublicKey, basis: Basis) -> Plain:
    """With its state now, its last use, and whether it has one without anybody using it."""
    use, state = basis.uses.get(key.id), key.state_at(basis.now)
    if state is KeyState.ACTIVE and use is None:
        state = KeyState.APPROVED
    live = key.usable_at(basis.now)
    idle_since = max(use.time if use is not None else 0, key.not_before or 0)
    leak = basis.snapshot.leaks.get(key.id)
    return {
        **plain(key),
        "state": state.value,
        "live": live,
        "last_use": None if use is None else {"time": use.time, "address": use.address, "agent": use.agent},
        "unused": live and 0 < idle_since <= basis.now - basis.key_unused_seconds,
        "leak": plain(leak),
    }


def _agreement(agreement: Agreement, basis: Basis) -> Plain:
    return {**plain(agreement), "in_force": agreement.in_force(basis.now)}


def _feed(feed: Feed, basis: Basis) -> Plain:
    agreements = basis.snapshot.agreements_for(feed.recipient, feed.purpose)
    return {**plain(feed), "agreements_in_force": sum(agreement.in_force(basis.now) for agreement in agreements)}


def shown_change(kind: str, name: str, item: Plain) -> Plain:
    """Without why an administration decided so: that is told by `aeo.reasons` alone, and each look at it noted."""
    shown = {member: value for member, value in item.items() if (kind, member) != ("authorisation", "reason_class")}
    return {"kind": kind, "id": name, "object": shown}


VIEWS = {
    "partner.list": View(WhichPartners, list_partners),
    "partner.show": View(OfPartner, show_partner, asks_uses=True),
    "edi.profile.show": View(OfPartner, show_profile),
    "key.list": View(Keys, list_keys, asks_uses=True),
    "issuer-key.list": View(All, list_issuer_keys),
    "arrangement.list": View(All, list_arrangements),
    "agreement.list": View(All, list_agreements),
    "feed.list": View(All, list_feeds),
    "feed.show": View(OfFeed, show_feed),
}
