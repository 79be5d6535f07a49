"""`customs-hub why`: why a partner may report a type of event, or not; and why a feed shows an event, or not."""

from __future__ import annotations

from pathlib import Path

import orjson
from cyclopts import App

from hub.cli import Misused
from hub.cli.desk import DEFAULTS, Options, judged, view
from hub.cli.show import Columns, Plain, lines, table

app = App(
    name="why", help="Why a partner may report an event, and why a feed shows it: asked of the code that decides."
)


@app.default
def why(
    partner: str,
    type: str,  # noqa: A002
    /,
    *,
    agent: str | None = None,
    feed: str | None = None,
    options: Options = DEFAULTS,
) -> int:
    """Every question in its order, with the answer; the first that is a refusal decides.

    Parameters
    ----------
    partner
        Its name in the hub.
    type
        An event type, such as customs.container.gate_in; with --feed, a file with one event (CloudEvents JSON).
    agent
        Who reports it in the partner's place.
    feed
        Why this feed would show the partner's event, or not, agreement by agreement.
    """
    if feed is not None:
        request = {"name": feed, "partner": partner, "event": read_json(Path(type))}
        return judged("feed.why", request, options, say_coverage)
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


def read_json(file: Path) -> Plain:
    """Raises `Misused` for a file that is no JSON object."""
    try:
        document = orjson.loads(file.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise Misused(f"{file}: {error}") from error
    if not isinstance(document, dict):
        raise Misused(f"{file}: not one JSON object")
    return document


def say_coverage(answer: Plain) -> None:
    """What a recipient would see of an event, and every question behind it."""
    shown = answer["shown"]
    lines(
        {
            "recipient": answer["recipient"],
            "sees": orjson.dumps(shown).decode() if shown is not None else "nothing, not even that there is an event",
            "by": answer["agreements"],
            "fields": answer["fields"],
        }
    )
    print()
    columns: Columns = {
        "AGREEMENT": lambda each: each["agreement"] or "-",
        "QUESTION": "question",
        "ANSWER": lambda each: "yes" if each["yes"] else "NO",
        "FOUND": "found",
    }
    table(answer["questions"], columns)
