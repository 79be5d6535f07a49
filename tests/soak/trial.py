"""One document through all that is done with it, and what must hold of that whatever the document is."""

from __future__ import annotations

import io
import os
import resource
import tracemalloc
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from time import process_time
from typing import NamedTuple

from schemas.canonical import canonical_bytes
from schemas.catalogue import catalogue
from schemas.faults import EXPECTED_CHARACTERS_MAX, FAULTS, FAULTS_MAX, FOUND_CHARACTERS_MAX, Fault, Severity
from schemas.translate.item import Context, Translation
from schemas.translate.recognise import TAKEN, open_document
from schemas.verdict import Judged, Verdict, judge
from schemas.words import Words, words

NOW_US = 1_795_338_000_000_000
MIB = 1 << 20
SECONDS_PER_MIB = 1.0
SECONDS_MIN = 0.25
MEMORY_TIMES_MAX = 20
MEMORY_BYTES_MIN = MIB
"""Of a document of a few bytes, everything is more than twenty times."""
UNZIPPED_BYTES_MAX = 64 * MIB

MEDIA_TYPES = (*(media_type for row in TAKEN for media_type in row.media_types), "text/plain")
CONTEXT = Context(time_zone="Europe/Amsterdam")


class Outcome(NamedTuple):
    """What became of one document: how it was told apart, its verdicts, and what should not have been."""

    format: str
    verdicts: Counter[str]
    failures: list[str]
    seconds: float


def tried(document: bytes, media_type: str) -> Outcome:
    """The document opened, every item judged, every fault said in French; in time."""
    began = process_time()
    try:
        opened = open_document(document, media_type, CONTEXT)
        format_ = opened.format if isinstance(opened, Translation) else "refused"
        verdicts: Counter[str] = Counter()
        failures = list(_wrong(opened, verdicts))
    except Exception as e:  # noqa: BLE001 -- this is what is looked for
        return Outcome("raised", Counter(), [f"raised {type(e).__name__}: {str(e)[:200]}"], process_time() - began)
    seconds = process_time() - began
    return Outcome(format_, verdicts, [*failures, *in_time(document, seconds)], seconds)


def in_time(document: bytes, seconds: float) -> Iterator[str]:
    if seconds > max(SECONDS_MIN, SECONDS_PER_MIB * weight(document) / MIB):
        yield f"took {seconds:.2f} s for {weight(document)} bytes"


def weight(document: bytes) -> int:
    """The bytes that a document stands for: of a zip, those that it says are in it."""
    if document.startswith(b"PK"):
        try:
            with zipfile.ZipFile(io.BytesIO(document)) as archive:
                unzipped = sum(each.file_size for each in archive.infolist())
        except Exception:  # noqa: BLE001 -- a broken zip stands for itself
            return len(document)
        return max(len(document), min(unzipped, UNZIPPED_BYTES_MAX))
    return len(document)


def _wrong(opened: Translation | list[Fault], verdicts: Counter[str]) -> Iterator[str]:
    if isinstance(opened, list):
        if not opened or all(each.severity is Severity.WARNING for each in opened):
            yield "refused without an error"
        yield from wrongly_said(opened, words())
        return
    for index, item in enumerate(opened.items):
        judged = judge(item, opened, catalogue(), now_us=NOW_US)
        verdicts[judged.verdict] += 1
        if item.index != index:
            yield f"item {index} says that it is {item.index}"
        yield from _wrongly_judged(judged)
        yield from wrongly_said(judged.faults, words())


def _wrongly_judged(judged: Judged) -> Iterator[str]:
    item, errors = judged.item, [each for each in judged.faults if each.severity is Severity.ERROR]
    if (judged.verdict is Verdict.REJECTED) != bool(errors):
        yield f"{judged.verdict} with {len(errors)} errors at {item.place!r}"
    if judged.verdict is Verdict.ACCEPTED and item.event is not None and judged.kind is not None:
        canonical_bytes(item.event)
        judged.kind.object_key(item.event)
        if len(f"{item.event['source']}{item.event['id']}".encode()) > 512:
            yield "an identity that is too long was accepted"


def wrongly_said(faults: list[Fault], said: Words) -> Iterator[str]:
    """`said`: what has the French of it."""
    if len(faults) > FAULTS_MAX:
        yield f"{len(faults)} faults"
    for each in faults:
        if each.code not in FAULTS or len(each.found) > FOUND_CHARACTERS_MAX:
            yield f"{each.code} found {each.found[:100]!r}"
        if len(each.expected) > EXPECTED_CHARACTERS_MAX or said.french(each.expected) is None:
            yield f"{each.code} expected {each.expected!r}: no French, or too long"
        f"{each.place}{each.found}{each.expected}".encode()  # What cannot be encoded cannot be answered.


Try = Callable[[bytes, str], Outcome]
"""A document, with what its sender says it is, through all that is done with it."""


def memory_of(document: bytes, media_type: str, try_: Try = tried) -> int:
    """Bytes that Python allocates at most at a time while the document is tried."""
    tracemalloc.start()
    try:
        try_(document, media_type)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def resident_memory_of(document: bytes, media_type: str, try_: Try = tried) -> int:
    """Bytes by which a process of its own grows while the document is tried: what libraries allocate counts too."""
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try_(document, media_type)
        os.write(writing, str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before).encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as told:
        return int(told.read() or 0) * 1024


def memory_max(document: bytes) -> int:
    return MEMORY_TIMES_MAX * max(weight(document), MEMORY_BYTES_MIN)
