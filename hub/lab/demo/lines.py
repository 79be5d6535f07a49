"""The plain view: one line for each thing worth telling, and the flow every two seconds. For pipes and files."""

from __future__ import annotations

from hub.lab.demo.cast import COMPANIES, ENGINES
from hub.lab.demo.tally import LATENCIES_RECENT, Note, Tally, percentile
from hub.lab.demo.view import Stage

FLOW_EVERY_SECONDS = 2.0

NAMES = {each.id: each.name for each in (*COMPANIES, *ENGINES)}
WORDS = {"alert": "ALERT", "withdrawn": "withdrawn", "refused": "refused", "operator": "operator", "milestone": "demo"}


class Lines:
    """Prints as it goes."""

    def __init__(self) -> None:
        self._flow_at = 0.0

    def begin(self, stage: Stage) -> None:
        self._print(f"The hub listens at {stage.url}, on {stage.ground}, in {stage.directory}.")

    def note(self, note: Note) -> None:
        who = f"{NAMES[note.who]}: " if note.who in NAMES else ""
        self._print(f"{note.seconds:6.1f} s  {WORDS[note.kind]:<10}{who}{note.text}")

    def draw(self, tally: Tally) -> None:
        seconds = tally.seconds()
        if tally.first_delivery_seconds is None or seconds < self._flow_at:
            return
        self._flow_at = seconds + FLOW_EVERY_SECONDS
        waits = sorted(wait for reading in tally.engines.values() for wait in reading.milliseconds[-LATENCIES_RECENT:])
        totals = ("sent", "accepted", "duplicates", "rejected", "suspended_refused", "receipts_verified")
        flow = ", ".join(f"{tally.total(name)} {name.replace('_', ' ')}" for name in totals)
        delivered = ", ".join(f"{reading.delivered} to {NAMES[name]}" for name, reading in tally.engines.items())
        latency = f"p50 {percentile(waits, 0.50)} ms, p99 {percentile(waits, 0.99)} ms"
        self._print(f"{seconds:6.1f} s  flow      {flow}; {delivered}; {latency}")

    def end(self) -> None:
        """Every line is out already."""

    def _print(self, line: str) -> None:
        print(line, flush=True)
