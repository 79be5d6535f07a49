"""Requests whose length two readers could see differently: one answer for one request, and then the connection ends.

Every attack hides a second request (`HIDDEN`) in what one reader takes for a body, and another for what follows it. A
hub that answers it, or that leaves the connection open for more, could be made to answer the wrong caller by a proxy.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import orjson
import pytest

from tests.world import Caller, Wire, event

HIDDEN = b"GET /v1/schemas HTTP/1.1\r\nHost: hub\r\nX-Hidden: 1\r\n\r\n"
CHUNKED = "Transfer-Encoding: chunked"
END = b"0\r\n\r\n"
ANSWER_SECONDS_MAX = 60.0

OBFUSCATED = [
    "Transfer-Encoding : chunked", "Transfer-Encoding\t: chunked", " Transfer-Encoding: chunked",
    "Transfer-Encoding: xchunked", "Transfer-Encoding: chunked, identity", "Transfer-Encoding: identity, chunked",
    "Transfer-Encoding: identity", "Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
    "Transfer-Encoding: x\r\nTransfer-Encoding: chunked", "Transfer-Encoding:\x0bchunked",
    "Transfer-Encoding: \x0bchunked", "Transfer-Encoding: chunked\x0b", "Transfer-Encoding: chun\x00ked",
    "Transfer-Encoding: \"chunked\"", "Transfer-Encoding: 'chunked'", "Transfer-Encoding: chunked;q=1",
    "Transfer-Encoding:\r\n chunked", "Transfer-Encoding: chunked, chunked", "Transfer-Encoding: gzip, chunked",
    "Transfer-Encoding: chunked, gzip", "Transfer-Encoding: ", "Transfer-Encoding: chunked,",
    "Transfer-Encoding: ,chunked", "Transfer_Encoding: chunked\r\nTransfer-Encoding: cow",
    "Transfer-Encoding\x00: chunked", "X: y\nTransfer-Encoding: chunked", "X: y\rTransfer-Encoding: chunked",
    "Transfer-Encoding: \xa0chunked", "Transfer-Encoding: CHUNKED, x", "Transfer-Encoding: trailers",
    "Transfer-Encoding: deflate", "\x00Transfer-Encoding: chunked",
]  # fmt: skip
"""TE.TE: a header that one of two readers passes over."""
LENGTHS = [
    "+{n}", "-{n}", "{n} ", "0{n}", "0x{n}", "{n}, {n}", "{n},{n}", "{n}, 0", "0, {n}", "{n}.0", "{n}e0", "1_0",
    "{n}\x0b", "\u0661", "", " ", "{n};", "NaN", "18446744073709551616", "99999999999999999999999999",
    "{n}\r\nContent-Length: 0", "0\r\nContent-Length: {n}", "{n}\r\nContent-Length: {n}", "{n}\r\ncontent-length: 4",
    "{n}\r\nContent-Length : 0",
]  # fmt: skip
CHUNKS = {
    "bare LF": b"5\nhello\n0\n\n", "an LF in a size line": b"5\nhello\r\n0\r\n\r\n", "a CR alone": b"5\rhello\r0\r\r",
    "in octal": b"0o5\r\nhello\r\n0\r\n\r\n", "in hex with 0x": b"0x5\r\nhello\r\n0\r\n\r\n",
    "with a sign": b"+5\r\nhello\r\n0\r\n\r\n", "with space before": b" 5\r\nhello\r\n0\r\n\r\n",
    "with an underscore": b"0_5\r\nhello\r\n0\r\n\r\n", "beyond 64 bits": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "empty": b"\r\nhello\r\n0\r\n\r\n", "without the end of a chunk": b"5\r\nhello0\r\n\r\n",
    "longer than its size": b"5\r\nhello!!\r\n0\r\n\r\n", "negative": b"-5\r\nhello\r\n0\r\n\r\n",
    "an extension with LF": b"5;a\nb\r\nhello\r\n0\r\n\r\n",
    "an extension that is long": b"5;" + b"a" * 70_000 + b"\r\nhello\r\n0\r\n\r\n",
    "a trailer with a name that is none": b"5\r\nhello\r\n0\r\nX Y: 1\r\n\r\n",
    "trailers without end": b"5\r\nhello\r\n0\r\n" + b"X: y\r\n" * 9_000 + b"\r\n",
    "a smuggled trailer": b"5\r\nhello\r\n0\r\nContent-Length: 50\r\n\r\n", "nul": b"5\x00\r\nhello\r\n0\r\n\r\n",
    "text": b"five\r\nhello\r\n0\r\n\r\n",
}  # fmt: skip
HEADS = {
    "a bare LF for a line's end": b"GET /v1/schemas HTTP/1.1\nHost: hub\n\n",
    "a bare CR": b"GET /v1/schemas HTTP/1.1\rHost: hub\r\r",
    "a CR in a value": b"GET /health/live HTTP/1.1\r\nHost: hub\r\nX: a\rSet-Cookie: b\r\n\r\n",
    "a nul in a value": b"GET /health/live HTTP/1.1\r\nHost: hub\r\nX: \x00\r\n\r\n",
    "folding": b"GET /health/live HTTP/1.1\r\nHost: hub\r\nX: a\r\n b\r\n\r\n",
    "folding at the first line": b"GET /health/live HTTP/1.1\r\n Host: hub\r\n\r\n",
    "a name with a space": b"GET /health/live HTTP/1.1\r\nHost: hub\r\nX Y: a\r\n\r\n",
    "a name that is empty": b"GET /health/live HTTP/1.1\r\nHost: hub\r\n: a\r\n\r\n",
    "a space before the colon": b"GET /health/live HTTP/1.1\r\nHost : hub\r\n\r\n",
    "no colon": b"GET /health/live HTTP/1.1\r\nHost: hub\r\nnothing\r\n\r\n",
    "two hosts": b"GET /health/live HTTP/1.1\r\nHost: hub\r\nHost: evil\r\n\r\n",
    "a version to come": b"GET /health/live HTTP/2.0\r\nHost: hub\r\n\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    "a request line in two": b"GET /health/live\r\n HTTP/1.1\r\nHost: hub\r\n\r\n",
    "a tab for a space": b"GET\t/health/live\tHTTP/1.1\r\nHost: hub\r\n\r\n", "HTTP/0.9": b"GET /health/live\r\n\r\n",
    "a control in the path": b"GET /health\x01/live HTTP/1.1\r\nHost: hub\r\n\r\n",
    "a line of 100 KB": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: hub\r\n\r\n",
    "a header of 100 KB": b"GET /health/live HTTP/1.1\r\nHost: hub\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
    "ten thousand headers": b"GET /health/live HTTP/1.1\r\nHost: hub\r\n" + b"X: y\r\n" * 10_000 + b"\r\n",
    "a lower-case version": b"GET /health/live http/1.1\r\nHost: hub\r\n\r\n",
    "no version digits": b"GET /health/live HTTP/x.y\r\nHost: hub\r\n\r\n",
    "an extra word": b"GET /health/live x HTTP/1.1\r\nHost: hub\r\n\r\n", "SOCKS": b"\x05\x01\x00" + b"\r\n\r\n",
}  # fmt: skip


async def everything(wire: Wire) -> tuple[bytes, bool]:
    """All that the hub says, and whether it closed the connection."""
    said = b""
    try:
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            while chunk := await wire._reader.read(65_536):
                said += chunk
    except ConnectionError:
        return said, True
    except TimeoutError:
        return said, False
    return said, True


def statuses(said: bytes) -> list[int]:
    """Of the answers in what was said, found by their own lengths."""
    found = []
    while said:
        head, _, rest = said.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        found.append(int(lines[0].split()[1]))
        said = rest[int(headers.get("content-length", 0)) :]
    return found


def attacks(delta: Caller) -> Iterator[tuple[str, bytes]]:
    """Requests with two lengths, a bad one, or a hidden second one; by name, as bytes."""
    body = orjson.dumps(event("hidden-a"))
    chunk = f"{len(body):x}\r\n".encode() + body + b"\r\n"
    lines = delta.head().decode("latin-1")

    def request(*headers: str) -> bytes:
        return (lines + "".join(f"{line}\r\n" for line in headers) + "\r\n").encode("latin-1", "replace")

    yield "CL.TE", request("Content-Length: 6", CHUNKED) + END + HIDDEN
    yield "TE.CL", request(CHUNKED, "Content-Length: 4") + b"5c\r\n" + HIDDEN + END
    yield "CL.TE, whole", request(f"Content-Length: {len(chunk + END)}", CHUNKED) + chunk + END + HIDDEN
    yield "CL.0", request("Content-Length: 0, 0") + HIDDEN
    for number, header in enumerate(OBFUSCATED):
        yield f"TE.TE {number}", request(header, f"Content-Length: {len(chunk + END)}") + chunk + END + HIDDEN
        yield f"TE alone {number}", request(header) + chunk + END + HIDDEN
    for number, length in enumerate(LENGTHS):
        yield f"length {number}", request("Content-Length: " + length.format(n=len(body))) + body + HIDDEN
    for what, text in CHUNKS.items():
        yield f"chunks: {what}", request(CHUNKED) + text + HIDDEN
    yield (
        "h2c",
        request(
            "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk", "Content-Length: 1_"
        ),
    )


TWO_REQUESTS = {
    "length 2",  # White space after the value is none of it (RFC 9110 5.5).
    "length 3",  # A leading zero is a digit like any other (8.6).
    "chunks: an extension that is long",  # Nobody can take its end for another.
}
"""What every reader frames alike: the hidden request is one that its sender may send."""


async def test_a_request_with_two_lengths_gets_one_answer_and_the_connection_ends(delta: Caller) -> None:
    wrong = []

    for what, sent in attacks(delta):
        wire = await delta.world.wire()
        await wire.send(sent)
        if what in TWO_REQUESTS:
            assert [(await wire.answer()).status for _ in range(2)][1] == 200, what
            continue
        said, closed = await everything(wire)
        if (statuses(said), closed) != ([400], True):
            wrong.append((what, said, closed))

    assert wrong == []


@pytest.mark.parametrize("what", HEADS)
async def test_a_head_that_is_not_well_formed_is_refused_once_and_the_connection_ends(delta: Caller, what: str) -> None:
    wire = await delta.world.wire()

    await wire.send(HEADS[what] + HIDDEN)
    said, closed = await everything(wire)
    assert (statuses(said), closed) == ([400], True), said


INJECTED = "%0d%0aX-Injected:%201%0d%0a%0d%0a<script>"


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/documents?kind=380&reference=a{INJECTED}&title=b{INJECTED}",
        f"/v1/documents?kind=380&reference=a%0aX-Injected:%201&id=b{INJECTED}",
        f"/v1/events?source=urn:x{INJECTED}&answer={INJECTED}",
        f"/v1/tables?type={INJECTED}",
        f"/epcis/events/{INJECTED}",
        f"/v1/{INJECTED}",
    ],
)
async def test_no_header_of_an_answer_is_a_senders(delta: Caller, path: str) -> None:
    wire = await delta.world.wire()
    body = b"\x89PNG\r\n\x1a\n"

    await wire.send(delta.head(path=path, Content_Type="image/png", Content_Length=str(len(body))) + b"\r\n" + body)
    answer = await wire.answer()

    assert answer.status >= 400
    assert "X-Injected" not in answer.headers
