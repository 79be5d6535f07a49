"""`customs-hub feed`: what one authority receives for one purpose."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import App

from hub.cli import FAILED
from hub.cli.desk import DEFAULTS, PREVIEW, STATUS, Options, Reason, Several, act, asked, hub_runs, judged, show, view
from hub.cli.kafka_access import app as kafka_access
from hub.cli.show import Columns, behind, lines, listing, moment, table

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
    filter: str = "",  # noqa: A002 - as above
    start: str = "earliest",
    urgent: Annotated[list[str] | None, Several] = None,
    way: Annotated[list[str] | None, Several] = None,
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
    filter
        Which of these, such as: country = NL and (hs starts 93 or tier = small). Try it with feed preview.
    start
        earliest (as far back as the agreements say) or now.
    urgent
        Event types that never wait behind the others: they go to a second stream, read with lane=urgent.
    way
        How it is read: pull, sse, webhook, kafka; default: pull and sse.
    """
    request = {
        "name": feed,
        "recipient": recipient,
        "purpose": purpose,
        "types": type or ["*"],
        "filter": filter,
        "start": start,
        **_given(urgent=urgent, ways=way),
        "reason": reason,
    }
    return act("feed.add", request, options)


@app.command
def change(
    feed: str,
    /,
    *,
    type: Annotated[list[str] | None, Several] = None,  # noqa: A002 - as in add
    filter: str | None = None,  # noqa: A002 - as in add
    urgent: Annotated[list[str] | None, Several] = None,
    way: Annotated[list[str] | None, Several] = None,
    reason: Reason = "",
    options: Options = DEFAULTS,
) -> int:
    """Make its next version: what is accepted from now on is decided by it. What is not named stays as it is.

    Parameters
    ----------
    type
        Event types or families.
    filter
        The new filter; "" lets everything through that the agreements allow.
    urgent
        Event types of the urgent lane.
    way
        How it is read.
    """
    asked_for = _given(types=type, filter=filter, urgent=urgent, ways=way)
    return act("feed.change", {"name": feed, **asked_for, "reason": reason}, options)


@app.command
def preview(
    feed: str,
    /,
    *,
    recipient: str | None = None,
    purpose: str | None = None,
    type: Annotated[list[str] | None, Several] = None,  # noqa: A002 - as in add
    filter: str | None = None,  # noqa: A002 - as in add
    options: Options = DEFAULTS,
) -> int:
    """How much it would have brought in the last 24 hours, rounded, before anything is saved; the hub must run.

    Parameters
    ----------
    feed
        A feed, to try a change; or the name of one that is not there yet, with --recipient and --purpose.
    type
        Event types or families; default: those of the feed.
    filter
        The filter to try; default: that of the feed.
    """
    request = {"name": feed, **_given(recipient=recipient, purpose=purpose, types=type, filter=filter)}
    return judged(PREVIEW, request, options, _say_count)


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
        "FILTER": "filter",
        "AGREEMENTS": "agreements_in_force",
        "STATE": _state,
    }
    return view("feed.list", {}, options, listing(columns))


@app.command(name="show")
def show_(feed: str, /, *, options: Options = DEFAULTS) -> int:
    """A feed with the agreements behind it and, while the hub runs, how far it is behind; `--json` also prints its
    filter as JSON Schema."""
    found = asked("feed.show", {"name": feed}, options)
    if found is None:
        return FAILED
    status = asked(STATUS, {"feed": feed}, options) if hub_runs(options) else None
    lags = [each for each in (status or {}).get("feeds", ()) if each["feed"] == feed]
    return show({**found, "lags": lags}, options, _say)


LAG_COLUMNS: Columns = {
    "lane": lambda row: row["lane"] or "main",
    "not in the feed": lambda row: behind(row["routing"]),
    "not acknowledged": lambda row: behind(row["reading"]),
    "nothing for 24 h": lambda row: "yes" if row["quiet"] else "no",
}


def _say(feed: dict[str, Any]) -> None:
    lines(
        {
            "feed": feed["name"],
            "version": f"{feed['version']}, since {moment(feed['since'])}" if feed["since"] else feed["version"],
            "recipient": feed["recipient"],
            "purpose": feed["purpose"],
            "types": feed["types"],
            "filter": feed["filter"],
            "urgent": feed["urgent"],
            "ways": feed["ways"],
            "start": feed["start"],
            "agreements": [f"{a['id']}{'' if a['in_force'] else ' (not in force)'}" for a in feed["agreements"]],
            "state": _state(feed),
        }
    )
    if feed["lags"]:
        table(feed["lags"], LAG_COLUMNS)


def _say_count(counted: dict[str, Any]) -> None:
    few = counted.get("fewer_than")
    number = f"fewer than {few}" if few else f"about {counted['count']}"
    more = "" if counted["complete"] else ", and more: there were too many events to look at all of them"
    print(f"{number} events since {counted['since']}{more}")


def _given(**members: Any) -> dict[str, Any]:
    """Those that were named."""
    return {name: value for name, value in members.items() if value is not None}


def _state(feed: dict[str, Any]) -> str:
    if feed["ended"]:
        return "ended"
    return "open" if feed["agreements_in_force"] else "open, but no agreement is in force"
