"""Credentials and presentations in an envelope of JOSE, sent by themselves: `application/vc+jwt`, `application/vp+jwt`
(W3C VC-JOSE-COSE §6.1). Told by their form; whether anyone signed them is not asked here.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator
from mmap import mmap
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from schemas.faults import Fault, fault

Document = bytes | mmap

VC_JWT: Final = "application/vc+jwt"
VP_JWT: Final = "application/vp+jwt"
HEADER_BYTES_MAX = 16_384
CREDENTIALS: Final = frozenset({"vc+jwt", "vc-ld+jwt", "vc+ld+jwt"})
"""What `typ` says of a credential; the last two are of drafts."""
_PRESENTATIONS = frozenset({"vp+jwt", "vp-ld+jwt", "vp+ld+jwt"})
GENERAL: Final = frozenset({"", "jwt"})
"""What it says where it says nothing: then the payload tells (VCDM 1.1 §6.3.1)."""
_HEADER = re.compile(rb"([A-Za-z0-9_-]{2,%d})\." % HEADER_BYTES_MAX)
_COMPACT = re.compile(rb"[A-Za-z0-9_-]++\.[A-Za-z0-9_-]++\.[A-Za-z0-9_-]*+[\r\n]*+\Z")


class _Payload(Struct):
    vp: Raw | UnsetType = UNSET
    type: Any = None


def kind(document: Document) -> str | None:
    """Which of the two it is by its header, where it has one; None: it is no JWS."""
    found = header(document)
    if found is None:
        return None
    said = type_of(found.get("typ", ""))
    return VP_JWT if said in _PRESENTATIONS or (said in GENERAL and _presents(document)) else VC_JWT


def jws(document: Document) -> Iterator[Fault]:
    """RFC 7515 §7.1: three segments of base64url without padding; a line may end behind them. What was made for
    something else, such as an access token, is no document, and nothing of it may be kept."""
    said = type_of((header(document) or {}).get("typ", ""))
    if said not in CREDENTIALS | _PRESENTATIONS | GENERAL:
        yield fault("DOCUMENT_BROKEN", "byte 0", f"typ {said}", "typ vc+jwt or vp+jwt")
    if _COMPACT.match(document) is None:
        yield fault("DOCUMENT_BROKEN", "", "something else", "three segments of base64url, with dots between")


def type_of(typ: object) -> str:
    """`typ` as it is compared: without `application/`, in lower case (RFC 7515 §4.1.9)."""
    return typ.lower().removeprefix("application/") if isinstance(typ, str) else "another value"


def header(document: Document) -> dict[str, Any] | None:
    """The header, if there is one that names an algorithm."""
    first = _HEADER.match(document)
    members = _decoded(first[1], dict[str, Any]) if first is not None else None
    return members if isinstance(members, dict) and isinstance(members.get("alg"), str) else None


def _presents(document: Document) -> bool:
    start = document.find(b".", 0) + 1
    payload = _decoded(document[start : max(document.find(b".", start), start)], _Payload)
    types = payload.type if isinstance(payload, _Payload) else None
    named = types if isinstance(types, list) else [types]
    return isinstance(payload, _Payload) and (payload.vp is not UNSET or "VerifiablePresentation" in named)


def _decoded(segment: bytes, shape: Any) -> Any:
    """A segment's JSON, of a shape; None if it is none."""
    try:
        return msgspec.json.decode(urlsafe_b64decode(segment + b"=" * (-len(segment) % 4)), type=shape)
    except (Base64Error, ValueError, RecursionError):
        return None
