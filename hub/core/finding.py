"""What `doctor` says about one thing that it looked at."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Finding(Struct, frozen=True):
    """`fail`: the hub cannot keep its promises with this; `warn`: it can, but not as intended."""

    level: Literal["ok", "warn", "fail"]
    what: str
    found: str
    expected: str = ""
    fix: str = ""
