"""What a benchmark says: a table for people, one JSON document for programs."""

from __future__ import annotations

import os
import platform
import sqlite3
import sys
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from hub.lab.bench.fairness import (
    FLOOD_CONNECTIONS,
    FLOOD_PER_SECOND,
    QUIET_CONNECTIONS,
    QUIET_PER_SECOND,
    QUOTA_PER_SECOND,
    Beside,
)
from hub.lab.bench.figures import Figures
from hub.lab.bench.formats import FormatFigures
from hub.lab.bench.hubs import Ground
from hub.lab.bench.jobs import LOAD_MAX
from hub.lab.bench.run import PACED_EVENTS_PER_SECOND, Outcome, Plan
from hub.lab.bench.wire import event_bytes

COLUMNS = ("measure", "events/s", "lowest", "highest", "p50 ms", "p99 ms", "CPU µs/event", "load")
NOTES = (
    "Medians over the rounds. p50 and p99: from a request to its answer, or of one commit, append or batch; "
    f"paced, at {PACED_EVENTS_PER_SECOND} single posts a second: from the arrival of the answer to that of the record.",
    "CPU: of the hub (or of the ceiling's own process) for each event, judging and fan-out included.",
    "End to end: 100 a post, one feed, until the last record is pulled.",
)


def document(plan: Plan, ground: Ground, outcome: Outcome) -> dict[str, Any]:
    """Everything measured, with what it was measured on, as JSON values."""
    return {
        "log": ground.name,
        "rounds": plan.rounds,
        "seconds": plan.seconds,
        "event_bytes": event_bytes(),
        "machine": machine(),
        "measures": {each.name: without_name(each) for each in outcome.figures},
        "ratios": [msgspec.to_builtins(each) for each in outcome.ratios],
        "hub_peak_bytes": outcome.hub_peak_bytes,
    }


def show(plan: Plan, ground: Ground, outcome: Outcome) -> None:
    """A table, what is worth comparing, and what it was measured on."""
    rows = [_cells(each) for each in outcome.figures]
    print_table(f"customs-hub bench, log on {ground.name}", COLUMNS, rows)
    print()
    for ratio in outcome.ratios:
        print(f"{ratio.of} / {ratio.to}: {ratio.ratio:.2f}")
    print(f"peak memory of a hub: {outcome.hub_peak_bytes / 2**20:.0f} MiB")
    for each in outcome.figures:
        if each.void:
            print(f"VOID: {each.void} of {each.runs} runs of `{each.name}`: the load used more than {LOAD_MAX:.0%}.")
        if each.accepted < each.sent:
            print(f"NOT ACCEPTED: {each.sent - each.accepted:,} of {each.sent:,} events of `{each.name}`.")
    print(
        f"{plan.rounds} rounds of {plan.seconds:g} s; events of {event_bytes()} bytes; {machine_text()}",
        *NOTES,
        sep="\n",
    )


FORMAT_COLUMNS = ("measure", "bytes", "events", "µs/event", "ceiling", "its µs/event", "ratio", "peak MiB")
FORMAT_NOTES = (
    "CPU time of one core, for each event or row; of repeated measures the median. The ceiling reads those bytes, no "
    "more. Peak: the most memory that the process had resident, Python, schemas and the document included.",
)


def format_document(measured: Sequence[FormatFigures]) -> dict[str, Any]:
    """Every format, with what it was measured on, as JSON values."""
    formats = {each.name: {**without_name(each), "ratio": each.ratio} for each in measured}
    return {"machine": machine(), "formats": formats}


def show_formats(measured: Sequence[FormatFigures]) -> None:
    print_table("customs-hub bench --formats", FORMAT_COLUMNS, [_format_cells(each) for each in measured])
    print("", machine_text(), *FORMAT_NOTES, sep="\n")


FAIRNESS_COLUMNS = ("quiet partners", "p50 ms", "p99 ms", "of alone", "sent", "accepted", "flood sent", "got through")
FAIRNESS_NOTES = (
    f"Quiet: single posts at {QUIET_PER_SECOND} a second over {QUIET_CONNECTIONS} connections, each from when it is "
    "due to its answer; medians over the rounds. Of alone: the p99, divided by that of the same round alone.",
    f"One at 10 times its quota: {FLOOD_PER_SECOND} single posts a second over {FLOOD_CONNECTIONS} connections, "
    f"{QUOTA_PER_SECOND} allowed. Bad tokens: as many. The flood is a process of its own.",
)


def fairness_document(measured: Sequence[Beside]) -> dict[str, Any]:
    """Every flood, with what it was measured on, as JSON values."""
    return {"machine": machine(), "beside": {each.name: without_name(each) for each in measured}}


def show_fairness(measured: Sequence[Beside]) -> None:
    rows: list[tuple[str, ...]] = [
        (
            each.name,
            f"{each.p50_ms:.2f}",
            f"{each.p99_ms:.2f}",
            f"{each.ratio:.2f}",
            f"{each.sent:,}",
            f"{each.accepted:,}",
            f"{each.flood_sent:,}",
            f"{each.flood_accepted:,}",
        )
        for each in measured
    ]
    print_table("customs-hub bench --fairness", FAIRNESS_COLUMNS, rows)
    print("", machine_text(), *FAIRNESS_NOTES, sep="\n")


def _format_cells(measured: FormatFigures) -> tuple[str, ...]:
    return (
        measured.name,
        f"{measured.document_bytes:,}",
        f"{measured.events:,}",
        f"{measured.microseconds:.1f}",
        measured.ceiling,
        f"{measured.ceiling_microseconds:.2f}",
        f"{measured.ratio:.0f}",
        f"{measured.peak_bytes / 2**20:.0f}",
    )


def _cells(measure: Figures) -> tuple[str, ...]:
    return (
        measure.name,
        "void" if measure.void == measure.runs else f"{measure.events_per_second:,.0f}",
        f"{measure.events_per_second_min:,.0f}",
        f"{measure.events_per_second_max:,.0f}",
        f"{measure.p50_ms:.2f}",
        f"{measure.p99_ms:.2f}",
        f"{measure.cpu_us:.1f}",
        "" if measure.load is None else f"{measure.load:.0%}",
    )


def print_table(title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """A table on a terminal, the same as plain columns where there is none."""
    if sys.stdout.isatty():
        table = Table(title=title)
        for name in columns:
            table.add_column(name, justify="left" if name == columns[0] else "right")
        for row in rows:
            table.add_row(*row)
        Console().print(table)
    else:
        _print_plain([columns, *rows])


def _print_plain(rows: list[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, *figures in rows:
        right = "  ".join(text.rjust(width) for text, width in zip(figures, widths[1:], strict=True))
        print(f"{name.ljust(widths[0])}  {right}".rstrip())


def without_name(measure: Struct) -> dict[str, Any]:
    values: dict[str, Any] = msgspec.to_builtins(measure)
    del values["name"]
    return values


def machine_text() -> str:
    return ", ".join(f"{name} {value}" for name, value in machine().items())


def machine() -> dict[str, str | int]:
    return {
        "cores": os.cpu_count() or 0,
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "system": f"{platform.system()} {platform.machine()}",
    }
