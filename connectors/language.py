"""The language in which people are spoken to, by this side and by the hub: English, or French where CUSTOMS_LANG says
so (`fr`, `fr_FR.UTF-8`)."""

from __future__ import annotations

import os
from typing import Literal

Language = Literal["en", "fr"]


def language() -> Language:
    return "fr" if os.environ.get("CUSTOMS_LANG", "").lower().startswith("fr") else "en"
