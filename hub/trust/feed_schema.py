"""The JSON Schema of what a projection yields: a type's own schema, cut as `project.py` cuts the events.

What is named follows from the fields that are given now. What is demanded follows from all that ever were: a member
that any agreement left out, in whole or in part, is asked for in no record, and one that any agreement gave in clear
need not look like a pseudonym.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from hub.core.agreement import ALL_FIELDS, AgreementState, type_matches
from hub.core.feed import Feed
from hub.core.partner import Tier
from hub.core.pointer import array_index, tokens
from hub.core.registry import Snapshot
from hub.trust.project import ALWAYS, TAKING_BACK, Tree, tree_of
from schemas.filter_schema import DIALECT

Schema = dict[str, Any]
Path = tuple[str, ...]

PSEUDONYMS = ("id", "source", "subject", "publisher")
"""Attributes that are shown as pseudonyms where they are not allowed."""
_PSEUDONYM: Schema = {"description": "a keyed pseudonym", "type": "string", "pattern": "^p-[A-Za-z0-9_-]{22}$"}
_OF_THE_HUB: dict[str, Schema] = {
    "publisher": {"description": "the partner whose event it is", "type": "string"},
    "receivedtime": {"description": "when the hub accepted it, UTC", "type": "string", "format": "date-time"},
    "hubflags": {"type": "array", "items": {"enum": ["possible_repeat", "late"]}},
    "hubwarnings": {"description": "codes of warnings", "type": "array", "items": {"type": "string"}},
    "hubtier": {"description": "the publisher's tier then", "enum": [tier.value for tier in Tier]},
    "hubaeo": {"description": "the type of AEO authorisation that counted then", "enum": ["C", "S", "F"]},
}
_HEX: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_LEFT_OUT: Schema = {
    "type": "object",
    "required": ["at", "sha256"],
    "properties": {"at": {"type": "string"}, "sha256": _HEX},
}
_PROOF: dict[str, Schema] = {
    "hubwithheld": {"description": "what is not shown as it was sent", "type": "array", "items": _LEFT_OUT},
    "hubleaf": {"description": "the leaf of the event's statement", **_HEX},
}
_ALWAYS_THERE = ("specversion", "id", "source", "type", "time", "dataschema", "data", "publisher", "receivedtime")
_NAME: Schema = {
    "type": "object",
    "required": ["source", "id"],
    "properties": {"source": {"type": "string"}, "id": {"type": "string"}},
}
_TAKEN_BACK = {"retracts": _NAME, "corrects": _NAME, "corrected_by": {"type": "array", "items": _NAME}}
_DEMANDS = frozenset(("required", "anyOf", "minItems", "minProperties"))


class Given(Struct, frozen=True):
    """Of one type of events: the fields that agreements give now, and those that any version of them ever gave."""

    now: tuple[tuple[str, ...], ...]
    ever: tuple[tuple[str, ...], ...]


def given(feed: Feed, event_type: str, snapshot: Snapshot) -> Given:
    """What the agreements behind a feed give of a type of events, if they are in force."""
    versions = [
        [
            version
            for _, version in snapshot.agreements.versions(each.id)
            if version.state is not AgreementState.PROPOSED
        ]
        for each in snapshot.agreements_for(feed.recipient, feed.purpose)
    ]
    ever = [[version.fields for version in each if version.covers_type(event_type)] for each in versions]
    now = [each[-1].fields for each in versions if each and each[-1].holds and each[-1].covers_type(event_type)]
    return Given(tuple(now), tuple(fields for each in ever for fields in each))


def record_schema(sparse: Schema, given: Given) -> Schema:
    """Of the records of one version of a type; `sparse`: its schema, without what some formats cannot carry."""
    event_type = sparse["properties"]["type"]["const"]
    fields = {pointer for each in given.now for pointer in each}
    tree = None if "*" in fields else tree_of([*ALWAYS, *fields])
    parts = {prefix for each in given.ever if each != ALL_FIELDS for prefix in _prefixes(each)}
    if parts and event_type in TAKING_BACK:
        parts.add(("data", "subjects"))
    shown = _cut(sparse, tree, (), parts) or {"type": "object"}
    members = shown.setdefault("properties", {})
    if parts and event_type in TAKING_BACK:
        known = sparse["properties"]["data"]["properties"]
        members["data"]["properties"] |= {name: each for name, each in _TAKEN_BACK.items() if name in known}
    members |= {
        name: each
        for name, each in _OF_THE_HUB.items()
        if name in ("receivedtime", "hubflags") or _is_given(name, tree)
    }
    if parts:
        members |= _PROOF
    for name in PSEUDONYMS:
        if not any(_is_given(name, _tree(each)) for each in given.ever):
            members[name] = _PSEUDONYM
        elif name not in members:
            members[name] = {"type": "string"}
    return {**shown, "required": [*_ALWAYS_THERE]}


def _tree(fields: Sequence[str]) -> Tree | None:
    return None if "*" in fields else tree_of(fields)


def _is_given(name: str, tree: Tree | None) -> bool:
    return tree is None or tree.get(name, ()) is None


def _prefixes(fields: Iterable[str]) -> Iterable[Path]:
    """The places of which a part may be withheld."""
    for path in map(tokens, (*ALWAYS, *fields)):
        yield from (path[:depth] for depth in range(len(path)))


def _cut(schema: Schema, tree: Tree | None, path: Path, parts: set[Path]) -> Schema | None:
    """The schema of what is left; None: nothing is."""
    if tree is None and path not in parts:
        return schema
    left = {name: each for name, each in schema.items() if name not in (*_DEMANDS, "properties", "items")}
    if "items" in schema:
        inner = _merged(tree)
        items = None if inner == {} else _cut(_loose(schema["items"]), inner, (*path, "-"), parts)
        return None if items is None else {**left, "items": items}
    if "properties" not in schema:
        return left if tree is None or schema.get("type") == "object" else None
    members = {
        name: part
        for name, member in schema["properties"].items()
        if (tree is None or name in tree)
        and (part := _cut(member, None if tree is None else tree[name], (*path, name), parts)) is not None
    }
    if not members and tree is not None:
        return None
    asked = ["occurred_at", "time_kind"] if path == ("data",) else []
    return {**left, "properties": members, **({"required": asked} if asked else {})}


def _merged(tree: Tree | None) -> Tree | None:
    """Of an array: what is allowed of any item; empty: of none."""
    if tree is None:
        return None
    inner: Tree = {}
    for below in (below for token, below in tree.items() if array_index(token) is not None):
        if below is None:
            return None
        inner |= below
    return inner


def _loose(schema: Schema) -> Schema:
    """Without all demands: items of which any part may be missing."""
    loose = {name: each for name, each in schema.items() if name not in _DEMANDS}
    if "properties" in schema:
        loose["properties"] = {name: _loose(member) for name, member in schema["properties"].items()}
    if "items" in schema:
        loose["items"] = _loose(schema["items"])
    return loose


def feed_schema(name: str, snapshot: Snapshot, kinds: Mapping[str, Sequence[Schema]]) -> Schema:
    """Of every record of a feed; `kinds`: the sparse schemas of each type's versions."""
    versions = snapshot.feeds.versions(name)
    newest = versions[-1][1]
    patterns = {pattern for _, version in versions for pattern in version.types}
    members = []
    for event_type, schemas in kinds.items():
        allowed = given(newest, event_type, snapshot)
        if allowed.ever and any(type_matches(pattern, event_type) for pattern in patterns):
            members += [record_schema(each, allowed) for each in schemas]
    return {
        "$schema": DIALECT,
        "$id": f"urn:customs-hub:feed:{name}:{newest.version}.{_revision(newest, snapshot)}",
        "title": f"A record of the feed {name}",
        "description": f"What {newest.recipient} is shown for {newest.purpose.value}",
        "anyOf": members or [{"not": {}}],
    }


def _revision(feed: Feed, snapshot: Snapshot) -> int:
    """The registry revision that last changed what the feed shows."""
    agreements = snapshot.agreements_for(feed.recipient, feed.purpose)
    begins = [snapshot.agreements.versions(each.id)[-1][0] for each in agreements]
    return max(snapshot.feeds.versions(feed.name)[-1][0], *begins, 0)
