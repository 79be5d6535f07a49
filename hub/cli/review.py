"""`customs-hub review`: what one person did alone, and another one looks at afterwards."""

from __future__ import annotations

from typing import Any

from cyclopts import App

from hub.cli.desk import DEFAULTS, Options, act, view
from hub.cli.show import Columns, listing, moment

app = App(name="review", help="Acts of one person, to be looked at by another one within a day.")

COLUMNS: Columns = {
    "REVIEW": "id",
    "ACT": "act",
    "OF": lambda each: ", ".join(name for _, name in each["changes"]),
    "BY": "actors",
    "REASON": "reason",
    "DUE": lambda each: moment(each["due"]) if not each["done_by"] else "",
    "STATE": lambda each: _state(each),
    "NOTE": "note",
}


@app.command(name="list")
def list_(*, options: Options = DEFAULTS) -> int:
    """All of them, those that wait first."""
    return view("review.list", {}, options, listing(COLUMNS))


@app.command
def done(review: str, /, *, note: str, options: Options = DEFAULTS) -> int:
    """Say that you looked at it, and what you found.

    Parameters
    ----------
    review
        From `review list`.
    note
        Goes into the audit trail.
    """
    return act("review.done", {"id": review, "note": note}, options)


def _state(review: dict[str, Any]) -> str:
    if review["done_by"]:
        return f"seen by {review['done_by']}"
    return "overdue" if review["overdue"] else "open"
