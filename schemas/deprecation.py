"""What senders should leave, versions of event types and routes: since when, until when, and what to use instead.

Answers that concern one say so in headers: `Deprecation` (RFC 9745 §2), `Sunset` (RFC 8594 §3), and a `Link` to the
successor (`successor-version`, RFC 5829 §3.3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache
from importlib import resources

import msgspec
from msgspec import Struct


class Deprecation(Struct, frozen=True, forbid_unknown_fields=True):
    """Of one version, or one route."""

    since: datetime
    sunset: datetime
    successor: str
    """A dataschema, or the path of a route."""


class _Table(Struct, frozen=True, forbid_unknown_fields=True):
    about: str
    versions: dict[str, Deprecation]


Deprecations = Mapping[str, Deprecation]
"""By dataschema."""


def read(raw: bytes) -> Deprecations:
    """The table of a file. Raises `ValueError` for a time without offset, or a sunset before its `since`."""
    versions = msgspec.json.decode(raw, type=_Table).versions
    for name, each in versions.items():
        if each.since.tzinfo is None or each.sunset.tzinfo is None or each.sunset < each.since:
            raise ValueError(f"{name}: since and sunset, in this order, with offset")
    return versions


@cache
def deprecations() -> Deprecations:
    """The table of this release."""
    return read(resources.files("schemas").joinpath("deprecated.json").read_bytes())


def headers(found: Iterable[Deprecation | None]) -> dict[str, str]:
    """What the answer carries; of several versions, the date of the one that ends first. None: of none."""
    first = min(filter(None, found), key=lambda each: each.sunset, default=None)
    return {} if first is None else headers_of(first)


def headers_of(each: Deprecation) -> dict[str, str]:
    return {
        "Deprecation": f"@{int(each.since.timestamp())}",
        "Sunset": format_datetime(each.sunset.astimezone(UTC), usegmt=True),
        "Link": f'<{path_of(each.successor)}>; rel="successor-version"',
    }


def path_of(successor: str) -> str:
    """Where a version is shown: `urn:customs-hub:schema:<type>:<version>`; of a route, its path."""
    if successor.startswith("/"):
        return successor
    _, _, _, name, version = successor.split(":")
    return f"/v1/schemas/{name}/{version}"
