"""Decode: from the bytes of a request to single events, each with the bytes its sender can hash.

CloudEvents 1.0.2: structured and batched JSON format, HTTP binary mode; and NDJSON, one event a line. One item that
cannot be parsed is refused by itself where its bounds are known; what has no bounds refuses the request.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from urllib.parse import unquote

from hub.core.errors import Refusal
from hub.core.evidence import Admitted, Decoded, Mode
from hub.core.settings import IntakeSettings
from schemas import guard
from schemas.faults import Fault, fault

_QUOTED_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_QUOTED_PAIR = re.compile(r"\\(.)")
"""RFC 9110 §5.6.4: a backslash stands before any character of a quoted string."""


class Items:
    """The events of a body, in request order. Each is parsed when it is asked for: of a large batch, only the bytes are
    held at once."""

    def __init__(self, slices: Sequence[bytes], parse: Callable[[int, bytes], Decoded | Refusal]) -> None:
        self._slices = slices
        self._parse = parse

    def __len__(self) -> int:
        return len(self._slices)

    def __iter__(self) -> Iterator[Decoded | Refusal]:
        return (self._parse(index, raw) for index, raw in enumerate(self._slices))


def decode(admitted: Admitted, body: bytes, headers: Mapping[str, str], *, bounds: IntakeSettings) -> Items | Refusal:
    """Split a body into its events, in request order; a `Refusal` in place of an event refuses that item alone.

    `headers` are the request's, with lower-case names; only binary mode looks at them.
    """
    match admitted.mode:
        case Mode.STRUCTURED:
            return Items([body], lambda _, raw: _decode_one(0, raw, bounds))
        case Mode.BINARY:
            return Items([body], lambda _, raw: _decode_binary(raw, headers, bounds))
        case Mode.BATCHED:
            slices = guard.split_array(body, items_max=bounds.batch_events_max)
        case Mode.NDJSON:
            slices = guard.split_lines(body, items_max=bounds.batch_events_max)
    if isinstance(slices, Fault):
        if slices.code == "TOO_MANY_ITEMS":
            return Refusal("BODY_TOO_LARGE", f"at most {bounds.batch_events_max} events", faults=[slices])
        return Refusal("BODY_MALFORMED", faults=[slices])
    if not slices:
        return Refusal("BODY_MALFORMED", faults=[fault("EMPTY", "", "no events", "at least one event")])
    return Items(slices, lambda index, raw: _decode_one(index, raw, bounds))


def _decode_one(index: int, raw: bytes, bounds: IntakeSettings) -> Decoded | Refusal:
    if len(raw) > bounds.event_bytes_max:
        return _too_large(len(raw), bounds)
    parsed = guard.parse(raw)
    if isinstance(parsed, list):
        return Refusal("BODY_MALFORMED", faults=parsed)
    return Decoded(index, raw, parsed.value, sha256(raw).digest(), sha256(parsed.canonical).digest(), None)


def _decode_binary(body: bytes, headers: Mapping[str, str], bounds: IntakeSettings) -> Decoded | Refusal:
    """HTTP Protocol Binding §3.1: attributes are `ce-` headers, the body is `data`; together they are one event."""
    size = len(body) + sum(len(name) + len(value) for name, value in headers.items())
    if size > bounds.event_bytes_max:
        return _too_large(size, bounds)
    if not headers:
        hint = "application/json is binary mode, with ce- headers; send a whole event as application/cloudevents+json"
        return Refusal("MEDIA_TYPE_UNSUPPORTED", hint)
    attributes: dict[str, str] = {}
    for name, value in headers.items():
        if name.startswith("ce-"):
            text = _attribute(value)
            if text is None:
                expected = "UTF-8, percent-encoded (CloudEvents HTTP binding §3.1.3.2)"
                found = value.encode("ascii", "backslashreplace").decode()  # It may hold bytes that are no text.
                return Refusal("BODY_MALFORMED", faults=[fault("HEADER_ENCODING", f"/{name[3:]}", found, expected)])
            attributes[name[3:]] = text
    parsed = guard.parse(body, attributes)
    if isinstance(parsed, list):
        return Refusal("BODY_MALFORMED", faults=parsed)
    canonical = sha256(parsed.canonical).digest()
    return Decoded(0, body, parsed.value, sha256(body).digest(), canonical, attributes)


def _attribute(value: str) -> str | None:
    """A header's value as an attribute (§3.1.3.2): a quoted string without its quotes, then percent-decoded once."""
    if _QUOTED_STRING.fullmatch(value):
        value = _QUOTED_PAIR.sub(r"\1", value[1:-1])
    try:
        text = unquote(value, errors="strict")
        text.encode()  # A byte that is no UTF-8 came as a lone surrogate.
    except UnicodeError:
        return None
    return text


def _too_large(size: int, bounds: IntakeSettings) -> Refusal:
    return Refusal("BODY_TOO_LARGE", f"one event of {size} bytes; at most {bounds.event_bytes_max}")
