"""The language of filters: what is read, what passes, and that what runs means what the page says."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.core.feed import Feed
from hub.core.filter import compile_filter, is_provable, matcher, widens
from hub.core.stored import read_stored
from schemas.catalogue import catalogue, examples
from schemas.filter_language import (
    CONDITIONS_MAX,
    NESTING_MAX,
    AllOf,
    AnyOf,
    Condition,
    Mistake,
    Node,
    Not,
    Value,
    parse,
    quoted,
)
from schemas.filter_schema import matcher_of, schema_of

SHIPMENT: dict[str, Any] = {
    "specversion": "1.0",
    "type": "customs.goods.packed",
    "subject": "MSKU1234565",
    "publisher": "acme",
    "hubtier": "aeo",
    "hubaeo": "F",
    "hubwarnings": ["CHECK_DIGIT_WRONG", "MEMBER_UNKNOWN"],
    "data": {
        "time_kind": "ACTUAL",
        "subjects": [{"scheme": "iso6346", "value": "MSKU1234565"}, {"scheme": "booking", "value": "X 1"}],
        "place": {"unlocode": "NLRTM"},
        "place_of_discharge": {"country": "BE"},
        "goods": [{"hs": "930100", "gross_mass_kg": 1200.0}, {"hs": "0101", "gross_mass_kg": 3}],
        "transport": {"mode": "SEA"},
        "empty": False,
        "a b": None,
    },
}


def mistakes(text: str) -> list[int]:
    found = parse(text)
    assert isinstance(found, list), found
    return [each.column for each in found]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "type = customs.goods.packed",
        "type starts customs.goods.",
        "subject = MSKU1234565",
        "subject = iso6346:MSKU1234565",
        "subject starts iso6346:MSKU",
        'subject = "booking:X 1"',
        "place = NLRTM",
        "place starts NL",
        "country = NL and country = BE",
        "country in (DE, NL)",
        "hs = 0101 and hs starts 93",
        "mode = SEA and time_kind = ACTUAL",
        "partner = acme and tier = aeo and aeo in (S, F)",
        "warnings = CHECK_DIGIT_WRONG",
        "/data/empty = false",
        "/data/goods/gross_mass_kg > 1000",
        "/data/goods/gross_mass_kg = 1200",
        "/data/goods/1/gross_mass_kg <= 3.0",
        "/hubwarnings starts MEMBER",
        '"/data/a b" exists',
        "not hs = 9999",
        "hs != 9999",
        "not (mode = AIR or mode = RAIL) and (place = DEHAM or not country = DE)",
        "not not mode = SEA",
        "mode = AIR and place = DEHAM or mode = SEA",
    ],
)
def test_an_event_passes_a_filter_that_holds_for_it(text: str) -> None:
    assert matcher(text)(SHIPMENT)


@pytest.mark.parametrize(
    "text",
    [
        "type starts customs.seal.",
        "type = CUSTOMS.GOODS.PACKED",
        "subject = imo:MSKU1234565",
        "subject = booking:MSKU1234565",
        "subject = X",
        "country = LT",
        "country = D",
        "hs != 0101",
        "hs = 93",
        "/data/empty = 0",
        '/data/empty = "false"',
        "/data/goods/0/gross_mass_kg <= 3.0",
        "/data/goods/hs > 1",
        "/data/goods/2 exists",
        "/data/absent exists",
        "/data/absent = null",
        '"/data/a b" = null',
        "not warnings exists",
        "/data/goods = 3",
        "mode = SEA and place = DEHAM or mode = AIR",
    ],
)
def test_an_event_does_not_pass_a_filter_that_does_not_hold_for_it(text: str) -> None:
    assert not matcher(text)(SHIPMENT)


def test_what_is_not_there_meets_no_condition_so_its_negation_holds() -> None:
    assert not matcher("mode = SEA")({"data": {}})
    assert matcher("mode != SEA and not mode = SEA and not mode exists")({"data": {}})


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("place", [6]),
        ("place = ", [9]),
        ("harbour = NLRTM", [1]),
        ("place ~ NLRTM", [7]),
        ("country starts N", [9]),
        ("hs > 93", [4]),
        ("/data/x < abc", [11]),
        ("/data/x < true", [11]),
        ("/data/x starts 1", [16]),
        ("/data/x = 1e999", [11]),
        ("/data/x~2 = 1", [1]),
        ("/1/2/3/4/5/6/7/8/9 exists", [1]),
        ("place = NLRTM mode = SEA", [15]),
        ("place = in", [9]),
        ("(place = NLRTM", [15]),
        ("place = NLRTM)", [14]),
        ("place in NLRTM", [10]),
        ("place in (NLRTM, and) and hs =", [18, 31]),
        ("plac = NLRTM and (mod = SEA or tier =) and x", [1, 19, 38, 44]),
        ('place = "NLRTM', [9]),
        ("place = NLRTM and", [18]),
        ("not", [4]),
        ("!", [1]),
    ],
)
def test_every_fault_of_a_text_is_told_with_its_column(text: str, columns: list[int]) -> None:
    assert mistakes(text) == columns


def test_a_fault_says_what_was_found_and_what_was_expected() -> None:
    assert parse("place = or mode = SEA") == [
        Mistake(9, "or", 'a value; as one, the word is written "or"'),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "(" * (NESTING_MAX + 1) + "aeo exists" + ")" * (NESTING_MAX + 1),
        "not " * (NESTING_MAX + 1) + "aeo exists",
        " or ".join(["aeo exists"] * (CONDITIONS_MAX + 1)),
        "x" * 5_000,
    ],
    ids=["brackets", "not", "conditions", "characters"],
)
def test_a_filter_is_bounded(text: str) -> None:
    assert len(mistakes(text)) == 1


@settings(deadline=None)
@given(st.text(max_size=60) | st.text('() ,=!<>"andortplce/1.-', max_size=60))
def test_any_text_is_a_filter_that_compiles_or_has_faults_within_it(text: str) -> None:
    found = parse(text)

    if isinstance(found, list):
        assert found
        assert all(1 <= each.column <= len(text) + 1 and each.expected for each in found)
    else:
        assert isinstance(matcher(text)(SHIPMENT), bool)


NAMES = st.sampled_from(["a", "b", "1", "0", "x/y", "~"])
POINTERS = st.lists(NAMES, min_size=1, max_size=4).map(
    lambda names: "".join(f"/{name.replace('~', '~0').replace('/', '~1')}" for name in names)
)
SCALARS = st.sampled_from(["", "a", "ab", "a.b", "é", "true", "1"]) | st.integers(-2, 2) | st.booleans() | st.just(1.5)
JSON = st.recursive(
    SCALARS | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)
RECORDS = st.dictionaries(NAMES, JSON, max_size=3)
VALUES = SCALARS.map(lambda value: Value(value, str(value)))


def _condition(field: str, operator: str, values: list[Value], number: int) -> Condition:
    texts = [each for each in values if isinstance(each.json, str)] or [Value("a", "a")]
    match operator:
        case "exists":
            given: list[Value] = []
        case "in":
            given = values
        case "starts":
            given = texts[:1]
        case "=" | "!=":
            given = values[:1]
        case _:
            given = [Value(number, str(number))]
    return Condition(field, operator, tuple(given), 1)


CONDITIONS = st.builds(
    _condition,
    POINTERS,
    st.sampled_from(["=", "!=", "<", "<=", ">", ">=", "in", "starts", "exists"]),
    st.lists(VALUES, min_size=1, max_size=3),
    st.integers(-2, 2),
)
NODES = st.recursive(
    CONDITIONS,
    lambda inner: (
        st.builds(Not, inner)
        | st.lists(inner, min_size=2, max_size=3).map(lambda parts: AllOf(tuple(parts)))
        | st.lists(inner, min_size=2, max_size=3).map(lambda parts: AnyOf(tuple(parts)))
    ),
    max_leaves=5,
)


def holds(node: Node, record: Any) -> bool:
    """The page's meaning, without a schema."""
    match node:
        case Not(part):
            return not holds(part, record)
        case AllOf(parts):
            return all(holds(part, record) for part in parts)
        case AnyOf(parts):
            return any(holds(part, record) for part in parts)
        case Condition(field, "!=", values, column):
            return not holds(Condition(field, "=", values, column), record)
        case Condition(field, operator, values, _):
            path = [name.replace("~1", "/").replace("~0", "~") for name in field.split("/")[1:]]
            return any(_meets(value, operator, values) for value in _at(record, path, 0))
    raise AssertionError(node)


def _at(value: Any, path: list[str], depth: int) -> list[Any]:
    if depth == len(path):
        return [value]
    name = path[depth]
    found = []
    if isinstance(value, dict) and name in value:
        found += _at(value[name], path, depth + 1)
    if isinstance(value, list) and depth > 0:
        found += [
            each
            for item in value
            if isinstance(item, dict) and name in item
            for each in _at(item[name], path, depth + 1)
        ]
        if name.isdigit() and int(name) < len(value):
            found += _at(value[int(name)], path, depth + 1)
    return found


def _meets(value: Any, operator: str, values: tuple[Value, ...]) -> bool:
    if operator == "exists":
        return True
    return any(
        _compared(each, operator, wanted.json)
        for each in (value if isinstance(value, list) else [value])
        for wanted in values
    )


def _compared(value: Any, operator: str, wanted: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    match operator:
        case "starts":
            return isinstance(value, str) and value.startswith(wanted)
        case "=" | "in":
            return isinstance(value, bool) == isinstance(wanted, bool) and value is not None and value == wanted
        case "<":
            return is_number and value < wanted
        case "<=":
            return is_number and value <= wanted
        case ">":
            return is_number and value > wanted
    return is_number and value >= wanted


def written(node: Node) -> str:
    match node:
        case Not(part):
            return f"not ({written(part)})"
        case AllOf(parts) | AnyOf(parts):
            return f"({(' and ' if isinstance(node, AllOf) else ' or ').join(map(written, parts))})"
        case Condition(field, operator, values, _):
            said = [quoted(each.json) if isinstance(each.json, str) else str(each.json).lower() for each in values]
            tail = f"({', '.join(said)})" if operator == "in" else "".join(said)
            return f"{quoted(field)} {operator} {tail}"
    raise AssertionError(node)


@settings(max_examples=400, deadline=None)
@given(NODES, st.lists(RECORDS, min_size=1, max_size=5))
def test_what_runs_means_what_the_page_says(node: Node, records: list[dict[str, Any]]) -> None:
    passes = matcher_of(schema_of(node))

    assert [passes(record) for record in records] == [holds(node, record) for record in records]


@settings(deadline=None)
@given(NODES, RECORDS)
def test_a_filter_that_is_written_down_is_read_as_it_was_meant(node: Node, record: dict[str, Any]) -> None:
    read = parse(written(node))

    assert isinstance(read, Condition | Not | AllOf | AnyOf)
    assert holds(read, record) == holds(node, record)


@pytest.mark.parametrize(
    ("before", "after", "more"),
    [
        ("", "mode = SEA", False),
        ("mode = SEA", "", True),
        ("mode = SEA", "mode = SEA", False),
        ("mode in (SEA, AIR)", "mode = SEA", False),
        ("mode = SEA", "mode in (SEA, AIR)", True),
        ("mode = SEA", "mode = SEA and country = NL", False),
        ("mode = SEA and country = NL", "mode = SEA", True),
        ("mode = SEA", "mode = SEA or tier = small", True),
        ("/data/empty = true", "/data/empty = true and /data/weighed_mass_kg > 3", False),
    ],
)
def test_a_filter_widens_unless_it_is_proved_that_it_lets_nothing_more_through(
    before: str, after: str, more: bool
) -> None:
    assert widens(before, after) == more


SIXTEEN = " and ".join(f"hs starts {number}" for number in range(10, 26))
PAIRS = " and ".join(f"(hs starts {number} or mode = AIR)" for number in range(10, 14))


@pytest.mark.parametrize(
    ("text", "provable"),
    [
        (SIXTEEN, True),
        (f"{SIXTEEN} and mode = AIR", False),
        (PAIRS, True),
        (f"{PAIRS} and (hs starts 93 or mode = AIR)", False),
        ("place = NLRTM and place = NLAMS", True),
        ("place = NLRTM and country = NL", False),
        ("not hs starts 93", True),
        ("not (hs starts 93 and mode = AIR)", False),
        ("/data/a/b/c = 1", True),
        ("/data/a/b/c/d = 1", False),
    ],
)
def test_only_of_a_small_filter_is_anything_to_be_proved(text: str, provable: bool) -> None:
    node = parse(text)

    assert isinstance(node, Node)
    assert is_provable(node) == provable


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (SIXTEEN, f"{SIXTEEN} and mode = AIR"),
        ("not (hs starts 93 and mode = AIR)", "not hs starts 93"),
        (" and ".join(f"/data/99/98/97 = {number}" for number in range(15)), "hs starts 93"),
    ],
)
def test_what_is_not_proved_widens(before: str, after: str) -> None:
    assert widens(before, after)
    assert not widens(before, before)


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ([["/data/time_kind", ["ACTUAL", "PLANNED"]]], '"/data/time_kind" in ("ACTUAL", "PLANNED")'),
        (
            [["/data/a b", ["x"]], ["/data/n", ["1", "true"]]],
            '"/data/a b" in ("x") and "/data/n" in ("1", 1, "true", true)',
        ),
        ([["/data/x", ['or "']]], '"/data/x" in ("or \\\\"")'),
        ([], ""),
        ([["/a/b/c/d/e/f/g/h/i/j", ["x"]]], '"/a/b/c/d/e/f/g/h/i/j" in ("x")'),
    ],
)
def test_the_filter_of_an_older_hub_is_read_as_what_it_would_be_today(where: Any, text: str) -> None:
    old = {"name": "risk", "recipient": "risk", "purpose": "statistics", "where": where, "version": 3}

    [feed] = read_stored("feed", orjson.dumps(old).decode())

    assert isinstance(feed, Feed)
    assert (feed.filter, feed.version) == (text.replace("\\\\", "\\"), 3)
    assert compile_filter(feed.filter)


def test_every_named_field_reads_a_member_that_some_event_has() -> None:
    assert matcher("type exists and subject exists and time_kind exists")(
        next(each for name, each in examples(catalogue().types[0].name).items() if name.startswith("valid-"))
    )
