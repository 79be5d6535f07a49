"""`customs-hub mandate`: who reports for whom, as their principals have it."""

from __future__ import annotations

from cyclopts import App

from hub.cli.desk import DEFAULTS, Options, Reason, act, view
from hub.cli.show import Columns, Plain, lines, listing, moment

app = App(name="mandate", help="Mandates, by which one partner lets another report for it.")


@app.command(name="list")
def list_(*, options: Options = DEFAULTS) -> int:
    """All mandates, oldest first."""
    columns: Columns = {
        "MANDATE": "id",
        "AGENT": "agent",
        "FOR": "publisher",
        "STATE": lambda each: "in force" if each["in_force"] else each["state"],
        "UNTIL": lambda each: moment(each["valid_to"]),
        "TYPES": "types",
    }
    return view("mandate.list", {}, options, listing(columns))


@app.command
def show(mandate: str, /, *, options: Options = DEFAULTS) -> int:
    """A mandate, with what its principal signed.

    Parameters
    ----------
    mandate
        PRINCIPAL/ID.
    """
    return view("mandate.show", {"id": mandate}, options, _say)


@app.command
def countersign(mandate: str, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """Stand in for the second signature of a principal that has but one system for it.

    Parameters
    ----------
    mandate
        PRINCIPAL/ID.
    """
    return act("mandate.countersign", {"id": mandate, "reason": reason}, options)


@app.command
def stop(mandate: str, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """End a mandate for ever, with all that rest on it; in force within a second.

    Parameters
    ----------
    mandate
        PRINCIPAL/ID.
    """
    return act("mandate.stop", {"id": mandate, "reason": reason}, options)


def _say(mandate: Plain) -> None:
    grant, withdrawal = mandate["grant"], mandate["withdrawal"]
    lines(
        {
            "mandate": mandate["id"],
            "agent": mandate["agent"],
            "for": mandate["publisher"],
            "state": "in force" if mandate["in_force"] else mandate["state"],
            "types": mandate["types"],
            "sources": mandate["sources"] or "all",
            "subjects": mandate["subjects"] or "all",
            "from": moment(mandate["valid_from"]),
            "until": moment(mandate["valid_to"]),
            "sub-delegation": "yes" if mandate["sub_delegation"] else "no",
            "under": mandate["under"],
            "signed": grant["text"],
            "signatures": len(grant["signatures"]),
            "withdrawal": withdrawal["text"] if withdrawal else "",
            "its signatures": len(withdrawal["signatures"]) if withdrawal else "",
        }
    )
