"""Schemathesis over the interface as the hub describes it: whatever fits the document is answered as it says.

A few examples a route in every run, many in the whole one. An answer that is a failure of the hub, or that the document
does not promise, fails.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from hub.core.partner import SCOPES
from hub.web.routes import ROUTES
from tests.described import document
from tests.world import hub_world, settings_in

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
schemathesis.serializer.alias("application/edifact", "text/plain")
ENDING = {"wait_seconds_max": 0.05, "streams_per_reader_max": 0}
"""What waits is answered soon, and a stream, which would never end, is refused."""
SEED = 8_480
ANSWER_SECONDS_MAX = 60
OPERATIONS = sorted(f"{method.upper()} {path}" for path, methods in document()["paths"].items() for method in methods)
FEW = {"max_examples": 8, "phases": [Phase.explicit, Phase.generate]}
MANY = FEW | {"max_examples": 150}


class Running:
    """A hub in a thread of its own: schemathesis asks without an event loop."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._up, self._down = threading.Event(), threading.Event()
        self.url, self.token = "", ""
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    def __enter__(self) -> Running:
        self._thread.start()
        assert self._up.wait(ANSWER_SECONDS_MAX)
        return self

    def __exit__(self, *_: object) -> None:
        self._down.set()
        self._thread.join()

    async def _serve(self) -> None:
        quotas = {"failures_per_second": 1_000_000, "refusals_per_second": 1_000_000}
        rooms = {"quotas": quotas, "auth": {"token_seconds": 3_600}, "delivery": ENDING}
        async with hub_world(settings_in(self._directory, **rooms)) as world:
            caller = await world.company("delta", scopes=SCOPES, roles=["authority", "terminal", "exporter"])
            self.url, self.token = world.hub.url, caller.token
            self._up.set()
            await asyncio.to_thread(self._down.wait)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running(tmp_path_factory.mktemp("fuzz")) as running:
        yield running


@pytest.fixture(scope="module")
def described(running: Running) -> Any:
    return schemathesis.openapi.from_url(f"{running.url}/v1/openapi.json")


def fuzz(running: Running, described: Any, operation: str, **bounds: Any) -> None:
    method, path = operation.split(" ")

    @seed(SEED)
    @settings(deadline=None, database=None, suppress_health_check=list(HealthCheck), **bounds)
    @given(case=described[path][method].as_strategy())
    def ask(case: Any) -> None:
        headers = {"Authorization": f"Bearer {running.token}"}
        answer = case.call(headers=headers, timeout=ANSWER_SECONDS_MAX, base_url=running.url)
        case.validate_response(answer, checks=CHECKS)

    ask()


def test_every_route_is_an_operation() -> None:
    assert len(OPERATIONS) == len({(route.method, route.path) for route in ROUTES})


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_fits_the_document_is_answered_as_it_says(running: Running, described: Any, operation: str) -> None:
    fuzz(running, described, operation, **FEW)


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS)
def test_much_that_fits_the_document_is_answered_as_it_says(running: Running, described: Any, operation: str) -> None:
    fuzz(running, described, operation, **MANY)
