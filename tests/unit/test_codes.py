"""Every code that the hub can say is in a table, in two languages, explained; and every route promises what it says."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from itertools import chain

import pytest

from hub.cli import run
from hub.core.errors import ERRORS, HubError
from hub.core.faults import ACT_FAULTS
from hub.core.metrics import METRICS
from hub.web.admin import ROUTES as ADMIN_ROUTES
from hub.web.routes import EVERYWHERE, OPERATIONS_ROUTES, ROUTES
from schemas.faults import FAULTS
from tests.unit.said import called, nodes

TEXTS = {**ERRORS, **FAULTS, **ACT_FAULTS}


@cache
def calls(name: str, room: str = "hub") -> frozenset[str]:
    """The first argument of every call of `name` in a room, where it is written out."""
    return frozenset(
        str(node.args[0].value)
        for node in chain.from_iterable(nodes(room).values())
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant) and called(node) == name
    )


def subclasses(of: type[HubError]) -> Iterator[type[HubError]]:
    for each in of.__subclasses__():
        yield each
        yield from subclasses(each)


def test_every_refusal_that_is_made_anywhere_has_a_row() -> None:
    made = calls("Refusal")

    assert made >= {"EVENT_INVALID", "OVERLOADED"}
    assert made <= set(ERRORS)


def test_every_error_that_a_driver_can_raise_has_a_row() -> None:
    import hub.assembly  # noqa: F401  All drivers.

    assert {each.code for each in subclasses(HubError)} <= set(ERRORS)


def test_every_fault_that_is_found_anywhere_has_a_text() -> None:
    assert calls("fault", "schemas") | calls("fault", "hub/intake") <= set(FAULTS)
    assert calls("fault", "hub/operate") <= set(ACT_FAULTS)


def test_every_metric_that_is_counted_is_on_the_closed_list() -> None:
    counted = {name for name in calls("count") if name.isidentifier()}  # Not what is counted in a text.

    assert counted | calls("observe") | calls("gauge") <= set(METRICS)


@pytest.mark.parametrize("route", [*ROUTES, *OPERATIONS_ROUTES, *ADMIN_ROUTES], ids=lambda route: route.name)
def test_every_code_that_a_route_promises_has_a_row(route: object) -> None:
    assert {*route.codes, *EVERYWHERE} <= set(ERRORS)  # type: ignore[attr-defined]


def test_every_row_is_written_in_both_languages_and_says_what_to_do() -> None:
    for row in ERRORS.values():
        assert row.en != row.fr
        assert row.en.endswith(".")
        assert row.fr.endswith(".")
        assert row.fix
        assert row.explain
        assert 400 <= row.status <= 599


def test_every_row_can_be_answered_by_some_route_or_stands_for_none() -> None:
    promised = {code for route in (*ROUTES, *ADMIN_ROUTES) for code in route.codes} | set(EVERYWHERE)

    assert set(ERRORS) - promised == {"METHOD_NOT_ALLOWED", "DELIVERY_FAILED"}


def test_explain_knows_every_code(capsys: pytest.CaptureFixture[str]) -> None:
    for code, text in TEXTS.items():
        for lang in ("en", "fr"):
            assert run(["explain", code, "--lang", lang]) == 0
            assert getattr(text, lang).split()[0] in capsys.readouterr().out
