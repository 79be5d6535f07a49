"""`customs-connect validate`: what a hub would say of documents, said on this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from time import time_ns
from typing import Annotated, Literal

from cyclopts import App, Parameter

from connectors.commands.shared import JSON
from connectors.verdicts import JSONTeller, Teller
from schemas.catalogue import catalogue
from schemas.faults import Fault
from schemas.translate.item import Context, Translation
from schemas.translate.recognise import recognise, recognise_file, translator
from schemas.verdict import Judged, judge

CHECK_DIGITS = frozenset({"CHECK_DIGIT_WRONG"})
ITEMS_MAX = 10_000_000
"""A hub takes fewer at once; here there is no reason to stop."""

app = App(name="customs-connect validate", help="What a hub would say of a file, without a hub.")


@app.default
def validate(
    *files: Annotated[str, Parameter(allow_leading_hyphen=True)],
    media_type: str | None = None,
    type: str | None = None,  # noqa: A002
    time_zone: str | None = None,
    reject_check_digits: Annotated[bool, Parameter(negative=())] = False,
    lang: Literal["en", "fr"] | None = None,
    json: JSON = False,
) -> int:
    """Judge documents as a hub does, with the same schemas: CloudEvents, EPCIS, DCSA, ONE Record, CSV and Excel.

    What only the hub knows is left out: who you are, what is agreed with you, and what you sent before. Exits with 0 if
    all is accepted (warnings allowed), 1 if something is refused, 2 if a file cannot be read.

    Parameters
    ----------
    files
        The files, or `-` for standard input.
    media_type
        The media type of what comes in, where neither the name nor the content tells.
    type
        The event type of a table that does not name one, such as customs.container.gate_in.
    time_zone
        The zone of times without an offset, as agreed with the hub, such as Europe/Amsterdam.
    reject_check_digits
        Refuse a wrong check digit, as a hub may be set to; else it is a warning.
    lang
        The language of the texts; without it, that of the environment variable CUSTOMS_LANG.
    json
        Print one JSON object for each event, and one for each file.
    """
    if not files:
        print("Name at least one file, or - for standard input.", file=sys.stderr)
        return 2
    language = lang or os.environ.get("CUSTOMS_LANG", "en")[:2].lower()
    raised = CHECK_DIGITS if reject_check_digits else frozenset()
    context = Context(time_zone=time_zone, items_max=ITEMS_MAX)
    teller = (JSONTeller if json else Teller)(language)
    refused = False
    for file in files:
        try:
            document = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        except OSError as e:
            print(f"customs-connect validate: {file}: {e.strerror}", file=sys.stderr)
            return 2
        opened = _opened(file, document, media_type, context)
        if isinstance(opened, list):
            teller.unopened(file, opened)
            refused = True
        else:
            refused |= teller.opened(file, opened.format, _judged(opened, raised))
    teller.end()
    return int(refused)


def _opened(name: str, document: bytes, media_type: str | None, context: Context) -> Translation | list[Fault]:
    family = recognise(document, media_type.lower()) if media_type else recognise_file(name, document)
    return [family] if isinstance(family, Fault) else translator(family)(document, context)


def _judged(translation: Translation, raised: frozenset[str]) -> Iterator[Judged]:
    known, now_us = catalogue(), time_ns() // 1_000
    for item in translation.items:
        yield judge(item, translation, known, now_us=now_us, raised=raised)
