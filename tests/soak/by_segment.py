"""Mutations of EDIFACT interchanges: of their segments, and of what stands in one."""

from __future__ import annotations

from random import Random

from tests.soak.by_bytes import OF_TEXT
from tests.soak.mutation import GROWN_BYTES_MAX, Mutation


def _segments(chance: Random, content: bytes) -> bytes:
    """One edit of the segments of an interchange, or of the elements of one of them."""
    segments = content.split(b"'")
    index = chance.randrange(len(segments))
    match chance.randrange(6):
        case 0:
            del segments[index]
        case 1:
            segments.insert(index, chance.choice(_DONATED))
        case 2:
            other = chance.randrange(len(segments))
            segments[index], segments[other] = segments[other], segments[index]
        case 3:
            start = chance.randrange(index + 1)
            segments[index:index] = segments[start:index] * chance.choice((1, 2, 300))
        case 4:
            elements = segments[index].split(b"+")
            elements[chance.randrange(len(elements))] = chance.choice(_ELEMENTS)
            segments[index] = b"+".join(elements)
        case _:
            old, new = chance.choice(((b"+", b"#"), (b":", b"|"), (b"'", b"\n"), (b"?", b" "), (b"UNOA", b"UNOY")))
            return content.replace(old, new, chance.choice((1, -1)))
    return b"'".join(segments)[:GROWN_BYTES_MAX]


_ELEMENTS = (
    b"", b":", b"::::::", b"?", b"??", b"?'", b"1", b"9", b"137:202611221000:203", b"7:20261122:203", b"334:x:303",
    b"CN", b"MSKU1234565", b"34", b"NLRTM:139:6", b"IFTSTA:D:00B:UN", b"CODECO:D:95B:UN", b"CUSCAR:D:95B:UN",
    b"x" * 30_000, b"KGM:1,5", b"KGM:1E9", b"-18:CEL", b"\xe9", b"\xff\xfe", b"20", b"9999999:146:11",
)  # fmt: skip
_DONATED = (
    b"UNA:+.? ", b"UNB+UNOC:3+A+B+261122:1000+1", b"UNG+X+A+B+1+2", b"UNE+1+2", b"UNH+1+COARRI:D:95B:UN", b"UNT+1+1",
    b"UNZ+1+1", b"BGM+46+1+9", b"EQD+CN+MSKU1234565+22G1", b"STS+1+VD", b"CNI+1", b"DTM+7:202611221000:203",
    b"LOC+165+X", b"SEL+1+CA+2", b"DAM+1+X", b"TMP+2+-18:CEL", b"DTM+798:202611221000:203", b"GID+1+2:CT",
    b"MEA+AAE+VGM+KGM:1",
)  # fmt: skip
OF_SEGMENTS: tuple[Mutation, ...] = (_segments, _segments, _segments, _segments, *OF_TEXT)
