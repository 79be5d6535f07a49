"""One exposition of several workers' metrics (Prometheus' text format 0.0.4): each sample says whose it is.

Counters are each worker's own and begin anew with it, as Prometheus expects of a series: nothing is added up here.
"""

from __future__ import annotations

from collections.abc import Mapping


def merged(expositions: Mapping[int, str]) -> str:
    """By worker; the samples of a family stand together, behind one description."""
    families: dict[str, tuple[list[str], list[str]]] = {}
    for worker, text in expositions.items():
        described, samples = [""], [""]
        for line in text.splitlines():
            if line.startswith("# HELP "):
                described, samples = families.setdefault(line.split(" ")[2], ([], []))
                described[:] = []
            if line.startswith("#"):
                described.append(line)
            else:
                samples.append(_labelled(line, worker))
    return "".join(f"{line}\n" for described, samples in families.values() for line in (*described, *samples))


def _labelled(sample: str, worker: int) -> str:
    """`name{a="b"} 1` or `name 1`; a metric's name has neither a brace nor a space."""
    name = sample[: next(place for place, character in enumerate(sample) if character in "{ ")]
    rest = sample[len(name) :]
    label = f'worker="{worker}"'
    return f"{name}{{{label},{rest[1:]}" if rest.startswith("{") else f"{name}{{{label}}}{rest}"
