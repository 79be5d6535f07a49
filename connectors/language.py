"""The language in which people are spoken to, by this side and by the hub: English, or French where `--lang fr` or
CUSTOMS_LANG (`fr`, `fr_FR.UTF-8`) says so."""

from __future__ import annotations

import os
from contextvars import ContextVar
from typing import Literal

Language = Literal["en", "fr"]
_chosen: ContextVar[Language | None] = ContextVar("language", default=None)


def language() -> Language:
    return _chosen.get() or ("fr" if os.environ.get("CUSTOMS_LANG", "").lower().startswith("fr") else "en")


def choose(chosen: Language) -> None:
    """For this command, whatever the environment says."""
    _chosen.set(chosen)
