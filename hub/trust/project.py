"""What a recipient sees of an event: the allowed part as it was sent, to the letter, and what the hub adds.

The page is `schemas/formats/feed-record.md`. A projection is compiled once for a set of allowed fields; it copies
slices of the original JSON and never parses a number, so that no digit changes. Where everything is allowed, the whole
event is one slice and the hub's attributes are set behind its last member, if it does not bring members of these names.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
import orjson
from msgspec import Raw, Struct

from hub.core.event import Event
from hub.core.pointer import tokens
from hub.trust.pseudonym import lasting_pseudonym, pseudonym
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

Projection = Callable[[Event], tuple[bytes, bytes]]
"""The record's key and value. Raises ValueError where the event is not the JSON object that intake accepted."""

Tree = dict[str, "Tree | None"]
"""Allowed members by name; None: with all that is under it."""


class Plan(Struct, frozen=True):
    """A tree as it is walked."""

    names: frozenset[str]
    steps: tuple[tuple[str, bytes, str, Plan | None], ...]
    """Name, how that opens a member, JSON Pointer, what is below."""


Parts = list[bytes | Raw]
"""By turns how a member is opened, and its value."""


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
_DATASCHEMA = b',"dataschema":'
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
        self._plan = _plan({name: below for name, below in tree.items() if name not in OF_THE_HUB}, "")
        self._secret = secret

    def project(self, event: Event) -> tuple[bytes, bytes]:
        return self.parts(event)[:2]

    def proven(self, event: Event, value: bytes, left: Sequence[Left], hub: str) -> bytes:
        """The record's value with the marks and digests of what is left out; the same where nothing is."""
        return b"%b%b}" % (value[:-1], proof_of(event, hub, left, self._secret)) if left else value

    def parts(self, event: Event) -> tuple[bytes, bytes, Sequence[Left]]:
        """The record's key and value, and the topmost members that it does not show as they were sent."""
        header, members, whole = event.header, event.members, self._whole
        left: list[Left] = []
        dataschema = _raw_json(header.dataschema)
        if (sent := members.get("dataschema")) is not None and sent != dataschema:
            members = members | {"dataschema": dataschema}
        parts = _allowed(members, self._plan, "", left)
        if sent is None:
            parts += _DATASCHEMA, dataschema
        if header.type in TAKING_BACK:
            place = parts.index(_behind_comma("data")) + 1
            parts[place] = self._naming_what_is_taken_back(parts[place], members["data"], left)
        if "id" not in whole:
            parts += b',"id":"', pseudonym(self._secret, "id", header.id).encode(), b'"'
        if "source" not in whole:
            parts += b',"source":"', lasting_pseudonym(self._secret, "source", header.source).encode(), b'"'
        if "subject" not in whole and (subject := _string(members.get("subject"))) is not None:
            parts += b',"subject":"', pseudonym(self._secret, "subject", subject).encode(), b'"'
        publisher = header.publisher
        shown = publisher if "publisher" in whole else lasting_pseudonym(self._secret, "publisher", publisher)
        key = header.key if self._shows_key(header) else pseudonym(self._secret, "key", header.key)
        parts.append(_added(header, _json(shown), whole))
        return key.encode(), b"{" + b"".join(parts)[1:], left

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
            name: text if name in self._whole else pseudonym(self._secret, name, text)
            for name, text in (("source", named.source), ("id", named.id))
        }


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


def _plan(tree: Tree, pointer: str) -> Plan:
    places = ((name, member_pointer(pointer, name), below) for name, below in tree.items())
    steps = ((name, _behind_comma(name), at, None if below is None else _plan(below, at)) for name, at, below in places)
    return Plan(frozenset(tree), tuple(steps))


def cut(member: Raw, plan: Plan, pointer: str, left: list[Left]) -> bytes | Raw | None:
    """The allowed part of a member, or None if nothing of it is; the rest is added to `left`. Raises ValueError."""
    match memoryview(member)[0]:
        case 0x7B:  # {
            before = len(left)
            if parts := _allowed(_object.decode(member), plan, pointer, left):
                return b"{%b}" % b"".join(parts)[1:]
            del left[before:]
        case 0x5B:  # [
            parts = _allowed({str(index): item for index, item in enumerate(_array.decode(member))}, plan, pointer, [])
            if parts:
                left.append((pointer, member))  # As one: how many items there are is not told.
                items = zip(parts[::2], parts[1::2], strict=True)
                return b"[" + b",".join(item for _, item in sorted(items, key=_position)) + b"]"
    return None


def _position(item: tuple[bytes | Raw, bytes | Raw]) -> int:
    """Of an item of an array, which is opened as a member of this name."""
    return int(bytes(item[0]).strip(b',":'))


def _allowed(members: Mapping[str, Raw], plan: Plan, pointer: str, left: list[Left]) -> Parts:
    parts, names = Parts(), plan.names
    for name, opening, at, below in plan.steps:
        if (member := members.get(name)) is not None:
            part = member if below is None else cut(member, below, at, left)
            if part is not None:
                parts += opening, part
            else:
                names -= {name}
    if len(parts) < 2 * len(members):
        left += [(member_pointer(pointer, name), member) for name, member in members.items() if name not in names]
    return parts


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


def _behind_comma(name: str) -> bytes:
    return b",%b:" % orjson.dumps(name)


@lru_cache(maxsize=4_096)
def _json(text: str) -> str:
    return orjson.dumps(text).decode()


@lru_cache(maxsize=1_024)
def _raw_json(text: str) -> Raw:
    return Raw(orjson.dumps(text))


def _string(member: Raw | None) -> str | None:
    """A member that is a JSON string."""
    return _text.decode(member) if member is not None and memoryview(member)[0] == 0x22 else None
