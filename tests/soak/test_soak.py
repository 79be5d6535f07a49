"""The first two thousand documents of the soak, in the run of all tests: `python -m tests.soak` tries many more."""

from __future__ import annotations

from hashlib import sha256

import pytest

from tests.soak.mutate import mutated
from tests.soak.soak import soak
from tests.soak.trial import tried, weight

SHARE = 50


@pytest.mark.parametrize("share", [0, *(pytest.param(share, marks=pytest.mark.slow) for share in range(1, 40))])
def test_no_mutated_document_makes_a_translator_raise_tarry_or_swell(share: int) -> None:
    tally = soak(1, range(share * SHARE, (share + 1) * SHARE), report=lambda *_: None)

    assert tally.failures == []
    assert tally.count == SHARE
    assert len(tally.formats) > 3


def test_a_document_of_the_soak_is_the_same_each_time() -> None:
    once, again = ([sha256(mutated(1, number)[1]).hexdigest() for number in range(20)] for _ in range(2))

    assert once == again


def test_a_trial_tells_what_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyError("no such member")

    monkeypatch.setattr("tests.soak.trial.open_document", fail)

    assert tried(b"{}", "").failures == ["raised KeyError: 'no such member'"]


def test_a_zip_weighs_what_it_says_is_in_it() -> None:
    workbook = next(document for number in range(10_000) if (document := mutated(2, number)[1]).startswith(b"PK"))

    assert weight(workbook) >= len(workbook)
    assert weight(b"PK\x03\x04 and no more") == len(b"PK\x03\x04 and no more")
