"""`customs-connect validate`: what a hub would say of documents, said on this machine."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from time import time_ns
from typing import Annotated, BinaryIO

from cyclopts import App, Parameter
from msgspec.structs import replace

from connectors.commands.shared import JSON
from connectors.language import Language, language
from connectors.verdicts import JSONTeller, Teller
from schemas.catalogue import catalogue
from schemas.faults import Fault
from schemas.translate.item import Context, Translation
from schemas.translate.recognise import HEAD_BYTES, recognise, recognise_file, translator
from schemas.verdict import Judged, judge

CHECK_DIGITS = frozenset({"CHECK_DIGIT_WRONG"})
ITEMS_MAX = 10_000_000
"""A hub takes fewer at once; here there is no reason to stop."""

app = App(name="customs-connect validate")


@app.default
def validate(
    *files: Annotated[str, Parameter(allow_leading_hyphen=True)],
    media_type: str | None = None,
    type: str | None = None,  # noqa: A002
    time_zone: str | None = None,
    profile: str | None = None,
    reject_check_digits: Annotated[bool, Parameter(negative=())] = False,
    lang: Language | None = None,
    json: JSON = False,
) -> int:
    """Judge documents as a hub does, with the same schemas: CloudEvents, EPCIS, DCSA, ONE Record, EDIFACT, CSV, Excel.

    What only the hub knows is left out: who you are, what is agreed with you, and what you sent before. Exits with 0 if
    all is accepted (warnings allowed), 1 if something is refused, 2 if a file cannot be read.

    Parameters
    ----------
    files
        The files, or `-` for standard input.
    media_type
        The media type of what comes in, where neither the name nor the content tells.
    type
        The event type of tables that do not name one, such as customs.container.gate_in.
    time_zone
        The zone of times without an offset, as agreed with the hub, such as Europe/Amsterdam.
    profile
        A mapping profile for EDIFACT, as JSON: what your own codes mean, tried before it is agreed with the hub.
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
    if time_zone is not None and not _is_zone(time_zone):
        print(f"There is no time zone {time_zone!r}; one is Europe/Amsterdam.", file=sys.stderr)
        return 2
    raised = CHECK_DIGITS if reject_check_digits else frozenset[str]()
    context = Context(time_zone=time_zone, event_type=type, items_max=ITEMS_MAX)
    teller = (JSONTeller if json else Teller)(lang or language())
    refused = False
    if profile is not None:
        mapped = _mapped(context, profile, teller)
        if mapped is None:
            return 2
        context = mapped
    for name in files:
        try:
            with _content(name) as file:
                refused |= _tell(name, _opened(name, file, media_type, context), raised, teller)
        except BrokenPipeError:
            raise  # Whoever read our output has gone: no fault of a file.
        except OSError as e:
            return _unreadable(name, e)
    teller.end()
    return int(refused)


def _mapped(context: Context, profile: str, teller: Teller | JSONTeller) -> Context | None:
    """The context with the mapping profile of a file; None: why there is none has been said."""
    from schemas.translate.edifact.profile import read_profile

    try:
        mapping = read_profile(Path(profile).read_bytes())
    except OSError as e:
        _unreadable(profile, e)
        return None
    if isinstance(mapping, list):
        teller.unopened(profile, mapping)
        return None
    return replace(context, profile=mapping)


def _unreadable(name: str, e: OSError) -> int:
    print(f"customs-connect validate: {name}: {e.strerror}", file=sys.stderr)
    return 2


def _is_zone(name: str) -> bool:
    from schemas.translate.tabular.moments import zone

    return zone(name, stated=False) is not None


def _content(name: str) -> AbstractContextManager[BinaryIO]:
    return nullcontext(io.BytesIO(sys.stdin.buffer.read())) if name == "-" else Path(name).open("rb")


def _opened(name: str, file: BinaryIO, media_type: str | None, context: Context) -> Translation | list[Fault]:
    """The items of a file. A table is read as it is gone through, so that a large one needs no more memory."""
    head = file.read(HEAD_BYTES)
    family = _family(name, head, media_type)
    if family == "tabular":
        from schemas.translate.tabular import translate

        return translate(file, context)
    document = head + file.read()
    if len(document) > len(head):
        family = _family(name, document, media_type)
    return [family] if isinstance(family, Fault) else translator(family)(document, context)


def _family(name: str, document: bytes, media_type: str | None) -> str | Fault:
    return recognise(document, media_type.lower()) if media_type else recognise_file(name, document)


def _tell(name: str, opened: Translation | list[Fault], raised: frozenset[str], teller: Teller) -> bool:
    if isinstance(opened, list):
        teller.unopened(name, opened)
        return True
    return teller.opened(name, opened.format, _judged(opened, raised))


def _judged(translation: Translation, raised: frozenset[str]) -> Iterator[Judged]:
    known, now_us = catalogue(), time_ns() // 1_000
    for item in translation.items:
        yield judge(item, translation, known, now_us=now_us, raised=raised)
