"""Server-Sent Events, read from chunks of bytes (WHATWG HTML §9.2.6).

Lines end with LF or CR LF; a lone CR, which the hub never sends, is not taken for a line end.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

LINE_BYTES_MAX = 4 * 1024 * 1024
"""A record is at most 256 KiB as sent; projection adds little."""


class StreamBroken(ValueError):
    """The stream is not one of server-sent events within the bounds."""


class ServerSentEvent(Struct, frozen=True):
    """One dispatched event. `id` is None where the event itself brought none."""

    event: str
    data: bytes
    id: str | None


class EventParser:
    """Feed it chunks as they arrive; an event that the end of the stream cuts off is never seen."""

    def __init__(self) -> None:
        self._rest = b""
        self._begin()

    def _begin(self) -> None:
        self._event, self._data = "message", list[bytes]()
        self._id: str | None = None

    def feed(self, chunk: bytes) -> Iterator[ServerSentEvent]:
        """The events that this chunk completes. Raises `StreamBroken`: a line beyond the bound, or not in UTF-8."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > LINE_BYTES_MAX:
            raise StreamBroken(f"a line of the stream is longer than {LINE_BYTES_MAX} bytes")
        for line in lines:
            line = line.removesuffix(b"\r")
            if line:
                self._take(line)
                continue
            if self._data or self._id is not None:
                yield ServerSentEvent(self._event, b"\n".join(self._data), self._id)
            self._begin()

    def _take(self, line: bytes) -> None:
        name, _, text = line.partition(b":")
        text = text.removeprefix(b" ")
        match name:
            case b"data":
                self._data.append(text)
            case b"event":
                self._event = _text(text)
            case b"id":
                self._id = _text(text)


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as e:
        raise StreamBroken("a field of the stream is not in UTF-8") from e
