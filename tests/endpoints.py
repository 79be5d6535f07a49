"""Endpoints for tests: what whoever registers one makes, and what the receiver then holds."""

from __future__ import annotations

from typing import Any

from hub.trust.sealed_password import seal_password
from hub.trust.webhook import secret_text

SECRET = bytes(range(32))


def sealed_for(told: dict[str, Any], secret: bytes = SECRET) -> dict[str, str]:
    """What `endpoint.add` and `endpoint.rotate` ask for, by what `endpoint.next` told."""
    return {"sealed": seal_password(secret_text(secret), told["name"], told["key"])}
