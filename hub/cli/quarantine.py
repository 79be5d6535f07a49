"""`customs-hub quarantine`: what no feed, or an endpoint, was given, and what becomes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import orjson
from cyclopts import App, Parameter

from hub.cli import FAILED, Misused
from hub.cli.desk import DEFAULTS, Options, Reason, act, judged, posted, view
from hub.cli.show import Columns, Plain, lines, listing, table

app = App(name="quarantine", help="What no feed or endpoint was given, and what becomes of it; the hub must run.")

Letters = Annotated[list[str] | None, Parameter(negative="")]
DryRun = Annotated[bool, Parameter(negative="", help="Say what would happen, and do nothing.")]
_GROUPS: Columns = {
    "CAUSE": "cause",
    "PARTNER": lambda group: group["partner"] or "-",
    "STATE": "state",
    "COUNT": "count",
    "OLDEST": "oldest",
    "NEWEST": "newest",
}
_LETTERS: Columns = {
    "LETTER": "id",
    "CAUSE": "cause",
    "PARTNER": lambda letter: letter["partner"] or "-",
    "STATE": "state",
    "SINCE": "since",
    "EVENT": lambda letter: letter.get("event") or letter["output"] or "-",
    "FAILURE": lambda letter: letter["failure"] or "-",
}
_FORESEEN: Columns = {
    "LETTER": "id",
    "CAUSE": "cause",
    "EVENT": lambda letter: letter.get("event") or letter["output"] or "-",
    "WOULD BE": "outcome",
    "WHY NOT": lambda letter: ": ".join(filter(None, (letter.get("code"), letter.get("why")))) or "-",
}


@app.command(name="list")
def list_(*, cause: str = "", partner: str = "", state: str = "", options: Options = DEFAULTS) -> int:
    """How many were set aside, by cause and partner, with the oldest and the newest; with a condition also which.

    Parameters
    ----------
    cause
        CONFLICT, INTERNAL or DELIVERY_FAILED.
    partner
        Its publisher; of a failed delivery its recipient.
    state
        waiting, released, repaired or discarded.
    """

    def say(answer: Plain) -> None:
        table(answer["groups"], _GROUPS)
        if cause or partner or state:
            print()
            table(answer["items"], _LETTERS)

    return view("quarantine.list", {"cause": cause, "partner": partner, "state": state}, options, say)


@app.command
def show(letter: str, /, *, options: Options = DEFAULTS) -> int:
    """What was found against what was expected; personal data are masked."""
    return view("quarantine.show", {"letter": letter}, options, _say)


@app.command
def release(
    letters: Letters = None,
    /,
    *,
    cause: str = "",
    partner: str = "",
    per_second: int = 10,
    failures_max: int = 3,
    dry_run: DryRun = False,
    reason: Reason = "",
    options: Options = DEFAULTS,
) -> int:
    """Let letters through as they are: events as new versions, failed deliveries to their endpoint again.

    Parameters
    ----------
    letters
        Their ids; instead of them, all of a cause and partner.
    per_second
        How many at most.
    failures_max
        So many failures in a row end it; what is left waits.
    """
    request = _which(letters, cause, partner)
    if dry_run:
        return judged("quarantine.foresee", request, options, listing(_FORESEEN))
    pace = {"per_second": per_second, "failures_max": failures_max}
    return act("quarantine.release", {**request, **pace, "reason": reason}, options)


@app.command
def stop(
    letters: Letters = None, /, *, cause: str = "", partner: str = "", reason: Reason = "", options: Options = DEFAULTS
) -> int:
    """End a release that is under way, after the letter that it tries; what is left waits.

    Parameters
    ----------
    letters
        As the release named them; instead of them, its cause and partner.
    """
    return act("quarantine.stop", {**_which(letters, cause, partner), "reason": reason}, options)


@app.command
def repair(
    letter: str, /, *, data_file: Path, dry_run: DryRun = False, reason: Reason = "", options: Options = DEFAULTS
) -> int:
    """Pass an event on with corrected data, as a new version marked as customs' own; what came is kept beside it.

    Parameters
    ----------
    data_file
        A JSON file with all of the event's `data`, as it should have been.
    """
    try:
        members: dict[str, Any] = orjson.loads(data_file.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise Misused(f"{data_file}: {error}") from error
    if dry_run:
        request = {"letters": [letter], "data": members}
        return judged("quarantine.foresee", request, options, _say_foreseen, _is_refused)
    laid_down = posted("quarantine.lay-down", {"letter": letter, "data": members}, options)
    if laid_down is None:
        return FAILED
    return act("quarantine.repair", {**laid_down, "reason": reason}, options)


@app.command
def corrected(letter: str, corrected: str, /, *, options: Options = DEFAULTS) -> int:
    """Print the data of a repair, whole, for who signs it as the second; that they were looked at is written down.

    Parameters
    ----------
    corrected
        Where they lie, as the proposal says.
    """
    asked = {"letter": letter, "corrected": corrected}
    return view("quarantine.corrected", asked, options, lambda answer: print(_json(answer["data"])))


@app.command
def discard(
    letters: Letters = None, /, *, cause: str = "", partner: str = "", reason: Reason = "", options: Options = DEFAULTS
) -> int:
    """Let nobody have them: who, why, when and the content's digest are kept, the content goes.

    Parameters
    ----------
    letters
        Their ids; instead of them, all of a cause and partner.
    """
    return act("quarantine.discard", {**_which(letters, cause, partner), "reason": reason}, options)


def _which(letters: list[str] | None, cause: str, partner: str) -> Plain:
    if bool(letters) == bool(cause and partner):
        raise Misused("name letters, or --cause and --partner")
    return {"letters": letters or [], "cause": cause, "partner": partner}


def _say_foreseen(answer: Plain) -> None:
    listing(_FORESEEN)(answer)
    for each in (fault for item in answer["items"] for fault in item.get("faults", ())):
        print(f"  {each['at']}  found: {each['found']}  expected: {each['expected']}")


def _is_refused(answer: Plain) -> bool:
    return any(each["outcome"] == "refused" for each in answer["items"])


def _say(letter: Plain) -> None:
    lines(
        {
            "letter": letter["id"],
            "cause": letter["cause"],
            "partner": letter["partner"],
            "sent by": letter["agent"],
            "event": " ".join(letter.get(member, "") for member in ("type", "source", "event")).strip(),
            "stamp": letter["stamp"],
            "since": letter["since"],
            "first received": letter["first_received"],
            "state": letter["state"],
            "settled": letter["settled"],
            "by": letter["by"],
            "reason": letter["why"],
            "failure": letter["failure"],
            "SHA-256": letter["sha256"],
            **{name: str(value) for name, value in letter["said"].items()},
        }
    )
    for each in letter["differences"]:
        print(f"  {each['at']}  found: {_json(each['found'])}  expected: {_json(each['expected'])}")
    if letter["content"] is not None and not letter["differences"]:
        print(_json(letter["content"]))
    if letter["masked"]:
        print(f"masked, seen by the publisher alone: {' '.join(letter['masked'])}")


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
