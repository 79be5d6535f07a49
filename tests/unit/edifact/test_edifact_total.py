"""Whatever the bytes, there is an answer, in bounded time and memory."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.faults import Fault
from schemas.translate.edifact import translate
from schemas.translate.item import Context, Translation
from tests.edifact import GATE_IN, LOADED, interchange, message
from tests.soak.trial import memory_of, tried

TAGS = (
    "UNA",
    "UNB",
    "UNG",
    "UNH",
    "UNT",
    "UNE",
    "UNZ",
    "BGM",
    "EQD",
    "STS",
    "CNI",
    "LOC",
    "DTM",
    "RFF",
    "TDT",
    "SEL",
    "DAM",
    "TMP",
    "GID",
    "MEA",
    "NAD",
    "SGP",
    "FTX",
)
KINDS = ("CODECO", "COARRI", "COPARN", "IFTSTA", "IFTSAI", "CUSCAR", "BAPLIE")
PIECES = st.sampled_from(
    [
        *KINDS,
        "34",
        "9",
        "1",
        "7",
        "132",
        "137",
        "203",
        "CN",
        "MSKU1234565",
        "202611201259",
        "NLRTM",
        "139",
        "6",
        "",
        "?",
        "x" * 40,
        "\x00",
        "é",
        "-1,5",
        "CEL",
        "VGM",
        "KGM",
    ]
)
ELEMENTS = st.lists(st.lists(PIECES, min_size=1, max_size=4).map(":".join), max_size=9)
SEGMENTS = st.tuples(st.sampled_from(TAGS), ELEMENTS).map(lambda pair: "+".join([pair[0], *pair[1]]))
CONTEXT = Context(time_zone="Europe/Amsterdam")


def answered(document: bytes) -> None:
    opened = translate(document, CONTEXT)
    if isinstance(opened, Translation):
        items = list(opened.items)
        assert [each.index for each in items] == list(range(len(items)))
    else:
        assert all(isinstance(each, Fault) for each in opened)
        assert opened


@given(st.binary(max_size=300))
def test_any_bytes_are_answered(document: bytes) -> None:
    answered(document)
    answered(b"UNB+UNOC:3+A+B+261122:1000+1'UNH+1+CODECO:D:95B:UN'" + document)


@settings(max_examples=300)
@given(st.lists(SEGMENTS, max_size=30), st.sampled_from(KINDS))
def test_any_segments_are_answered_and_judged(segments: list[str], kind: str) -> None:
    document = "'".join(["UNB+UNOY:4+A+B+261122:1000+1", f"UNH+1+{kind}:D:95B:UN", *segments, ""]).encode()

    answered(document)
    assert tried(document, "").failures == []


BOMBS = {
    "terminators": b"'" * 1_000_000,
    "released": b"UNH+1+CODECO'" + b"?" * 999_999 + b"'",
    "short segments": b"UNH+1+CODECO:D'" + b"AB'" * 300_000,
    "one segment": b"UNH+1+CODECO:D'" + b"ab:" * 300_000,
    "elements": b"UNH+1+CODECO:D'EQD" + b"+a" * 400_000,
    "containers": interchange(message("CODECO", *GATE_IN[:3], *GATE_IN[3:9] * 5_000)),
    "head": interchange(message("COARRI", *LOADED[:2], *["RFF+BN:1"] * 40_000, *LOADED[3:] * 500)),
    "messages": b"UNH+1+CODECO'" * 60_000,
    "interchanges": b"UNB+UNOA:2+A+B'" * 60_000,
    "groups": b"UNB+UNOA:2+A+B'" + b"UNG+1'UNE+9+8'" * 60_000 + b"UNH+1+CODECO'",
    "strays": b"UNT+1'UNA" * 60_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_costs_no_more_time_than_its_bytes(name: str) -> None:
    assert tried(BOMBS[name], "application/edifact").failures == []


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_costs_no_more_memory_than_its_bytes(name: str) -> None:
    bomb = BOMBS[name]

    assert memory_of(bomb, "application/edifact") < 20 * max(len(bomb), 1 << 20)
