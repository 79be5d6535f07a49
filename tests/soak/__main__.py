"""`python -m tests.soak --count 100000 --seed 1`: mutated documents through every translator; with `--copies`, mutated
digital copies through what examines them.

A failure is printed with the command that shows it again; the exit code says whether there was one. `--first` goes on
where another run ended.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from time import monotonic

from tests.soak.soak import Tally, soak, trial_of


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description="Mutated documents, all translators.")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--copies", action="store_true", help="digital copies, examined; else every translator")
    parser.add_argument("--write", type=Path, help="write the one document of number --first here, and try it alone")
    asked = parser.parse_args()
    if asked.write:
        case = trial_of(asked.seed, asked.first, of_copies=asked.copies)
        asked.write.write_bytes(case.document)
    began = monotonic()
    numbers = range(asked.first, asked.first + (1 if asked.write else asked.count))
    tally = soak(asked.seed, numbers, report=_report, of_copies=asked.copies)
    _print(tally, monotonic() - began)
    return 1 if tally.failures else 0


def _report(tally: Tally, line: str) -> None:
    print(line, file=sys.stdout, flush=True)


def _print(tally: Tally, seconds: float) -> None:
    print(f"{tally.count} documents, {tally.bytes_count / 1e6:.1f} MB, {seconds:.0f} s, {len(tally.failures)} failures")
    for name, counter in (("formats", tally.formats), ("verdicts", tally.verdicts)):
        print(f"{name}: " + ", ".join(f"{key} {count}" for key, count in Counter(counter).most_common()))
    print(f"slowest {tally.slowest_seconds:.2f} s; most memory {tally.memory_times:.1f} times the document")


sys.exit(main())
