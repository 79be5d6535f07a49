"""Many trials, and what came of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from tests.soak import copies
from tests.soak.mutate import mutated
from tests.soak.trial import MEDIA_TYPES, MIB, Try, memory_max, memory_of, resident_memory_of, tried, weight

TRACED_EVERY = 50
"""Tracing allocations makes a trial four times as slow: a share of them says enough."""
WRONG_TYPE_SHARE = 0.1
"""Of the trials, those with any media type; the others have none, but for separated values, which it alone tells."""
LARGE_BYTES = MIB // 2
"""A document of this size is tried in a process of its own as well, for its memory."""


class Trial(NamedTuple):
    origin: str
    document: bytes
    media_type: str
    try_: Try


@dataclass
class Tally:
    count: int = 0
    bytes_count: int = 0
    formats: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest_seconds: float = 0.0
    memory_times: float = 0.0


def trial_of(seed: int, number: int, *, of_copies: bool = False) -> Trial:
    if of_copies:
        origin, document, claimed = copies.copy_of(seed, number)
        return Trial(origin.name, document, claimed, copies.tried)
    origin, document = mutated(seed, number)
    chance = Random(f"{seed}:{number}:type")
    own = "text/csv" if origin.name.endswith(".csv") else ""
    return Trial(
        origin.name, document, chance.choice(MEDIA_TYPES) if chance.random() < WRONG_TYPE_SHARE else own, tried
    )


def soak(seed: int, numbers: Iterable[int], *, report: Callable[[Tally, str], None], of_copies: bool = False) -> Tally:
    """Try the documents of these numbers; `report` is told of each failure, with the command that shows it again."""
    tally = Tally()
    for number in numbers:
        trial = trial_of(seed, number, of_copies=of_copies)
        outcome = trial.try_(trial.document, trial.media_type)
        tally.count += 1
        tally.bytes_count += len(trial.document)
        tally.formats[outcome.format] += 1
        tally.verdicts.update(outcome.verdicts)
        tally.slowest_seconds = max(tally.slowest_seconds, outcome.seconds)
        failures = [*outcome.failures[:5], *_memory(trial, number, tally)]
        if outcome.format == copies.PDF and number % copies.IN_THE_JAIL_EVERY == 0:
            failures += copies.judged([trial.document])
        for failure in failures:
            again = (
                f"python -m tests.soak {'--copies ' * of_copies}--seed {seed} --first {number} --write /tmp/document"
            )
            told = f"{failure}\n    {trial.origin} as {trial.media_type or 'no media type'}: {again}"
            tally.failures.append(told)
            report(tally, told)
    return tally


def _memory(trial: Trial, number: int, tally: Tally) -> list[str]:
    if len(trial.document) >= LARGE_BYTES or (trial.document.startswith(b"PK") and number % 5 == 0):
        used = resident_memory_of(*trial[1:])
    elif number % TRACED_EVERY == 0:
        used = memory_of(*trial[1:])
    else:
        return []
    tally.memory_times = max(tally.memory_times, used / max(weight(trial.document), MIB))
    too_much = used > memory_max(trial.document)
    return [f"used {used / MIB:.0f} MiB for {weight(trial.document)} bytes"] if too_much else []
