"""Large acts are decided on threads of their own, from the registry that goes on growing meanwhile."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace

from hub.core.partner import System
from hub.core.registry import Snapshot, Version

SYSTEM = System("acme.0", "acme", scopes=())
SYSTEMS, VERSIONS = 3_000, 3


@pytest.fixture
def _threads_in_turns() -> Iterator[None]:
    """They change places as often as the interpreter can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def grow(snapshot: Snapshot) -> None:
    for revision in range(1, SYSTEMS + 1):
        system = replace(SYSTEM, id=f"acme.{revision // VERSIONS}", scopes=(str(revision),))
        snapshot.apply([Version(revision, system, "test", "", revision)])


@pytest.mark.usefixtures("_threads_in_turns")
def test_a_thread_that_walks_the_registry_while_it_grows_finds_every_version_whole() -> None:
    snapshot = Snapshot()
    systems = snapshot.systems

    with ThreadPoolExecutor(1) as pool:
        growing = pool.submit(grow, snapshot)
        while not growing.done():
            revision, known = snapshot.revision, len(systems)
            found = [*systems]
            assert len(found) >= known
            assert len(systems.of("acme")) >= known - 1  # The object comes first, then what leads to it.
            for system in found[-3:]:
                for began, version in systems.versions(system.id):
                    assert version.scopes == (str(began),)
                    assert systems.at(system.id, began) == version
                    assert snapshot.made[began].time_us == began
            assert all(began > revision for began, _ in systems.changed_after(revision))
        growing.result()

    assert len(systems) == SYSTEMS // VERSIONS + 1
