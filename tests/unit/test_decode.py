"""Decode: from a body to single events, each with the very bytes that its sender can hash."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import orjson
import pytest

from hub.core.errors import Refusal
from hub.core.evidence import Decoded, Mode
from hub.core.settings import IntakeSettings
from hub.intake.decode import decode
from tests.unit.valid_events import admitted, event

BOUNDS = IntakeSettings(event_bytes_max=600, batch_events_max=3)


def decoded(mode: Mode, body: bytes, headers: dict[str, str] | None = None) -> list[Any] | Refusal:
    found = decode(admitted(mode), body, headers or {}, bounds=BOUNDS)
    return found if isinstance(found, Refusal) else list(found)


def items(mode: Mode, body: bytes, headers: dict[str, str] | None = None) -> list[Any]:
    found = decoded(mode, body, headers)
    assert not isinstance(found, Refusal), found
    return found


def test_a_structured_event_is_the_whole_body_with_its_white_space() -> None:
    body = b"\n " + orjson.dumps(event(), option=orjson.OPT_INDENT_2) + b"\n"

    [item] = items(Mode.STRUCTURED, body)

    assert (item.raw, item.raw_digest) == (body, sha256(body).digest())
    assert item.attributes is None


def test_an_element_of_a_batch_is_its_slice_from_brace_to_brace() -> None:
    slices = [b'{"a" : 1 }', b'{\n"b":[1,\t2]}', b"{}"]

    found = items(Mode.BATCHED, b" [ " + b" , \r\n".join(slices) + b"\t]\n")

    assert [item.raw for item in found] == slices
    assert [item.raw_digest for item in found] == [sha256(each).digest() for each in slices]
    assert [item.index for item in found] == [0, 1, 2]


def test_a_line_of_ndjson_is_without_its_end_and_blank_lines_do_not_count() -> None:
    found = items(Mode.NDJSON, b'\n{"a":1}\r\n\r\n  {"b":2}\t\n{"c":3}')

    assert [item.raw for item in found] == [b'{"a":1}', b'  {"b":2}\t', b'{"c":3}']
    assert [item.raw_digest for item in found] == [sha256(item.raw).digest() for item in found]
    assert [item.index for item in found] == [0, 1, 2]


def test_binary_mode_digests_the_body_and_reads_attributes_from_headers() -> None:
    body = orjson.dumps(event()["data"])
    headers = {"ce-id": "a%20b%C3%A9%22%25", "ce-source": "urn:delta", "host": "h", "authorization": "secret"}

    [item] = items(Mode.BINARY, body, headers)

    assert item.event == {"id": 'a bé"%', "source": "urn:delta", "data": event()["data"]}
    assert (item.raw, item.raw_digest) == (body, sha256(body).digest())
    assert item.attributes == {"id": 'a bé"%', "source": "urn:delta"}


def test_an_event_means_the_same_in_every_mode() -> None:
    sent = event()
    body = orjson.dumps(sent)
    headers = {f"ce-{name}": value for name, value in sent.items() if name != "data"}

    found = [
        *items(Mode.STRUCTURED, orjson.dumps(sent | {"traceparent": "x"}, option=orjson.OPT_SORT_KEYS)),
        *items(Mode.BATCHED, b"[" + body + b"]"),
        *items(Mode.NDJSON, body + b"\n"),
        *items(Mode.BINARY, orjson.dumps(sent["data"], option=orjson.OPT_INDENT_2), headers | {"ce-tracestate": "y"}),
    ]

    assert len({item.canonical_digest for item in found}) == 1


@pytest.mark.parametrize("header", ["%ff", "%C3", "%ed%a0%80", "x%ff\udcff"])
def test_a_header_that_is_no_text_is_refused_with_its_place(header: str) -> None:
    [item] = items(Mode.BINARY, b"{}", {"ce-id": header})

    assert item.code == "BODY_MALFORMED"
    assert [(each.code, each.place) for each in item.faults] == [("HEADER_ENCODING", "/id")]
    assert item.faults[0].found.isascii()


def test_an_item_that_cannot_be_parsed_is_refused_alone() -> None:
    one, two, three = items(Mode.NDJSON, b'{"a":1}\n{"a":}\n{"c":3}')

    assert isinstance(one, Decoded)
    assert isinstance(three, Decoded)
    assert two.code == "BODY_MALFORMED"


@pytest.mark.parametrize("mode", Mode)
def test_an_event_that_is_too_large_is_refused_with_the_limit(mode: Mode) -> None:
    large = b'{"a":"' + b"x" * 600 + b'"}'
    body = b"[" + large + b"]" if mode is Mode.BATCHED else large

    [item] = items(mode, body)

    assert item == Refusal("BODY_TOO_LARGE", f"one event of {len(large)} bytes; at most 600")


@pytest.mark.parametrize("mode", Mode)
def test_an_event_of_exactly_the_limit_is_taken(mode: Mode) -> None:
    headers = {"ce-id": "i"} if mode is Mode.BINARY else {}
    exact = b'{"a":"' + b"x" * (592 - sum(len(name) + len(value) for name, value in headers.items())) + b'"}'
    body = b"[" + exact + b"]" if mode is Mode.BATCHED else exact

    [item] = items(mode, body, headers)

    assert isinstance(item, Decoded)


def test_a_whole_event_sent_as_plain_json_is_told_its_media_type() -> None:
    [refusal] = items(Mode.BINARY, orjson.dumps(event()))

    assert refusal.code == "MEDIA_TYPE_UNSUPPORTED"
    assert "application/cloudevents+json" in refusal.detail


@pytest.mark.parametrize(
    ("mode", "body", "code"),
    [
        (Mode.BATCHED, b"[{},{},{},{}]", "BODY_TOO_LARGE"),
        (Mode.NDJSON, b"{}\n{}\n{}\n{}\n", "BODY_TOO_LARGE"),
        (Mode.BATCHED, b"[]", "BODY_MALFORMED"),
        (Mode.NDJSON, b"\n", "BODY_MALFORMED"),
        (Mode.BATCHED, b"[{}", "BODY_MALFORMED"),
        (Mode.BATCHED, b"[{}]]", "BODY_MALFORMED"),
        (Mode.BATCHED, b"[{}, 1]", "BODY_MALFORMED"),
    ],
)
def test_what_has_no_bounds_refuses_the_request(mode: Mode, body: bytes, code: str) -> None:
    refusal = decoded(mode, body)

    assert isinstance(refusal, Refusal)
    assert refusal.code == code
    assert refusal.faults


@pytest.mark.parametrize("name", ["traceparent", "tracestate", "specversion", "datacontenttype", "id"])
def test_no_attribute_may_hold_what_is_no_text(name: str) -> None:
    refusal = items(Mode.BINARY, b"{}", {f"ce-{name}": "x\udcff"})[0]

    assert (refusal.code, refusal.faults[0].code) == ("BODY_MALFORMED", "HEADER_ENCODING")


def test_a_quoted_header_is_taken_without_its_quotes_and_decoded_once() -> None:
    [item] = items(Mode.BINARY, b"{}", {"ce-id": '"a \\"b\\" %2541"', "ce-source": '"'})

    assert (item.event["id"], item.event["source"]) == ('a "b" %41', '"')


def test_attributes_count_as_part_of_the_event() -> None:
    refusal = items(Mode.BINARY, b"{}", {"ce-id": "i", "ce-note": "n" * BOUNDS.event_bytes_max})[0]

    assert refusal.code == "BODY_TOO_LARGE"
