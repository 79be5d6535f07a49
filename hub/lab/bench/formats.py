"""What it costs to judge a document of each format, beside what reading the same bytes costs anyone.

Each measure is a process of its own (`python -m hub.lab.bench.formats`), which is given a document in a file, so that
its memory can be told: the most that the process had resident until the last item was judged. Times are CPU times: the
work waits for nothing.
"""

from __future__ import annotations

import csv
import io
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import jiter
import msgspec
import python_calamine
from msgspec import Struct

from hub.lab.bench import documents
from hub.lab.bench.child import child, peak_bytes_of
from schemas import guard, rules
from schemas.catalogue import EventType, catalogue
from schemas.translate.item import Context, Event, Translation
from schemas.translate.recognise import open_document
from schemas.verdict import Verdict, judge

SECONDS_MAX = 300.0
SHEET_ROWS, FILE_ROWS = 10_000, 100_000
QUICK_SHARE = 10
REPEATS = 200
"""Of a measure that takes microseconds; figures are medians."""

Work = Callable[[], object]


class FormatJob(Struct, frozen=True):
    name: str
    path: str
    events: int


class FormatFigures(Struct, frozen=True, kw_only=True):
    """One measure. Times are of one event, or one row."""

    name: str
    document_bytes: int
    events: int
    microseconds: float
    ceiling: str
    """What reads the same bytes, and no more."""
    ceiling_microseconds: float
    peak_bytes: int

    @property
    def ratio(self) -> float:
        return self.microseconds / self.ceiling_microseconds


class Measure(Struct, frozen=True):
    make: Callable[[int], bytes]
    events: int
    work: Callable[[bytes, int], Work]
    ceiling: str
    least: Callable[[bytes], object]
    repeats: int = REPEATS


def measure_formats(data: Path, say: Callable[[str], None], *, quick: bool) -> list[FormatFigures]:
    """Every measure, each in a process of its own. Raises `BenchFailed`."""
    data.mkdir(parents=True, exist_ok=True)
    found = []
    with TemporaryDirectory(prefix="bench-", dir=data) as directory:
        file = Path(directory) / "document"
        for name, measure in MEASURES.items():
            say(name)
            events = measure.events // QUICK_SHARE if quick and measure.events >= SHEET_ROWS else measure.events
            file.write_bytes(measure.make(events))
            with child("formats", Path(directory)) as process:
                found.append(process.ask(FormatJob(name, str(file), events), FormatFigures, SECONDS_MAX))
    return found


def _rules(document: bytes, _: int) -> Work:
    """Schema and rules of an event that was parsed."""
    parsed, kind = _parsed(document)
    now_us = time.time_ns() // 1_000
    return lambda: rules.check(parsed, kind, now_us=now_us)


def _from_bytes(document: bytes, _: int) -> Work:
    """The same from its bytes: the parsing rules and the canonical bytes as well."""
    kind = _parsed(document)[1]
    now_us = time.time_ns() // 1_000
    return lambda: rules.check(_parsed(document)[0], kind, now_us=now_us)


def _parsed(document: bytes) -> tuple[Event, EventType]:
    parsed = guard.parse(document)
    assert isinstance(parsed, guard.Parsed)
    kind = catalogue().find(parsed.value["type"])
    assert isinstance(kind, EventType)
    return parsed.value, kind


def _translated(document: bytes, events: int) -> Work:
    """The canonical events of a document, not judged yet."""

    def work() -> None:
        assert sum(item.event is not None for item in _opened(document, events).items) == events

    return work


def _judged(document: bytes, events: int) -> Work:
    """A document read and judged item by item."""

    def work() -> None:
        opened, now_us = _opened(document, events), time.time_ns() // 1_000
        verdicts = (judge(item, opened, catalogue(), now_us=now_us).verdict for item in opened.items)
        assert sum(verdict is Verdict.ACCEPTED for verdict in verdicts) == events

    return work


def _opened(document: bytes, events: int) -> Translation:
    media_type = "" if document[:1] in (b"{", b"P", b"[") else "text/csv"
    opened = open_document(document, media_type, Context(items_max=events))
    assert isinstance(opened, Translation), opened
    return opened


def _cells(document: bytes) -> object:
    return python_calamine.load_workbook(io.BytesIO(document)).get_sheet_by_index(0).to_python()


def _split(document: bytes) -> object:
    return [segment.split("+") for segment in document.decode().split("'")]


def _lines(document: bytes) -> object:
    return sum(1 for _ in csv.reader(io.StringIO(document.decode(), newline=""), delimiter=";"))


_LISTED = documents.LISTED_EVENTS
MEASURES = {
    "event: schema and rules": Measure(documents.canonical, 1, _rules, "jiter", jiter.from_json),
    "event: from bytes to verdict": Measure(documents.canonical, 1, _from_bytes, "jiter", jiter.from_json),
    "EPCIS event to canonical": Measure(documents.epcis, _LISTED, _translated, "jiter", jiter.from_json),
    "DCSA event to canonical": Measure(documents.dcsa, _LISTED, _translated, "jiter", jiter.from_json),
    "ONE Record event to canonical": Measure(documents.one_record, _LISTED, _translated, "jiter", jiter.from_json),
    "EDIFACT message to canonical": Measure(documents.edifact, _LISTED, _translated, "split", _split),
    "workbook row judged": Measure(documents.workbook, SHEET_ROWS, _judged, "calamine", _cells, 1),
    "CSV row judged": Measure(documents.separated, FILE_ROWS, _judged, "csv", _lines, 1),
}


def _microseconds(work: Work, repeats: int) -> float:
    if repeats > 1:
        work()
    return median(_once(work) for _ in range(repeats))


def _once(work: Work) -> float:
    begun = time.process_time()
    work()
    return (time.process_time() - begun) * 1e6


def _do(job: FormatJob) -> FormatFigures:
    measure, document = MEASURES[job.name], Path(job.path).read_bytes()
    catalogue()  # Compiled once in the life of a hub: no document pays for it.
    took = _microseconds(measure.work(document, job.events), measure.repeats)
    peak_bytes = peak_bytes_of("self")
    least = _microseconds(lambda: measure.least(document), measure.repeats)
    return FormatFigures(
        name=job.name,
        document_bytes=len(document),
        events=job.events,
        microseconds=took / job.events,
        ceiling=measure.ceiling,
        ceiling_microseconds=least / job.events,
        peak_bytes=peak_bytes,
    )


def main() -> None:
    """One job a line, one result a line, until stdin ends."""
    for line in sys.stdin.buffer:
        result = _do(msgspec.json.decode(line, type=FormatJob))
        sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
