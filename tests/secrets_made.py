"""Secrets that a test made, and where they must not be found again.

A secret is looked for as it is and as programs write it down: in hex, in base64 of both alphabets at each alignment. Of
a private key that is its number or seed, which every file form of it holds.
"""

from __future__ import annotations

import sqlite3
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

BYTES_MIN = 16
"""Shorter ones would be found by chance."""
DERIVED = ("cursor", "cursor:views", "cursor:epcis", "enrolment", "webhook-secrets", "webhook-ids")
"""Uses for which a hub derives a secret from its master secret."""


class Secrets:
    """What was made, by the name of its kind."""

    def __init__(self) -> None:
        self.made: dict[str, list[bytes]] = {}

    def note(self, kind: str, secret: str | bytes) -> str:
        """Remember a token or code; return it as text."""
        content = secret.encode() if isinstance(secret, str) else secret
        assert len(content) >= BYTES_MIN, f"{kind} is too short to be looked for"
        self.made.setdefault(kind, []).append(content)
        return content.decode("latin-1")

    def note_jws(self, kind: str, token: str) -> str:
        """A token is found by its signature as well: without that part it is worth nothing."""
        self.note(kind, token.rpartition(".")[2])
        return token

    def note_key(self, kind: str, private: Any) -> None:
        self.note(kind, seed_of(private))

    def note_pem_files(self, kind: str, directory: Path) -> None:
        """Every private key that lies in a directory in PEM, and every file that holds nothing but a secret."""
        for file in directory.rglob("*"):
            if file.suffix == ".pem" and b"PRIVATE" in file.read_bytes():
                self.note_key(kind, load_pem_private_key(file.read_bytes(), None))
            elif file.suffix in (".secret", ".key"):
                self.note(kind, file.read_bytes().strip())

    def found_in(self, where: str, content: bytes) -> list[str]:
        """What of it is found: kind and place, never the secret."""
        return [
            f"{kind} in {where}"
            for kind, secrets in self.made.items()
            for secret in secrets
            if any(spelling in content for spelling in spellings(secret))
        ]


def seed_of(private: Any) -> bytes:
    match private:
        case ec.EllipticCurvePrivateKey():
            return private.private_numbers().private_value.to_bytes(32, "big")
        case ed25519.Ed25519PrivateKey():
            return private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        case rsa.RSAPrivateKey():
            return private.private_numbers().p.to_bytes((private.key_size + 15) // 16, "big")
    raise TypeError(type(private).__name__)


def spellings(secret: bytes) -> Iterator[bytes]:
    yield secret
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    for shift in range(3):
        # Inside a longer text its base64 begins at one of three alignments; the characters at both ends are shared.
        for encode in (b64encode, urlsafe_b64encode):
            text = encode(b"\0" * shift + secret).rstrip(b"=")
            yield text[(0, 2, 3)[shift] : -2]


def dumped(directory: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of a data directory, and every database in it as SQL, but for the keys' own files."""
    for file in sorted(directory.rglob("*")):
        if not file.is_file() or file.suffix in (".pem", ".secret", ".key"):
            continue
        yield file.name, file.read_bytes()
        if file.suffix == ".db":
            with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
                yield f"{file.name} as SQL", "\n".join(database.iterdump()).encode("utf-8", "surrogatepass")
            database.close()
