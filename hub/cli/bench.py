"""`customs-hub bench`: measure the hub on this machine beside the machine's own ceilings."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from cyclopts import App, Parameter
from cyclopts.validators import Number

from hub.cli import DONE, FAILED

app = App(name="bench", help="Measure accept, fan-out and delivery beside the machine's own ceilings.")

ROUNDS, SECONDS = 3, 3.0
ROUNDS_QUICK, SECONDS_QUICK = 2, 0.7

T = TypeVar("T")


@app.default
def bench(
    *,
    formats: Annotated[bool, Parameter(negative="")] = False,
    fairness: Annotated[bool, Parameter(negative="")] = False,
    delivery: Annotated[bool, Parameter(negative="")] = False,
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
    delivery
        Measure instead how long an event takes from its acceptance to its recipient, by pull, stream and webhook (with
        `--log kafka` from Kafka as well), at half of the rate that comes through; a minute.
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
    if delivery:
        return _delivery(log, kafka, data, quick=quick, json=json)
    from hub.lab.bench.hubs import Ground
    from hub.lab.bench.kafka import ground_for
    from hub.lab.bench.report import document, show
    from hub.lab.bench.run import Outcome, Plan, run

    default = (ROUNDS_QUICK, SECONDS_QUICK) if quick else (ROUNDS, SECONDS)
    plan = Plan(rounds=rounds or default[0], seconds=seconds or default[1])

    def measure() -> tuple[Plan, Ground, Outcome]:
        with ground_for(log, kafka, data) as ground:
            return plan, ground, run(plan, ground, data, _say)

    return _told(measure, lambda measured: document(*measured), lambda measured: show(*measured), json=json)


def _formats(data: Path, *, quick: bool, json: bool) -> int:
    from hub.lab.bench.formats import measure_formats
    from hub.lab.bench.report import format_document, show_formats

    return _told(lambda: measure_formats(data, _say, quick=quick), format_document, show_formats, json=json)


def _fairness(data: Path, *, quick: bool, json: bool) -> int:
    from hub.lab.bench.fairness import measure_fairness
    from hub.lab.bench.report import fairness_document, show_fairness

    return _told(lambda: measure_fairness(data, _say, quick=quick), fairness_document, show_fairness, json=json)


def _delivery(log: str, kafka: str, data: Path, *, quick: bool, json: bool) -> int:
    from hub.lab.bench.delivery import Delivered, measure_delivery
    from hub.lab.bench.kafka import ground_for
    from hub.lab.bench.report_delivery import delivery_document, show_delivery

    def measure() -> tuple[str, list[Delivered]]:
        with ground_for(log, kafka, data) as ground:
            return ground.name, measure_delivery(ground, data, _say, quick=quick)

    return _told(measure, lambda found: delivery_document(*found), lambda found: show_delivery(*found), json=json)


def _told(measure: Callable[[], T], document: Callable[[T], object], show: Callable[[T], None], *, json: bool) -> int:
    """Measure, and print what came of it; return the exit code."""
    from hub.cli.show import print_json
    from hub.core.errors import HubError

    try:
        measured = measure()
    except HubError as error:
        print(f"customs-hub bench: {error}", file=sys.stderr)
        return FAILED
    print_json(document(measured)) if json else show(measured)
    return DONE


def _say(text: str) -> None:
    """What is under way: one line that is written over, on a terminal only."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text} …", end="", file=sys.stderr, flush=True)
