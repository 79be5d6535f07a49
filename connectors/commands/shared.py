"""What several verbs share: how to reach a hub, and how to print."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import orjson
from cyclopts import Parameter

from connectors.api_key import VARIABLE, ApiKey, read_api_key
from connectors.errors import ConnectorError
from connectors.keys import SigningKey, read_key
from connectors.language import Language, choose
from connectors.session import HubRefused, HubSession, HubUnreachable

JSON = Annotated[bool, Parameter(negative=())]
"""Print one JSON object a line, for machines."""
STRIP_IS_OWN = "--strip goes by your own agreements, and not by those of whom you report for"


@Parameter(name="*")
@dataclass(frozen=True)
class HubOptions:
    """How to reach the hub, and as whom: a system with a key of its own, or a small firm with its API key."""

    hub: str
    "The hub's URL, such as https://hub.example."

    client: str = ""
    "The client id of this system, as the hub's operator registered it; goes with --key."

    key: Path | None = None
    "The private key of this system (PEM or JWK)."

    api_key_file: Path | None = None
    "A file with an API key, that only you may read; or the key is in CUSTOMS_CONNECT_API_KEY."

    lang: Language | None = None
    "The language of texts, en or fr; without it, that of the environment variable CUSTOMS_LANG."

    def __post_init__(self) -> None:
        if self.lang is not None:
            choose(self.lang)

    def session(self, scope: str) -> HubSession:
        """As what was given proves it. Raises `ConnectorError`."""
        return HubSession(self.hub, client_id=self.client, key=self.credential(), scope=scope)

    def credential(self) -> SigningKey | ApiKey:
        """What the system proves itself by. Raises `ConnectorError`: none was given, or two."""
        if self.api_key_file is not None and (self.client or self.key is not None):
            raise ConnectorError("give --client and --key, or --api-key-file alone")
        if self.api_key_file is not None:
            return read_api_key(self.api_key_file)
        if self.client and self.key is not None:
            return read_key(self.key)
        if (text := os.environ.get(VARIABLE)) and not self.client and self.key is None:
            return ApiKey(text)
        raise ConnectorError(f"give --client and --key, or --api-key-file (or {VARIABLE})")

    def own_key(self, instead: str) -> Path:
        """The file of the key pair, for what an API key cannot do; `instead`: what its holder does. Raises
        `ConnectorError`."""
        if self.client and self.key is not None and self.api_key_file is None:
            return self.key
        raise ConnectorError(f"this takes a key of the system's own: give --client and --key; {instead}")


def say(words: str) -> None:
    """Beside what is printed."""
    print(words, file=sys.stderr, flush=True)


def say_waiting(url: str, why: HubRefused | HubUnreachable) -> None:
    """That the hub is waited for."""
    if isinstance(why, HubRefused):
        say(f"the hub gives nothing now ({why}); trying again")
    else:
        say(f"{unreachable(url, str(why))}; trying again")


def unreachable(url: str, detail: str) -> str:
    reason = detail.removeprefix(f"{url.rstrip('/')} did not answer: ")
    return f"cannot reach {url} ({reason})"


def print_json(value: object) -> None:
    """One JSON line, at once, in UTF-8 whatever the terminal speaks."""
    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()
