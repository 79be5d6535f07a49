"""Settings for tests that are not about how long the hub waits."""

from __future__ import annotations

from typing import Any

from hub.core.settings import KafkaSettings


def patient(bootstrap: str, **others: Any) -> KafkaSettings:
    """Brokers may take as long as they do on a machine that has much else to do."""
    return KafkaSettings(bootstrap=bootstrap, request_ms_max=20_000, append_ms_max=60_000, **others)
