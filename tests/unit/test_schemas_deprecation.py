"""Versions that senders should leave are announced, with the day from which they may be refused."""

from __future__ import annotations

import json

import pytest

from schemas.catalogue import catalogue
from schemas.deprecation import deprecations, headers, path_of, read

GATE = "urn:customs-hub:schema:customs.container.gate_in:1.0"
NEXT = "urn:customs-hub:schema:customs.container.gate_in:1.1"


def table(**each: str) -> bytes:
    row = {"since": "2026-11-01T00:00:00Z", "sunset": "2027-11-01T01:00:00+01:00", "successor": NEXT} | each
    return json.dumps({"about": "", "versions": {GATE: row}}).encode()


def test_a_version_that_ends_is_announced_in_headers() -> None:
    assert headers([None, read(table())[GATE]]) == {
        "Deprecation": "@1793491200",
        "Sunset": "Mon, 01 Nov 2027 00:00:00 GMT",
        "Link": '</v1/schemas/customs.container.gate_in/1.1>; rel="successor-version"',
    }


def test_nothing_is_said_of_what_nobody_should_leave() -> None:
    assert headers([None, read(table()).get(NEXT)]) == {}


def test_of_several_the_one_that_ends_first_is_said() -> None:
    rows = read(table()) | {"b": next(iter(read(table(sunset="2026-12-01T00:00:00Z")).values()))}

    assert headers(rows.values())["Sunset"] == "Tue, 01 Dec 2026 00:00:00 GMT"


@pytest.mark.parametrize("wrong", [{"sunset": "2026-10-01T00:00:00Z"}, {"since": "2026-11-01T00:00:00"}])
def test_a_table_that_cannot_be_right_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="in this order"):
        read(table(**wrong))


def test_the_table_names_published_versions_and_successors_that_are_there() -> None:
    known = {kind.dataschema for kind in catalogue().types}

    assert {name for row in deprecations().items() for name in (row[0], row[1].successor)} <= known
    assert path_of(GATE) == "/v1/schemas/customs.container.gate_in/1.0"
