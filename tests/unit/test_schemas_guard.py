"""The guard: what of hostile JSON is refused, with which code and where; what passes is RFC 8785 to the byte."""

from __future__ import annotations

import json

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.faults import FAULTS, Fault
from schemas.guard import Parsed, parse, split_array, split_lines
from schemas.identity import MEANINGLESS

HOSTILE = [
    (b"", "JSON_EMPTY", "line 1, column 1"),
    (b" \r\n\t", "JSON_EMPTY", "line 1, column 1"),
    (b"\xef\xbb\xbf{}", "JSON_BOM", "line 1, column 1"),
    ("{}".encode("utf-16"), "JSON_UTF16", "line 1, column 1"),
    ("{}".encode("utf-16-be"), "JSON_UTF16", "line 1, column 1"),
    ("{}".encode("utf-32"), "JSON_UTF16", "line 1, column 1"),
    (b'{"a":"\xff"}', "JSON_NOT_UTF8", "line 1, column 7"),
    (b'{"a":"\xed\xa0\x80"}', "JSON_NOT_UTF8", "line 1, column 7"),
    (b'{"a":"\\ud800"}', "JSON_SURROGATE", "line 1, column 13"),
    (b'{"a":"\\ud800\\u0041"}', "JSON_SURROGATE", "line 1, column 18"),
    (b'{"a":"\\udc00"}', "JSON_SURROGATE", "line 1, column 12"),
    (b'{"a":1,\n"a":2}', "JSON_MEMBER_REPEATED", "line 2, column 5"),
    (b'{"a":{"b":1,"\\u0062":2}}', "JSON_MEMBER_REPEATED", "line 1, column 22"),
    (b'{"a":NaN}', "JSON_NOT_FINITE", "line 1, column 6"),
    (b'{"a":-Infinity}', "JSON_NOT_FINITE", "line 1, column 7"),
    (b'{"a":[1e400]}', "JSON_NUMBER_RANGE", "/a/0"),
    (b'{"a":-1e999999999}', "JSON_NUMBER_RANGE", "/a"),
    (b'{"a":9007199254740992}', "JSON_NUMBER_RANGE", "/a"),
    (b'{"~/":-9007199254740992}', "JSON_NUMBER_RANGE", "/~0~1"),
    (b'{"a":' + b"9" * 5000 + b"}", "JSON_NUMBER_RANGE", "line 1, column 4307"),
    (b'{"specversion":1e400}', "JSON_NUMBER_RANGE", "/specversion"),
    (b'{"a":1} {}', "JSON_TRAILING", "line 1, column 9"),
    (b'{"a":[1,', "JSON_TRUNCATED", "line 1, column 8"),
    (b'{"a":"b', "JSON_TRUNCATED", "line 1, column 7"),
    (b'{"a":' * 65 + b"1" + b"}" * 65, "JSON_TOO_DEEP", "/a" * 64),
    (b'{"a":' + b"[" * 500 + b"]" * 500 + b"}", "JSON_TOO_DEEP", "line 1, column 206"),
    (b"[1,]", "JSON_INVALID", "line 1, column 4"),
    (b"{'a':1}", "JSON_INVALID", "line 1, column 2"),
    (b'{"a":01}', "JSON_INVALID", "line 1, column 7"),
    (b'{"a":"\x00"}', "JSON_INVALID", "line 1, column 7"),
    (b'// note\n{"a":1}', "JSON_INVALID", "line 1, column 1"),
    (b"[]", "JSON_NOT_AN_OBJECT", ""),
    (b"1e5", "JSON_NOT_AN_OBJECT", ""),
]


@pytest.mark.parametrize(("raw", "code", "place"), HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_json_is_refused_with_its_code_and_place(raw: bytes, code: str, place: str) -> None:
    faults = parse(raw)

    assert isinstance(faults, list)
    assert [(each.code, each.place) for each in faults] == [(code, place)]
    assert len(faults[0].found) <= 64


def test_every_number_out_of_range_is_told_at_once() -> None:
    faults = parse(b'{"a":[9007199254740993,1],"b":{"c":1e999}}')

    assert isinstance(faults, list)
    assert [each.place for each in faults] == ["/a/0", "/b/c"]


def test_faults_of_values_are_capped_and_say_so() -> None:
    faults = parse(b'{"a":[' + b",".join([b"9007199254740993"] * 5000) + b"]}")

    assert isinstance(faults, list)
    assert len(faults) == 100
    assert faults[-1].code == "TOO_MANY_FAULTS"


@pytest.mark.parametrize("integer", [2**53 - 1, -(2**53) + 1, 0])
def test_an_integer_within_two_to_the_53_passes(integer: int) -> None:
    parsed = parse(b'{"a":%d}' % integer)

    assert isinstance(parsed, Parsed)
    assert parsed.value == {"a": integer}


def test_sixty_four_deep_passes_and_many_brackets_in_text_do_not_count() -> None:
    deep = b'{"a":' * 64 + b"1" + b"}" * 64

    assert isinstance(parse(deep), Parsed)
    assert isinstance(parse(json.dumps({"a": "[{" * 500, "b": [[]] * 200}).encode()), Parsed)


def test_fractions_are_handed_on_as_plain_floats() -> None:
    parsed = parse(b'{"specversion":"1.0","a":12500.50,"b":1E2,"c":-0.0,"d":"1.5"}')

    assert isinstance(parsed, Parsed)
    assert parsed.value == {"specversion": "1.0", "a": 12500.5, "b": 100.0, "c": 0.0, "d": "1.5"}
    assert {type(parsed.value[name]) for name in "abc"} == {float}
    assert parsed.canonical == b'{"a":12500.5,"b":100,"c":0,"d":"1.5"}'


def test_how_an_event_travelled_is_not_in_its_canonical_bytes() -> None:
    plain = parse(b'{"id":"1","specversion":"1.0"}')
    traced = parse(b'{"traceparent":"00-1-2-01","tracestate":"x=1","datacontenttype":"application/json","id":"1"}')

    assert isinstance(plain, Parsed)
    assert isinstance(traced, Parsed)
    assert plain.canonical == traced.canonical == b'{"id":"1"}'


def test_binary_mode_and_structured_mode_have_the_same_canonical_bytes() -> None:
    structured = parse(b'{"specversion":"1.0","id":"1","data":{"a":1.50}}')
    binary = parse(b'{"a":1.50}', {"specversion": "1.0", "id": "1"})

    assert isinstance(binary, Parsed)
    assert binary == structured


def test_a_lone_surrogate_in_a_header_is_refused() -> None:
    faults = parse(b"{}", {"id": "\udcff"})

    assert isinstance(faults, list)
    assert [each.code for each in faults] == ["HEADER_ENCODING"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(st.dictionaries(st.text() | st.sampled_from(MEANINGLESS), json_values, max_size=6))
def test_canonical_bytes_are_those_of_the_reference_implementation(event: dict[str, object]) -> None:
    parsed = parse(json.dumps(event).encode())
    meaning = {name: value for name, value in event.items() if name not in MEANINGLESS}

    assert isinstance(parsed, Parsed)
    assert parsed.value == event
    assert parsed.canonical == rfc8785.dumps(meaning)


@given(st.binary(max_size=64) | st.text(alphabet='{}[]",:0123456789eE+-.\\ud8af \n', max_size=48).map(str.encode))
@settings(max_examples=300)
def test_parse_never_raises_and_a_refusal_names_a_code_of_the_table(raw: bytes) -> None:
    for answer in (parse(raw), split_array(raw, 3), split_lines(raw, 3)):
        faults = [each for each in (answer if isinstance(answer, list) else [answer]) if isinstance(each, Fault)]

        assert all(each.code in FAULTS for each in faults)
        assert faults or answer is not parse(raw)


def test_a_batch_is_split_into_the_senders_exact_bytes() -> None:
    first, second = b'{"a" : 1.50,"u":"\\u00e9"}', b"{ }"

    assert split_array(b" [\n" + first + b" , " + second + b"]\r\n", 2) == [first, second]


@pytest.mark.parametrize(
    ("raw", "code", "place"),
    [
        (b"{}", "BATCH_NOT_AN_ARRAY", ""),
        (b'[{},{"a":1},5]', "JSON_NOT_AN_OBJECT", "/2"),
        (b"[{},{},{},{}]", "TOO_MANY_ITEMS", ""),
        (b"[" + b"1," * 100_000 + b"1]", "JSON_NOT_AN_OBJECT", "/0"),
        (b"[{},", "JSON_TRUNCATED", "line 1, column 4"),
        (b"[{}]]", "JSON_TRAILING", "line 1, column 5"),
        (b"\xef\xbb\xbf[]", "JSON_BOM", "line 1, column 1"),
        (b'[{"a":' + b"[" * 100_000, "JSON_TOO_DEEP", "line 1, column 206"),
        (b"", "JSON_EMPTY", "line 1, column 1"),
    ],
)  # fmt: skip
def test_a_batch_that_cannot_be_split_is_one_fault(raw: bytes, code: str, place: str) -> None:
    refused = split_array(raw, 3)

    assert isinstance(refused, Fault)
    assert (refused.code, refused.place) == (code, place)


def test_a_broken_event_inside_a_batch_is_left_to_its_own_verdict() -> None:
    assert split_array(b'[{"a":"\xff"},{"a":1e400}]', 2) == [b'{"a":"\xff"}', b'{"a":1e400}']


def test_lines_are_events_and_blank_lines_are_not() -> None:
    assert split_lines(b'{"a":1}\r\n\n \t\r\n\r\n{"b":2}\n', 2) == [b'{"a":1}', b'{"b":2}']
    assert split_lines(b"\n\n", 2) == []


def test_a_line_loses_its_end_and_no_other_byte() -> None:
    lines = [b' \t{"a":1} ', b'{"b":2}\r', b'{"c":3}\t', b'{"d":4}\r']

    assert split_lines(b"\r\n".join(lines), 4) == lines
    assert split_lines(b"\n".join(lines[::2]), 4) == lines[::2]
    assert all(isinstance(parse(line), Parsed) for line in lines)


def test_one_line_too_many_is_refused_and_trailing_blank_lines_are_not() -> None:
    refused = split_lines(b"{}\n{}\n{}", 2)

    assert isinstance(refused, Fault)
    assert refused.code == "TOO_MANY_ITEMS"
    assert split_lines(b"{}\n{}\n\n\n", 2) == [b"{}", b"{}"]
