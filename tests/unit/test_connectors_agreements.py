"""A company's side of agreements: what it signs is what it read, and what nobody asks for stays at home."""

from __future__ import annotations

import orjson
import pytest

from connectors.partner.agreements import AgreementInvalid, read, stripped
from schemas.canonical import canonical_bytes

NEEDED = {"customs.seal.applied": ["occurred_at", "seal"], "customs.seal.broken": ["*"]}
EVENT = b'{"id":"a", "type": "customs.seal.applied","data":{"occurred_at":"x" ,"remarks":"y","seal": {"n":1.0e0}}}'


def text(**more: object) -> str:
    return canonical_bytes({"format": "customs-hub-agreement/1", "id": "a1", **more}).decode()


def test_what_no_agreement_covers_is_left_out_and_the_rest_stays_to_the_letter() -> None:
    assert stripped(EVENT, NEEDED) == (
        b'{"id":"a","type":"customs.seal.applied","data":{"occurred_at":"x","seal":{"n":1.0e0}}}'
    )


@pytest.mark.parametrize(
    "event",
    [
        b'{"type":"customs.seal.broken", "data":{"remarks":"y"}}',
        b'{"type":"customs.seal.lost", "data":{"remarks":"y"}}',
        b'{"type":"customs.seal.applied", "data":{"seal" : 1}}',
        b'{"type":"customs.seal.applied", "data":[1]}',
        b'{"type":7, "data":{"remarks":"y"}}',
        b'{"data":{"remarks":"y"}}',
        b"[]",
        b"no JSON",
    ],
)
def test_what_is_covered_or_of_no_known_type_is_sent_as_it_is(event: bytes) -> None:
    assert stripped(event, NEEDED) == event


def test_names_are_written_as_json_where_something_is_left_out() -> None:
    event = orjson.dumps({'"quoted"': 1, "type": "customs.seal.applied", "data": {"x": 1}})

    assert orjson.loads(stripped(event, NEEDED)) == {'"quoted"': 1, "type": "customs.seal.applied", "data": {}}


@pytest.mark.parametrize(
    "text_",
    [
        "no JSON",
        text().replace("agreement/1", "mandate/1"),
        text(id="a2"),
        text().replace(",", ", "),
        '{"format":"customs-hub-agreement/1","id":"a1","id":"a1"}',
        text(days=2**53 - 1).replace(str(2**53 - 1), "1.5").replace("1.5", "15e-1"),
    ],
)
def test_nothing_is_signed_that_is_not_this_agreement_in_its_only_spelling(text_: str) -> None:
    with pytest.raises(AgreementInvalid):
        read(text_, "a1")
