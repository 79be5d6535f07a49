"""`customs-hub partner`: organisations that the hub knows."""

from __future__ import annotations

import sys
from typing import Annotated, Any

from cyclopts import App

from hub.cli.desk import DEFAULTS, Options, Reason, Several, act, view
from hub.cli.partner_file import import_
from hub.cli.partner_life import (
    Contacts,
    Organisation,
    apply,
    approve,
    checklist,
    contacts,
    identifiers,
    leave,
    tier,
    vet,
)
from hub.cli.quotas import catch_up, quota
from hub.cli.show import KEY_COLUMNS, Columns, lines, table

app = App(
    name="partner",
    help="Organisations that the hub knows: who they are, whether they may act, their AEO authorisation.",
)

for command in (quota, catch_up, apply, vet, approve, tier, leave, checklist):
    app.command(command)


app.command(import_, name="import")


@app.command
def add(
    partner: str,
    /,
    *,
    organisation: Organisation,
    time_zone: str | None = None,
    check_digits: str = "hub",
    edi_sender: Annotated[list[str] | None, Several] = None,
    reason: Reason = "",
    options: Options = DEFAULTS,
) -> int:
    """Enrol an organisation under a name that is never used again.

    Parameters
    ----------
    partner
        Its name in the hub: a-z, 0-9 and -, at most 32 characters.
    time_zone
        IANA name, such as Europe/Amsterdam: the zone of times that arrive without an offset. Default: none, and such a
        time is refused.
    check_digits
        What a wrong check digit does: warn, reject, or hub (as `intake.check_digits` says).
    edi_sender
        What it calls itself in UNB, as sender of EDIFACT; one or more. Default: not checked.
    """
    agreed = {"time_zone": time_zone, "check_digits": check_digits, "edi_senders": edi_sender or []}
    return act("partner.add", organisation.request(partner) | agreed | {"reason": reason}, options)


@app.command(name="set")
def set_(
    partner: str,
    /,
    *,
    name: str | None = None,
    identifier: Annotated[list[str] | None, Several] = None,
    check_digits: str | None = None,
    time_zone: str | None = None,
    edi_sender: Annotated[list[str] | None, Several] = None,
    contact: Contacts = None,
    reason: Reason = "",
    options: Options = DEFAULTS,
) -> int:
    """Change how a partner's events are read and judged, and whom to ask; what is left out stays as it is.

    Parameters
    ----------
    name
        What people call it: its legal name.
    identifier
        scheme=value, as for add: all of them, one or more.
    check_digits
        What a wrong check digit does: warn, reject, or hub (as `intake.check_digits` says).
    time_zone
        IANA name, such as Europe/Amsterdam: the zone of times that arrive without an offset.
    edi_sender
        What it calls itself in UNB, as sender of EDIFACT: all of them, one or more; or any, and it is not checked.
    """
    request = {
        "id": partner,
        "name": name,
        "identifiers": None if identifier is None else identifiers(identifier),
        "check_digits": check_digits,
        "time_zone": time_zone,
        "edi_senders": edi_sender,
        "contacts": None if contact is None else contacts(contact),
        "reason": reason,
    }
    return act("partner.set", request, options)


@app.command
def suspend(partner: str, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """The full stop: no token, live ones refused, streams end; in force within a second."""
    return act("partner.suspend", {"id": partner, "reason": reason}, options)


@app.command
def resume(partner: str, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """End a suspension."""
    return act("partner.resume", {"id": partner, "reason": reason}, options)


@app.command
def aeo(
    partner: str,
    /,
    *,
    number: str | None = None,
    type: str | None = None,  # noqa: A002 - the word of the trade is the option's name
    issuer: str | None = None,
    valid_from: str | None = None,
    valid_to: str | None = None,
    status: str | None = None,
    reason: Reason = "",
    options: Options = DEFAULTS,
) -> int:
    """Set the AEO authorisation, or only what changed in it. Event types that need AEO follow it at once.

    Parameters
    ----------
    number
        The authorisation's number.
    type
        C (customs simplifications), S (security and safety) or F (both).
    issuer
        The country of the administration that granted it.
    valid_from
        Its first day, such as 2026-01-31.
    valid_to
        Its last day.
    status
        valid, suspended or revoked.
    """
    given = {
        "number": number,
        "type": type,
        "issuer": issuer,
        "valid_from": valid_from,
        "valid_to": valid_to,
        "status": status,
    }
    named = {name: value for name, value in given.items() if value is not None}
    return act("partner.aeo", {"id": partner, "reason": reason, **named}, options)


@app.command(name="list")
def list_(*, role: str = "", tier: str = "", state: str = "", country: str = "", options: Options = DEFAULTS) -> int:
    """All partners, or those of a role, tier, state or country."""
    columns: Columns = {
        "PARTNER": "id",
        "NAME": "name",
        "COUNTRY": "country",
        "ROLES": "roles",
        "TIER": "tier",
        "AEO": _aeo_in_short,
        "STATE": "state",
    }
    which = {"role": role, "tier": tier, "state": state, "country": country}
    return view("partner.list", which, options, lambda answer: _say_list(answer, columns))


def _say_list(answer: dict[str, Any], columns: Columns) -> None:
    table(answer["items"], columns)
    if answer["more"]:
        print(f"and {answer['more']} more: name a --role, --tier, --state or --country", file=sys.stderr)


@app.command
def show(partner: str, /, *, options: Options = DEFAULTS) -> int:
    """A partner with its systems and keys, its agreements, and the feeds it receives."""
    return view("partner.show", {"id": partner}, options, _say)


def _say(partner: dict[str, Any]) -> None:
    lines(
        {
            "partner": partner["id"],
            "name": partner["name"],
            "country": partner["country"],
            "roles": partner["roles"],
            "tier": partner["tier"],
            "identifiers": [f"{each['scheme']}={each['value']}" for each in partner["identifiers"]],
            "time zone": partner["time_zone"] or "none agreed",
            "check digits": partner["check_digits"] or "as the hub",
            "EDI senders": partner["edi_senders"] or "not checked",
            "AEO": _aeo_in_short(partner),
            "counts as": _standing(partner["standing"]),
            "state": partner["state"],
            "contacts": [_contact(each) for each in partner["contacts"]],
            "agreements": [each["id"] for each in partner["agreements"]],
            "feeds": [each["name"] for each in partner["feeds"]],
        }
    )
    keys = [{**key, "scopes": system["scopes"]} for system in partner["systems"] for key in system["keys"]]
    if keys:
        print()
        table(keys, {**KEY_COLUMNS, "SCOPES": "scopes"})


def _aeo_in_short(partner: dict[str, Any]) -> str:
    return "; ".join(
        f"{held['type']} {held['number']} {held['status']} {held['valid_from']}/{held['valid_to'] or ''}"
        for held in partner["authorisations"]
    )


def _standing(standing: dict[str, Any]) -> str:
    stale = ", status stale" if standing["status_stale"] else ""
    why = f" ({standing['shortfall']})" if standing["shortfall"] else ""
    return f"tier {standing['tier']}{stale}{why}"


def _contact(contact: dict[str, Any]) -> str:
    return " ".join(filter(None, (f"{contact['purpose']}:", contact["name"], contact["email"], contact["phone"])))
