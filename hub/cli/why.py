"""`customs-hub why PARTNER TYPE`: why a partner may report a type of event, or not."""

from __future__ import annotations

from cyclopts import App

from hub.cli.desk import DEFAULTS, Options, view
from hub.cli.show import Columns, Plain, lines, table

app = App(name="why", help="Why a partner may report a type of event, or not: asked of the code that decides.")


@app.default
def why(partner: str, type: str, /, *, agent: str | None = None, options: Options = DEFAULTS) -> int:  # noqa: A002
    """Every question in its order, with the answer; the first that is a refusal decides.

    Parameters
    ----------
    partner
        Its name in the hub.
    type
        An event type, such as customs.container.gate_in.
    agent
        Who reports it in the partner's place.
    """
    return view("why", {"partner": partner, "type": type, "agent": agent}, options, _say)


def _say(answer: Plain) -> None:
    systems = [f"{each['id']} ({each['keys']} live keys)" for each in answer["systems"]]
    lines(
        {
            "partner": answer["partner"],
            "agent": answer["agent"],
            "type": answer["type"],
            "answer": answer["answer"],
            "sent by": systems or "no system with the scope events:write",
        }
    )
    print()
    columns: Columns = {
        "QUESTION": "question",
        "ANSWER": "found",
        "REFUSED": "code",
    }
    table(answer["questions"], columns)
