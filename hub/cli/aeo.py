"""`customs-hub aeo`: AEO authorisations, and the status feeds by which administrations tell how they stand."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from hub.cli.desk import DEFAULTS, Options, Reason, Several, act, view
from hub.cli.partner_file import text_of
from hub.cli.show import Columns, lines, listing, moment, table

app = App(
    name="aeo",
    help="AEO authorisations: what administrations tell of them, and how they stand.",
)
feed = App(name="feed", help="Status feeds: whose word on AEO authorisations is believed, under which keys.")
app.command(feed)
Flag = Parameter(negative="")


@feed.command
def add(
    issuer: str,
    /,
    *,
    issuer_key: Annotated[list[Path], Several],
    reason: Reason = "",
    options: Options = DEFAULTS,
) -> int:
    """Register the keys of an administration's status feed: all of them, from now on.

    Parameters
    ----------
    issuer
        The country of the administration, such as NL.
    issuer_key
        Files with its public keys, PEM or JWK; one to four.
    """
    keys = [text_of(path) for path in issuer_key]
    return act("aeo.feed.add", {"issuer": issuer, "keys": keys, "reason": reason}, options)


@feed.command
def end(issuer: str, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """Believe nothing under its keys any more, in force within a second; its place in the sequence is kept."""
    return act("aeo.feed.end", {"issuer": issuer, "reason": reason}, options)


@feed.command(name="list")
def list_feeds(*, options: Options = DEFAULTS) -> int:
    """All status feeds: keys, the last message taken in, and when that was."""
    columns: Columns = {
        "ISSUER": "issuer",
        "SEQUENCE": "sequence",
        "HEARD": lambda f: moment(f["heard_at"]),
        "KEYS": "keys",
    }
    return view("aeo.feed.list", {}, options, listing(columns))


@app.command
def tell(
    file: Annotated[str, Parameter(allow_leading_hyphen=True)], /, *, reason: Reason = "", options: Options = DEFAULTS
) -> int:
    """Take in messages of status feeds: one JWS a line, at most 500, all of them or none.

    Parameters
    ----------
    file
        The file, or - for the standard input.
    """
    text = sys.stdin.read() if file == "-" else text_of(Path(file))
    return act("aeo.tell", {"lines": text.split(), "reason": reason}, options)


@app.command(name="import")
def import_(file: Path, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """Take in a CSV file with up to 5,000 authorisations, all of its rows or none.

    Columns, in any order: issuer, number, partner (its name here, or scheme=value such as eori=NL123456789), type,
    status, valid_from; and, if there are any: valid_to, validated_on, reason_class.
    """
    return act("aeo.import", {"csv": text_of(file), "reason": reason}, options)


@app.command(name="list")
def list_(*, partner: str = "", stale: Annotated[bool, Flag] = False, options: Options = DEFAULTS) -> int:
    """All authorisations, without the reasons of their status.

    Parameters
    ----------
    partner
        Only those of this partner.
    stale
        Only those whose issuer has been silent for longer than an arrangement allows.
    """
    columns: Columns = {
        "AUTHORISATION": "id",
        "PARTNER": "partner",
        "TYPE": "type",
        "STATUS": "status",
        "FROM": "valid_from",
        "TO": "valid_to",
        "VALIDATED": "validated_on",
        "HOLDS": "holds",
        "STALE": "status_stale",
    }
    return view("aeo.list", {"partner": partner, "stale": "yes" if stale else ""}, options, listing(columns))


@app.command
def show(number: str, /, *, confidential: Annotated[bool, Flag] = False, options: Options = DEFAULTS) -> int:
    """An authorisation with all that it ever was, the newest first.

    Parameters
    ----------
    number
        With its issuer in front, as NL-NLAEOF1, or alone.
    confidential
        With the reasons: for partner officers, security officers and auditors.
    """
    return view("aeo.reasons" if confidential else "aeo.show", {"number": number}, options, _say)


def _say(shown: dict[str, Any]) -> None:
    facts = ("id", "partner", "type", "status", "valid_from", "valid_to", "validated_on")
    lines({name.replace("_", " "): shown[name] for name in facts} | {"status stale": shown["status_stale"]})
    print()
    columns: Columns = {
        "REVISION": "revision",
        "TIME": lambda v: moment(v["time_us"] // 1_000_000),
        "STATUS": "status",
        "FROM": "valid_from",
        "TO": "valid_to",
        "SEQUENCE": lambda v: v["sequence"] or "",
        "ACTOR": "actor",
    }
    if "reason_class" in shown["versions"][0]:
        columns = {**columns, "REASON CLASS": "reason_class", "REASON": "reason"}
    table(shown["versions"], columns)
