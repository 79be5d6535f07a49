"""HTTP/1.1 as the benchmark's clients need it: requests of which only the ids change, answers cut from a stream."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from importlib import resources
from typing import Any

import orjson

EVENT_TYPE = "customs.container.gate_in"
_ID_DIGITS = 12
_ID_PLACE = b"#" * _ID_DIGITS
_PROOF_PLACE = "~"
SOURCES = 16
"""Series of ids that the connections share: enough to reach every partition of a Kafka log."""

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)")


def address(url: str) -> tuple[str, int]:
    """Host and port of `http://<host>:<port>`."""
    host, _, port = url.removeprefix("http://").partition(":")
    return host, int(port)


class AnswerMalformed(Exception):
    """What came is no HTTP answer of known length."""


class Answers:
    """Cuts the bytes that one connection receives into answers. Lengths by Content-Length; no other way is known."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._wanted = 0
        """Until so many bytes are there, the answer that has begun is not whole."""

    def feed(self, received: bytes) -> list[tuple[int, bytes]]:
        """Status and body of every answer that is now complete. Raises `AnswerMalformed`."""
        self._buffer += received
        answers = []
        while len(self._buffer) >= self._wanted and (answer := self._next()):
            answers.append(answer)
        return answers

    def _next(self) -> tuple[int, bytes] | None:
        head_end = self._buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return None
        head = bytes(self._buffer[:head_end]).lower()
        if not head.startswith(b"http/1.1 ") or not head[9:12].isdigit():
            raise AnswerMalformed(repr(head[:40]))
        status, length = int(head[9:12]), _LENGTH.search(head)
        if length is None and status != 204:
            raise AnswerMalformed("an answer without Content-Length")
        body_start = head_end + 4
        end = body_start + (int(length[1]) if length else 0)
        if len(self._buffer) < end:
            self._wanted = end
            return None
        body = bytes(self._buffer[body_start:end])
        del self._buffer[:end]
        self._wanted = 0
        return status, body


class Prepared:
    """A POST of `batch` events of one source, complete but for the ids."""

    def __init__(self, host: str, path: str, token: str, *, batch: int, source: int, proof_characters: int = 0) -> None:
        """`proof_characters`: of the DPoP proof that each request brings; 0: none."""
        event = orjson.dumps(event_of(source))
        body = event if batch == 1 else b"[" + b",".join([event] * batch) + b"]"
        kind = "application/cloudevents+json" if batch == 1 else "application/cloudevents-batch+json"
        scheme = "DPoP" if proof_characters else "Bearer"
        head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {scheme} {token}\r\nContent-Type: {kind}\r\n"
        if proof_characters:
            head += f"DPoP: {_PROOF_PLACE * proof_characters}\r\n"
        self._request = bytearray(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        self._proof_place = self._request.find(_PROOF_PLACE.encode() * 2)
        self._places = [match.start() for match in re.finditer(_ID_PLACE, self._request)]

    def numbered(self, first: int, proof: str = "") -> bytes:
        """The request with the ids `first`, `first` + 1, …, and with its proof."""
        request = self._request
        if proof:
            request[self._proof_place : self._proof_place + len(proof)] = proof.encode()
        for number, place in enumerate(self._places, first):
            request[place : place + _ID_DIGITS] = b"%012d" % number
        return bytes(request)


def event_of(source: int) -> dict[str, Any]:
    """The example of a container that came in by a gate, of now; about 640 bytes, with a place for its id."""
    example = resources.files("schemas").joinpath("events", EVENT_TYPE, "examples", "valid-weighed.json")
    event: dict[str, Any] = orjson.loads(example.read_bytes())
    now = datetime.now(UTC).isoformat(timespec="seconds")
    event |= {"id": _ID_PLACE.decode(), "source": f"urn:example:delta:gate-{source:02}", "time": now}
    event["data"]["occurred_at"] = now
    return event


def event_bytes() -> int:
    return len(orjson.dumps(event_of(0)))
