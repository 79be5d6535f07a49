"""An object store that speaks S3, as a process of its own, for as long as the tests run."""

from __future__ import annotations

import atexit
import socket
import subprocess
import sys
import time
from functools import cache
from http.client import HTTPConnection
from pathlib import Path
from uuid import uuid4

from hub.core.settings import S3Settings

START_SECONDS_MAX = 100.0


def bucket_of(directory: Path) -> S3Settings:
    """The settings of a bucket that belongs to the directory: a second call with the same one finds it again."""
    directory.mkdir(parents=True, exist_ok=True)
    name, secret = directory / "bucket", directory / "secret"
    if not name.exists():
        name.write_text(f"blobs-{uuid4().hex}")
        secret.write_text("secret")
        connection = HTTPConnection("127.0.0.1", _port())
        connection.request("PUT", f"/{name.read_text()}", body=b"")
        assert connection.getresponse().status == 200
        connection.close()
    return S3Settings(
        bucket=name.read_text(),
        endpoint=f"http://127.0.0.1:{_port()}",
        access_key_id="hub",
        secret_key_file=str(secret),
        prefix="hub/",
    )


@cache
def _port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    atexit.register(_end, server)
    deadline = time.monotonic() + START_SECONDS_MAX
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return port
        except OSError:
            assert server.poll() is None
            assert time.monotonic() < deadline, "the object store did not start"
            time.sleep(0.05)


def _end(server: subprocess.Popen[bytes]) -> None:
    server.kill()
    server.wait()
