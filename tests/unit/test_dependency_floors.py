"""The versions below which a dependency is known to be weak: what is declared and what is installed stay above them."""

from __future__ import annotations

import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
DECLARED = {each.name: each for each in map(Requirement, PROJECT["dependencies"])}

FLOORS = {
    "aiohttp": "3.14.5",
    "pyjwt": "2.15.1",
    "cryptography": "50.0.2",
    "aiokafka": "0.14.0",
    "orjson": "3.13.0",
}


@pytest.mark.parametrize(("name", "floor"), FLOORS.items())
def test_a_dependency_with_a_security_floor_is_declared_and_installed_above_it(name: str, floor: str) -> None:
    declared = DECLARED[name].specifier

    assert Version(version(name)) >= Version(floor)
    assert floor in declared
    assert not any(Version(below) in declared for below in ("0.1", "2.0", "3.0") if Version(below) < Version(floor))


@pytest.mark.parametrize("requirement", DECLARED.values(), ids=str)
def test_what_is_installed_is_what_is_declared(requirement: Requirement) -> None:
    if requirement.marker is None or requirement.marker.evaluate():
        assert version(requirement.name) in requirement.specifier
