"""The seals of a feed, as they come with its records: which cut records are proved, offline, to be the hub's word.

Written against the pages feed-record and feed-seal in `schemas/formats`; shares no code with the hub. Nothing here
reads a file, a clock or the network.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import msgspec
from msgspec import Raw, Struct

from connectors.errors import ConnectorError
from connectors.proof import RangeTree, leaf_hash
from connectors.verify import (
    Check,
    KeyHistory,
    check_key,
    check_signature,
    decoded,
    hash_of,
    integer,
    lack,
    was_compromised,
)
from schemas.canonical import canonical_bytes
from schemas.headers import FeedSealHeader

FEED_SEAL_FORMAT = "customs-hub-feed-seal/1"
LEAF_BYTES = 32


class SealInvalid(ConnectorError, ValueError):
    """This is no page of records with seals, or a seal that does not hold; the text says what is wrong."""


class Seal(Struct, frozen=True):
    """A feed seal as a page gives it."""

    body: Mapping[str, Any]
    signature: bytes
    leaves: Sequence[bytes]

    def checks(self, keys: KeyHistory) -> tuple[Check, ...]:
        """Whether it is the hub's, over just these leaves."""
        body, size = self.body, len(self.leaves)
        known = body["format"] == FEED_SEAL_FORMAT and keys.hub in (None, body["hub"])
        root = RangeTree(dict(enumerate(self.leaves)), size, []).root.hex() if self.leaves else ""
        fits = (root, size) == (body["root"], body["size"])
        compromised = was_compromised(body["key"], body["time"], keys)
        return (
            Check(
                "the seal is of a feed of this hub, in a format known here", known, f"{body['format']}, {body['hub']}"
            ),
            Check("the leaves are those under the seal's root", fits, f"{size} leaves"),
            check_key(body["key"], body["time"], keys),
            Check(
                "nobody else had the key at that time",
                not compromised,
                "it was compromised" if compromised else "not compromised then",
            ),
            check_signature(body["key"], canonical_bytes(body), self.signature, keys, FEED_SEAL_FORMAT),
        )


class Sealed(Struct, frozen=True):
    """A record to the letter, and the seal that it is under; None: it withholds nothing and is under none."""

    record: bytes
    seal: Seal | None


class Page(Struct, frozen=True):
    """What is read of an answer to `GET /v1/feeds/{feed}/records?proof=yes`, or of what `page_of` made."""

    records: Sequence[bytes]
    seals: Sequence[Seal]

    @classmethod
    def of(cls, answer: bytes) -> Page:
        """Raises `SealInvalid`."""
        try:
            page = _page.decode(answer)
            return cls([bytes(record) for record in page.items], [_seal(seal) for seal in page.seals])
        except (KeyError, TypeError, ValueError) as e:
            raise SealInvalid(f"this is not a page with seals (proof=yes): {lack(e)}") from e


def page_of(records: Sequence[bytes], seals: Sequence[bytes]) -> bytes:
    """Records and seals as they came, to the letter, in the form of a page: to be kept as a proof.

    Raises `SealInvalid` where one of them is not one JSON value: put together, each is read as what it was alone.
    """
    try:
        for each in chain(records, seals):
            _value.decode(each)
    except (msgspec.DecodeError, RecursionError) as e:
        raise SealInvalid(f"this is not a record, or not a seal: {e}") from e
    return b'{"items":[%b],"seals":[%b]}' % (b",".join(records), b",".join(seals))


def page_of_webhook(body: bytes, hub_seal: str | None) -> bytes:
    """What a webhook of the mode `batch` or `single` brought; `hub_seal`: its header of this name, if it has one. The
    webhook's signature is not over that header: anybody may have written it.

    Raises `SealInvalid`.
    """
    try:
        records = [bytes(each) for each in _records.decode(body)] if body.lstrip()[:1] == b"[" else [body]
        if hub_seal is None:
            return page_of(records, [])
        signed, _, signature = hub_seal.partition(".")
        leaves = [leaf_hash(record) for record in records if event_leaf(record)]
        return page_of(records, [_encoded(decoded(signed), decoded(signature), leaves)])
    except ValueError as e:
        raise SealInvalid(f"this is not a webhook with records: {lack(e)}") from e


def seal_of(header: FeedSealHeader, value: bytes) -> bytes:
    """A seal as it is read from Kafka, in the form that it has in a page. Raises `SealInvalid`."""
    leaves = [value[begin : begin + LEAF_BYTES] for begin in range(0, len(value), LEAF_BYTES)]
    try:
        return _encoded(header.body, header.signature, leaves)
    except ValueError as e:
        raise SealInvalid(f"this is not a seal: {lack(e)}") from e


class _Seal(Struct):
    body: dict[str, Any]
    signature: str
    leaves: list[str]


class _Page(Struct):
    items: list[Raw]
    seals: list[_Seal]


class _Leaf(Struct):
    hubleaf: str = ""


_page = msgspec.json.Decoder(_Page)
_body = msgspec.json.Decoder(dict[str, str | int])
_value = msgspec.json.Decoder(Raw)
_records = msgspec.json.Decoder(list[Raw])
_leaf = msgspec.json.Decoder(_Leaf)


def _encoded(body: bytes, signature: bytes, leaves: Sequence[bytes]) -> bytes:
    """A seal that came in parts, in the form that it has in a page. Raises `ValueError` where the body is not what a
    hub signs: an object of texts and integers, in canonical JSON."""
    members = _body.decode(body)
    if canonical_bytes(members) != body:
        raise ValueError("the body of the seal is not canonical JSON")
    text = urlsafe_b64encode(signature).rstrip(b"=").decode()
    return msgspec.json.encode(_Seal(members, text, [leaf.hex() for leaf in leaves]))


def _seal(read: _Seal) -> Seal:
    texts = [read.body[name] for name in ("feed", "format", "hub", "key", "root", "time")]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("a member of a seal is not a string")
    integer(read.body["size"])
    return Seal(read.body, decoded(read.signature), [hash_of(leaf) for leaf in read.leaves])


def event_leaf(record: bytes) -> str:
    """The `hubleaf` of a record; empty: it withholds nothing. Raises `SealInvalid`."""
    try:
        return _leaf.decode(record).hubleaf
    except msgspec.DecodeError as e:
        raise SealInvalid(f"this is not a record: {e}") from e


class SealedRecords:
    """Takes pages as they come, and gives records in their order, each once a seal over it has come and holds.

    What the hub answers brings its own seals. Read from Kafka, a seal may come a page later: store a place only when
    `waiting` is 0, or the records that wait beside it.
    """

    def __init__(self, keys: KeyHistory, lane: str = "") -> None:
        """`lane` (`name`, `name/urgent`): seals of another one are refused."""
        self.keys = keys
        """To be replaced when the hub has published another."""
        self._lane = lane
        self._queue: deque[tuple[bytes, bytes]] = deque()
        """Records with their leaf under a seal; empty: it needs none."""
        self._seals: dict[bytes, Seal] = {}

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def take(self, answer: bytes) -> list[Sealed]:
        """The records that may be relied on now. Raises `SealInvalid`; nothing is taken then."""
        page = Page.of(answer)
        for seal in page.seals:
            if broken := next((check for check in seal.checks(self.keys) if not check.holds), None):
                raise SealInvalid(f"{broken.claim}: {broken.seen}")
            if self._lane not in ("", seal.body["feed"]):
                raise SealInvalid(f"the seal is of {seal.body['feed']}, not of {self._lane}")
        arrived = [(record, leaf_hash(record) if event_leaf(record) else b"") for record in page.records]
        self._queue.extend(arrived)
        self._seals |= {leaf: seal for seal in page.seals for leaf in seal.leaves}
        given = []
        while self._queue and (not self._queue[0][1] or self._queue[0][1] in self._seals):
            record, leaf = self._queue.popleft()
            given.append(Sealed(record, self._seals[leaf] if leaf else None))
        if not self._queue:
            self._seals.clear()
        return given
