"""Quotas put together: what one worker keeps of its senders, known and unknown, and what tells of them."""

from __future__ import annotations

from collections.abc import Callable

from hub.assembly.grounds import Ports
from hub.core.quota import Amounts
from hub.core.registry import Snapshot
from hub.core.settings import Settings
from hub.intake.quota import Quotas
from hub.ports.observer import Observer
from hub.ports.system import Clock


def make_quotas(
    settings: Settings, ports: Ports, *, snapshot: Callable[[], Snapshot], clock: Clock, observer: Observer
) -> Quotas:
    return Quotas(
        settings=settings.quotas,
        largest=largest_request(settings),
        places=settings.http.requests_in_flight_max,
        snapshot=snapshot,
        spending=ports.spending,
        uptime=ports.uptime,
        clock=clock,
        observer=observer,
    )


def largest_request(settings: Settings) -> Amounts:
    """The most events, bytes and requests that one request can take."""
    documents = settings.documents
    judged_later = documents.table_bytes_max, documents.interchange_bytes_max
    sizes = settings.http.body_bytes_max, documents.body_bytes_max, *judged_later
    return settings.intake.batch_events_max, max(sizes), 1
