"""The search of what a run left: it is told of every kind of secret, however that is written down, and of nothing else.

The secrets are planted outside the run's own folder, which is searched as well.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.algorithms import OKPAlgorithm

from connectors.keys import generate, rotation_proof, signing_key, write_key
from connectors.possession import Possession
from hub.core.codes import API_KEY, INVITATION, REVOCATION, make_api_key, make_code
from hub.drivers.system.key_ring import FileKeyRing
from hub.trust.keys import encode_base64url
from tests.postgres import running_postgres
from tests.secrets_left import search

CHANCE = bytes(range(17))
KEY = generate("EdDSA")
PEM = KEY.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
assert isinstance(KEY.private, Ed25519PrivateKey)


def jws(typ: str, **claims: str) -> bytes:
    parts = (orjson.dumps({"alg": "ES256", "typ": typ}), orjson.dumps(claims), CHANCE * 4)
    return ".".join(encode_base64url(part) for part in parts).encode()


SECRETS = {
    "access token": jws("at+jwt", sub="acme.erp"),
    "DPoP proof": Possession().proof("GET", "https://hub/v1/events", nonce="n").encode(),
    "client assertion": KEY.assertion(client_id="acme.erp", issuer="https://hub", now=0).encode(),
    "proof for a key": rotation_proof(KEY, hub="https://hub", system="acme.erp", time=0).encode(),
    "invitation code": make_code(INVITATION, CHANCE).encode(),
    "offline code": make_code(REVOCATION, CHANCE).encode(),
    "API key": make_api_key(CHANCE).encode(),
    "private key": PEM,
}
WRITTEN: dict[str, Callable[[bytes], bytes]] = {
    "as it is": bytes,
    "in hex": lambda secret: secret.hex().encode(),
    "in HEX": lambda secret: secret.hex().upper().encode(),
    **{f"in base64 behind {n}": lambda secret, n=n: b64encode(b"x" * n + secret) for n in range(3)},
    **{f"in base64url behind {n}": lambda secret, n=n: urlsafe_b64encode(b"\xff" * n + secret) for n in range(3)},
}
INNOCENT = {
    "an operator's signature": jws("customs-hub-act+jws", sub="ann"),
    "a mandate": jws("customs-hub-mandate+jws", iss="acme", sub="acme"),
    "what a proof signs": SECRETS["DPoP proof"].rpartition(b".")[0],
    "a public key": KEY.public_pem(),
    "the start of a code": API_KEY.encode() + b"0123",
    "a member d": b'{"d":"short"}',
}


@pytest.fixture
def folder() -> Iterator[Path]:
    with TemporaryDirectory() as made:
        yield Path(made)


@pytest.mark.parametrize("kind", SECRETS)
def test_a_secret_of_each_kind_is_told_by_kind_file_and_offset_alone(kind: str, folder: Path) -> None:
    (folder / "run").mkdir()
    for written, spelt in WRITTEN.items():
        (folder / "run" / written).write_bytes(b"said: " + spelt(SECRETS[kind]) + b"\n")

    hits = search(folder)

    assert {(hit.kind, hit.file) for hit in hits} == {(kind, f"run/{written}") for written in WRITTEN}
    assert min(hit.offset for hit in hits) == len("said: ")
    assert str(hits[0]) == f"{kind} in {hits[0].file} at {hits[0].offset}"


@pytest.mark.parametrize("spelt", [orjson.dumps, lambda jwk: repr(jwk).encode(), lambda jwk: orjson.dumps(str(jwk))])
def test_a_private_key_is_told_as_jwk(spelt: Callable[[object], bytes], folder: Path) -> None:
    (folder / "hub.log").write_bytes(spelt(OKPAlgorithm.to_jwk(KEY.private, as_dict=True)))

    assert {hit.kind for hit in search(folder)} == {"private key"}


@pytest.mark.parametrize("what", INNOCENT)
def test_what_only_begins_like_a_secret_is_none(what: str, folder: Path) -> None:
    (folder / "hub.log").write_bytes(INNOCENT[what])

    assert search(folder) == []


@pytest.mark.parametrize("use", ["cursor", "cursor:views", "cursor:epcis", "enrolment"])
def test_a_secret_without_a_form_is_told_outside_the_ring_it_comes_from(use: str, folder: Path) -> None:
    secret = FileKeyRing(folder / "keys", now=0).secret(use)
    assert search(folder) == []
    for written, spelt in WRITTEN.items():
        (folder / written).write_bytes(b"of" + spelt(secret))

    assert {(hit.kind, hit.file) for hit in search(folder)} == {("secret of a key ring", file) for file in WRITTEN}


@pytest.mark.parametrize("inside", [b"", b"\n", b"\0", b"\n\0\r\n"])
def test_the_bare_number_of_a_private_key_is_told_outside_its_file(inside: bytes, folder: Path) -> None:
    seed = bytes(range(100, 112)) + inside + bytes(range(200, 220 - len(inside)))
    write_key(signing_key(Ed25519PrivateKey.from_private_bytes(seed)), folder / "erp.pem")
    assert search(folder) == []
    (folder / "erp.log").write_bytes(b"key " + seed)

    assert {(hit.kind, hit.file) for hit in search(folder)} == {("private key", "erp.log")}


def test_a_key_file_that_others_can_read_is_told(folder: Path) -> None:
    write_key(KEY, folder / "erp.pem")
    (folder / "erp.pem").chmod(0o640)

    assert [str(hit) for hit in search(folder)] == ["private key that others can read in erp.pem at 0"]


def test_no_place_but_that_of_its_kind_may_hold_a_secret(folder: Path) -> None:
    (folder / "erp.pem").touch(0o600)
    (folder / "erp.pem").write_bytes(SECRETS["API key"])

    assert [str(hit) for hit in search(folder)] == ["API key in erp.pem at 0"]


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_a_row_that_was_deleted_is_told_out_of_the_pages_of_its_database(journal: str, folder: Path) -> None:
    with closing(sqlite3.connect(folder / "state.db", isolation_level=None)) as database:
        database.executescript(f"PRAGMA secure_delete = OFF; PRAGMA journal_mode = {journal}; CREATE TABLE t (x)")
        database.execute("INSERT INTO t VALUES (?)", (SECRETS["access token"],))
        database.execute("DELETE FROM t")

        hits = search(folder)

    assert {(hit.kind, hit.file) for hit in hits} == {
        ("access token", "state.db-wal" if journal == "WAL" else "state.db")
    }


def test_a_value_that_lies_on_several_pages_is_told(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "state.db", isolation_level=None)) as database:
        database.execute("CREATE TABLE t (x)")
        database.execute("INSERT INTO t VALUES (?)", (b"x" * 5_000 + b" ".join([SECRETS["DPoP proof"]] * 20),))

    assert [hit.file for hit in search(folder)].count("state.db.values") == 20


def test_a_run_that_left_a_secret_fails_and_says_where(folder: Path) -> None:
    """As it would under the tests' own conftest; the planted secret is in no output."""
    test = folder / "test_it.py"
    test.write_text("import os\ndef test_it(tmp_path):\n (tmp_path / 'hub.log').write_text(os.environ['PLANTED'])\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.search_at_end", "--rootdir", folder, test]
    planted = SECRETS["API key"].decode()

    for secret, code in ((planted, 1), (planted[:-20], 0)):
        left = ["--basetemp", folder / "left", "-p", "no:cacheprovider"]
        environment = os.environ | {"PLANTED": secret, "PYTHONPATH": str(Path(__file__).parents[2])}
        environment |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # To load them all takes longer than the run.
        ended = subprocess.run([*command, *left], capture_output=True, text=True, env=environment, cwd=folder)
        assert ended.returncode == code, ended.stdout + ended.stderr
        assert ("API key in test_it0/hub.log at 0" in ended.stdout) == (code == 1)
        assert planted not in ended.stdout


@pytest.mark.postgres
def test_what_postgresql_held_is_told_out_of_its_dump_and_what_was_deleted_out_of_its_files(folder: Path) -> None:
    kept, deleted = SECRETS["access token"], SECRETS["DPoP proof"]
    with running_postgres(folder) as cluster:
        cluster.sql("CREATE TABLE t (x bytea)")
        for secret in (kept, deleted):
            cluster.sql(rf"INSERT INTO t VALUES ('\x{(secret + b'x' * 9_000).hex()}'), ('\x{secret.hex()}')")
        cluster.sql(rf"DELETE FROM t WHERE x = '\x{deleted.hex()}'")

    found = {(hit.kind, hit.file.rpartition("/data/")[2].partition("/")[0]) for hit in search(folder)}
    assert found >= {("access token", "postgres.sql"), ("DPoP proof", "postgres.sql"), ("DPoP proof", "pg_wal")}
