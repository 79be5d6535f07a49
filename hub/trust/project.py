"""What a recipient sees of an event: the allowed part as it was sent, to the letter, and what the hub adds.

The page is `schemas/formats/feed-record.md`. A projection is compiled once for a set of allowed fields; it copies
slices of the original JSON and never parses a number, so that no digit changes. Where everything is allowed, the whole
event is one slice and the hub's attributes are set behind its last member, if it does not bring members of these names.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Container, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
import orjson
from msgspec import Raw, Struct

from hub.core.event import Event
from hub.core.pointer import tokens
from hub.trust.statement import utc_text
from hub.trust.withheld import Left, member_pointer, proof_of
from schemas.headers import FLAG_LATE, FLAG_POSSIBLE_REPEAT, EventHeader

ALWAYS = ("/specversion", "/type", "/time", "/dataschema", "/data/occurred_at", "/data/time_kind")
"""Visible under every agreement: without them nobody can tell what kind of event it is, and when it happened."""

OF_THE_HUB = frozenset(
    ("publisher", "receivedtime", "hubflags", "hubwarnings", "hubtier", "hubaeo", "hubwithheld", "hubleaf")
)
"""Attributes that the hub adds: whoever sends an event cannot set them."""

TAKING_BACK = frozenset(("customs.event.retracted", "customs.event.corrected"))
"""Types that say of another event that it is not so: which one they mean reaches whoever may see them, since a reader
that is not told goes on believing it."""

_NAMING = {"retracts", "corrects", "corrected_by"}
"""Their members that do."""
PSEUDONYMS_KEPT_MAX = 8_192
_PSEUDONYM = re.compile(r"p-[A-Za-z0-9_-]{22}")

Projection = Callable[[Event], tuple[bytes, bytes]]
"""The record's key and value. Raises ValueError where the event is not the JSON object that intake accepted."""

Tree = dict[str, "Tree | None"]
"""Allowed members by name; None: with all that is under it."""

_object = msgspec.json.Decoder(dict[str, Raw])
_array = msgspec.json.Decoder(list[Raw])
_text = msgspec.json.Decoder(str)


class _EventName(Struct):
    """Source and id of another event, whatever else is beside them."""

    source: str
    id: str


_event_name = msgspec.json.Decoder(_EventName)

_FLAG_NAMES = {FLAG_POSSIBLE_REPEAT: "possible_repeat", FLAG_LATE: "late"}
_FLAGS = {
    0: "",
    FLAG_POSSIBLE_REPEAT: ',"hubflags":["possible_repeat"]',
    FLAG_LATE: ',"hubflags":["late"]',
    FLAG_POSSIBLE_REPEAT | FLAG_LATE: ',"hubflags":["possible_repeat","late"]',
}
_FLAGS_KNOWN = FLAG_POSSIBLE_REPEAT | FLAG_LATE


def compile_projection(fields: Sequence[str], secret: bytes) -> Projection:
    """The projection to `fields` (JSON Pointers, or `*`); `secret` is the key of the feed's pseudonyms."""
    return project_all if "*" in fields else Cut(fields, secret).project


def project_all(event: Event) -> tuple[bytes, bytes]:
    header, members = event.header, event.members
    added = _added(header, _json(header.publisher), OF_THE_HUB)
    if header.attributes is None and "dataschema" in members and OF_THE_HUB.isdisjoint(members):
        whole = event.record.value.rstrip()[:-1]
    else:
        own = {name: member for name, member in members.items() if name not in OF_THE_HUB}
        whole = _open_object(own | {"dataschema": _json(header.dataschema).encode()})
    return header.key.encode(), whole + added


def seen_whole(event: Event) -> dict[str, Any]:
    """As a value, what `project_all` shows. Raises ValueError."""
    header, said = event.header, event.json
    tier, _, _, aeo = header.facts
    seen = said if OF_THE_HUB.isdisjoint(said) else {name: said[name] for name in said.keys() - OF_THE_HUB}
    seen = {
        "specversion": "1.0",
        "dataschema": header.dataschema,
        **seen,
        "publisher": header.publisher,
        "receivedtime": utc_text(header.received_us),
        "hubtier": tier,
    }
    if header.flags & _FLAGS_KNOWN:
        seen["hubflags"] = [name for flag, name in _FLAG_NAMES.items() if header.flags & flag]
    if header.warnings:
        seen["hubwarnings"] = [*header.warnings]
    if aeo is not None:
        seen["hubaeo"] = aeo
    return seen


class Cut:
    """The projection to some fields, and the proof of what it leaves out."""

    def __init__(self, fields: Sequence[str], secret: bytes) -> None:
        tree = tree_of([*ALWAYS, *fields])
        data = tree["data"]
        self._key_is_visible = data is None or data.get("subjects", {}) is None
        self._whole = {name for name, below in tree.items() if below is None}
        self._tree = {name: below for name, below in tree.items() if name not in OF_THE_HUB}
        self._pseudonym = lru_cache(PSEUDONYMS_KEPT_MAX)(pseudonymiser(secret))

    def project(self, event: Event) -> tuple[bytes, bytes]:
        return self.parts(event)[:2]

    def proven(self, event: Event, value: bytes, left: Sequence[Left], hub: str) -> bytes:
        """The record's value with the marks and digests of what is left out; the same where nothing is."""
        return b"%b%b}" % (value[:-1], proof_of(event, hub, left, self._pseudonym)) if left else value

    def parts(self, event: Event) -> tuple[bytes, bytes, Sequence[Left]]:
        """The record's key and value, and the topmost members that it does not show as they were sent."""
        header, members = event.header, event.members
        left: list[Left] = []
        visible = _allowed(members, self._tree, "", left)
        if header.type in TAKING_BACK:
            visible["data"] = self._naming_what_is_taken_back(visible["data"], members["data"], left)
        visible["dataschema"] = _json(header.dataschema).encode()
        for name, text in (("id", header.id), ("source", header.source), ("subject", _string(members.get("subject")))):
            if text is not None and name not in self._whole:
                visible[name] = self._as_pseudonym(name, text).encode()
        publisher = header.publisher
        shown = _json(publisher) if "publisher" in self._whole else self._as_pseudonym("publisher", publisher)
        key = header.key if self._shows_key(header) else self._pseudonym("key", header.key)
        return key.encode(), _open_object(visible) + _added(header, shown, self._whole), left

    def _as_pseudonym(self, name: str, text: str) -> str:
        return f'"{self._pseudonym(name, text)}"'

    def _shows_key(self, header: EventHeader) -> bool:
        """The key of an event about another event is that one's source and id."""
        return self._key_is_visible and (header.type not in TAKING_BACK or self._shows_names())

    def _shows_names(self) -> bool:
        return "source" in self._whole and "id" in self._whole

    def _naming_what_is_taken_back(self, shown: bytes | Raw, sent: Raw, left: list[Left]) -> bytes:
        """The data of an event about another one: that one is named, as its own source and id are shown."""
        parts: dict[str, bytes | Raw] = {**_object.decode(shown)}
        members = _object.decode(sent)
        for name, member in members.items():
            if name in _NAMING:
                named = self._names_in(member)
                parts[name] = orjson.dumps(named)
                _is_left(f"/data/{name}", member, left)
                if named == orjson.loads(memoryview(member)):
                    parts[name] = left.pop()[1]
        if "subjects" in parts and not self._shows_names():
            subjects = _array.decode(parts.pop("subjects"))
            others = [each for each in subjects if _string(_object.decode(each).get("scheme")) != "event"]
            if others:
                parts["subjects"] = b"[" + b",".join(others) + b"]"
            if len(others) < len(subjects):
                _is_left("/data/subjects", members["subjects"], left)
        return _open_object(parts) + b"}"

    def _names_in(self, member: Raw) -> object:
        """Of one event, or of several."""
        if memoryview(member)[0] == 0x5B:
            return [self._named(each) for each in _array.decode(member)]
        return self._named(member)

    def _named(self, event: Raw) -> dict[str, str]:
        named = _event_name.decode(event)
        return {
            name: text if name in self._whole else self._pseudonym(name, text)
            for name, text in (("source", named.source), ("id", named.id))
        }


def may_be_pseudonym(text: str) -> bool:
    """Whether the text has the form of a pseudonym; an id may have it too."""
    return _PSEUDONYM.fullmatch(text) is not None


def pseudonymiser(secret: bytes) -> Callable[[str, str], str]:
    """The keyed pseudonym of a member's value: the same within one feed, another one under another secret."""

    def pseudonym(name: str, text: str) -> str:
        code = hmac.digest(secret, f"{name}\x1f{text}".encode(), "sha256")[:16]
        return f"p-{urlsafe_b64encode(code).rstrip(b'=').decode()}"

    return pseudonym


def tree_of(pointers: Sequence[str]) -> Tree:
    """The pointers as a tree; what lies under an allowed member is allowed with it."""
    root: Tree = {}
    for pointer in pointers:
        *path, last = tokens(pointer)
        place: Tree = root
        for token in path:
            below = place.setdefault(token, {})
            if below is None:
                break
            place = below
        else:
            place[last] = None
    return root


def cut(member: Raw, tree: Tree, pointer: str, left: list[Left]) -> bytes | Raw | None:
    """The allowed part of a member, or None if nothing of it is; the rest is added to `left`. Raises ValueError."""
    match memoryview(member)[0]:
        case 0x7B:  # {
            before = len(left)
            if parts := _allowed(_object.decode(member), tree, pointer, left):
                return _open_object(parts) + b"}"
            del left[before:]
        case 0x5B:  # [
            items = _allowed({str(index): item for index, item in enumerate(_array.decode(member))}, tree, pointer, [])
            if items:
                left.append((pointer, member))  # As one: how many items there are is not told.
                return b"[" + b",".join(items[index] for index in sorted(items, key=int)) + b"]"
    return None


def _allowed(members: Mapping[str, Raw], tree: Tree, pointer: str, left: list[Left]) -> dict[str, bytes | Raw]:
    shown: dict[str, bytes | Raw] = {}
    for name, below in tree.items():
        if (member := members.get(name)) is not None:
            part = member if below is None else cut(member, below, member_pointer(pointer, name), left)
            if part is not None:
                shown[name] = part
    if len(shown) < len(members):
        left += [(member_pointer(pointer, name), member) for name, member in members.items() if name not in shown]
    return shown


def _is_left(pointer: str, member: Raw, left: list[Left]) -> None:
    """The member as one, whatever of it was left out before."""
    left[:] = [each for each in left if not f"{each[0]}/".startswith(f"{pointer}/")]
    left.append((pointer, member))


def _added(header: EventHeader, publisher: str, shows: Container[str]) -> bytes:
    """The hub's attributes behind other members, and the end of the object. `publisher` is JSON text; of the others
    some are shown only where they are among `shows`."""
    text = f',"publisher":{publisher},"receivedtime":"{utc_text(header.received_us)}"'
    if header.flags:
        text += _FLAGS[header.flags & _FLAGS_KNOWN]
    if header.warnings and "hubwarnings" in shows:
        text += f',"hubwarnings":{orjson.dumps(header.warnings).decode()}'
    tier, _, _, aeo = header.facts
    if "hubtier" in shows:
        text += f',"hubtier":{_json(tier)}'
    if aeo is not None and "hubaeo" in shows:
        text += f',"hubaeo":{_json(aeo)}'
    return f"{text}}}".encode()


def _open_object(members: Mapping[str, bytes | Raw]) -> bytes:
    """A JSON object without its end."""
    return b"{" + b"".join([each for name, part in members.items() for each in (_behind_comma(name), part)])[1:]


@lru_cache(maxsize=1_024)
def _behind_comma(name: str) -> bytes:
    return b",%b:" % orjson.dumps(name)


@lru_cache(maxsize=4_096)
def _json(text: str) -> str:
    return orjson.dumps(text).decode()


def _string(member: Raw | None) -> str | None:
    """A member that is a JSON string."""
    return _text.decode(member) if member is not None and memoryview(member)[0] == 0x22 else None
