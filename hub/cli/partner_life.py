"""`customs-hub partner …`: from an application to taking part, and to leaving."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from cyclopts import Parameter

from hub.cli.desk import DEFAULTS, Options, Reason, Several, act, view
from hub.cli.show import Columns, Plain, moment, table

Contacts = Annotated[
    list[str] | None,
    Several,
    Parameter(
        help="purpose:name:email:phone, such as security:Ann:ann@example.com:+31101234567; the purpose is operations, "
        "security or legal, email or phone may be empty; one or more.",
    ),
]


@Parameter(name="*")
@dataclass(frozen=True)
class Organisation:
    """Options that say who it is, of one that applies as of one that is enrolled."""

    name: Annotated[str, Parameter(help="What people call it.")]
    country: Annotated[str, Parameter(help="ISO 3166-1 alpha-2, such as NL.")]
    role: Annotated[
        list[str],
        Several,
        Parameter(
            help="exporter, importer, carrier, forwarder, broker, terminal, warehouse, manufacturer, authority; "
            "one or more.",
        ),
    ]
    tier: Annotated[str, Parameter(help="What it counts as once it is approved: aeo, trusted, small or sandbox.")] = (
        "trusted"
    )
    identifier: Annotated[
        list[str] | None,
        Several,
        Parameter(
            help="scheme=value, such as eori=NL123456789, of eori, tin, lei, gln, scac, national (NL:12345678); "
            "one or more.",
        ),
    ] = None
    contact: Contacts = None

    def request(self, partner: str) -> Plain:
        """As the registrar takes it, under the partner's name in the hub."""
        return {
            "id": partner,
            "name": self.name,
            "country": self.country,
            "roles": self.role,
            "tier": self.tier,
            "identifiers": identifiers(self.identifier),
            "contacts": contacts(self.contact),
        }


def identifiers(texts: list[str] | None) -> list[dict[str, str]]:
    """As the registrar takes them."""
    pairs = (text.partition("=") for text in texts or ())
    return [{"scheme": scheme, "value": value} for scheme, _, value in pairs]


def contacts(texts: list[str] | None) -> list[dict[str, str]]:
    """As the registrar takes them; what is left out is empty."""
    names = ("purpose", "name", "email", "phone")
    return [dict(zip(names, [*text.split(":", 3), "", "", ""], strict=False)) for text in texts or ()]


def apply(partner: str, /, *, organisation: Organisation, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """Write down an organisation's application: nothing is taken from it before it is vetted.

    Parameters
    ----------
    partner
        Its name in the hub, never used again: a-z, 0-9 and -, at most 32 characters.
    """
    return act("partner.apply", organisation.request(partner) | {"reason": reason}, options)


def vet(partner: str, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """It was looked at: it may try everything, and what it sends counts as of the tier sandbox."""
    return act("partner.vet", {"id": partner, "reason": reason}, options)


def approve(partner: str, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """It takes part: what it sends is a fact of trade from now on."""
    return act("partner.approve", {"id": partner, "reason": reason}, options)


def tier(partner: str, tier: str, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """Let it count as of another tier: aeo, trusted, small or sandbox."""
    return act("partner.tier", {"id": partner, "tier": tier, "reason": reason}, options)


def leave(partner: str, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """For good, so it takes two: nothing is taken from it or given to it any more, and its name is never used again."""
    return act("partner.leave", {"id": partner, "reason": reason}, options)


def checklist(partner: str, /, *, options: Options = DEFAULTS) -> int:
    """How far its systems have come since they enrolled: each line turns green by itself."""
    return view("partner.checklist", {"id": partner}, options, _say)


def _say(answer: dict[str, Any]) -> None:
    if not answer["systems"]:
        print("no system of it has enrolled yet: `customs-hub invite`")
    columns: Columns = {
        "SYSTEM": "system",
        "STEP": lambda item: item["name"].replace("_", " "),
        "DONE": "done",
        "SINCE": lambda item: moment(item["at"]),
        "FOUND": "found",
    }
    rows = [{**item, "system": each["system"]} for each in answer["systems"] for item in each["items"]]
    if rows:
        table(rows, columns)
