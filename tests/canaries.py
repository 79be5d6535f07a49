"""Events every member of which holds something that occurs nowhere else, and how it is looked for in what leaves a hub.

What is sealed or coded is opened first: text that is Base64, percent-encoded or a cursor of the hub hides nothing.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import orjson

from schemas.check_digits import container_digit

SCHEMAS = Path(__file__).parents[1] / "schemas/events"
GATE_IN, LODGED = "customs.container.gate_in", "customs.declaration.lodged"
EXAMPLES = {
    GATE_IN: orjson.loads((SCHEMAS / GATE_IN / "examples/valid-weighed.json").read_bytes()),
    LODGED: orjson.loads((SCHEMAS / LODGED / "examples/valid-import.json").read_bytes()),
}
_CODED = re.compile(rb"[A-Za-z0-9_+/-]{16,}={0,2}")
_numbers = count(1)

Canaries = dict[str, str]
"""What is looked for, and the pointer of the member that holds it."""
Box = Callable[[str], object]
"""Opens what the hub sealed; None: it did not."""


def planted(event_type: str, place: str, mode: str, chapter: str) -> tuple[dict[str, Any], Canaries]:
    """A valid event of now, and what stands in it."""
    number, event = next(_numbers), deepcopy(EXAMPLES[event_type])
    canaries: Canaries = {}

    def plant(pointer: str, value: Any = None) -> None:
        made = f"cnry{number}x{len(canaries)}x" if value is None else value
        *path, last = pointer[1:].split("/")
        at: Any = event
        for each in path:
            at = at[int(each)] if isinstance(at, list) else at[each]
        at[int(last) if isinstance(at, list) else last] = made
        canaries[str(made)] = pointer

    for pointer in ("/id", "/source", "/subject"):
        plant(pointer, f"urn:cnry{number}{pointer.replace('/', ':')}:x")
    data, now = event["data"], datetime.now(UTC).isoformat(timespec="milliseconds")
    event["time"] = data["occurred_at"] = now
    if event_type == GATE_IN:
        data["place"]["unlocode"], data["transport"]["mode"] = place, mode
        for pointer in ("place/name", "seals/0/number", "references/0/value", "transport/means/value"):
            plant(f"/data/{pointer}")
        plant("/data/subjects/0/value", _container(number))
        plant("/data/weighed_mass_kg", round(20_000 + number % 9_000 + 0.0173 * (1 + number % 57), 4))
    else:
        data["goods"][0]["hs"] = f"{chapter}2410"
        for pointer in ("declarant/name", "consignor/name", "consignee/name", "goods/0/description"):
            plant(f"/data/{pointer}")
        plant("/data/subjects/1/value", _container(number))
        plant("/data/consignee/identifiers/0/value", f"NL{770_000_000_000 + number}")
    plant(f"/data/cnry{number}name")
    canaries[f"cnry{number}name"] = f"/data/cnry{number}name"  # The hub knows no such member.
    return event, canaries


def _container(number: int) -> str:
    text = f"QXZU{number:06d}"
    return f"{text}{container_digit(f'{text}0')}"


def opened(content: bytes, boxes: Iterable[Box]) -> bytes:
    """The content, and behind it whatever is coded or sealed in it, in the clear."""
    found = [content, unquote_to_bytes(content)]
    for match in _CODED.findall(found[1]):
        try:
            found.append(
                urlsafe_b64decode(match.rstrip(b"=").translate(_URL_SAFE) + b"=" * (-len(match.rstrip(b"=")) % 4))
            )
        except Base64Error:
            continue
        found += [repr(inside).encode() for box in boxes if (inside := box(match.decode())) is not None]
    return b"\n".join(found)


_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def seen_in(content: bytes, canaries: Mapping[str, Any]) -> list[str]:
    return [each for each in canaries if each.encode() in content]
