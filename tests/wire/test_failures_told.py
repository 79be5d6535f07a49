"""Each door of the hub tells its log who was not let in, and nothing of what was shown to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from hub.drivers.system.observer import SystemObserver
from tests.world import Caller, HubWorld

SECRET = "eyJhbGciOiJFUzI1NiJ9.c2VjcmV0.c2VjcmV0"
FORM = {
    "grant_type": "client_credentials",
    "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    "client_assertion": SECRET,
}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Mapping[str, Any]]]:
    lines: list[tuple[str, Mapping[str, Any]]] = []
    monkeypatch.setattr(SystemObserver, "event", lambda _, name, **facts: lines.append((name, facts)))
    return lines


@pytest.mark.parametrize(
    ("method", "path", "door", "sent"),
    [
        ("GET", "/v1/notices", "get_notices", {"headers": {"Authorization": f"Bearer {SECRET}"}}),
        ("POST", "/v1/events", "post_events", {"headers": {"Authorization": f"Bearer {SECRET}"}, "data": b"{}"}),
        ("GET", "/v1/feeds", "list_feeds", {}),
        ("POST", "/oauth/token", "token", {"data": FORM}),
        ("POST", "/v1/enrolment", "enrol", {"json": {"proof": SECRET}}),
    ],
)
async def test_a_failed_authentication_is_a_line_without_what_was_shown(
    method: str, path: str, door: str, sent: dict[str, Any], world: HubWorld, told: list[tuple[str, Mapping[str, Any]]]
) -> None:
    await world.ask(method, path, **sent)

    [facts] = [facts for name, facts in told if name == "authentication_failed"]
    assert (facts["door"], facts["address"]) == (door, "127.0.0.1")
    assert facts["reason"]
    assert SECRET not in str(told)


async def test_who_is_known_and_asks_for_more_is_named(
    delta: Caller, told: list[tuple[str, Mapping[str, Any]]]
) -> None:
    answer = await delta.get("/v1/feeds")

    [facts] = [facts for name, facts in told if name == "authorisation_failed"]
    assert answer.code == facts["reason"] == "SCOPE_MISSING"
    assert facts["system"].startswith("delta.")
