"""`customs-hub agreement`: who gives what to whom, for which purpose, which fields, until when."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import App, Parameter

from hub.cli.desk import DEFAULTS, Options, Reason, Several, act, view
from hub.cli.show import Columns, listing, moment

app = App(name="agreement", help="Agreements: nothing is taken from a partner or given to an authority without one.")


@app.command
def add(
    agreement: str,
    /,
    *,
    type: Annotated[list[str], Several],  # noqa: A002 - the word of the trade is the option's name
    recipient: str,
    purpose: str,
    field: Annotated[list[str], Several],
    partner: str | None = None,
    tier: str | None = None,
    role: str | None = None,
    country: str | None = None,
    everyone: Annotated[bool, Parameter(negative="")] = False,
    valid_from: str | None = None,
    valid_to: str | None = None,
    reason: Reason = "",
    options: Options = DEFAULTS,
) -> int:
    """Let a partner, or a class of partners, give events to an authority.

    Parameters
    ----------
    agreement
        Its name, never used again.
    type
        Event types: customs.seal.broken, a family customs.seal.*, or *; one or more. Neither a family nor * covers
        customs.goods.observed or customs.aeo.status_changed, which are shared only where they are named. Without
        customs.event.* the recipient is not told of retractions and corrections.
    recipient
        The partner that receives; it must have the role authority.
    purpose
        security-risk-assessment, admissibility, duty-risk, trade-facilitation, statistics or incident-response.
    field
        JSON Pointers of what the recipient may see, such as /data/seal; * for all of the event; one or more.
    partner
        The provider; or name a class of providers by tier, role and country.
    everyone
        Every partner provides.
    valid_from
        A date or an RFC 3339 time; also says how far back a feed may start. Default: now.
    valid_to
        The first moment at which it no longer holds. Default: until it is ended.
    """
    facts = {"partner": partner, "tier": tier, "role": role, "country": country}
    request = {
        "id": agreement,
        "provider": {**facts, "all": everyone},
        "types": type,
        "recipient": recipient,
        "purpose": purpose,
        "fields": field,
        "valid_from": valid_from,
        "valid_to": valid_to,
        "reason": reason,
    }
    return act("agreement.add", request, options)


@app.command
def end(agreement: str, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """End it now: nothing more is taken or given under it, in force within a second."""
    return act("agreement.end", {"id": agreement, "reason": reason}, options)


@app.command(name="list")
def list_(*, options: Options = DEFAULTS) -> int:
    """All agreements, also those that have ended."""
    columns: Columns = {
        "AGREEMENT": "id",
        "PROVIDER": _provider,
        "TYPES": "types",
        "RECIPIENT": "recipient",
        "PURPOSE": "purpose",
        "FIELDS": "fields",
        "FROM": lambda a: moment(a["valid_from"]),
        "TO": lambda a: moment(a["valid_to"]),
        "IN FORCE": "in_force",
    }
    return view("agreement.list", {}, options, listing(columns))


def _provider(agreement: dict[str, Any]) -> str:
    named = [f"{fact}={value}" for fact, value in agreement["provider"].items() if value is not None]
    return " ".join(named) or "everyone"
