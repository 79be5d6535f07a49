"""Operators at the command line: who signs, with which key, and what."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.cli import Misused
from hub.config import OPERATOR_KEY_VARIABLE, OPERATOR_VARIABLE
from hub.core.errors import HubError

if TYPE_CHECKING:
    from hub.trust.act import OperatorKeyPair


@dataclass(frozen=True)
class Signer:
    """An operator, and the key to sign with."""

    name: str
    key: OperatorKeyPair

    def sign(self, statement: str) -> str:
        return self.key.sign_act(statement.encode())


def signer_of(name: str | None, key: Path | None) -> Signer | None:
    """Of `--as` and `--key`, else of the environment; None: nobody signs. Raises `Misused`."""
    named = name or os.environ.get(OPERATOR_VARIABLE)
    file = key or (Path(text) if (text := os.environ.get(OPERATOR_KEY_VARIABLE)) else None)
    if not named and not file:
        return None
    if not named or not file:
        raise Misused(f"an operator signs with --as NAME --key FILE, or {OPERATOR_VARIABLE}, {OPERATOR_KEY_VARIABLE}")
    return read_signer(named, file)


def read_signer(name: str, file: Path) -> Signer:
    """Raises `Misused`; nothing of the key is shown."""
    from hub.drivers.system import private_files
    from hub.trust.act import load_key_pair
    from hub.trust.keys import KeyRefused

    try:
        return Signer(name, load_key_pair(private_files.read(file)))
    except (OSError, HubError, KeyRefused) as error:
        raise Misused(f"{file}: {getattr(error, 'strerror', None) or error}") from error


def make_sure(statement: str, name: str, request: Mapping[str, Any]) -> None:
    """That the hub asks for a signature over what the operator asked for. Raises `HubError`."""
    import msgspec

    from hub.core.approval import ActStatement
    from hub.operate.registrar import ACTS

    shape = ACTS[name].request
    try:
        made = msgspec.json.decode(statement, type=ActStatement)
        is_it = made.act == name and msgspec.convert(made.request, shape) == msgspec.convert(request, shape)
    except msgspec.DecodeError as error:
        raise HubError(f"the hub answered no statement of an act: {error}") from error
    if not is_it:
        raise HubError("the hub answered the statement of another act than the one asked for: nothing was signed")
