"""`customs-hub bench`: measure the hub on this machine beside the machine's own ceilings."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter
from cyclopts.validators import Number

from hub.cli import DONE, FAILED

app = App(name="bench", help="Measure accept, fan-out and delivery beside the machine's own ceilings.")

ROUNDS, SECONDS = 3, 3.0
ROUNDS_QUICK, SECONDS_QUICK = 2, 0.7


@app.default
def bench(
    *,
    formats: Annotated[bool, Parameter(negative="")] = False,
    fairness: Annotated[bool, Parameter(negative="")] = False,
    log: Literal["sqlite", "kafka"] = "sqlite",
    kafka: str = "",
    quick: Annotated[bool, Parameter(negative="")] = False,
    rounds: Annotated[int | None, Parameter(validator=Number(gte=1, lte=20))] = None,
    seconds: Annotated[float | None, Parameter(validator=Number(gt=0, lte=60))] = None,
    data: Path = Path("var"),
    json: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Run hub, load and reader as processes of their own on this machine; about three minutes, with --quick half a one.

    Parameters
    ----------
    formats
        Measure instead what it costs to judge documents of each format, and how much memory that takes: half a minute.
    fairness
        Measure instead what a flood costs the others: quiet partners alone, beside one at ten times its quota, and
        beside bad tokens; half a minute.
    log
        Where the hub keeps its events.
    kafka
        The bootstrap address of a running Kafka, for `--log kafka`; topics are made there and removed at the end. By
        default a broker is started, and stopped at the end.
    quick
        Fewer and shorter rounds: enough to see what is going on, not to compare versions.
    rounds
        How often everything is measured.
    seconds
        How long each measure takes in one round.
    data
        A directory on the disk to measure; everything put there is removed at the end.
    json
        Print one JSON document.
    """
    if formats:
        return _formats(data, quick=quick, json=json)
    if fairness:
        return _fairness(data, quick=quick, json=json)
    from hub.core.errors import HubError
    from hub.lab.bench.kafka import ground_for
    from hub.lab.bench.report import document, show
    from hub.lab.bench.run import Plan, run

    default = (ROUNDS_QUICK, SECONDS_QUICK) if quick else (ROUNDS, SECONDS)
    plan = Plan(rounds=rounds or default[0], seconds=seconds or default[1])
    try:
        with ground_for(log, kafka, data) as ground:
            outcome = run(plan, ground, data, _say)
    except HubError as error:
        print(f"customs-hub bench: {error}", file=sys.stderr)
        return FAILED
    if json:
        from hub.cli.show import print_json

        print_json(document(plan, ground, outcome))
    else:
        show(plan, ground, outcome)
    return DONE


def _formats(data: Path, *, quick: bool, json: bool) -> int:
    from hub.lab.bench.child import BenchFailed
    from hub.lab.bench.formats import measure_formats
    from hub.lab.bench.report import format_document, show_formats

    try:
        measured = measure_formats(data, _say, quick=quick)
    except BenchFailed as error:
        print(f"customs-hub bench: {error}", file=sys.stderr)
        return FAILED
    if json:
        from hub.cli.show import print_json

        print_json(format_document(measured))
    else:
        show_formats(measured)
    return DONE


def _fairness(data: Path, *, quick: bool, json: bool) -> int:
    from hub.core.errors import HubError
    from hub.lab.bench.fairness import measure_fairness
    from hub.lab.bench.report import fairness_document, show_fairness

    try:
        measured = measure_fairness(data, _say, quick=quick)
    except HubError as error:
        print(f"customs-hub bench: {error}", file=sys.stderr)
        return FAILED
    if json:
        from hub.cli.show import print_json

        print_json(fairness_document(measured))
    else:
        show_fairness(measured)
    return DONE


def _say(text: str) -> None:
    """What is under way: one line that is written over, on a terminal only."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text} …", end="", file=sys.stderr, flush=True)
