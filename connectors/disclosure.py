"""Show one withheld member of an event, and nothing else: made by its sender, proved by anybody, offline.

The page is `schemas/formats/disclosure.md`. Shares no code with the hub; nothing here reads a file, a clock or the
network.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

import msgspec
import orjson
from msgspec import Raw, Struct

from connectors.errors import ConnectorError
from connectors.feed_seal import Page, Seal, event_leaf
from connectors.proof import leaf_hash
from connectors.verify import Check, KeyHistory, ReceiptInvalid, hash_of, lack, parsed, split
from schemas.canonical import NotCanonical, canonical_bytes
from schemas.identity import MEANINGLESS, instant_us
from schemas.known_members import known_members

DISCLOSURE_FORMAT = "customs-hub-disclosure/1"
SALT_CONTEXT = b"customs-hub-member/1\x00"
PROVES = "The event, as the hub accepted it, had this member with this value; the hub withheld it in the record."
DOES_NOT_PROVE = "That it is true, nor anything of the members that are still withheld."
OF_THE_HUB = ("publisher", "receivedtime", "hubflags", "hubwarnings", "hubtier", "hubaeo")
"""What the hub adds to an event where it gives it back."""


class DisclosureInvalid(ConnectorError, ValueError):
    """This cannot be disclosed, or is no disclosure; the text says why."""


class Disclosure(Struct, frozen=True, forbid_unknown_fields=True):
    """The content of a disclosure file."""

    leaf: str
    member: str
    salt: str
    value: str
    format: str = DISCLOSURE_FORMAT

    @property
    def digest(self) -> str:
        """Of the member, as a cut record tells it."""
        at = self.member.encode()
        return sha256(b"\x02" + bytes.fromhex(self.salt) + at + b"\x00" + self.value.encode()).hexdigest()

    def encoded(self) -> bytes:
        return msgspec.json.format(msgspec.json.encode(self))


_NUL = "\0"
_PSEUDONYM = re.compile(r"p-[A-Za-z0-9_-]{22}")
_disclosure = msgspec.json.Decoder(Disclosure)
_members = msgspec.json.Decoder(dict[str, Raw])


def receipts_in(document: bytes) -> list[dict[str, Any]]:
    """A receipt alone, or those of an answer to a batch or of `GET /v1/receipts`. Raises `ReceiptInvalid`."""
    value = parsed(document)
    return split(value) if "items" in value else [value.get("receipt", value)]


def disclose(receipts: Iterable[Mapping[str, Any]], event: bytes, member: str, leaf: str = "") -> Disclosure:
    """What discloses one member of an event as it was sent (in binary mode its data, or the whole put together).

    Of several receipts of the event the one with `leaf` is taken, else the earliest. Raises `DisclosureInvalid`.
    """
    if _NUL in member:
        raise DisclosureInvalid("a member with U+0000 in its name is not disclosed by itself")
    try:
        stated = [receipt["statement"] for receipt in receipts]
        about = [each for each in stated if _is_of(each, event) and leaf in ("", _leaf_of(each))]
        if not about:
            raise DisclosureInvalid("no receipt here is of this event" + (f", with the leaf {leaf}" if leaf else ""))
        first = min(about, key=lambda each: instant_us(each["received"]) or 0)
        salt = hmac.digest(bytes.fromhex(first["salt"]), SALT_CONTEXT + member.encode(), "sha256")
    except (KeyError, TypeError, AttributeError, ValueError) as e:
        raise e if isinstance(e, DisclosureInvalid) else DisclosureInvalid(f"this is not a receipt: {lack(e)}") from e
    return Disclosure(_leaf_of(first), member, salt.hex(), _value(first, event, member))


def verify_disclosure(disclosure: bytes, pages: Sequence[bytes], keys: KeyHistory) -> tuple[Check, ...]:
    """The steps of the proof, by the pages that hold the record and its seal; it is proved if all hold.

    Raises `DisclosureInvalid` and `SealInvalid` for what is no disclosure and no page at all.
    """
    told, read = _read(disclosure), [Page.of(page) for page in pages]
    records = [record for page in read for record in page.records if event_leaf(record) == told.leaf]
    seals = [seal for page in read for seal in page.seals]
    if not records:
        seen = f"no record given is of the event with the leaf {told.leaf}"
        return (Check("the record is of the event that is disclosed", False, seen),)
    found = [_checks(told, record, seal, keys) for record in records for seal in _over(record, seals)]
    return next((checks for checks in found if all(check.holds for check in checks)), found[0])


def _checks(told: Disclosure, record: bytes, seal: Seal | None, keys: KeyHistory) -> tuple[Check, ...]:
    match = _entry(told, parsed(record))
    steps = (
        Check("the record is of the event that is disclosed", True, f"leaf {told.leaf}"),
        Check(
            "the member is one that the record withholds, with this value",
            match is not None,
            f"withheld at {match}" if match is not None else "no such digest: another value or salt, or it is shown",
        ),
    )
    if seal is None:
        return (*steps, Check("the record is under a seal", False, "no seal given has its leaf"))
    under = Check("the record is under a seal", True, f"of {seal.body['feed']} at {seal.body['time']}")
    return (*steps, under, *seal.checks(keys))


def _entry(told: Disclosure, record: Mapping[str, Any]) -> str | None:
    """Where the record says that it withholds just this: the member's pointer, or a pseudonym of one that the schema
    of the event's type does not know."""
    entries = record.get("hubwithheld")
    known = known_members(str(record.get("type")), str(record.get("dataschema")))
    for entry in entries if isinstance(entries, list) else []:
        at = str(entry.get("at")) if isinstance(entry, dict) else ""
        if isinstance(entry, dict) and entry.get("sha256") == told.digest:
            return at if at == told.member or (_PSEUDONYM.fullmatch(at) and told.member not in known) else None
    return None


def _over(record: bytes, seals: Sequence[Seal]) -> Sequence[Seal | None]:
    leaf = leaf_hash(record)
    return [seal for seal in seals if leaf in seal.leaves] or [None]


def _read(disclosure: bytes) -> Disclosure:
    try:
        told = _disclosure.decode(disclosure)
        _, _ = hash_of(told.leaf), hash_of(told.salt)
    except ValueError as e:
        raise DisclosureInvalid(f"this is not a disclosure: {e}") from e
    if told.format != DISCLOSURE_FORMAT:
        raise DisclosureInvalid(f"this is a disclosure in the format {told.format}, which is not known here")
    if _NUL in told.member or not _is_json(told.value):
        raise DisclosureInvalid("the member is no JSON Pointer without U+0000, or the value is not one JSON text")
    return told


def _is_json(value: str) -> bool:
    """One JSON text, which never holds U+0000 in clear: otherwise pointer and bytes of a digest had two readings."""
    try:
        orjson.loads(value)
    except orjson.JSONDecodeError:
        return False
    return True


def _leaf_of(statement: Mapping[str, str]) -> str:
    return leaf_hash(canonical_bytes(statement)).hex()


def _is_of(statement: Mapping[str, str], event: bytes) -> bool:
    """Whether the statement is of this event: of its bytes, or of the same content, given back by the hub or not."""
    return sha256(event).hexdigest() == statement["raw_sha256"] or _is_content(statement, event)


def _is_content(statement: Mapping[str, str], event: bytes) -> bool:
    try:
        value = {name: each for name, each in parsed(event).items() if name not in (*MEANINGLESS, *OF_THE_HUB)}
        bare = {name: each for name, each in value.items() if name != "dataschema"}
        digests = [sha256(canonical_bytes(each)).hexdigest() for each in (value, bare)]
    except (ReceiptInvalid, NotCanonical):
        return False
    return statement["canonical_sha256"] in digests


def _value(statement: Mapping[str, str], event: bytes, member: str) -> str:
    """The member's bytes. What is the event by its bytes and not by its content is the data of binary mode."""
    name, *path = [token.replace("~1", "/").replace("~0", "~") for token in member.split("/")[1:]] or [""]
    try:
        if not member:
            return event.decode()
        if _is_content(statement, event):
            value = _members.decode(event)[name]
        elif name == "data":
            value = Raw(event)
        else:
            raise DisclosureInvalid(f"{member} was sent as a header: give the event put together in JSON")
        for token in path:
            value = _members.decode(value)[token]
        return bytes(value).decode()
    except (KeyError, ValueError) as e:
        raise e if isinstance(e, DisclosureInvalid) else DisclosureInvalid(f"the event has no member {member}") from e
