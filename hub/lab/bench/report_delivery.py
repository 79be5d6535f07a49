"""What `bench --delivery` says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hub.lab.bench.delivery import CONNECTIONS, Delivered
from hub.lab.bench.jobs import LOAD_MAX
from hub.lab.bench.report import machine, machine_text, print_table, without_name

COLUMNS = ("delivery by", "most events/s", "at events/s", "p50 ms", "p99 ms", "p99 asked", "load", "delivered")
NOTES = (
    "p50 and p99: from the arrival of the answer that an event is accepted to the arrival of its record, single posts "
    f"over {CONNECTIONS} connections at half of the rate that came through; medians over the rounds.",
    "Load: the most of a core that the load or the recipient used meanwhile; both are processes of their own.",
)


def delivery_document(log: str, measured: Sequence[Delivered]) -> dict[str, Any]:
    """Every way, with what it was measured on, as JSON values."""
    return {"log": log, "machine": machine(), "ways": {each.name: without_name(each) for each in measured}}


def show_delivery(log: str, measured: Sequence[Delivered]) -> None:
    rows: list[tuple[str, ...]] = [
        (
            each.name,
            f"{each.most_per_second:,.0f}",
            f"{each.per_second:,.0f}",
            f"{each.p50_ms:.1f}",
            f"{each.p99_ms:.1f}",
            f"{each.asked_ms:.0f}",
            f"{each.load:.0%}",
            f"{each.delivered:,}",
        )
        for each in measured
    ]
    print_table(f"customs-hub bench --delivery, log on {log}", COLUMNS, rows)
    print()
    for each in measured:
        if each.void:
            print(
                f"VOID: {each.void} of {each.runs} runs of `{each.name}`: load or recipient used over {LOAD_MAX:.0%}."
            )
    print(machine_text(), *NOTES, sep="\n")
