"""`customs-hub edi`: what partners mean by codes in EDIFACT that the guides leave open."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import orjson
from cyclopts import App
from msgspec.structs import replace

from hub.cli import DONE, FAILED, Misused
from hub.cli.desk import DEFAULTS, Options, Reason, act, asked, settings_of, view
from hub.cli.show import Columns, Plain, faults_told, print_json, table
from hub.core.partner import CheckDigits
from hub.core.settings import Settings
from hub.drivers.system.clock import SystemClock
from schemas.catalogue import catalogue
from schemas.faults import Fault
from schemas.translate.edifact import read_profile, translate
from schemas.translate.item import Context
from schemas.verdict import Judged, Verdict, judge

app = App(name="edi", help="EDIFACT of partners: what their own codes mean.")
profile = App(name="profile", help="Mapping profiles (schemas/README.md): set, show, try on messages.")
app.command(profile)


@profile.command(name="set")
def set_(partner: str, file: Path, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """Give a partner's EDIFACT this meaning from now on; in force within a second.

    Parameters
    ----------
    partner
        Its name in the hub.
    file
        The profile, as JSON; `{"profile": 1}`: codes mean what the guides say.
    """
    text = _read(file).decode(errors="replace")
    return act("edi.profile.set", {"id": partner, "profile": text, "reason": reason}, options)


@profile.command
def show(partner: str, /, *, options: Options = DEFAULTS) -> int:
    """Print the profile in force, as a file that can be changed and set again."""
    return view("edi.profile.show", {"id": partner}, options, _say)


def _say(answer: Plain) -> None:
    held = answer["profile"] or {"profile": 1}
    print(orjson.dumps(held, option=orjson.OPT_INDENT_2).decode())


@profile.command(name="try")
def try_(partner: str, file: Path, messages: Path, /, *, options: Options = DEFAULTS) -> int:
    """Translate messages by a profile before it goes live, with the zone and senders of the partner, and show what each
    would become. Nothing is stored. Exits with 0 if all would be taken.

    What is agreed with the partner, and what the hub has seen before, is not looked at.

    Parameters
    ----------
    partner
        Its name in the hub.
    file
        The profile, as JSON.
    messages
        A file of EDIFACT interchanges.
    """
    content, document = _read(file), _read(messages)
    mapping = read_profile(content)
    if isinstance(mapping, list):
        return _unread(file, mapping, options)
    known = asked("partner.show", {"id": partner}, options)
    if known is None:
        return FAILED
    settings = settings_of(options)
    context = Context(
        time_zone=known["time_zone"],
        items_max=settings.intake.batch_events_max,
        edi_senders=frozenset(known["edi_senders"]),
        profile=mapping,
    )
    translation = translate(document, context)
    if isinstance(translation, list):
        return _unread(messages, translation, options)
    raised, now_us = _raised(known, settings), SystemClock().now_us()
    judged = [judge(each, translation, catalogue(), now_us=now_us, raised=raised) for each in translation.items]
    _tell(judged, options)
    return FAILED if any(each.verdict is Verdict.REJECTED for each in judged) else DONE


def _raised(partner: Plain, settings: Settings) -> frozenset[str]:
    """Warnings that are errors for this partner."""
    rejecting = (partner["check_digits"] or settings.intake.check_digits) == CheckDigits.REJECT
    return frozenset({"CHECK_DIGIT_WRONG"} if rejecting else ())


def _tell(judged: list[Judged], options: Options) -> None:
    items = [_plain(each) for each in judged]
    counts = dict(Counter(each.verdict.value for each in judged))
    if options.json:
        print_json({"counts": counts, "items": items})
        return
    table(items, _COLUMNS)
    for item in items:
        if item["faults"]:
            print(f"\n{item['place']}")
            faults_told(item["faults"])
    print("\n" + ", ".join(f"{count} {verdict}" for verdict, count in counts.items()))


_COLUMNS: Columns = {
    "PLACE": "place",
    "VERDICT": "verdict",
    "EVENT": lambda item: (item["event"] or {}).get("type"),
    "ABOUT": lambda item: _data(item).get("subjects", [{}])[0].get("value"),
    "WHEN": lambda item: [_data(item).get("time_kind"), _data(item).get("occurred_at")],
}


def _data(item: Plain) -> Plain:
    return dict((item["event"] or {}).get("data", {}))


def _plain(judged: Judged) -> Plain:
    return {
        "place": judged.item.place,
        "verdict": judged.verdict.value,
        "event": judged.item.event,
        "faults": [_fault(each) for each in judged.faults],
    }


def _fault(each: Fault) -> dict[str, Any]:
    return {
        "code": each.code,
        "severity": each.severity.value,
        "place": each.place,
        "found": each.found,
        "expected": each.expected,
    }


def _unread(file: Path, faults: list[Fault], options: Options) -> int:
    """Nothing in the file could be looked at."""
    plain = [_fault(replace(each, place=each.place or "/")) for each in faults]
    if options.json:
        print_json({"file": str(file), "faults": plain})
    else:
        print(f"{file}:")
        faults_told(plain)
    return FAILED


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Misused(f"{file} cannot be read: {error.strerror}") from error
