"""The warden: a process that forks a child for each document, ends it in time, and passes its report on.

It is asked by a message of one descriptor, the document, and answers each with one message: a word, then the report.
It never reads a document itself. It ends when the other side of its socket does.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
import time

from hub.drivers.system.jail.rights import end_with_parent, give_up

REPORT_BYTES_MAX = 16_384
REPORTED, OVERRUN, FAILED = b"r", b"o", b"f"
"""The child's report follows; it used up its memory or time; it ended without a report."""

_OVERRUN_SIGNALS = frozenset({signal.SIGKILL, signal.SIGXCPU})
_OVERRUN_STATUS = 3


def main() -> None:
    """`argv`: the descriptor of the socket, bytes of memory, seconds."""
    channel = socket.socket(fileno=int(sys.argv[2]))
    memory_bytes_max, seconds_max = int(sys.argv[3]), float(sys.argv[4])
    end_with_parent()
    # The parser without ciphers: what is encrypted is reported, not opened.
    sys.modules["cryptography"] = None  # type: ignore[assignment]
    from hub.drivers.system.jail.examine import warm_up

    warm_up()
    gc.collect()
    gc.freeze()
    while True:
        message, descriptors, _, _ = socket.recv_fds(channel, 1, 1)
        if not message:
            return
        channel.send(_judged(descriptors[0], memory_bytes_max, seconds_max))
        os.close(descriptors[0])


def _judged(document: int, memory_bytes_max: int, seconds_max: float) -> bytes:
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            _child(document, writing, memory_bytes_max, seconds_max)
        finally:
            os._exit(1)
    os.close(writing)
    report = _read(reading, time.monotonic() + seconds_max)
    os.close(reading)
    os.kill(child, signal.SIGKILL)  # It has not been waited for, so the number is still its own.
    status = os.waitpid(child, 0)[1]
    if report is None or (os.WIFSIGNALED(status) and os.WTERMSIG(status) in _OVERRUN_SIGNALS and not report):
        return OVERRUN
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) == _OVERRUN_STATUS:
        return OVERRUN
    return REPORTED + report if report else FAILED


def _read(reading: int, until: float) -> bytes | None:
    """What the child says until it closes its end; None if it has not by then, or says too much."""
    report = b""
    while len(report) <= REPORT_BYTES_MAX:
        if not select.select([reading], [], [], max(until - time.monotonic(), 0))[0]:
            return None
        chunk = os.read(reading, REPORT_BYTES_MAX + 1)
        if not chunk:
            return report
        report += chunk
    return None


def _child(document: int, writing: int, memory_bytes_max: int, seconds_max: float) -> None:
    end_with_parent()
    os.dup2(document, 0)
    os.dup2(writing, 1)
    os.closerange(3, 1_024)
    give_up(memory_bytes_max=memory_bytes_max, seconds_max=seconds_max)
    from hub.drivers.system.jail.examine import report

    try:
        said = report(0)
    except MemoryError:
        os._exit(_OVERRUN_STATUS)
    os.write(1, said)
    os._exit(0)
