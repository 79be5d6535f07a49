"""`customs-hub schema`: the catalogue of event types, and what a new version of one would do before it is published."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from cyclopts import App, Parameter
from cyclopts.validators import Number

from hub.cli import DONE, FAILED, Misused
from hub.cli.desk import DEFAULTS, Options, settings_of
from hub.cli.show import Columns, Plain, failure, print_json, table
from schemas.catalogue import EventType, catalogue, drafted, published
from schemas.compat import Comparison, compare
from schemas.compile import Schema
from schemas.deprecation import deprecations
from schemas.difference import Change, differences
from schemas.faults import Fault, shown
from schemas.style import judge
from schemas.words import words

app = App(name="schema", help="Event types and their versions: list, show, diff, check, rehearse.")

JSON = Annotated[bool, Parameter(negative="", help="Print JSON.")]
Language = Annotated[Literal["en", "fr"], Parameter(help="The language of the texts.")]


@app.command(name="list")
def list_(*, lang: Language = "en", json: JSON = False) -> int:
    """Every event type with its versions."""
    rows: list[Plain] = []
    for kind in catalogue().types:
        leaving = deprecations().get(kind.dataschema)
        rows.append(
            {
                "type": kind.name,
                "version": kind.dataschema.rpartition(":")[2],
                "title": words().said(kind.schema.flat["title"], lang),
                "sunset": leaving and leaving.sunset.isoformat(),
            }
        )
    print_json({"items": rows}) if json else table(rows, _COLUMNS)
    return DONE


_COLUMNS: Columns = {
    "TYPE": "type",
    "VERSION": "version",
    "UNTIL": "sunset",
    "MEANING": "title",
}


@app.command
def show(name: str, version: str | None = None, /, *, flat: Annotated[bool, Parameter(negative="")] = False) -> int:
    """Print a schema as it is published, or with --flat as one that refers to no other.

    Parameters
    ----------
    name
        The event type; also `envelope` and `common`, which the types refer to.
    version
        Such as 1.0; without it, the newest.
    flat
        With every reference resolved.
    """
    if name in ("envelope", "common"):
        raw = published(name, version or "1.0")
        if raw is None or flat:
            raise Misused(f"{name} has version 1.0, as it is published")
    else:
        kind = _known(name, version)
        raw = published(kind.name, kind.dataschema.rpartition(":")[2])
        if flat:
            raw = orjson.dumps(kind.schema.flat, option=orjson.OPT_INDENT_2)
    print((raw or b"").decode().rstrip())
    return DONE


@app.command
def diff(old: str, new: str, /, *, lang: Language = "en", json: JSON = False) -> int:
    """What changed from one version to another, member by member, and whether senders may go on as they were. Exits
    with 0 if they certainly may.

    Parameters
    ----------
    old
        A file, or a published version as TYPE:VERSION, such as customs.container.gate_in:1.0.
    new
        The same.
    lang
        The language of the texts.
    json
        Print JSON.
    """
    before, after = _named(old), _named(new)
    compared = compare(before.schema.flat, after.schema.flat)
    changes = list(differences(before.schema.flat, after.schema.flat))
    if json:
        print_json({"changes": [_plain(each) for each in changes], **_compared(compared, lang)})
    else:
        for change in changes:
            print(_line(change, lang))
        _say_compared(compared, lang)
    return DONE if compared.answer == "yes" else FAILED


@app.command
def check(file: Path, /, *, lang: Language = "en", json: JSON = False) -> int:
    """Whether a file may be published as the next version of its type: its form, its number, and whether all that was
    taken before is still taken. Exits with 0 if it may.

    Parameters
    ----------
    file
        A JSON Schema as in `schemas/events/`.
    lang
        The language of the texts.
    json
        Print JSON.
    """
    said = judge(_read(file))
    findings = [{"code": each.code, "place": each.place, "text": each.said(lang)} for each in said.findings]
    if json:
        against = said.before.dataschema if said.before else None
        compared = _compared(said.comparison, lang) if said.comparison else {}
        print_json({"lawful": said.lawful, "findings": findings, "before": against, **compared})
    else:
        for finding in findings:
            print(f"{finding['code']}  {finding['place'] or '/'}  {finding['text']}")
        if said.comparison is not None:
            _say_compared(said.comparison, lang)
        print(_SAID[lang]["lawful" if said.lawful else "not lawful"])
    return DONE if said.lawful else FAILED


@app.command
def rehearse(
    name: str,
    file: Path,
    /,
    *,
    days: Annotated[int, Parameter(validator=Number(gte=1, lte=3_660))] = 30,
    options: Options = DEFAULTS,
) -> int:
    """Try a new version on the events of a type that were really sent, also while the hub runs: who would fail, where,
    why. Nothing is changed. Exits with 0 if nobody would, with 1 if somebody would.

    Parameters
    ----------
    name
        The event type.
    file
        The new version, a JSON Schema as in `schemas/events/`.
    days
        How far back.
    """
    import asyncio

    from hub.assembly.rehearsal import rehearsed
    from hub.core.errors import HubError
    from hub.operate.rehearse import document

    kind = _draft(_read(file), str(file))
    if kind.name != name:
        raise Misused(f"{file} is a version of {kind.name}, not of {name}")
    try:
        outcome = asyncio.run(rehearsed(settings_of(options), kind, days=days, progress=_progress))
    except HubError as error:
        failure(error, as_json=options.json)
        return FAILED
    told = document(outcome)
    print_json(told) if options.json else _say_rehearsal(told)
    return FAILED if outcome.failing else DONE


def _progress(records: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{records:,} records", end="", file=sys.stderr, flush=True)


def _say_rehearsal(told: Mapping[str, Any]) -> None:
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    print(f"{told['events']:,} events of {told['records']:,} records read; {told['failing']:,} would be refused")
    table(told["partners"], _TRIALS)
    for trial in told["partners"]:
        for each in trial["faults"]:
            examples = ", ".join(f"{example['source']} {example['id']}" for example in each["examples"][:3])
            print(f"{trial['partner']}  {each['code']}  {each['place']}  {each['count']:,}  such as {examples}")


_TRIALS: Columns = {
    "PARTNER": lambda row: row["partner"] or "(others)",
    "EVENTS": "events",
    "REFUSED": "failing",
    "SHARE": lambda row: f"{row['share']:.2%}",
    "NAME AN OLDER VERSION": "pinned",
}


def _known(name: str, version: str | None) -> EventType:
    found = catalogue().find(name, None if version is None else f"urn:customs-hub:schema:{name}:{version}")
    if isinstance(found, Fault):
        raise Misused(f"{found.found}: there is no such type or version; {found.expected}")
    return found


def _named(text: str) -> EventType:
    """A file, or a published version."""
    if Path(text).is_file():
        return _draft(_read(Path(text)), text)
    name, _, version = text.partition(":")
    return _known(name, version or None)


def _read(file: Path) -> Schema:
    try:
        schema: Schema = orjson.loads(file.read_bytes())
    except OSError as e:
        raise Misused(f"{file} cannot be read: {e.strerror}") from e
    except orjson.JSONDecodeError as e:
        raise Misused(f"{file} is not JSON: {e}") from e
    return schema


def _draft(schema: Schema, name: str) -> EventType:
    try:
        return drafted(schema)
    except ValueError as e:
        raise Misused(f"{name} cannot be used: {str(e).splitlines()[0]}") from e


def _plain(change: Change) -> Plain:
    return {"kind": change.kind, "place": change.place, "was": change.was, "is": change.is_}


def _line(change: Change, lang: str) -> str:
    sign = {"added": "+", "gone": "-", "changed": "~"}[change.kind]
    was, is_ = (words().said(each, lang) if isinstance(each, str) else shown(each) for each in (change.was, change.is_))
    told = {"added": is_, "gone": was, "changed": f"{was} → {is_}"}[change.kind]
    return f"{sign} {change.place}  {told}"


def _compared(compared: Comparison, lang: str) -> Plain:
    return {
        "compatible": compared.answer.value,
        "reasons": [{"code": each.code, "place": each.place, "text": each.said(lang)} for each in compared.reasons],
        "remarks": [{"code": each.code, "place": each.place, "text": each.said(lang)} for each in compared.remarks],
    }


def _say_compared(compared: Comparison, lang: str) -> None:
    said = _SAID[lang]
    print(f"{said['compatible']} {said[compared.answer.value]}")
    for each in (*compared.reasons, *compared.remarks):
        print(f"  {each.place or '/'}  {each.said(lang)}")


_SAID = {
    "en": {
        "compatible": "all that was taken is taken still:", "yes": "yes", "no": "no", "unknown": "unknown",
        "lawful": "it may be published", "not lawful": "it may not be published",
    },
    "fr": {
        "compatible": "tout ce qui était accepté l'est encore :", "yes": "oui", "no": "non", "unknown": "inconnu",
        "lawful": "publication possible", "not lawful": "publication impossible",
    },
}  # fmt: skip
