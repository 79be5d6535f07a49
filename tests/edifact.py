"""EDIFACT documents for tests: messages in an interchange, counts and references right unless a test says other."""

from __future__ import annotations

from msgspec import Struct

from schemas.catalogue import catalogue
from schemas.translate.edifact import Profile, translate
from schemas.translate.item import Context, Item, Translation
from schemas.verdict import Judged, judge

NOW_US = 1_795_338_000_000_000
"""2026-11-22T09:00:00Z."""

GATE_IN = (
    "BGM+34+MOVES-1+9", "TDT+20+055N+1++OOLV:172:182:OOCL+++9074729:146::MAGNAVIA", "NAD+CF+OOL:160:166",
    "EQD+CN+MSKU1234565+22G1:102:5++2+5", "RFF+BN:3048413690", "DTM+7:202611201259:203", "LOC+11+HKHKG:139:6",
    "LOC+165+NLRTM:139:6+ECTDDE:TER:306", "MEA+AAE+VGM+KGM:21430,5", "SEL+OOLAYJ9379+SH+1",
    "TDT+1++3+31+T-ORQTR:172+++CXL590", "CNT+16:1",
)  # fmt: skip
LOADED = (
    "BGM+46+LOAD-1+9", "TDT+20+055N+1++OOLV:172:182+++9074729:146::MAGNAVIA", "LOC+9+NLRTM:139:6",
    "EQD+CN+MSKU1234565+22G1:102:5++2+5", "RFF+BM:OOLU123", "DTM+203:202611201259:203", "LOC+147+0191006:139:5",
    "LOC+11+HKHKG:139:6",
)  # fmt: skip


def message(kind: str, *segments: str, reference: str = "1", trailer: str | None = None) -> str:
    """A message as text; `trailer`: UNT as it is to be, empty for none."""
    header = f"UNH+{reference}+{kind}:D:95B:UN"
    ended = f"UNT+{len(segments) + 2}+{reference}" if trailer is None else trailer
    return "".join(f"{each}'\n" for each in (header, *segments, ended) if each)


def interchange(*messages: str, sender: str = "TERM", reference: str = "R1", trailer: str | None = None) -> bytes:
    ended = f"UNZ+{len(messages)}+{reference}'" if trailer is None else trailer
    return f"UNB+UNOC:3+{sender}+LINE+261122:1000+{reference}'\n{''.join(messages)}{ended}".encode("latin-1")


class Told(Struct):
    """What a document is told to be: its items, each judged."""

    judged: list[Judged]

    @property
    def items(self) -> list[Item]:
        return [each.item for each in self.judged]

    @property
    def verdicts(self) -> list[str]:
        return [each.verdict.value for each in self.judged]

    def codes(self, index: int = 0) -> set[str]:
        return {each.code for each in self.judged[index].faults}

    def data(self, index: int = 0) -> dict[str, object]:
        event = self.items[index].event
        assert event is not None
        return dict(event["data"])

    def types(self) -> list[str]:
        return [each.event["type"].removeprefix("customs.") if each.event else "" for each in self.items]


def told(document: bytes, context: Context | None = None) -> Told:
    """The items of a document, judged; without a context, times are local in the Netherlands."""
    opened = translate(document, context or Context(time_zone="Europe/Amsterdam"))
    assert isinstance(opened, Translation), opened
    return Told([judge(each, opened, catalogue(), now_us=NOW_US) for each in opened.items])


def told_by(profile: Profile, document: bytes) -> Told:
    return told(document, Context(time_zone="Europe/Amsterdam", profile=profile))
