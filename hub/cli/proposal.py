"""`customs-hub proposal`: acts that wait for a second signature."""

from __future__ import annotations

import sys
from typing import Annotated, Any

from cyclopts import App, Parameter

from hub.cli import FAILED
from hub.cli.desk import DEFAULTS, Options, Reason, act, asked, sign, view
from hub.cli.show import PROPOSAL_CHARACTERS, Columns, lines, listing, moment
from hub.cli.signing import signer_of

app = App(name="proposal", help="What one operator asked for, and another one has to sign.")

COLUMNS: Columns = {
    "PROPOSAL": lambda each: each["id"][:PROPOSAL_CHARACTERS],
    "ACT": "act",
    "SIGNED BY": "signed_by",
    "STATE": "state",
    "UNTIL": lambda each: moment(each["expires"]) if each["state"] == "open" else "",
}


@app.command(name="list")
def list_(*, open_: Annotated[bool, Parameter(name="--open", negative="")] = False, options: Options = DEFAULTS) -> int:
    """All proposals, the newest first.

    Parameters
    ----------
    open_
        Only those that can still be signed.
    """
    return view("proposal.list", {"open": "yes" if open_ else ""}, options, listing(COLUMNS))


@app.command
def show(proposal: str, /, *, options: Options = DEFAULTS) -> int:
    """What would be done: exactly what a second signature is over.

    Parameters
    ----------
    proposal
        Its id, or the beginning of it.
    """
    return view("proposal.show", {"id": proposal}, options, _say)


@app.command
def approve(proposal: str, /, *, options: Options = DEFAULTS) -> int:
    """Sign as the second: it is done at once, if all is still as the first saw it."""
    signer = signer_of(options.as_, options.key)
    if signer is None:
        print("customs-hub proposal approve: say who signs with --as NAME --key FILE", file=sys.stderr)
        return FAILED
    shown = asked("proposal.show", {"id": proposal}, options)
    if shown is None:
        return FAILED
    if not options.json:
        _say(shown)
    if "statement" not in shown:
        print("customs-hub proposal approve: no role of yours may sign this act", file=sys.stderr)
        return FAILED
    return sign(shown["statement"], [signer], options)


@app.command
def refuse(proposal: str, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """Say no: it can no longer be signed."""
    return act("proposal.refuse", {"id": proposal, "reason": reason}, options)


@app.command
def withdraw(proposal: str, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """Take back a proposal of your own."""
    return act("proposal.withdraw", {"id": proposal, "reason": reason}, options)


def _say(shown: dict[str, Any]) -> None:
    import orjson

    if "statement" not in shown:  # What is asked for is confidential to others.
        lines({"proposal": shown["id"], "act": shown["act"], "signed by": ", ".join(shown["signed_by"])})
        return
    statement = orjson.loads(shown["statement"])
    lines(
        {
            "proposal": shown["id"],
            "hub": statement["hub"],
            "act": statement["act"],
            **{f"  {name}": _value(value) for name, value in statement["request"].items()},
            "its data": _data(statement),
            "changes": ", ".join(f"{kind} {name}" for kind, name in statement["changes"]),
            "signed by": shown["signed_by"],
            "state": shown["state"],
            "until": moment(shown["expires"]),
        }
    )


def _data(statement: dict[str, Any]) -> str:
    """How to look at what is laid down elsewhere, so that it can be erased."""
    asked = statement["request"]
    repairs = statement["act"] == "quarantine.repair"
    return f"customs-hub quarantine corrected {asked['letter']} {asked['corrected']}" if repairs else ""


def _value(value: object) -> object:
    import orjson

    return orjson.dumps(value).decode() if isinstance(value, dict | list) else value
