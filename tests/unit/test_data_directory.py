"""The data directory: made private, held by one process, of a format that this program knows."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from hub.core.errors import HubError
from hub.drivers.system.directory import DataDirectory, LogIdentity
from hub.drivers.system.private_files import NotPrivate

HOLD = """
import sys, pathlib
from hub.drivers.system.directory import DataDirectory
with DataDirectory(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_directory_is_made_for_its_user_alone_and_says_its_format(tmp_path: Path) -> None:
    with DataDirectory(tmp_path / "deep" / "var") as directory:
        assert stat.S_IMODE(directory.path.stat().st_mode) == 0o700
        assert (directory.path / "format.json").read_bytes() == b'{"format":1}\n'


def test_a_directory_can_be_opened_again_after_it_was_closed(tmp_path: Path) -> None:
    for _ in range(2):
        with DataDirectory(tmp_path):
            pass


def test_a_directory_that_another_process_holds_is_refused_by_name_until_that_one_ends(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()

        with pytest.raises(HubError, match=f"in use by process {holder.pid}"), DataDirectory(tmp_path):
            pass

        holder.kill()
        holder.wait()
        with DataDirectory(tmp_path):
            pass


@pytest.mark.parametrize("content", [b'{"format": 2}', b'{"format": "1"}'])
def test_a_directory_of_another_format_is_refused_and_not_held(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "format.json").write_bytes(content)
    for _ in range(2):
        with pytest.raises(HubError, match="this program knows format 1"), DataDirectory(tmp_path):
            pass

    assert (tmp_path / "format.json").read_bytes() == content


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"null", b"\xff"])
def test_a_format_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "format.json").write_bytes(content)

    with pytest.raises(HubError, match="cannot be read"), DataDirectory(tmp_path):
        pass


def test_a_path_that_is_no_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(HubError, match="cannot be used"), DataDirectory(tmp_path / "file"):
        pass


@pytest.mark.parametrize("file", [None, "format.json"])
def test_a_directory_of_the_hub_that_is_open_to_others_is_closed_to_them(tmp_path: Path, file: str | None) -> None:
    if file:
        (tmp_path / file).write_bytes(b'{"format":1}')
    tmp_path.chmod(0o755)

    with DataDirectory(tmp_path):
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_a_directory_that_is_open_to_others_and_holds_more_than_the_hubs_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "report.txt").touch()
    tmp_path.chmod(0o755)

    with pytest.raises(NotPrivate, match="run: chmod 700"), DataDirectory(tmp_path):
        pass

    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


LOG = LogIdentity("kafka", "north.", 8)


@pytest.mark.parametrize("log", [LOG, LogIdentity("kafka", "north.", 8, id="a"), LogIdentity("kafka", "north.", 8)])
def test_the_log_that_a_directory_was_made_with_is_taken_again(tmp_path: Path, log: LogIdentity) -> None:
    for _ in range(2):
        with DataDirectory(tmp_path) as directory:
            directory.belong_to(LOG)
            directory.belong_to(log)


@pytest.mark.parametrize(
    ("log", "differs"),
    [
        (LogIdentity("sqlite", "north.", 8), "ground 'kafka'"),
        (LogIdentity("kafka", "south.", 8), "topic_prefix 'north.'"),
        (LogIdentity("kafka", "", 8), "topic_prefix 'north.'"),
        (LogIdentity("kafka", "north.", 4), "partitions 8"),
        (LogIdentity("kafka", "north.", 8, id="b"), "id 'a'"),
    ],
)
def test_another_log_than_the_one_a_directory_was_made_with_is_refused(
    tmp_path: Path, log: LogIdentity, differs: str
) -> None:
    with DataDirectory(tmp_path) as directory:
        directory.belong_to(LogIdentity("kafka", "north.", 8, id="a"))
        kept = (tmp_path / "log.json").read_bytes()

        with pytest.raises(HubError, match=f"was made with {differs}.*another directory"):
            directory.belong_to(log)

        assert (tmp_path / "log.json").read_bytes() == kept
