"""The parsing rules: what of a partner's JSON is taken, decided before any schema looks at it.

Taken is UTF-8 without a byte-order mark, without repeated members, at most 64 deep, with integers within 2^53 and
finite numbers: text that every reader reads alike (RFC 8259, RFC 7493). One parse and one serialisation prove all of
it: jiter refuses repeated members and bad text, and writing the canonical bytes refuses the numbers. Only what is
refused is looked at again, slowly, to say exactly where the fault is (`diagnosis`).
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

import jiter
import msgspec
import orjson
from msgspec import Raw, Struct

from schemas.canonical import canonicalise
from schemas.diagnosis import DEPTH_MAX, depth, diagnose
from schemas.faults import Fault, fault
from schemas.identity import MEANINGLESS

_LINE = re.compile(rb"[^\n]+")

T = TypeVar("T", bound=Struct)


class Parsed(Struct, frozen=True):
    """A JSON object that passed the rules, and the bytes that its meaning is digested from (RFC 8785)."""

    value: dict[str, Any]
    canonical: bytes
    """Without the members that mean nothing (`schemas.identity.MEANINGLESS`)."""


def parse(raw: bytes, attributes: dict[str, str] | None = None) -> Parsed | list[Fault]:
    """One event. With `attributes`, `raw` is the data of a CloudEvent in binary mode and they are the rest of it."""
    try:
        sent = jiter.from_json(raw, catch_duplicate_keys=True, allow_inf_nan=False, float_mode="decimal")
        # The count of brackets is never below the depth, and seldom above 64: the walk is the exception.
        if raw.count(b"{") + raw.count(b"[") > DEPTH_MAX and depth(sent) > DEPTH_MAX:
            return diagnose(raw)
        value = sent if attributes is None else {**attributes, "data": sent}
        if type(value) is not dict:
            return diagnose(raw)
        meaning = value.copy()
        travel = [meaning.pop(name, "") for name in MEANINGLESS]
        canonical, fractions = canonicalise(meaning)
        # What is not digested is text in every honest event; if it is not, its numbers are proved as well.
        if fractions or (set(map(type, travel)) != {str} and canonicalise(travel)[1]):
            sent = orjson.loads(raw)
            value = sent if attributes is None else {**attributes, "data": sent}
    except ValueError as e:
        code = "JSON_INVALID" if attributes is None else "HEADER_ENCODING"
        return diagnose(raw) or [fault(code, "", str(e), "Unicode text, as JSON")]
    return Parsed(value, canonical)


def parse_as(raw: bytes, shape: type[T]) -> T | None:
    """An object by the same rules, in its shape; None: it is no such object. Members that it has besides are the
    shape's affair."""
    parsed = parse(raw)
    if not isinstance(parsed, Parsed):
        return None
    try:
        return msgspec.convert(parsed.value, shape, strict=True)
    except msgspec.ValidationError:
        return None


class _Item(Struct, gc=False):
    """An array's item that is an object, whatever is in it: 16 bytes, so that counting a hostile array is cheap."""


_counter = msgspec.json.Decoder(list[_Item])
_splitter = msgspec.json.Decoder(list[Raw])


def split_array(raw: bytes, items_max: int) -> list[bytes] | Fault:
    """The events of a JSON batch, each the sender's exact bytes, in order; each still to be parsed.

    The items are counted before they are split. A batch that is not an array of objects is one fault.
    """
    try:
        count = len(_counter.decode(raw))
        if count > items_max:
            return fault("TOO_MANY_ITEMS", "", f"{count} events", f"at most {items_max} events")
        return [bytes(item) for item in _splitter.decode(raw)]
    except msgspec.ValidationError as e:
        index = re.search(r"\$\[(\d+)\]", str(e))
        if index is None:
            return fault("BATCH_NOT_AN_ARRAY", "", str(e), "an array of events")
        return fault("JSON_NOT_AN_OBJECT", f"/{index[1]}", str(e), "an event, as an object")
    except (msgspec.DecodeError, RecursionError) as e:
        return next(iter(diagnose(raw)), fault("JSON_INVALID", "", str(e), "an array of events"))


def split_lines(raw: bytes, items_max: int) -> list[bytes] | Fault:
    """The events of an NDJSON body: each line as sent, without its end (LF or CRLF); blank lines are passed over."""
    items: list[bytes] = []
    for line in _LINE.finditer(raw):
        if not line[0].strip(b" \t\r"):
            continue
        if len(items) == items_max:
            return fault("TOO_MANY_ITEMS", "", f"more than {items_max} events", f"at most {items_max} events")
        ended = line.end() < len(raw)
        items.append(line[0].removesuffix(b"\r") if ended else line[0])
    return items
