"""`customs-hub arrangement`: whose AEO authorisations count here, for what, from when to when."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App

from hub.cli.desk import DEFAULTS, Options, Reason, Several, act, view
from hub.cli.show import Columns, listing

app = App(
    name="arrangement",
    help="Whose AEO authorisations count here: the administration's own, or by mutual recognition.",
)


@app.command
def add(
    arrangement: str,
    /,
    *,
    issuer: Annotated[list[str], Several],
    valid_from: str,
    valid_to: str | None = None,
    type: Annotated[list[str] | None, Several] = None,  # noqa: A002 - the word of the trade is the option's name
    benefit: Annotated[list[str] | None, Several] = None,
    stale_after_hours: int | None = None,
    stale_policy: str = "keep",
    reason: Reason = "",
    options: Options = DEFAULTS,
) -> int:
    """Let authorisations of some administrations count. From the first arrangement on, no other authorisation does.

    Parameters
    ----------
    arrangement
        Its name, never used again.
    issuer
        The countries whose administrations grant them, such as NL; one or more.
    valid_from
        Its first day, such as 2026-01-31.
    valid_to
        Its last day. Default: until it is ended.
    type
        C, S or F; one or more. Default: all.
    benefit
        What they earn here: tier (the tier aeo), types (event types that ask for AEO). Default: both.
    stale_after_hours
        How long a status feed may be silent. Default: there is none to wait for.
    stale_policy
        What becomes of the benefits when it was silent for longer: keep or drop.
    """
    request = {
        "id": arrangement,
        "issuers": issuer,
        "valid_from": valid_from,
        "valid_to": valid_to,
        "stale_after_hours": stale_after_hours,
        "stale_policy": stale_policy,
        "reason": reason,
    }
    named = {name: value for name, value in (("types", type), ("benefits", benefit)) if value is not None}
    return act("arrangement.add", request | named, options)


@app.command
def end(arrangement: str, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """End it now, in force within a second."""
    return act("arrangement.end", {"id": arrangement, "reason": reason}, options)


@app.command(name="list")
def list_(*, options: Options = DEFAULTS) -> int:
    """All arrangements, also those that have ended."""
    columns: Columns = {
        "ARRANGEMENT": "id",
        "ISSUERS": "issuers",
        "TYPES": "types",
        "BENEFITS": "benefits",
        "FROM": "valid_from",
        "TO": "valid_to",
        "STALE AFTER": lambda a: a["stale_after_seconds"] and f"{a['stale_after_seconds'] // 3_600} h",
        "THEN": lambda a: a["stale_after_seconds"] and a["stale_policy"],
        "ENDED": "ended",
    }
    return view("arrangement.list", {}, options, listing(columns))
