"""`customs-hub notice`: what customs tells companies; sent to a class of them, and looked after, here."""

from __future__ import annotations

from typing import Annotated
from uuid import uuid4

from cyclopts import App, Parameter

from hub.cli.desk import DEFAULTS, Options, Reason, judged, view
from hub.cli.show import Columns, Plain, lines, listing

app = App(name="notice", help="What customs tells companies: send, list; the hub must run.")


@app.command
def send(
    kind: str,
    text: str,
    /,
    *,
    language: str = "en",
    partner: str = "",
    role: str = "",
    tier: str = "",
    country: str = "",
    all_: Annotated[bool, Parameter(name="--all", negative="")] = False,
    deadline: str = "",
    acknowledge: Annotated[bool, Parameter(negative="")] = False,
    id_: Annotated[str, Parameter(name="--id")] = "",
    reason: Reason = "",
    options: Options = DEFAULTS,
) -> int:
    """Tell a class of partners something: every fact that is named has to be true of them.

    Parameters
    ----------
    kind
        disruption or advice; about events and goods, risk engines tell.
    text
        What they are told.
    language
        Of the text (BCP 47).
    partner
        To this one.
    role
        To those of this role.
    tier
        To those of this tier.
    country
        To those of this country.
    all_
        To all.
    deadline
        Until when it is to be acknowledged (RFC 3339).
    acknowledge
        An acknowledgement is wanted.
    id_
        Of your own: what is sent again under it is sent once; made here, if not given.
    """
    request = {
        "id": id_ or uuid4().hex,
        "kind": kind,
        "text": text,
        "language": language,
        "partner": partner,
        "role": role,
        "tier": tier,
        "country": country,
        "all": all_,
        "deadline": deadline,
        "acknowledge": acknowledge,
        "reason": reason,
    }
    return judged("notice.send", request, options, _say)


@app.command(name="list")
def list_(
    *, sender: str = "", overdue: Annotated[bool, Parameter(negative="")] = False, options: Options = DEFAULTS
) -> int:
    """What was sent, newest first, and how far it came.

    Parameters
    ----------
    sender
        By the engines of this partner alone.
    overdue
        Those alone whose deadline passed without an acknowledgement.
    """
    columns: Columns = {
        "NOTICE": "notice",
        "KIND": "kind",
        "BY": "by",
        "TO": "partner",
        "SENT": "sent",
        "DEADLINE": lambda each: each.get("deadline", ""),
        "STATE": "state",
    }
    asked = {"sender": sender, "overdue": "yes" if overdue else ""}
    return view("notice.list", {name: text for name, text in asked.items() if text}, options, listing(columns))


def _say(told: Plain) -> None:
    lines(told)
