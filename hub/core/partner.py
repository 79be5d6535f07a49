"""Organisations that the hub knows, and their systems.

Every value here is one version of a registry object: it is never changed, a change makes the next version.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from msgspec import Struct, field

from hub.core.credential import KeyState as KeyState
from hub.core.credential import PublicKey as PublicKey
from schemas.translate.edifact.profile import Profile


class Role(StrEnum):
    """What an organisation does in the supply chain (WCO SAFE Framework, Annex IV, and the ports' own trades)."""

    EXPORTER = "exporter"
    IMPORTER = "importer"
    CARRIER = "carrier"
    FORWARDER = "forwarder"
    BROKER = "broker"
    TERMINAL = "terminal"
    WAREHOUSE = "warehouse"
    MANUFACTURER = "manufacturer"
    AUTHORITY = "authority"


class Tier(StrEnum):
    AEO = "aeo"
    TRUSTED = "trusted"
    SMALL = "small"
    SANDBOX = "sandbox"


class CheckDigits(StrEnum):
    """What a wrong check digit of an identifier is: a warning, or an error that refuses the event."""

    WARN = "warn"
    REJECT = "reject"


class PartnerState(StrEnum):
    """How far an organisation has come with the hub."""

    APPLIED = "applied"
    """It asked to take part; nothing of it is taken."""
    VETTED = "vetted"
    """Looked at by an officer: it may try everything, and what it sends counts as of the tier `sandbox`."""
    ACTIVE = "active"
    SUSPENDED = "suspended"
    """The full stop: no token, live ones refused, streams end."""
    LEFT = "left"
    """For good."""


class Identifier(Struct, frozen=True):
    scheme: str
    value: str


class Contact(Struct, frozen=True, omit_defaults=True):
    """Whom to ask at the organisation, about what."""

    purpose: Literal["operations", "security", "legal"]
    name: str
    email: str = ""
    phone: str = ""


class Partner(Struct, frozen=True, omit_defaults=True):
    """An organisation known to the hub. `id` is a slug `[a-z0-9][a-z0-9-]{0,31}`, never reused."""

    id: str
    name: str
    country: str
    roles: tuple[Role, ...]
    tier: Tier
    identifiers: tuple[Identifier, ...] = ()
    time_zone: str | None = None
    """IANA name: the zone of times that arrive without an offset, in formats that allow it; None: none is agreed."""
    check_digits: CheckDigits | None = None
    """None: as the hub is set."""
    edi_senders: tuple[str, ...] = ()
    """What it may call itself in UNB, as sender of EDIFACT; empty: not checked."""
    state: PartnerState = PartnerState.ACTIVE
    contacts: tuple[Contact, ...] = ()

    @property
    def stopped(self) -> bool:
        """Whether nothing is taken from it and nothing is given to it."""
        return self.state not in (PartnerState.VETTED, PartnerState.ACTIVE)


class EDIProfile(Struct, frozen=True):
    """What a partner means by codes in EDIFACT that the guides leave open; without one, they mean what the guides say.
    An object of its own: it may be long, and it changes for other reasons than the partner does."""

    partner: str
    profile: Profile


class System(Struct, frozen=True, omit_defaults=True):
    """One system of a partner, an OAuth client: `id` is `<partner>.<slug>`."""

    id: str
    partner: str
    scopes: tuple[str, ...]


SCOPES = (
    "events:write", "feeds:read", "receipts:read", "aeo:write", "mandates:sign", "agreements:sign", "notices:write",
)  # fmt: skip


class Facts(Struct, frozen=True, array_like=True):
    """What was true of the publisher when its event was accepted; stamped into the record, decided by ever after."""

    tier: Tier
    country: str
    roles: tuple[Role, ...]
    aeo: str | None = field(default=None)
    """`C`, `S` or `F` of an authorisation that holds and counts, else None."""
