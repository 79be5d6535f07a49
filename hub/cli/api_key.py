"""`customs-hub api-key`: what small firms send instead of proving that they hold a key."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App

from hub.cli.desk import DEFAULTS, Options, Reason, Several, act, view
from hub.cli.invite import ID_CHARACTERS, told
from hub.cli.show import Columns, listing, moment
from hub.core.codes import CHANCE_BYTES, digest_of, make_api_key

app = App(
    name="api-key", help="API keys of small firms, and of those who try: for few scopes, for a time, at a low pace."
)

COLUMNS: Columns = {
    "SYSTEM": "system",
    "API KEY": lambda key: key["id"][:ID_CHARACTERS],
    "SCOPES": "scopes",
    "NETWORKS": lambda key: key["networks"] or "everywhere",
    "STATE": "state",
    "UNTIL": lambda key: moment(key["not_after"]),
}


@app.command
def issue(
    partner: str,
    system: str,
    /,
    *,
    scope: Annotated[list[str] | None, Several] = None,
    days: int = 90,
    network: Annotated[list[str] | None, Several] = None,
    reason: Reason = "",
    options: Options = DEFAULTS,
) -> int:
    """Make an API key for a system of the tier small or sandbox and show it, once: the hub keeps its digest alone.

    With --json the key is a second line.

    Parameters
    ----------
    system
        The system's own name: its client id is PARTNER.SYSTEM.
    scope
        events:write, receipts:read, in the sandbox also feeds:read; one or more. May be left out if the system has its
        scopes already.
    days
        How long it is good, at most 365.
    network
        An address or a network from which alone it is good, such as 192.0.2.0/24; one or more.
    """
    from hub.drivers.system.entropy import SystemEntropy

    key = make_api_key(SystemEntropy().bytes(CHANCE_BYTES))
    request = {
        "id": digest_of(key),
        "partner": partner,
        "system": system,
        "scopes": scope or [],
        "days": days,
        "networks": network or [],
        "reason": reason,
    }
    return told(act("api-key.issue", request, options), options, api_key=key)


@app.command
def revoke(api_key: str, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """Stop an API key for ever; in force within a second.

    Parameters
    ----------
    api_key
        Its id from `api-key list`, or how it begins; never the key itself.
    """
    return act("api-key.revoke", {"id": api_key, "reason": reason}, options)


@app.command(name="list")
def list_(*, options: Options = DEFAULTS) -> int:
    """All API keys, by their digests."""
    return view("api-key.list", {}, options, listing(COLUMNS))
