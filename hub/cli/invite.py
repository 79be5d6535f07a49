"""`customs-hub invite`: codes by which companies enrol their systems."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import App, Parameter

from hub.cli import DONE
from hub.cli.desk import DEFAULTS, Options, Reason, act, view
from hub.cli.show import Columns, listing, moment, print_json
from hub.core.codes import CHANCE_BYTES, INVITATION, digest_of, make_code

app = App(name="invite", help="Codes by which companies enrol their systems: good once, for 72 hours.")

ID_CHARACTERS = 12
COLUMNS: Columns = {
    "SYSTEM": "system",
    "INVITATION": lambda each: each["id"][:ID_CHARACTERS],
    "STATE": "state",
    "UNTIL": lambda each: moment(each["ends"]),
    "SCOPES": "scopes",
    "KEY": "key",
    "KEY STATE": "key_state",
    "READ OUT": "spoken",
}


@app.default
def make(
    partner: str,
    system: str,
    /,
    *,
    scope: Annotated[list[str] | None, Parameter(negative="", consume_multiple=True)] = None,
    reason: Reason = "",
    options: Options = DEFAULTS,
) -> int:
    """Make a code for one system of a partner and show it, once: the hub keeps its digest alone.

    With --json the code is a second line.

    Parameters
    ----------
    system
        The system's own name: its client id will be PARTNER.SYSTEM.
    scope
        events:write, feeds:read, receipts:read; one or more. May be left out if the system has its scopes already.
    """
    from hub.drivers.system.entropy import SystemEntropy

    code = make_code(INVITATION, SystemEntropy().bytes(CHANCE_BYTES))
    request = {"id": digest_of(code), "partner": partner, "system": system, "scopes": scope or [], "reason": reason}
    return told(act("invitation.make", request, options), options, code=code)


@app.command
def end(invitation: str, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """Take an invitation back before it is used.

    Parameters
    ----------
    invitation
        Its id from `invite list`, or how it begins.
    """
    return act("invitation.end", {"id": invitation, "reason": reason}, options)


@app.command(name="list")
def list_(*, options: Options = DEFAULTS) -> int:
    """All invitations, the newest first, and what is to be heard of the keys that came by them."""
    return view("invitation.list", {}, options, listing(COLUMNS))


def told(outcome: int, options: Options, **secret: Any) -> int:
    """Show what is shown once, if the act was done or waits for a second signature."""
    if outcome == DONE:
        if options.json:
            print_json(secret)
        else:
            for name, value in secret.items():
                print(f"{name}  {value}")
    return outcome
