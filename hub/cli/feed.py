"""`customs-hub feed`: what one authority receives for one purpose."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import App

from hub.cli.desk import DEFAULTS, Options, Reason, Several, act, view
from hub.cli.kafka_access import app as kafka_access
from hub.cli.show import Columns, lines, listing

app = App(
    name="feed",
    help="Feeds: what one authority receives for one purpose, filtered; an agreement must stand behind each.",
)
app.command(kafka_access)


@app.command
def add(
    feed: str,
    /,
    *,
    recipient: str,
    purpose: str,
    type: Annotated[list[str] | None, Several] = None,  # noqa: A002 - the word of the trade is the option's name
    where: Annotated[list[str] | None, Several] = None,
    start: str = "earliest",
    reason: Reason = "",
    options: Options = DEFAULTS,
) -> int:
    """Open a feed.

    Parameters
    ----------
    feed
        Its name, never used again; with Kafka, readers find it as the topic hub.feed.FEED.
    recipient
        The authority that receives.
    purpose
        The purpose; an agreement with the recipient for it must be there.
    type
        Event types or families; default: all that the agreements give.
    where
        Filters POINTER=VALUE[,VALUE…], such as /data/time_kind=ACTUAL; every one must hold.
    start
        earliest (as far back as the agreements say) or now.
    """
    pairs = [text.partition("=") for text in where or ()]
    request = {
        "name": feed,
        "recipient": recipient,
        "purpose": purpose,
        "types": type or ["*"],
        "where": [[pointer, values.split(",") if equals else []] for pointer, equals, values in pairs],
        "start": start,
        "reason": reason,
    }
    return act("feed.add", request, options)


@app.command
def end(feed: str, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """End it now; its readers are told that it is gone."""
    return act("feed.end", {"name": feed, "reason": reason}, options)


@app.command(name="list")
def list_(*, options: Options = DEFAULTS) -> int:
    """All feeds, also those that have ended."""
    columns: Columns = {
        "FEED": "name",
        "RECIPIENT": "recipient",
        "PURPOSE": "purpose",
        "TYPES": "types",
        "WHERE": _filter,
        "AGREEMENTS": "agreements_in_force",
        "STATE": _state,
    }
    return view("feed.list", {}, options, listing(columns))


@app.command
def show(feed: str, /, *, options: Options = DEFAULTS) -> int:
    """A feed with the agreements behind it; `--json` also prints its filter as JSON Schema."""
    return view("feed.show", {"name": feed}, options, _say)


def _say(feed: dict[str, Any]) -> None:
    lines(
        {
            "feed": feed["name"],
            "recipient": feed["recipient"],
            "purpose": feed["purpose"],
            "types": feed["types"],
            "where": _filter(feed),
            "start": feed["start"],
            "agreements": [f"{a['id']}{'' if a['in_force'] else ' (not in force)'}" for a in feed["agreements"]],
            "state": _state(feed),
        }
    )


def _filter(feed: dict[str, Any]) -> list[str]:
    return [f"{pointer}={','.join(values)}" for pointer, values in feed["where"]]


def _state(feed: dict[str, Any]) -> str:
    if feed["ended"]:
        return "ended"
    return "open" if feed["agreements_in_force"] else "open, but no agreement is in force"
