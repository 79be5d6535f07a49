"""Percentiles of one run, medians over several."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import median

from msgspec import Struct

from hub.lab.bench.jobs import LOAD_MAX


class Run(Struct, frozen=True, kw_only=True):
    """One measure in one round. None: it has no such figure."""

    events_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    """CPU time of the process measured, for each event: until nothing that the events caused was left to do."""
    load: float | None = None
    sent: int = 0
    accepted: int = 0
    delivered: int | None = None

    @property
    def void(self) -> bool:
        return self.load is not None and self.load > LOAD_MAX


class Figures(Struct, frozen=True, kw_only=True):
    """One measure over all rounds: medians of the runs that are not void (if all are: of all), counts of all."""

    name: str
    runs: int
    void: int
    events_per_second: float
    events_per_second_min: float
    events_per_second_max: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    load: float | None
    sent: int
    accepted: int
    delivered: int | None


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that at least this share of all is not above (nearest rank); 0 of none."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1] if ordered else 0.0


def figures(name: str, runs: Sequence[Run]) -> Figures:
    """Sum up a measure. `runs` is not empty."""
    counted = [run for run in runs if not run.void] or runs
    rates = [run.events_per_second for run in counted]
    loads = [run.load for run in runs if run.load is not None]
    delivered = [run.delivered for run in runs if run.delivered is not None]
    return Figures(
        name=name,
        runs=len(runs),
        void=sum(run.void for run in runs),
        events_per_second=median(rates),
        events_per_second_min=min(rates),
        events_per_second_max=max(rates),
        p50_ms=median(run.p50_ms for run in counted),
        p99_ms=median(run.p99_ms for run in counted),
        cpu_us=median(run.cpu_us for run in counted),
        load=max(loads) if loads else None,
        sent=sum(run.sent for run in runs),
        accepted=sum(run.accepted for run in runs),
        delivered=sum(delivered) if delivered else None,
    )
