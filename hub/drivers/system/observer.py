"""What happened, for Prometheus and for the log: counters by the closed list, one JSON line per event.

Label values come from the callers' closed sets; the children of a metric are kept, since finding one costs more than
adding to it. Log lines never hold what a partner sent.
"""

from __future__ import annotations

import logging
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, TextIO

import prometheus_client
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from hub.core.metrics import METRICS, Metric

if TYPE_CHECKING:
    from prometheus_client.metrics import MetricWrapperBase
    from structlog.typing import EventDict, Processor

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_RECORDS = (1, 3, 10, 30, 100, 300, 1_000, 3_000)


class SystemObserver:
    """Keeps the promises of `Observer` for one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._metrics = {name: self._make(metric) for name, metric in METRICS.items()}
        self._child = lru_cache(maxsize=4_096)(self._find_child)
        self._log = structlog.get_logger("customs-hub")
        prometheus_client.ProcessCollector(registry=self._registry)

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        self._child(name, *labels.items()).inc(amount)  # type: ignore[attr-defined]

    def observe(self, name: str, value: float, **labels: str) -> None:
        self._child(name, *labels.items()).observe(value)  # type: ignore[attr-defined]

    def gauge(self, name: str, value: float, **labels: str) -> None:
        self._child(name, *labels.items()).set(value)  # type: ignore[attr-defined]

    def event(self, name: str, **facts: str | int | float) -> None:
        self._log.info(name, **facts)

    def exposition(self) -> bytes:
        """Everything counted, in Prometheus' text format 0.0.4."""
        return generate_latest(self._registry)

    def _find_child(self, name: str, *labels: tuple[str, str]) -> MetricWrapperBase:
        metric = self._metrics[name]
        return metric.labels(**dict(labels)) if labels else metric

    def _make(self, metric: Metric) -> MetricWrapperBase:
        name, arguments = f"customs_hub_{metric.name}", (metric.help, metric.labels)
        match metric.kind:
            case "counter":
                return Counter(name, *arguments, registry=self._registry)
            case "gauge":
                return Gauge(name, *arguments, registry=self._registry)
            case "histogram":
                buckets = _SECONDS if metric.name.endswith("_seconds") else _RECORDS
                return Histogram(name, *arguments, buckets=buckets, registry=self._registry)


def configure_log(file: TextIO | None = None, *, worker: int | None = None) -> None:
    """One JSON object a line, by default on standard error, what libraries warn of too; times in UTC.

    Where there are several workers, each line says of which one it is.
    """
    out = file or sys.stderr

    def name_worker(_: object, __: str, said: EventDict) -> EventDict:
        return said if worker is None else {"worker": worker, **said}

    stamps: list[Processor] = [
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.add_log_level,
        name_worker,
    ]
    json = structlog.processors.JSONRenderer()
    structlog.configure(processors=[*stamps, json], logger_factory=structlog.WriteLoggerFactory(file=out))
    drop = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler = logging.StreamHandler(out)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=[drop, json], foreign_pre_chain=stamps))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
