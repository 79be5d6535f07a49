"""What a run of tests left in its folder, searched for secrets: every file as it is, deleted pages and WAL included.

Theory of operation. A first search looks for what shows by its form that it is a secret (`_FORMS`), as it is, in hex
and in base64. A second one looks for what has no form: numbers and seeds of private keys, and the hub's own secrets
with what is derived from them. Those are read from the files that may hold them, and must be in no other. `grep` does
the looking, for it finds thousands of strings at once; what only begins like a secret is told apart here.
"""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
from base64 import b64decode
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from fnmatch import fnmatch
from functools import partial
from itertools import chain
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, NamedTuple

import orjson
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from hub.core.codes import API_KEY, INVITATION, REVOCATION
from hub.drivers.system.key_ring import FileKeyRing, KeyRingRefused
from hub.drivers.system.private_files import NotPrivate
from hub.trust import dpop, possession
from hub.trust.keys import decode_base64url
from hub.trust.tokens import ACCESS_TOKEN_TYPE, ASSERTION_TYPES
from tests.secrets_made import DERIVED, seed_of, spellings

PRIVATE_KEY, RING_SECRET, OFFLINE_CODE, SHOP_KEY = "private key", "secret of a key ring", "offline code", "API key"


class Place(NamedTuple):
    """Files that may hold some kinds of secrets."""

    pattern: str
    kinds: Collection[str]
    owner_only: bool
    """Whether nobody else may be able to read it."""
    reason: str


_KEY = {PRIVATE_KEY}
_TOKENS = {ACCESS_TOKEN_TYPE: "access token", dpop.PROOF_TYPE: "DPoP proof", possession.PROOF_TYPE: "proof for a key"}
ALLOWED = (
    Place("*/keys/*", {PRIVATE_KEY, RING_SECRET}, True, "a hub's key ring"),
    Place("*/backup/*", {PRIVATE_KEY, RING_SECRET}, True, "the copy of it that an officer puts away"),
    Place("*.pem", _KEY, True, "the key of a system or an operator"),
    Place("*.pem.next", _KEY, True, "its successor, until the hub takes it"),
    Place("*.pem.old", _KEY, True, "the key before it"),
    Place("*.key", {PRIVATE_KEY, SHOP_KEY}, True, "the key of a TLS server, an issuer or a client; an API key"),
    Place("*.revocation", {OFFLINE_CODE}, True, "the code that a company puts away"),
    Place(
        "*/site-packages/schemas/formats/vectors.json",
        {SHOP_KEY, "invitation code", OFFLINE_CODE, "proof for a key"},
        False,
        "golden vectors, which everybody may know",
    ),
    Place("*/test_a_ring_that_is_open_to_ot*/keys/*", {PRIVATE_KEY, RING_SECRET}, False, "opened, to be refused"),
    Place("*/test_a_key_that_others_c*.pem", _KEY, False, "opened, to be refused"),
    Place("*/test_a_file_that_others_may_us*/shop.key", {SHOP_KEY}, False, "opened, to be refused"),
    Place("*/test_a_file_without_a_usable_p*/key", _KEY, False, "a kind of key that is refused"),
    Place("*/test_a_jwk_file_is_read_like_a*/key.jwk", _KEY, False, "a key that other software made"),
)
_DISTINCT_BYTES_MIN = 16
"""A key that a test made of equal bytes would be found by chance."""
_LENGTH_MAX = 16_384
_LENGTH_MIN = 3
_FILES_PER_CALL = 500
_DUMP = ".values"


class Hit(NamedTuple):
    """A secret where none may be: never the secret itself."""

    kind: str
    file: str
    offset: int
    """In bytes."""

    def __str__(self) -> str:
        return f"{self.kind} in {self.file} at {self.offset}"


def search(folder: Path) -> list[Hit]:
    """All secrets in a folder that are where none may be. Writes the values of each SQLite database beside it."""
    for file in (each for each in _files(folder) if each.suffix in (".db", ".sqlite")):
        _dump(file)
    files = list(_files(folder))
    shown = [
        (file, offset, kind)
        for file, offset, found in _places(_STARTS, files)
        if (kind := _STARTS[found](_content(file, offset)))
    ]
    formless = {part: kind for kind, secret in _in_files(files, shown) for part in _greppable(secret)}
    hidden = [(file, offset, formless[found]) for file, offset, found in _places(formless, files)]
    hits = {_judged(file, offset, kind, folder) for file, offset, kind in chain(shown, hidden)}
    return sorted(hit for hit in hits if hit is not None)


def _judged(file: Path, offset: int, kind: str, folder: Path) -> Hit | None:
    place = str(file.relative_to(folder))
    rows = [row for row in ALLOWED if kind in row.kinds and fnmatch(f"/{place}", row.pattern)]
    if not rows:
        return Hit(kind, place, offset)
    if all(row.owner_only for row in rows) and file.stat().st_mode & 0o077:
        return Hit(f"{kind} that others can read", place, 0)
    return None


def _files(folder: Path) -> Iterator[Path]:
    return (file for file in folder.rglob("*") if file.is_file() and not file.is_symlink())


def _content(file: Path, offset: int) -> bytes:
    with file.open("rb") as content:
        content.seek(offset)
        return content.read(_LENGTH_MAX)


def _dump(file: Path) -> None:
    """A long value lies in pieces in a database's file: write every value whole. What is no database is passed over."""
    # A URI, so that nothing is made or changed: names in it are quoted.
    with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as database:
        database.text_factory = bytes  # Also what is no UTF-8.
        names = [name.decode() for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        with file.with_name(file.name + _DUMP).open("wb") as dump:
            for row in chain(*(database.execute(f'SELECT * FROM "{name}"') for name in names)):
                dump.write(b"\n".join(value for value in row if isinstance(value, bytes)) + b"\n")


def _places(wanted: Collection[bytes], files: Sequence[Path]) -> Iterator[tuple[Path, int, bytes]]:
    """Where the files hold one of the strings, each without a line's end: file, offset in bytes, which."""
    calls = min(len(files), max(os.cpu_count() or 1, len(files) // _FILES_PER_CALL + 1))
    with NamedTemporaryFile() as patterns, ThreadPoolExecutor(os.cpu_count()) as threads:
        patterns.write(b"\n".join(wanted))
        patterns.flush()
        shares = [files[start::calls] for start in range(calls)] if wanted else []
        answers = b"".join(threads.map(partial(_grep, patterns.name), shares))
    for line in answers.split(b"\n")[:-1]:
        file, _, rest = line.partition(b"\0")
        offset, _, found = rest.partition(b":")
        yield Path(os.fsdecode(file)), int(offset), found


def _grep(patterns: str, files: Sequence[Path]) -> bytes:
    """By bytes, also in what is no text; what was taken away meanwhile is passed over."""
    command = ["grep", "--text", "--byte-offset", "--only-matching", "--with-filename", "--null", "--no-messages"]
    call = [*command, "-F", "-f", patterns, "--", *map(str, files)]
    return subprocess.run(call, stdout=subprocess.PIPE, check=False, env=os.environ | {"LC_ALL": "C"}).stdout


def _in_files(files: Sequence[Path], shown: Sequence[tuple[Path, int, str]]) -> Iterator[tuple[str, bytes]]:
    """The secrets without a form, by kind: of the private keys that were found, and of the rings among the files."""
    for file, offset, _ in (each for each in shown if each[2] == PRIVATE_KEY):
        with suppress(ValueError, TypeError, OverflowError):  # A key of another kind, or none.
            yield PRIVATE_KEY, _seed(_content(file, offset))
    for file in files:
        if file.name == "master.secret" or fnmatch(file.name, "wrapping-*.key"):
            yield RING_SECRET, file.read_bytes()
        if file.name == "master.secret":
            with suppress(KeyRingRefused, NotPrivate, ValueError):  # A ring that a test damaged.
                ring = FileKeyRing(file.parent, now=0)
                yield from ((RING_SECRET, ring.secret(use)) for use in DERIVED)


def _seed(key: bytes) -> bytes:
    """Of a private key in PEM, or of what begins with the member `d` of one as JWK."""
    if key.startswith(b"-----"):
        return seed_of(load_pem_private_key(key, None))
    match = _D.match(key)
    return (decode_base64url(match[1].decode()) or b"") if match else b""


def _greppable(secret: bytes) -> Iterator[bytes]:
    """All its spellings; of one with line ends the longest piece between them."""
    if len(set(secret)) >= _DISTINCT_BYTES_MIN:
        yield from (max(spelling.split(b"\n"), key=len) for spelling in spellings(secret))


_JWS = re.compile(rb"(eyJ[\w-]+)\.(eyJ[\w-]+)\.[\w-]{20}")
_PEM = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\\rn]*[A-Za-z0-9+/]{20}")
_D = re.compile(rb"""\\?["']d\\?["']:\s*\\?["']([\w-]{40,})""")
_CODE = re.compile(rb"(ch._)[0-9A-HJKMNP-TV-Z]{26}")
_CODES = {INVITATION.encode(): "invitation code", REVOCATION.encode(): OFFLINE_CODE, API_KEY.encode(): SHOP_KEY}


def _jws_kind(content: bytes) -> str:
    """Which token it is; empty for a signature of another kind, and for one that lacks the signature."""
    match = _JWS.match(content)
    header, claims = (_document(part) for part in match.groups()) if match else ({}, {})
    media_type = str(header.get("typ", "")).lower().removeprefix("application/")
    says_who = claims.get("sub") is not None and claims.get("iss") == claims["sub"]
    return _TOKENS.get(media_type) or ("client assertion" if media_type in ASSERTION_TYPES and says_who else "")


def _document(part: bytes) -> dict[str, Any]:
    with suppress(ValueError):
        document = orjson.loads(decode_base64url(part.decode()) or b"")
        return document if isinstance(document, dict) else {}
    return {}


def _code_kind(content: bytes) -> str:
    match = _CODE.match(content)
    return _CODES.get(match[1], "") if match else ""


def _key_kind(content: bytes) -> str:
    return PRIVATE_KEY if _PEM.match(content) or _D.match(content) else ""


Kind = Callable[[bytes], str]
"""Of what a content begins with; empty if that is no secret."""
_FORMS: dict[bytes, Kind] = {
    **dict.fromkeys((b"eyJ", b"eyJhbGciOi", b"eyJ0eXAiOi"), _jws_kind),
    **dict.fromkeys((b"-----BEGIN", b'"d":', b"'d':", b'\\"d\\":'), _key_kind),
    **dict.fromkeys(_CODES, _code_kind),
}
"""What each form begins with. Those that share a spelling share the function."""


def _starts() -> Iterator[tuple[bytes, Kind]]:
    """Every spelling of what a form begins with, and what tells the kind of what is spelled so."""
    for start, kind in _FORMS.items():
        plain, lower, upper, *in_base64 = spellings(start)
        yield plain, kind
        yield from ((each, _read(_from_hex, kind)) for each in (lower, upper))
        for number, spelling in enumerate(in_base64):
            if len(spelling) >= _LENGTH_MIN:
                yield spelling, _read(partial(_from_base64, start[:1], number // 2), kind)


def _read(read: Callable[[bytes], bytes], kind: Kind) -> Kind:
    return lambda content: kind(read(content))


def _from_hex(content: bytes) -> bytes:
    run = re.match(rb"[0-9a-fA-F]*", content)
    text = run[0] if run else b""
    return bytes.fromhex(text[: len(text) // 2 * 2].decode())


def _from_base64(first: bytes, shift: int, content: bytes) -> bytes:
    """What stands `shift` bytes (0 to 2) behind an alignment, and more; its first byte shares a character: `first`."""
    run = re.match(rb"[\w+/-]*", content)
    text = b"A" * (0, 2, 3)[shift] + (run[0] if run else b"").replace(b"-", b"+").replace(b"_", b"/") + b"AAA"
    return first + b64decode(text[: len(text) // 4 * 4])[shift + 1 :]


_STARTS = dict(_starts())
