"""`customs-hub replay`: the past of feeds, read again by their recipients; begun and ended for them here."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from hub.cli import Misused
from hub.cli.desk import DEFAULTS, Options, Reason, Several, judged, view
from hub.cli.show import Columns, Plain, lines, listing

app = App(name="replay", help="Replays of feeds: list, start, end; the hub must run.")


@app.command(name="list")
def list_(*, options: Options = DEFAULTS) -> int:
    """All replays that are open, of all recipients."""
    columns: Columns = {
        "REPLAY": "id",
        "FEED": "feed",
        "RECIPIENT": "recipient",
        "BY": "by",
        "ASKED": "asked",
        "UNTIL": "expires",
    }
    return view("replay.list", {}, options, listing(columns))


@app.command
def start(
    feed: str,
    /,
    *,
    since: Annotated[str, Parameter(name="--from")] = "",
    until: Annotated[str, Parameter(name="--to")] = "",
    stamp: Annotated[list[str] | None, Several] = None,
    failed: Annotated[bool, Parameter(negative="")] = False,
    known_at: str = "",
    lane: str = "",
    reason: Reason = "",
    options: Options = DEFAULTS,
) -> int:
    """Begin a replay for the feed's recipient, whose systems then find it in their list and read it.

    Parameters
    ----------
    feed
        The feed's name.
    since
        What the hub received then or later (RFC 3339).
    until
        What it received before then; now, if not given.
    stamp
        Instead: GENERATION.PARTITION.FIRST-LAST, or GENERATION.PARTITION.OFFSET.
    failed
        Instead: what was set aside as not delivered.
    known_at
        As it was known then: nothing that came later.
    lane
        main or urgent; both, if not given.
    """
    request = {
        "feed": feed,
        "from": since,
        "to": until,
        "stamps": [_stamp(each) for each in stamp or ()],
        "failed": failed,
        "known_at": known_at,
        "lane": lane,
        "reason": reason,
    }
    return judged("replay.start", request, options, _say)


@app.command
def end(replay: str, /, *, recipient: str, options: Options = DEFAULTS) -> int:
    """End a replay.

    Parameters
    ----------
    replay
        Its id, as listed.
    recipient
        Whose it is.
    """
    return judged("replay.end", {"id": replay, "recipient": recipient}, options, _say)


def _stamp(text: str) -> list[int]:
    """Raises `Misused`."""
    try:
        generation, partition, offsets = text.split(".")
        first, _, last = offsets.partition("-")
        return [int(generation), int(partition), int(first), int(last or first) + 1]
    except ValueError as error:
        raise Misused(f"{text} is no stamp: 1.0.4711 is one, and 1.0.4711-4720 are ten") from error


def _say(replay: Plain) -> None:
    lines(replay)
