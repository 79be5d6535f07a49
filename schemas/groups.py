"""Named groups of fields (`groups.json`): what an agreement may name in place of JSON Pointers.

A group is expanded when an agreement is made: what a later version adds to it is in no agreement of before.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources

import msgspec
from msgspec import Struct

PREFIX = "@"


class Group(Struct, frozen=True, forbid_unknown_fields=True):
    en: str
    fr: str
    fields: tuple[str, ...]
    """JSON Pointers (RFC 6901) into an event as a recipient gets it."""


@cache
def groups() -> Mapping[str, Group]:
    """Every group by its name, `@` included, in the order of the file."""
    raw = resources.files("schemas").joinpath("groups.json").read_bytes()
    return msgspec.json.decode(raw, type=dict[str, Group])
