"""What the edge holds: room for bodies until they are answered, places that strangers cannot take from senders."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from hub.core.settings import HTTPSettings
from hub.web.edge import BodyReader
from hub.web.problems import Refused
from hub.web.routes import ROUTES
from tests.clock import ManualClock

BOUNDS = HTTPSettings(body_bytes_max=100, bytes_in_flight_max=150)


def declaring(size: int | None) -> Any:
    return SimpleNamespace(content_length=size)


def code_of(bodies: BodyReader, size: int | None, **given: Any) -> str | None:
    try:
        bodies.hold(declaring(size), **given)
    except Refused as refused:
        return refused.refusal.code
    return None


@pytest.fixture
def bodies() -> BodyReader:
    return BodyReader(bounds=BOUNDS, clock=ManualClock(0))


def test_a_body_takes_room_until_its_request_is_answered(bodies: BodyReader) -> None:
    with bodies.hold(declaring(100)):
        assert code_of(bodies, 51, sender="another") == "OVERLOADED"
        assert code_of(bodies, 50, sender="another") is None

    assert code_of(bodies, 100, sender="another") is None


def test_a_sender_holds_at_most_what_is_then_left_for_others(bodies: BodyReader) -> None:
    with bodies.hold(declaring(60), sender="greedy"):
        assert code_of(bodies, 31, sender="greedy") == "OVERLOADED"
        assert code_of(bodies, 90, sender="another") is None


def test_a_body_of_unknown_size_takes_the_room_of_the_largest(bodies: BodyReader) -> None:
    with bodies.hold(declaring(None)):
        assert bodies.room.held == 100


def test_a_small_body_has_a_bound_of_its_own_and_takes_no_room_from_senders(bodies: BodyReader) -> None:
    with bodies.hold(declaring(150 - 50)):
        assert code_of(bodies, 60, bytes_max=60) is None
        assert code_of(bodies, 61, bytes_max=60) == "BODY_TOO_LARGE"


def test_only_routes_with_a_scope_take_senders_places_and_none_of_them_waits() -> None:
    places = {route.name: route.places for route in ROUTES}

    assert (places["post_events"], places["token"], places["get_records"]) == ("senders", "strangers", "waiters")
    assert all(route.scope and not route.waits for route in ROUTES if route.places == "senders")
