"""The signature base of a request (RFC 9421 §2): what its sender signed, built from the message that came.

Field values arrive as they were sent, in order, the field lines of one name beside each other (§2.1). A message of ours
is a request without trailers: `@status`, `req` and `tr` name nothing in it (§2.2.9, §2.4, §2.1.4).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import http_sf
from msgspec import Struct

_DERIVED = frozenset({"@method", "@target-uri", "@authority", "@scheme", "@request-target", "@path", "@query"})
_FOLD = re.compile(r"[ \t]*\r?\n[ \t]+")
"""Obsolete line folding (RFC 9112 §5.2)."""
_LINE = re.compile(r"[\t -~]*")
"""What a line can hold: ASCII, and nothing that ends it (§2.5)."""


class Message(Struct, frozen=True):
    """The request as its sender knows it. `fields`: names in lower case with their values, in order."""

    method: str
    url: str
    """`@target-uri`: absolute, with the query."""
    fields: Sequence[tuple[str, str]]


def signature_base(message: Message, components: Sequence[Any], parameters: Mapping[str, Any]) -> bytes | None:
    """§2.5; None where a component is not in the message, comes twice, or cannot be made."""
    lines: dict[tuple[Any, frozenset[tuple[str, Any]]], str] = {}
    for component in components:
        name, options = component
        identity = name, frozenset(options.items())
        value = _value(message, component)
        if value is None or identity in lines or not _LINE.fullmatch(value):
            return None
        lines[identity] = f"{http_sf.ser(component)}: {value}"
    covered: Any = (list(components), dict(parameters))
    return "\n".join([*lines.values(), f'"@signature-params": {http_sf.ser([covered])}']).encode()


def _value(message: Message, component: Any) -> str | None:
    """The value of one component (§2.1, §2.2); None where the message has none."""
    name, options = component
    if not isinstance(name, str):
        return None
    if name == "@query-param":
        return _query_parameter(message, options)
    if name in _DERIVED:
        return None if options else _derived(message, name)
    if name.startswith("@") or name != name.lower():
        return None
    values = [_FOLD.sub(" ", value).strip(" \t") for each, value in message.fields if each == name]
    return _field(values, options) if values else None


def _derived(message: Message, name: str) -> str:
    url = urlsplit(message.url)
    path = url.path or "/"
    match name:
        case "@method":
            return message.method
        case "@target-uri":
            return message.url
        case "@authority":
            return _authority(url.scheme, url.netloc)
        case "@scheme":
            return url.scheme.lower()
        case "@request-target":  # Of the origin form (§2.2.5): an empty query has its question mark.
            return path + (f"?{url.query}" if "?" in message.url else "")
        case "@path":
            return path
    return f"?{url.query}"  # @query


def _authority(scheme: str, netloc: str) -> str:
    """§2.2.3: lower case, without the scheme's default port."""
    default = {"http": ":80", "https": ":443"}.get(scheme.lower(), "")
    authority = netloc.rpartition("@")[2].lower()
    return authority.removesuffix(default) if default else authority


def _query_parameter(message: Message, options: Mapping[str, Any]) -> str | None:
    """§2.2.8: the one parameter of that name, both percent-encoded anew."""
    if set(options) != {"name"} or not isinstance(options["name"], str):
        return None
    pairs = parse_qsl(urlsplit(message.url).query, keep_blank_values=True)
    values = [_encoded(value) for name, value in pairs if _encoded(name) == options["name"]]
    return values[0] if len(values) == 1 else None


def _encoded(text: str) -> str:
    """Percent-encoding of application/x-www-form-urlencoded (URL Standard §5), with %20 for a space (§2.2.8)."""
    return quote(text, safe="*-._", encoding="utf-8").replace("~", "%7E")


def _field(values: Sequence[str], options: Mapping[str, Any]) -> str | None:
    """§2.1: the values as they are; of a structured field (`sf`) or its member (`key`), as they are serialised; or
    their bytes (`bs`), which goes with neither."""
    if not all(isinstance(value, str) if name == "key" else value is True for name, value in options.items()):
        return None
    match sorted(options):
        case []:
            return ", ".join(values)
        case ["bs"]:
            return ", ".join(http_sf.ser((value.encode("utf-8", "surrogateescape"), {})) for value in values)
        case ["sf"]:
            return _structured(", ".join(values))
        case ["key"] | ["key", "sf"]:
            members = parsed(", ".join(values), "dictionary") or {}
            return str(http_sf.ser([members[options["key"]]])) if options["key"] in members else None
    return None


def _structured(text: str) -> str | None:
    """§2.1.1: serialised strictly. Which type a field is of is in no message: those that can read it have to agree. An
    Item reads as a List of one."""
    readings = {http_sf.ser(read) for kind in ("dictionary", "list") if (read := parsed(text, kind))}
    return str(readings.pop()) if len(readings) == 1 else None


def parsed(text: str, kind: str) -> Any:
    """A structured field (RFC 9651 §4.2); None where it is none."""
    try:
        return http_sf.parse(text.encode(), tltype=kind)
    except ValueError:
        return None
