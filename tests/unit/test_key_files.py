"""The key ring on disk: kept over a restart, shared by processes, refused when others could have reached it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from hub.drivers.system.key_ring import FileKeyRing, KeyRingRefused
from hub.drivers.system.private_files import NotPrivate

NOW = 1_795_338_000


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    FileKeyRing(tmp_path / "keys", now=NOW)
    return tmp_path / "keys"


def seal_files(keys: Path) -> list[str]:
    return sorted(file.name for file in keys.glob("seal-*.pem"))


def test_a_ring_is_the_same_after_a_restart(keys: Path) -> None:
    first, second = FileKeyRing(keys, now=NOW), FileKeyRing(keys, now=NOW + 1)

    assert first.seal_keys() == second.seal_keys()
    assert first.token_keys() == second.token_keys()
    assert first.secret("cursor") == second.secret("cursor")


def test_a_ring_is_for_its_owner_alone_and_leaves_nothing_beside_it(keys: Path) -> None:
    modes = {stat.S_IMODE(file.stat().st_mode) for file in keys.iterdir()}

    assert stat.S_IMODE(keys.stat().st_mode) == 0o700
    assert modes == {0o600}
    assert list(keys.parent.iterdir()) == [keys]


def test_a_running_process_takes_up_what_another_rotated_at_its_next_seal(keys: Path) -> None:
    running, other = FileKeyRing(keys, now=NOW), FileKeyRing(keys, now=NOW)
    before = running.sign_seal(b"seal")

    new = other.rotate_seal_key(NOW + 100)

    assert running.sign_seal(b"seal") == before
    assert running.seal_key_id == new.id
    assert running.sign_seal(b"seal") == other.sign_seal(b"seal")
    assert running.seal_keys() == other.seal_keys()


def test_a_running_process_that_seals_nothing_knows_what_another_rotated(keys: Path) -> None:
    running, other = FileKeyRing(keys, now=NOW), FileKeyRing(keys, now=NOW)
    before = running.sign_seal(b"seal")

    new = other.rotate_seal_key(NOW + 100)

    assert running.seal_keys() == other.seal_keys()
    assert running.seal_keys()[0].id == new.id
    assert running.sign_seal(b"seal") == before


def test_a_rotation_removes_the_old_private_key(keys: Path) -> None:
    new = FileKeyRing(keys, now=NOW).rotate_seal_key(NOW + 100)

    assert seal_files(keys) == [f"seal-{new.id}.pem"]


def test_a_rotation_that_was_cut_off_before_the_history_leaves_the_old_key_in_use(keys: Path) -> None:
    ring = FileKeyRing(keys, now=NOW)
    stray = keys / "seal-stray.pem"
    stray.write_bytes((keys / f"seal-{ring.seal_key_id}.pem").read_bytes())

    reopened = FileKeyRing(keys, now=NOW)

    assert reopened.seal_keys() == ring.seal_keys()
    reopened.rotate_seal_key(NOW + 100)
    assert not stray.exists()


@pytest.mark.parametrize("name", ["token.pem", "master.secret", "seal-keys.json", "seal-*.pem", "."])
@pytest.mark.parametrize("mode", [0o040, 0o004, 0o020, 0o001])
def test_a_ring_that_is_open_to_others_is_refused_with_the_remedy(keys: Path, name: str, mode: int) -> None:
    path = next(keys.glob(name)) if "*" in name else keys / name
    path.chmod(path.stat().st_mode | mode)

    with pytest.raises(NotPrivate, match=r"run: chmod [67]00 "):
        FileKeyRing(keys, now=NOW)


def test_files_of_another_user_are_refused(keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: keys.stat().st_uid + 1)

    with pytest.raises(NotPrivate, match="belongs to user"):
        FileKeyRing(keys, now=NOW)


def test_a_link_in_place_of_a_key_is_refused(keys: Path) -> None:
    (keys / "token.pem").rename(keys / "elsewhere.pem")
    (keys / "token.pem").symlink_to(keys / "elsewhere.pem")

    with pytest.raises(NotPrivate, match="not a plain file"):
        FileKeyRing(keys, now=NOW)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("token.pem", b"nonsense"),
        ("master.secret", b"short"),
        ("seal-keys.json", b"{"),
        ("seal-keys.json", b'{"format":1,"keys":[]}'),
        ("seal-keys.json", b'{"format":2,"keys":[]}'),
    ],
)
def test_a_damaged_ring_is_refused_and_not_made_again(keys: Path, name: str, content: bytes) -> None:
    (keys / name).write_bytes(content)

    with pytest.raises(KeyRingRefused, match=name):
        FileKeyRing(keys, now=NOW)


def test_a_missing_key_is_refused_and_not_made_again(keys: Path) -> None:
    (keys / "token.pem").unlink()

    with pytest.raises(KeyRingRefused, match="No such file"):
        FileKeyRing(keys, now=NOW)


def test_a_token_key_that_was_rotated_by_another_process_is_taken_up(keys: Path) -> None:
    one, other = FileKeyRing(keys, now=NOW), FileKeyRing(keys, now=NOW)

    new = one.rotate_token_key(NOW, 600)

    assert other.token_keys() == one.token_keys()
    assert other.token_key_pem(new.id) == one.token_key_pem(new.id)
    assert FileKeyRing(keys, now=NOW).token_keys() == one.token_keys()


def test_private_token_keys_go_with_their_last_token(keys: Path) -> None:
    ring = FileKeyRing(keys, now=NOW)
    ring.rotate_token_key(NOW, 600)

    ring.rotate_token_key(NOW + 10_000, 600)

    assert {file.name for file in keys.glob("token*.pem")} == {f"token-{key.id}.pem" for key in ring.token_keys()}


@pytest.mark.parametrize("content", [b"", b"{}", b'{"format":2,"keys":[]}', b'{"format":1,"keys":[]}'])
def test_a_damaged_list_of_token_keys_is_refused(keys: Path, content: bytes) -> None:
    ring = FileKeyRing(keys, now=NOW)
    ring.rotate_token_key(NOW, 600)
    (keys / "token-keys.json").write_bytes(content)

    with pytest.raises(KeyRingRefused, match=r"token-keys\.json"):
        FileKeyRing(keys, now=NOW)
