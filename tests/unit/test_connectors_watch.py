"""The folder drop: which files are whole, what waits while the hub is away, and what stands in nobody's way."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import pytest

from connectors.backoff import Backoff
from connectors.keys import write_key
from connectors.partner import Client
from connectors.watch.folder import STATE, Folder
from connectors.watch.journal import FolderBusy, Journal
from connectors.watch.sending import Sending
from connectors.watch.service import TRIES_IN_ORDER_MAX, Bounds, Service, Told
from tests.unit.fake_hub import FakeHub, event, fake_hub

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


class Watcher:
    """A service whose runs end when nothing more can be settled."""

    def __init__(self, hub: FakeHub, directory: Path) -> None:
        self.hub, self.directory = hub, directory
        self.told: list[Told] = []

    def drop(self, name: str, content: bytes, at: int = 1) -> None:
        (self.directory / name).write_bytes(content)
        os.utime(self.directory / name, (at, at))

    async def once(self, bytes_max: int = 1_000, keep_seconds: float | None = None) -> bool:
        journal = Journal(self.directory / STATE / "journal.db")
        try:
            async with self.hub.session() as session:
                client = Client(session, backoff=Backoff(try_count_max=1))
                bounds = Bounds(0.001, bytes_max, keep_seconds)
                folder, sending = Folder(self.directory), Sending(session, client)
                return await Service(folder, journal, sending, tell=self.told.append, bounds=bounds).once()
        finally:
            journal.close()

    @asynccontextmanager
    async def service(self, journal: Journal) -> AsyncIterator[tuple[Service, Folder]]:
        """A service whose rounds a test runs, and its folder."""
        async with self.hub.session() as session:
            sending = Sending(session, Client(session, backoff=Backoff(try_count_max=1)))
            folder = Folder(self.directory)
            yield Service(folder, journal, sending, tell=self.told.append, bounds=Bounds()), folder

    def files(self, room: str) -> list[str]:
        return sorted(each.name for each in (self.directory / room).iterdir() if each.is_file())


@pytest.fixture
async def watcher(tmp_path: Path) -> AsyncIterator[Watcher]:
    async with fake_hub() as hub:
        (tmp_path / STATE).mkdir()
        yield Watcher(hub, tmp_path)


def names(folder: Folder) -> list[str]:
    return [entry.name for entry in folder.look()]


def test_a_file_is_whole_when_two_looks_saw_the_same(folder: Folder) -> None:
    (folder.directory / "a").write_bytes(b"1")
    first = names(folder)
    (folder.directory / "a").write_bytes(b"12")
    grown = names(folder)

    assert (first, grown, names(folder)) == ([], [], ["a"])


def test_a_file_that_was_renamed_from_a_passed_over_name_is_whole_at_once(folder: Folder) -> None:
    for name in (".a", "b.part", "c.TMP"):
        (folder.directory / name).write_bytes(b"1")
    assert (names(folder), names(folder)) == ([], [])
    (folder.directory / "b.part").rename(folder.directory / "b")

    assert names(folder) == ["b"]


def test_folders_and_links_are_no_files_to_send(folder: Folder) -> None:
    (folder.directory / "deeper").mkdir()
    (folder.directory / "link").symlink_to("/etc/hostname")

    assert (names(folder), names(folder)) == ([], [])


def test_files_come_by_their_time_and_then_by_their_name(folder: Folder) -> None:
    for name, at in (("c", 1), ("b", 2), ("a", 2)):
        (folder.directory / name).write_bytes(b"1")
        os.utime(folder.directory / name, (at, at))
    names(folder)

    assert names(folder) == ["c", "a", "b"]


def test_a_file_that_changed_since_it_was_seen_is_neither_read_nor_moved(folder: Folder) -> None:
    (folder.directory / "a").write_bytes(b"1")
    names(folder)
    entry = folder.look()[0]
    (folder.directory / "a").write_bytes(b"22")

    assert folder.read(entry, 10) is None
    assert not folder.move(entry, "done", "a")
    assert (folder.directory / "a").read_bytes() == b"22"


def test_a_long_name_leaves_room_for_those_of_its_results(folder: Folder) -> None:
    name = folder.free("done", "ä" * 120 + ".json")

    assert name.endswith("ä.json")
    assert len(os.fsencode(f"{name}.result.json")) <= 255


def test_a_folder_is_watched_by_one_process_at_a_time(folder: Folder) -> None:
    path = folder.directory / STATE / "journal.db"
    first = Journal(path)

    with pytest.raises(FolderBusy, match="another process"):
        Journal(path)
    first.close()
    Journal(path).close()


def test_the_journal_forgets_what_was_finished_long_ago_and_nothing_that_is_under_way(folder: Folder) -> None:
    journal = Journal(folder.directory / STATE / "journal.db")
    for name in ("finished", "under way"):
        taken = journal.take(name, name, 1, now=0.0)
        journal.answer(taken.place, "done", name, "{}", {})
        if name == "finished":
            journal.finish(taken.place)

    journal.prune(now=1e9)

    assert [journal.sent_before(name) is None for name in ("finished", "under way")] == [True, False]
    journal.close()


async def test_events_of_several_files_are_sent_oldest_first(watcher: Watcher) -> None:
    watcher.drop("b.json", event("first"), at=1)
    watcher.drop("a.json", b"[" + event("second") + b"," + event("third") + b"]", at=2)

    assert await watcher.once()

    sent = [orjson.loads(raw)["id"] for post in watcher.hub.posts for raw in post]
    assert sent == ["first", "second", "third"]
    assert watcher.files("done") == ["a.json", "a.json.result.json", "b.json", "b.json.result.json"]


async def test_while_the_hub_is_away_everything_stays_in_order_and_it_is_said_once(watcher: Watcher) -> None:
    watcher.drop("a.json", event("e1"), at=1)
    watcher.drop("b.json", event("e2"), at=2)
    watcher.hub.replies = [watcher.hub.lose_the_answer]

    assert not await watcher.once()

    assert [told.outcome for told in watcher.told] == ["waiting"]
    assert (len(watcher.hub.posts), watcher.files(".")) == (1, ["a.json", "b.json"])
    assert await watcher.once()
    assert watcher.told[1].counts == {"DUPLICATE": 1}


@pytest.mark.parametrize("lost", [False, True])
async def test_a_file_that_gets_no_answer_of_a_hub_that_is_there_lets_the_others_pass(
    watcher: Watcher, lost: bool
) -> None:
    watcher.drop("a.json", event("e1"), at=1)
    watcher.drop("b.json", event("e2"), at=2)
    unknown = watcher.hub.lose_the_answer if lost else watcher.hub.verdicts(e1="UNKNOWN")
    watcher.hub.replies = [unknown] * TRIES_IN_ORDER_MAX
    journal = Journal(watcher.directory / STATE / "journal.db")
    async with watcher.service(journal) as (service, folder):
        folder.look()
        for _ in range(TRIES_IN_ORDER_MAX):
            await service._round(folder.look())
    journal.close()

    assert watcher.files("done") == ["b.json", "b.json.result.json"]
    assert (watcher.directory / "a.json").exists()


async def test_a_file_that_is_too_large_is_refused_without_being_sent(watcher: Watcher) -> None:
    watcher.drop("a.json", event("e1") + b" " * 1_000)

    assert await watcher.once(bytes_max=1_000)

    assert (watcher.hub.posts, watcher.files("refused")) == ([], ["a.json", "a.json.result.json"])


async def test_what_was_refused_is_sent_anew_when_it_is_dropped_again(watcher: Watcher) -> None:
    watcher.hub.replies = [watcher.hub.verdicts(e1="REJECTED")]
    watcher.drop("a.json", event("e1"))
    await watcher.once()
    watcher.drop("a.json", event("e1"))

    await watcher.once()

    assert [told.outcome for told in watcher.told] == ["refused", "done"]


async def test_what_lies_in_done_longer_than_it_is_kept_is_deleted_and_refused_is_not(watcher: Watcher) -> None:
    watcher.drop("a.json", event("e1"))
    watcher.drop("b.json", b"{")
    await watcher.once()

    await watcher.once(keep_seconds=-1.0)

    assert (watcher.files("done"), watcher.files("refused")) == ([], ["b.json", "b.json.result.json"])


async def test_a_file_with_events_of_which_one_is_none_says_so_at_its_place(watcher: Watcher) -> None:
    watcher.drop("a.json", b'[{"specversion": "1.0"},' + event("e2") + b"]")

    await watcher.once()

    result = orjson.loads((watcher.directory / "refused/a.json.result.json").read_bytes())
    assert [item["verdict"] for item in result["items"]] == ["REJECTED", "ACCEPTED"]


@pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM")
async def test_the_service_says_a_line_for_each_file_keeps_others_out_and_stops_cleanly(watcher: Watcher) -> None:
    write_key(watcher.hub.client_key, watcher.directory / ".key.pem")
    reach = ["--hub", watcher.hub.url, "--client", "acme.erp", "--key", str(watcher.directory / ".key.pem")]
    watch = ["watch", str(watcher.directory), "--interval", "0.1", "--json", *reach]
    command = [sys.executable, "-c", "from connectors.cli import main; main()", *watch]
    watcher.drop("a\nb.json", event("e1"))

    service = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE, cwd=ROOT)
    assert service.stdout is not None
    line = orjson.loads(await service.stdout.readline())
    other = await asyncio.create_subprocess_exec(*command, "--once", stdout=PIPE, stderr=PIPE, cwd=ROOT)
    _, complaint = await other.communicate()
    service.terminate()
    rest, errors = await service.communicate()

    assert (line["file"], line["outcome"], line["counts"]) == ("a\nb.json", "done", {"ACCEPTED": 1})
    assert (other.returncode, b"watched by another process" in complaint) == (1, True)
    assert (service.returncode, rest, errors) == (0, b"", b"")


def test_what_was_sent_in_a_files_place_is_known_until_it_lies_beside_the_file(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    taken = journal.take("a.csv", "00", 1, 0.0)
    before = journal.sent(taken.place)

    journal.note_sent(taken.place, ".sent.csv", b"x")

    assert (before, journal.sent(taken.place)) == (None, b"x")
    journal.drop(taken.place)
    assert journal.sent(taken.place) is None
    journal.close()
