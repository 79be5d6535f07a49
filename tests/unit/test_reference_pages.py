"""The reference pages are checked against the tables that they show."""

from __future__ import annotations

import re
from pathlib import Path

from hub.core.errors import ERRORS
from hub.core.metrics import METRICS
from hub.web.routes import ROUTES
from schemas.translate.recognise import REFUSED, TAKEN

ROOT = Path(__file__).parents[2]
HUB_PAGE = (ROOT / "hub" / "README.md").read_text()
FRONT_PAGE = (ROOT / "README.md").read_text()
SCHEMAS_PAGE = (ROOT / "schemas" / "README.md").read_text()


def test_the_page_of_codes_is_the_error_table() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| (\d{3}) \| (yes|no) \| (.+) \|$", HUB_PAGE, re.MULTILINE)

    expected = [(row.code, str(row.status), "yes" if row.retryable else "no", row.en) for row in ERRORS.values()]
    assert rows == expected


def test_the_page_of_metrics_is_the_closed_list() -> None:
    rows = re.findall(r"^\| `customs_hub_(\w+)` \| (\w+) \| (.*) \| (.+) \|$", HUB_PAGE, re.MULTILINE)

    assert rows == [(metric.name, metric.kind, ", ".join(metric.labels), metric.help) for metric in METRICS.values()]


def test_every_alarm_that_is_raised_is_on_the_page() -> None:
    raised = {
        name for file in (ROOT / "hub").rglob("*.py") for name in re.findall(r'alarm\("([a-z_]+)"', file.read_text())
    }

    assert raised
    assert {name for name in raised if f"`{name}`" not in HUB_PAGE} == set()


def test_the_readme_lists_every_route_with_its_scope() -> None:
    rows = re.findall(r"^\| `(GET|POST|OPTIONS|DELETE) (\S+)` \| (\S*) ?\| (.+) \|$", FRONT_PAGE, re.MULTILINE)

    assert rows == [(route.method, route.path, "/".join(route.scopes) or "-", route.summary) for route in ROUTES]


def test_the_readme_shows_the_formats_that_are_taken_with_route_media_type_identity_and_answer() -> None:
    rows = re.findall(r"^\| (.+) \| (`/.+`) \| (`\S+/.+`) \| (.+) \| (.+) \|$", FRONT_PAGE, re.MULTILINE)

    assert rows == [(row.name, _code(row.routes), _code(row.media_types), row.identity, row.answer) for row in TAKEN]


def test_the_page_of_schemas_shows_what_is_recognised_and_not_taken_with_what_to_send_instead() -> None:
    rows = re.findall(r"^\| ([^`|]+) \| ([^|]+) \|$", SCHEMAS_PAGE, re.MULTILINE)

    assert {(kind.name, kind.instead) for kind in REFUSED} <= set(rows)


def _code(words: tuple[str, ...]) -> str:
    return ", ".join(f"`{word}`" for word in words)
