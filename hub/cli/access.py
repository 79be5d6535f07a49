"""`customs-hub access`: who was given what, and what companies are not told of it."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App

from hub.cli import DONE, FAILED, Misused
from hub.cli.desk import DEFAULTS, Options, Reason, Several, act, settings_of, view
from hub.cli.show import ACCESS_COLUMNS, Columns, Plain, failure, listing, moment, print_json, table

app = App(
    name="access",
    help="Who was given which events, from the access journal; and lawful restrictions on telling companies of it.",
)
_RESTRICTION_COLUMNS: Columns = {
    "ID": "id",
    "BINDS": "binds",
    "RECIPIENT": lambda item: item["recipient"] or "all",
    "STEPS": lambda item: " ".join(item["steps"]) or "all",
    "TELLS": "tells",
    "FROM": lambda item: moment(item["begins"]),
    "UNTIL": lambda item: moment(item["ends"]),
    "TELLS ALL FROM": lambda item: "now" if item["lifted"] else moment(item["embargo"]),
    "REVIEW": lambda item: f"{moment(item['review'])}{' OVERDUE' if item['overdue'] else ''}",
    "LEGAL BASIS": "legal_basis",
}


@app.command(name="list")
def list_(
    *,
    recipient: str | None = None,
    feed: str | None = None,
    credential: str | None = None,
    since: str | None = None,
    until: str | None = None,
    limit: int = 100,
    options: Options = DEFAULTS,
) -> int:
    """Who was given what, newest first, also what companies are not told; read beside a hub that may run.

    A hub elsewhere (--hub-admin) shows it to security officers and auditors, and writes down that they looked.

    Parameters
    ----------
    recipient
        To this partner alone.
    feed
        By this feed alone.
    credential
        Under this key alone.
    since
        Not before: a date, or an RFC 3339 time with offset.
    until
        Before then.
    limit
        At most so many entries.
    """
    asked = {"recipient": recipient, "feed": feed, "credential": credential, "since": since, "until": until}
    if options.hub_admin:
        return view("access.list", {**asked, "limit": limit}, options, lambda answer: _say(answer, limit))
    import asyncio

    from hub.assembly.given import listed
    from hub.core.errors import HubError
    from hub.drivers.system.clock import SystemClock
    from hub.ports.access_journal import Query

    span = _moment("--since", since, 0), _moment("--until", until, 1 << 42)
    query = Query(recipient=recipient, feed=feed, credential=credential, time_us=(span[0] * 10**6, span[1] * 10**6))
    try:
        items, more = asyncio.run(listed(settings_of(options), SystemClock(), query, limit=limit))
    except HubError as error:
        failure(error, as_json=options.json)
        return FAILED
    if options.json:
        print_json({"items": items, "more": more})
        return DONE
    _say({"items": items, "more": more}, limit)
    return DONE


def _say(answer: Plain, limit: int) -> None:
    table(answer["items"], ACCESS_COLUMNS)
    if answer["more"]:
        print(f"there are older ones: --limit {limit * 10}, or --until {answer['items'][-1]['time']}")


@app.command
def restrict(
    restriction: str,
    /,
    *,
    legal_basis: str,
    ends: str,
    review: str,
    recipient: str = "",
    step: Annotated[list[str] | None, Several] = None,
    tells: str = "authority",
    embargo: str | None = None,
    reason: Reason = "",
    options: Options = DEFAULTS,
) -> int:
    """Keep from companies who was given their data, from now on; everything is written down all the same.

    Parameters
    ----------
    restriction
        Its name, never used again.
    legal_basis
        The law that allows it.
    ends
        Accesses from then on are told as any other: a date, or an RFC 3339 time with offset.
    review
        When somebody looks whether it is still needed.
    recipient
        The partner that is not named; default: whoever has these kinds of access.
    step
        published, delivered, replayed, looked_up, viewed, counted; default: every kind.
    tells
        authority (that an authority was given the data, and when) or nothing.
    embargo
        From then on all is told; needed where nothing is told before.
    """
    request = {
        "id": restriction,
        "legal_basis": legal_basis,
        "ends": ends,
        "review": review,
        "recipient": recipient,
        "steps": step or [],
        "tells": tells,
        "embargo": embargo,
        "reason": reason,
    }
    return act("restriction.add", request, options)


@app.command
def lift(restriction: str, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """End a restriction, by two security officers: all that it kept is told from now on, for good."""
    return act("restriction.lift", {"id": restriction, "reason": reason}, options)


@app.command
def restrictions(*, options: Options = DEFAULTS) -> int:
    """The lawful restrictions there are and were."""
    return view("restriction.list", {}, options, listing(_RESTRICTION_COLUMNS))


def _moment(name: str, text: str | None, default: int) -> int:
    from hub.operate.checks import Checks

    checks = Checks()
    moment = default if text is None else checks.instant(name, text)
    if checks.faults:
        raise Misused(f"{name} takes a date, or an RFC 3339 time with offset, such as 2026-01-31T12:00:00Z")
    return moment
