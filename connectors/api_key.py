"""API keys of small firms: what is sent as it was given, so only where nobody can read it on its way."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path

from connectors.errors import ConnectorError

VARIABLE = "CUSTOMS_CONNECT_API_KEY"
FILE_BYTES_MAX = 1_024
_FORM = re.compile(r"chk_[0-9A-HJKMNP-TV-Z]{26}_[0-9A-HJKMNP-TV-Z]{7}")


class ApiKeyUnusable(ConnectorError, ValueError):
    """This is no API key, or others on this machine could read it; the text says what to do and never shows it."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    text: str = field(repr=False)

    def __post_init__(self) -> None:
        if not _FORM.fullmatch(self.text):
            raise ApiKeyUnusable("this is no API key: expected chk_… as the administration showed it, and nothing else")


def read_api_key(path: Path) -> ApiKey:
    """The key in a file that only its owner may read. Raises `ApiKeyUnusable`, `OSError`."""
    with path.open("rb") as file:
        if os.name == "posix" and stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
            raise ApiKeyUnusable(f"others may read {path}: `chmod 600 {path}`, and ask for a new key if they did")
        content = file.read(FILE_BYTES_MAX)
    try:
        return ApiKey(content.decode("ascii", errors="replace").strip())
    except ApiKeyUnusable as e:
        raise ApiKeyUnusable(f"{path}: {e}") from None
