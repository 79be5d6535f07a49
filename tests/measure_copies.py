"""How fast digital copies of 10 MB go in and out, and in what memory: `python tests/measure_copies.py`.

The hub is a process of its own on embedded storage, as it is served; this one sends and reads over the loopback. A copy
that goes in is encrypted, fsynced, examined, and answered with its receipt.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import orjson

from hub.lab.bench.hubs import Ground, Hub, hub
from hub.lab.world import AEO, Company

ROUNDS = 12
SIZE = 10_000_000
EXPORTER = Company(id="delta", roles=("exporter",), aeo=AEO("NLAEOF0001"))


def pdf(number: int) -> bytes:
    """A PDF whose one picture takes nearly all of it."""
    picture = b"%08d" % number * ((SIZE - 800) // 8)
    image = b"<</Type/XObject/Subtype/Image/Width 1/Height 1/ColorSpace/DeviceGray/BitsPerComponent 8/Length %d>>"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Resources<</XObject<</I 4 0 R>>>>>>",
        b"%s\nstream\n%s\nendstream" % (image % len(picture), picture),
    ]
    out, places = bytearray(b"%PDF-1.7\n"), []
    for index, each in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (index, each)
    start = len(out)
    out += b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
    return bytes(out + b"trailer\n<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % start)


def json(number: int) -> bytes:
    return orjson.dumps({"number": number, "content": "x" * (SIZE - 60)})


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        for media_type, make in (("application/pdf", pdf), ("application/json", json)):
            own = Path(directory) / media_type.replace("/", "-")
            with hub("copies", Ground("sqlite"), own, feed=False, companies=(EXPORTER,)) as on:
                _measure(on, media_type, [make(number) for number in range(ROUNDS)])


def _measure(on: Hub, media_type: str, contents: list[bytes]) -> None:
    _in(on, media_type, contents[0])
    _out(on, contents[0], _in(on, media_type, contents[0]))
    resident = _memory(on, "VmRSS")
    Path(f"/proc/{on.server.pid}/clear_refs").write_text("5")  # proc(5): the peak counts from now.
    places, sent, read = [], [], []
    for content in contents[1:]:
        started = time.perf_counter()
        places.append(_in(on, media_type, content))
        sent.append(SIZE / 1e6 / (time.perf_counter() - started))
    for content, place in zip(contents[1:], places, strict=True):
        started = time.perf_counter()
        _out(on, content, place)
        read.append(SIZE / 1e6 / (time.perf_counter() - started))
    peak = _memory(on, "VmHWM")
    print(
        f"{media_type}: in {statistics.median(sent):.0f} MB/s, out {statistics.median(read):.0f} MB/s (medians of "
        f"{len(sent)}), {(peak - resident) / 1_024:.1f} MiB above {resident / 1_024:.0f} MiB"
    )


def _in(on: Hub, media_type: str, content: bytes) -> str:
    headers = {"Authorization": f"Bearer {on.write_tokens[EXPORTER.id]}", "Content-Type": media_type}
    with closing(HTTPConnection(urlsplit(on.server.url).netloc)) as connection:
        connection.request("POST", "/v1/documents?kind=380&reference=INV-42", content, headers)
        answer = connection.getresponse()
        assert answer.status in (200, 201), answer.read()
        return answer.headers["Location"]


def _out(on: Hub, content: bytes, place: str) -> None:
    with closing(HTTPConnection(urlsplit(on.server.url).netloc)) as connection:
        connection.request(
            "GET", f"{place}/content", headers={"Authorization": f"Bearer {on.write_tokens[EXPORTER.id]}"}
        )
        assert connection.getresponse().read() == content


def _memory(on: Hub, what: str) -> int:
    """In KiB."""
    lines = Path(f"/proc/{on.server.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(what)).split()[1])


if __name__ == "__main__":
    main()
