"""`customs-hub document`: copies of documents that the examination set apart, and what becomes of them."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import App, Parameter

from hub.cli.desk import DEFAULTS, Options, act, view
from hub.cli.show import Columns, Plain, faults_told, lines, listing, moment

app = App(name="document", help="Copies of documents that were set apart: what was found, release, refuse.")

Document = Annotated[str, Parameter(help="Its SHA-256, or the id of the event that names it.")]
Publisher = Annotated[str, Parameter(help="Whose copy, where several partners handed the same one in.")]
Why = Annotated[str, Parameter(help="Its publisher reads it; goes into the audit trail.")]


@app.command(name="list")
def list_(*, quarantined: Annotated[bool, Parameter(negative="")] = False, options: Options = DEFAULTS) -> int:
    """Copies that were set apart: those that wait first, the longest first, with what was found against what was
    expected; then what became of others.

    Parameters
    ----------
    quarantined
        Only those that wait for a decision; a thousand at most.
    """
    return view("document.list", {"quarantined": "yes"} if quarantined else {}, options, listing(_COLUMNS))


@app.command
def show(document: Document, /, *, partner: Publisher = "", options: Options = DEFAULTS) -> int:
    """What was found in a copy. The copy itself is never opened."""
    return view("document.show", {"document": document, "partner": partner}, options, _say)


@app.command
def release(document: Document, /, *, reason: Why, partner: Publisher = "", options: Options = DEFAULTS) -> int:
    """Take a copy as if nothing had been found in it: within a second it is given to those who may have it."""
    return act("document.release", {"document": document, "partner": partner, "reason": reason}, options)


@app.command
def refuse(document: Document, /, *, reason: Why, partner: Publisher = "", options: Options = DEFAULTS) -> int:
    """Keep a copy from everyone: its event and receipt stay, its bytes go with their age."""
    return act("document.refuse", {"document": document, "partner": partner, "reason": reason}, options)


_COLUMNS: Columns = {
    "PARTNER": "partner",
    "SHA-256": "sha256",
    "STANDING": "standing",
    "SINCE": lambda copy: copy.get("since") or moment(copy["decision"]["decided"]),
    "REFERENCE": lambda copy: copy.get("reference"),
    "WHY": lambda copy: _joined(copy, "code") if "faults" in copy else copy["decision"]["reason"],
    "FOUND": lambda copy: _joined(copy, "found"),
    "EXPECTED": lambda copy: _joined(copy, "expected"),
}


def _joined(copy: Plain, member: str) -> str:
    return "; ".join(dict.fromkeys(each[member] for each in copy.get("faults", ()) if each[member]))


def _say(copy: dict[str, Any]) -> None:
    decision = copy["decision"] or {}
    lines(
        {
            "partner": copy["partner"],
            "SHA-256": copy["sha256"],
            "event": f"{copy['event']['type']} {copy['source']} {copy['id']}",
            "document": f"{copy['reference']} of kind {copy['kind']}",
            "bytes": f"{copy['bytes']} of {copy['media_type']}",
            "since": copy["since"],
            "standing": copy["standing"],
            "decided": moment(decision.get("decided")),
            "reason": decision.get("reason"),
        }
    )
    print()
    faults_told(copy["faults"])
