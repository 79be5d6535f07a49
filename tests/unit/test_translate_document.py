"""Reading a whole document: the guard's rules, with places, in memory bounded by its size."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.faults import FAULTS_MAX
from schemas.guard import Parsed, parse
from schemas.translate.document import PARTS_FREE, read


@pytest.mark.parametrize(
    ("document", "code", "place"),
    [
        (b"", "JSON_EMPTY", "line 1, column 1"),
        (b"[1,", "JSON_TRUNCATED", "line 1, column 3"),
        (b'[{"a":1,"a":2}]', "JSON_MEMBER_REPEATED", "line 1, column 13"),
        (b'[{"a":NaN}]', "JSON_NOT_FINITE", "line 1, column 7"),
        (b'[{"a":9007199254740992}]', "JSON_NUMBER_RANGE", "/0/a"),
        (b'[0, 1e400]', "JSON_NUMBER_RANGE", "/1"),
        (b'[0,\n-1.5E+999]', "JSON_NUMBER_RANGE", "/1"),
        (b'{"a~/": [ -9007199254740993]}', "JSON_NUMBER_RANGE", "/a~0~1/0"),
        (b"[" + b"0" * 99 + b".0e400]", "JSON_INVALID", "line 1, column 3"),
        (b"[0." + b"0" * 99 + b"1e999]", "JSON_NUMBER_RANGE", "/0"),
        (b"[" * 65 + b"]" * 65, "JSON_TOO_DEEP", "/0" * 64),
        (b'{"a":[' * 32 + b"[]" + b"]}" * 32, "JSON_TOO_DEEP", "/a/0" * 32),
        (b'["][",' + b"[" * 65 + b"]" * 65 + b"]", "JSON_TOO_DEEP", "/1" + "/0" * 63),
        (b"[" + b"[]," * (2 * PARTS_FREE) + b"[]]", "JSON_TOO_MANY_PARTS", ""),
        (b'"text"', "JSON_NOT_AN_OBJECT", ""),
        ("[]".encode("utf-16"), "JSON_UTF16", "line 1, column 1"),
    ],
)  # fmt: skip
def test_what_two_readers_could_read_in_two_ways_is_refused_with_its_place(
    document: bytes, code: str, place: str
) -> None:
    value, faults = read(document)

    assert value is None
    assert [(each.code, each.place) for each in faults] == [(code, place)]


def test_a_byte_order_mark_and_long_digits_inside_of_text_are_taken() -> None:
    assert read(b'\xef\xbb\xbf{"sscc": "340123450000000000"}') == ({"sscc": "340123450000000000"}, [])
    assert read(b'{"a": ", 9007199254740993"}') == ({"a": ", 9007199254740993"}, [])
    assert read(b"[9007199254740991, 1e308]") == ([9007199254740991, 1e308], [])
    assert read(b'["sha-256;4e630", "9-1e999", "-1e999"]') == (["sha-256;4e630", "9-1e999", "-1e999"], [])


@pytest.mark.parametrize("document", [b"[" * 64 + b"]" * 64, b"[" + b'{"]":[]},' * 99 + b'"[{"]'])
def test_what_is_nested_as_deep_as_allowed_is_taken_whatever_brackets_are_in_its_text(document: bytes) -> None:
    assert read(document) == (json.loads(document), [])


def test_no_more_faults_are_told_than_an_answer_holds() -> None:
    value, faults = read(b"[" + b"9007199254740993," * FAULTS_MAX + b"9007199254740993]")

    assert value is None
    assert len(faults) == FAULTS_MAX
    assert faults[-1].code == "TOO_MANY_FAULTS"


@given(
    st.dictionaries(st.text(max_size=3), st.integers() | st.floats(allow_nan=False) | st.text(max_size=5), max_size=4)
)
def test_the_guard_and_this_reading_agree(value: dict[str, object]) -> None:
    raw = json.dumps(value).encode()

    assert isinstance(parse(raw), Parsed) == (read(raw)[1] == [])


@given(st.binary(max_size=200))
def test_bytes_that_are_anything_have_a_value_or_a_fault(document: bytes) -> None:
    value, faults = read(document)

    assert (value is None) == bool(faults)
