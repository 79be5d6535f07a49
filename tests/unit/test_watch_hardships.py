"""The folder drop where something is wrong: files that are not whole, names that are none, a disk that is full."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import orjson
import pytest

from connectors.watch.folder import STATE, Entry, Folder
from connectors.watch.journal import Journal
from connectors.watch.service import LOOKS_MAX
from tests.unit.fake_hub import event, fake_hub
from tests.unit.test_connectors_watch import Watcher


@pytest.fixture
async def watcher(tmp_path: Path) -> AsyncIterator[Watcher]:
    async with fake_hub() as hub:
        (tmp_path / STATE).mkdir()
        yield Watcher(hub, tmp_path)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of its own, of 256 KiB."""
    if os.geteuid() or sys.platform != "linux":
        pytest.skip("a small disk is mounted by root, on Linux")
    drop = tmp_path / "drop"
    drop.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(drop)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted: {mounted.stderr.decode().strip()}")
    yield drop
    subprocess.run(["umount", str(drop)], check=True)


def result(watcher: Watcher, path: str) -> dict[str, object]:
    said: dict[str, object] = orjson.loads((watcher.directory / f"{path}.result.json").read_bytes())
    return said


@pytest.mark.parametrize(
    ("status", "code"), [(400, "BAD_REQUEST"), (404, "NOT_FOUND"), (415, "MEDIA_TYPE_UNSUPPORTED"), (422, "NEW_CODE")]
)
async def test_a_file_that_is_refused_whole_holds_up_no_other(watcher: Watcher, status: int, code: str) -> None:
    watcher.hub.replies = [watcher.hub.problem(status, code, retryable=False)]
    watcher.drop("a.json", event("e1"), at=1)
    watcher.drop("b.json", event("e2"), at=2)

    assert await watcher.once()

    assert [told.outcome for told in watcher.told] == ["refused", "done"]
    [item] = orjson.loads((watcher.directory / "refused/a.json.result.json").read_bytes())["items"]
    assert item["code"] == code


@pytest.mark.parametrize(
    ("status", "code"),
    [(403, "PARTNER_SUSPENDED"), (403, "SCOPE_MISSING"), (408, "BODY_TOO_SLOW"), (429, "TOO_MANY_REQUESTS"),
     (503, "OVERLOADED"), (507, "STORAGE_FULL")],
)  # fmt: skip
async def test_the_folder_waits_for_what_is_the_senders_or_the_moments_and_says_so_once(
    watcher: Watcher, status: int, code: str
) -> None:
    refused = watcher.hub.problem(status, code, retryable=status in (408, 429, 503, 507))
    watcher.hub.replies = [refused] * 3
    watcher.drop("a.json", event("e1"), at=1)
    watcher.drop("b.json", event("e2"), at=2)

    journal = Journal(watcher.directory / STATE / "journal.db")
    async with watcher.service(journal) as (service, folder):
        folder.look()
        for _ in range(3):
            await service._round(folder.look())
        assert [(told.outcome, told.detail[: len(code)]) for told in watcher.told] == [("waiting", code)]
        await service._round(folder.look())
    journal.close()

    assert [told.outcome for told in watcher.told] == ["waiting", "done", "done"]


async def test_a_system_that_gets_no_token_loses_no_file(watcher: Watcher) -> None:
    watcher.hub.token_error = "invalid_scope"
    watcher.drop("a.json", event("e1"))

    assert not await watcher.once()

    assert (watcher.files("."), watcher.files("refused")) == (["a.json"], [])


async def test_a_file_of_0_bytes_may_still_be_written_and_is_refused_only_then(watcher: Watcher) -> None:
    watcher.drop("a.json", b"")
    journal = Journal(watcher.directory / STATE / "journal.db")
    async with watcher.service(journal) as (service, folder):
        folder.look()
        for _ in range(LOOKS_MAX - 1):
            await service._round(folder.look())
        assert watcher.told == []
        await service._round(folder.look())
    journal.close()

    assert [told.outcome for told in watcher.told] == ["refused"]
    assert result(watcher, "refused/a.json")["detail"] == "The file is empty: 0 bytes."


async def test_a_file_that_was_empty_and_is_filled_is_taken(watcher: Watcher) -> None:
    watcher.drop("a.json", b"")
    journal = Journal(watcher.directory / STATE / "journal.db")
    async with watcher.service(journal) as (service, folder):
        folder.look()
        await service._round(folder.look())
        watcher.drop("a.json", event("e1"))
        folder.look()
        await service._round(folder.look())
    journal.close()

    assert [told.outcome for told in watcher.told] == ["done"]


def test_what_programs_write_to_and_excel_has_open_is_passed_over(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    for name in (".a", "a.part", "a.TMP", "a.filepart", "a.crdownload", "~$moves.xlsx", "invoice.pdf.txt"):
        (tmp_path / name).write_bytes(b"1")
    (tmp_path / "deeper.json").mkdir()
    (tmp_path / "link.json").symlink_to("/etc/hostname")
    os.mkfifo(tmp_path / "pipe.json")

    assert (folder.look(), folder.look()) == ([], [])


async def test_a_link_out_of_the_folder_is_neither_sent_nor_moved(
    watcher: Watcher, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "a.json"
    outside.write_bytes(event("e1"))
    (watcher.directory / "a.json").symlink_to(outside)

    assert await watcher.once()

    assert (watcher.hub.posts, (watcher.directory / "a.json").is_symlink()) == ([], True)


async def test_a_name_that_is_no_text_is_answered_beside_the_file_too(watcher: Watcher) -> None:
    for name, at in ((b"caf\xe9.json", 1), (b"\xe9t\xe9.json", 2)):
        watcher.drop(os.fsdecode(name), event("e1"), at)

    assert await watcher.once()

    assert [(told.file, told.to) for told in watcher.told] == [
        ("caf?.json", "done/caf?.json"), ("?t?.json", "done/?t?.json"),
    ]  # fmt: skip
    assert result(watcher, "done/" + os.fsdecode(b"\xe9t\xe9.json"))["sent_before"]
    orjson.dumps([told.file for told in watcher.told])


async def test_a_name_in_any_script_is_kept(watcher: Watcher) -> None:
    watcher.drop("вход 入口.json", event("e1"))

    assert await watcher.once()

    assert watcher.files("done") == ["вход 入口.json", "вход 入口.json.result.json"]
    assert result(watcher, "done/вход 入口.json")["file"] == "вход 入口.json"


async def test_the_same_name_with_other_content_lies_beside_the_first(watcher: Watcher) -> None:
    for id_ in ("e1", "e2"):
        watcher.drop("a.json", event(id_))
        assert await watcher.once()

    assert watcher.files("done") == ["a.2.json", "a.2.json.result.json", "a.json", "a.json.result.json"]
    assert len(watcher.hub.accepted) == 2


async def test_a_file_that_cannot_be_read_is_told_once_and_stops_no_other(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Folder.read

    def denied(folder: Folder, entry: Entry, bytes_max: int) -> object:
        if entry.name == "a.json":
            raise PermissionError(13, "Permission denied")
        return read(folder, entry, bytes_max)

    monkeypatch.setattr(Folder, "read", denied)
    watcher.drop("a.json", event("e1"), at=1)
    watcher.drop("b.json", event("e2"), at=2)

    await watcher.once()

    assert [(told.file, told.outcome, told.detail) for told in watcher.told] == [
        ("a.json", "waiting", "Permission denied"), ("b.json", "done", "native"),
    ]  # fmt: skip


async def test_results_that_find_no_room_on_the_disk_are_laid_when_there_is(small_disk: Path) -> None:
    async with fake_hub() as hub:
        watcher = Watcher(hub, small_disk)
        Folder(small_disk)
        watcher.drop("a.json", event("e1"), at=1)
        watcher.drop("b.json", event("e2"), at=2)
        assert await filled(watcher)
        assert "No space left" in watcher.told[0].detail or "full" in watcher.told[0].detail
        assert len(hub.posts) == 1

        (small_disk / ".filler").unlink()
        assert await watcher.once()

        assert watcher.files("done") == ["a.json", "a.json.result.json", "b.json", "b.json.result.json"]
        assert len(hub.accepted) == 2


async def filled(watcher: Watcher) -> bool:
    """A run whose results find no room: the disk fills up while the hub answers. Whether the file waits."""

    async def fill_up(raws: list[bytes]) -> object:
        with (watcher.directory / ".filler").open("wb", buffering=0) as file:
            for size in (4_096, 1):
                try:
                    while file.write(bytes(size)):
                        pass
                except OSError:
                    continue
        return await watcher.hub.accept(raws)

    watcher.hub.replies = [fill_up]  # type: ignore[list-item]
    assert not await watcher.once()
    return [told.outcome for told in watcher.told] == ["waiting"] and (watcher.directory / "a.json").exists()


async def test_an_answer_to_a_file_that_was_overwritten_meanwhile_is_laid_down(watcher: Watcher) -> None:
    watcher.drop("a.json", event("e1"))
    Folder(watcher.directory)
    journal = Journal(watcher.directory / STATE / "journal.db")
    taken = journal.take("a.json", "of the first", 1, now=0.0)
    journal.answer(taken.place, "done", "a.json", '{"detail": ""}', {".result.json": b"{}"})
    journal.close()

    assert await watcher.once()

    assert watcher.files("done") == ["a.2.json", "a.2.json.result.json", "a.json.result.json"]


async def test_an_answer_to_a_file_that_was_taken_away_meanwhile_is_laid_down(watcher: Watcher) -> None:
    Folder(watcher.directory)
    journal = Journal(watcher.directory / STATE / "journal.db")
    taken = journal.take("a.json", "of the first", 1, now=0.0)
    journal.answer(taken.place, "done", "a.json", '{"detail": ""}', {".result.json": b"{}"})
    journal.take("never answered.json", "x", 1, now=0.0)
    journal.close()

    assert await watcher.once()

    assert watcher.files("done") == ["a.json.result.json"]


async def test_details_whose_document_is_not_there_stay_and_are_told_of(watcher: Watcher) -> None:
    watcher.drop("invoice.pdf.txt", b"kind: 380\nreference: 1\n")

    assert await watcher.once()

    assert [(told.file, told.outcome) for told in watcher.told] == [("invoice.pdf.txt", "waiting")]
    assert (watcher.directory / "invoice.pdf.txt").exists()
