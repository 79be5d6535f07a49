"""Where the pipeline says what happened. Assembly gives Prometheus and structlog; tests give a list."""

from __future__ import annotations

from typing import Protocol


class Observer(Protocol):
    """Labels come from closed sets (verdicts, error labels, event types, feed names); partners never become labels."""

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        """Add to a counter of the closed list in `hub/core/metrics.py`."""

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Enter a value (seconds, bytes, records) into a histogram of the closed list."""

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Set a gauge of the closed list."""

    def exposition(self) -> bytes:
        """Everything counted, in Prometheus' text format 0.0.4."""

    def event(self, name: str, **facts: str | int | float) -> None:
        """One structured log line. Never tokens, keys or what a partner sent."""
