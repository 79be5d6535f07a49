"""The threat model and the ASVS checklist name tests that exist, and speak of every stage and every requirement."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`((?:\w+/)+test_\w+\.py)::(test_\w+)`")
STAGES = {
    "Edge", "Authenticate", "Authorise", "Decode and validate", "Accept and log", "Fan-out and delivery", "Views",
    "Registry, operators and the admin interface", "Enrolment, keys and codes", "Connectors",
    "Workers, PostgreSQL and Kafka", "Documents and the jail",
}  # fmt: skip


LEVEL_2 = {
    "6": {1: 3, 2: 12, 3: 4, 4: 4, 5: 5, 6: 3, 8: 4},
    "7": {1: 3, 2: 4, 3: 2, 4: 5, 5: 2, 6: 2},
    "8": {1: 2, 2: 3, 3: 1, 4: 1},
    "9": {1: 3, 2: 4},
    "10": {1: 2, 2: 2, 3: 4, 4: 11, 5: 5, 6: 2, 7: 3},
    "16": {1: 1, 2: 5, 3: 4, 4: 3, 5: 3},
}
"""ASVS 5.0.0: how many requirements of levels 1 and 2 a section has; their numbers come before those of level 3."""


@cache
def found_in(file: Path) -> frozenset[str]:
    found = re.findall(r"^(?:async )?def (test_\w+)", file.read_text(), re.MULTILINE) if file.exists() else []
    return frozenset(found)


@pytest.mark.parametrize("page", ["threats.md", "asvs.md"])
def test_every_test_that_is_named_exists(page: str) -> None:
    named = NAMED.findall((ROOT / "hub" / page).read_text())

    assert len(named) > 40
    assert [f"{file}::{test}" for file, test in named if test not in found_in(ROOT / "tests" / file)] == []


def test_every_stage_has_threats_and_every_threat_its_test() -> None:
    sections = (ROOT / "hub" / "threats.md").read_text().split("\n## ")[1:]

    assert {section.partition("\n")[0] for section in sections} == STAGES
    for section in sections:
        rows = re.findall(r"^\| ([STRIDE]) \|.*\| ([^|]+) \|$", section, re.MULTILINE)
        assert len(rows) >= 3, section
        assert all(NAMED.fullmatch(test) for _, test in rows), section


def test_every_requirement_of_asvs_has_its_line_with_a_test_or_a_reason() -> None:
    rows = re.findall(
        r"^\| ([\d.]+) \| ([a-z ]+) \| (.+) \| (.*) \|$", (ROOT / "hub" / "asvs.md").read_text(), re.MULTILINE
    )

    wanted = [
        f"{chapter}.{section}.{number}"
        for chapter, sections in LEVEL_2.items()
        for section, count in sections.items()
        for number in range(1, count + 1)
    ]
    assert [number for number, *_ in rows] == wanted
    for number, state, how, test in rows:
        assert state in ("holds", "in part", "does not apply"), number
        assert how, number
        assert bool(NAMED.fullmatch(test)) == (state != "does not apply"), number
