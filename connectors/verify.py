"""Verify a receipt offline: with the event's bytes and the hub's published keys, and nothing else.

Written against the pages receipt, statement, seal and key-history in `schemas/formats`; shares no code with the hub.
Nothing here reads a file, a clock or the network.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple

import jiter
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from msgspec import Struct

from connectors.errors import ConnectorError
from connectors.proof import ProofError, RangeTree, leaf_hash, root_of_path
from schemas.canonical import NotCanonical, canonical_bytes
from schemas.identity import MEANINGLESS, instant_us

STATEMENT_FORMAT = "customs-hub-statement/1"
SEAL_FORMAT = "customs-hub-seal/1"

STATED = "At the time given, this hub stated that it had accepted an event of this source and id from this publisher."
STATED_FOR = (
    "At the time given, this hub stated that it had accepted an event of this source and id of this publisher,"
    " which the system named in `submitted_by` had sent in its place."
)
SAME = {
    "raw_sha256": "These bytes are the ones that the hub received, unchanged since; of an event in binary mode they are"
    " the data alone, and say nothing of its type, time and subject, which came in headers.",
    "canonical_sha256": "The event's content, attributes and data, is the one that the hub received, unchanged since.",
}
"""What is proved of the event, by the member of the statement that is its digest."""
DOES_NOT_PROVE = (
    "That what the event says is true.",
    "That it was the first of its identity: an honest repeat gets a receipt of its own.",
    "Who has read the event, or whether anyone has.",
)

COMPROMISED = (
    "The key that signed was compromised at that time: somebody else may have made this receipt. "
    "Ask the hub for it (GET /v1/receipts): what it gives is in its own log."
)

ABOUT_THIS = "the statement is about this event"


class ReceiptInvalid(ConnectorError, ValueError):
    """This is no receipt, no answer with receipts, or no key history; the text says what is wrong with it."""


class Check(Struct, frozen=True):
    """One step of the proof: what was checked, whether it holds, and what was seen."""

    claim: str
    holds: bool
    seen: str


class Verdict(Struct, frozen=True):
    """What came of a verification. `proves` is empty unless every check holds."""

    checks: tuple[Check, ...]
    statement: Mapping[str, str]
    proves: tuple[str, ...]
    does_not_prove: tuple[str, ...] = DOES_NOT_PROVE
    warnings: tuple[str, ...] = ()
    """What speaks against relying on it although every check holds."""

    @property
    def valid(self) -> bool:
        return all(check.holds for check in self.checks)

    @property
    def fault(self) -> str:
        """The first check that does not hold, in words; empty if all do."""
        return self.fault_but("")

    def fault_but(self, claim: str) -> str:
        """The same, whatever becomes of one claim."""
        failed = (check for check in self.checks if not check.holds and check.claim != claim)
        return next((f"{check.claim}: {check.seen}" for check in failed), "")


class SealKey(NamedTuple):
    """A public key of the hub and the instants (µs since 1970) between which its seals count; None: without limit."""

    public: Ed25519PublicKey
    valid_from_us: int | None
    valid_to_us: int | None
    compromised_since_us: int | None = None
    """From then on somebody else may have signed with it."""


class KeyHistory(NamedTuple):
    """The hub's seal keys by key id. `hub` is None where only a key was given, not the published history."""

    hub: str | None
    keys: Mapping[str, SealKey]

    @classmethod
    def from_json(cls, document: bytes) -> KeyHistory:
        """Read `customs-hub-keys.json`. A key is known by its thumbprint, whatever name stands beside it."""
        try:
            history = parsed(document)
            keys = {}
            for jwk in history["keys"]:
                if (jwk["kty"], jwk["crv"]) == ("OKP", "Ed25519"):
                    public = Ed25519PublicKey.from_public_bytes(decoded(jwk["x"]))
                    bounds = (_bound(jwk, name) for name in ("valid_from", "valid_to", "compromised_since"))
                    keys[thumbprint(public)] = SealKey(public, *bounds)
            return cls(history["hub"], keys)
        except (KeyError, TypeError, ValueError) as e:
            raise ReceiptInvalid(f"this is not the hub's key history (customs-hub-keys.json): {lack(e)}") from e

    @classmethod
    def from_pem(cls, pem: bytes) -> KeyHistory:
        """One Ed25519 public key that its holder trusts without limits of time."""
        try:
            public = load_pem_public_key(pem)
        except ValueError as e:
            raise ReceiptInvalid("this is not a public key in PEM") from e
        if not isinstance(public, Ed25519PublicKey):
            raise ReceiptInvalid("the hub's seal key is an Ed25519 key; this is another kind")
        return cls(None, {thumbprint(public): SealKey(public, None, None)})


def _bound(jwk: Mapping[str, str], name: str) -> int | None:
    if name not in jwk:
        return None
    instant = instant_us(jwk[name])
    if instant is None:
        raise ValueError(f"{name} is not a time: {jwk[name]}")
    return instant


def thumbprint(public: Ed25519PublicKey) -> str:
    """The key id of an Ed25519 key: its RFC 7638 thumbprint."""
    x = base64.urlsafe_b64encode(public.public_bytes_raw()).rstrip(b"=")
    digest = sha256(b'{"crv":"Ed25519","kty":"OKP","x":"' + x + b'"}').digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def verify(receipt: bytes | Mapping[str, Any], event: bytes, keys: KeyHistory) -> Verdict:
    """Check a receipt against the bytes of its event: the body, element or line exactly as it was sent.

    `receipt` is a receipt alone or a whole answer (to a batch, or of `GET /v1/receipts`), in which the event's receipt
    is looked up. In binary mode the bytes are the body; the whole event, put together in JSON, has the same content.
    Raises `ReceiptInvalid` for what is no receipt at all; a receipt that does not hold is a `Verdict`.
    """
    document = parsed(receipt) if isinstance(receipt, bytes) else receipt
    alone = _receipt_of(event, split(document)) if "items" in document else document.get("receipt", document)
    try:
        statement, leaf, seal = alone["statement"], alone["leaf"], alone["seal"]
        body, signature = seal["body"], decoded(seal["signature"])
        index, path = integer(leaf["index"]), [hash_of(node) for node in leaf["path"]]
        size, root, key_id, time = integer(body["size"]), hash_of(body["root"]), body["key"], body["time"]
        stated, signed = canonical_bytes(statement), canonical_bytes(body)
        strings = all(isinstance(member, str) for member in (*statement.values(), key_id, time, body["hub"]))
    except (KeyError, TypeError, AttributeError, ValueError) as e:
        raise ReceiptInvalid(f"this is not a receipt: {lack(e)}") from e
    if not strings:
        raise ReceiptInvalid("this is not a receipt: a member of the statement or seal is not a string")

    same = _same(statement, event)
    checks = (
        _check_formats(statement, body),
        _check_hub(statement, body, keys),
        _check_event(same),
        _check_leaf(stated, index, size, path, root),
        check_key(key_id, time, keys),
        check_signature(key_id, signed, signature, keys),
    )
    stated_so = STATED_FOR if "submitted_by" in statement else STATED
    proven = (stated_so, SAME[same]) if same and all(check.holds for check in checks) else ()
    return Verdict(checks, statement, proven, warnings=_warnings(key_id, time, keys))


def _check_formats(statement: Mapping[str, str], body: Mapping[str, Any]) -> Check:
    formats = statement.get("format"), body.get("format")
    seen = f"formats {formats[0]} and {formats[1]}, verdict {statement.get('verdict')}"
    holds = formats == (STATEMENT_FORMAT, SEAL_FORMAT) and statement.get("verdict") == "ACCEPTED"
    return Check("the statement says that the event was accepted, in a format known here", holds, seen)


def _check_hub(statement: Mapping[str, str], body: Mapping[str, Any], keys: KeyHistory) -> Check:
    hubs = {statement.get("hub"), body["hub"]} | ({keys.hub} if keys.hub is not None else set())
    return Check("statement, seal and keys are of one hub", len(hubs) == 1, ", ".join(sorted(map(str, hubs))))


def _same(statement: Mapping[str, str], event: bytes) -> str | None:
    """The member of the statement that is a digest of this event: of its bytes, else of its canonical form."""
    if sha256(event).hexdigest() == statement.get("raw_sha256"):
        return "raw_sha256"
    if (digest := canonical_digest(event)) is not None and digest == statement.get("canonical_sha256"):
        return "canonical_sha256"
    return None


def _check_event(same: str | None) -> Check:
    seen = {
        "raw_sha256": "the same bytes, by SHA-256",
        "canonical_sha256": "the same content in other bytes, by the SHA-256 of its canonical form",
        None: "neither its bytes nor its canonical form have the digest stated",
    }
    return Check(ABOUT_THIS, same is not None, seen[same])


def _check_leaf(stated: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> Check:
    claim = "the statement is under the seal's root"
    try:
        found = root_of_path(leaf_hash(stated), index, size, path)
    except ProofError as e:
        return Check(claim, False, str(e))
    seen = f"leaf {index} of {size}" if found == root else "statement and path lead to another root"
    return Check(claim, found == root, seen)


def check_key(key_id: str, time: str, keys: KeyHistory) -> Check:
    claim = "the key that signed was the hub's at that time"
    key, instant = keys.keys.get(key_id), instant_us(time)
    if key is None:
        return Check(claim, False, f"key {key_id} is not among the keys given")
    if instant is None:
        return Check(claim, False, f"the seal's time is not a time: {time}")
    early = key.valid_from_us is not None and instant < key.valid_from_us
    late = key.valid_to_us is not None and instant > key.valid_to_us
    return Check(claim, not (early or late), f"key {key_id} at {time}")


def _warnings(key_id: str, time: str, keys: KeyHistory) -> tuple[str, ...]:
    """The seal's time is its signer's word: a thief writes any. But the hub's own log holds what it sealed itself."""
    return (COMPROMISED,) if was_compromised(key_id, time, keys) else ()


def was_compromised(key_id: str, time: str, keys: KeyHistory) -> bool:
    """Whether somebody else may have signed with the key at that time."""
    key, instant = keys.keys.get(key_id), instant_us(time)
    return (
        key is not None
        and key.compromised_since_us is not None
        and instant is not None
        and instant >= key.compromised_since_us
    )


def check_signature(
    key_id: str, signed: bytes, signature: bytes, keys: KeyHistory, context: str = SEAL_FORMAT
) -> Check:
    claim = "the seal's signature is the key's"
    key = keys.keys.get(key_id)
    if key is None:
        return Check(claim, False, "not checked: the key is not known")
    if _is_signed(key.public.public_bytes_raw(), context, signed, signature):
        return Check(claim, True, "Ed25519")
    return Check(claim, False, "it is not: seal or signature were changed")


@lru_cache(maxsize=64)
def _is_signed(public: bytes, context: str, signed: bytes, signature: bytes) -> bool:
    """What is under one seal shares it: its signature is checked once."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, f"{context}\n".encode() + signed)
    except InvalidSignature:
        return False
    return True


def canonical_digest(event: bytes) -> str | None:
    """The canonical digest (hex, `schemas/formats/identity.md`) of a structured event; None if it has none."""
    try:
        value = parsed(event)
        return sha256(canonical_bytes({k: v for k, v in value.items() if k not in MEANINGLESS})).hexdigest()
    except (ReceiptInvalid, NotCanonical):
        return None


def publisher_fault(statement: Mapping[str, str], publisher: str) -> str:
    """Why a statement is not about an event of this publisher; empty if it is, or if nobody is named."""
    stated = statement.get("publisher")
    return f"the statement is of {stated}, not of {publisher}" if publisher and stated != publisher else ""


def split(answer: bytes | Mapping[str, Any]) -> list[dict[str, Any]]:
    """The receipts in the answer to a batch or of `GET /v1/receipts`, each standing alone, in the order of its items.

    Items without a receipt are left out. Raises `ReceiptInvalid` if the answer's range proofs do not fit its items.
    """
    document = parsed(answer) if isinstance(answer, bytes) else answer
    try:
        found = [item if "statement" in item else item.get("receipt") for item in document["items"]]
        receipts = [receipt for receipt in found if receipt]
        inside = [receipt for receipt in receipts if isinstance(receipt["seal"], int)]
        trees = _trees(inside, document.get("seals") or ())
        return [_alone(receipt, document, trees) for receipt in receipts]
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as e:
        raise ReceiptInvalid(f"the answer's receipts do not fit its seals: {e}") from e


def _trees(receipts: Sequence[Mapping[str, Any]], seals: Sequence[Mapping[str, Any]]) -> dict[int, RangeTree]:
    leaves: dict[int, dict[int, bytes]] = {}
    for receipt in receipts:
        stated = leaf_hash(canonical_bytes(receipt["statement"]))
        if leaves.setdefault(receipt["seal"], {}).setdefault(integer(receipt["leaf"]), stated) != stated:
            raise ReceiptInvalid("two statements claim one leaf")
    trees = {}
    for number, under in leaves.items():
        part = seals[number]["range"]
        if (min(under), len(under)) != (part["first"], part["count"]):
            raise ReceiptInvalid(f"seal {number} covers leaves that the answer does not hold")
        trees[number] = RangeTree(under, integer(seals[number]["body"]["size"]), [hash_of(h) for h in part["proof"]])
    return trees


def _alone(receipt: Mapping[str, Any], answer: Mapping[str, Any], trees: Mapping[int, RangeTree]) -> dict[str, Any]:
    number, index = receipt["seal"], receipt["leaf"]
    if not isinstance(number, int):
        return dict(receipt)
    seal = answer["seals"][number]
    path = [node.hex() for node in trees[number].path(index)]
    return {
        "statement": receipt["statement"],
        "leaf": {"index": index, "path": path},
        "seal": {"body": seal["body"], "signature": seal["signature"]},
    }


def _receipt_of(event: bytes, receipts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The event's receipt among several: by its bytes, else by its canonical form."""
    for member, digest in (("raw_sha256", sha256(event).hexdigest()), ("canonical_sha256", canonical_digest(event))):
        for receipt in receipts:
            if receipt["statement"].get(member) == digest:
                return receipt
    raise ReceiptInvalid("the answer holds no receipt of this event")


def parsed(document: bytes) -> dict[str, Any]:
    """Parse a JSON object strictly: duplicate names would let two readers see two receipts in the same bytes."""
    try:
        value = jiter.from_json(document, catch_duplicate_keys=True, allow_inf_nan=False, float_mode="decimal")
    except ValueError as e:
        raise ReceiptInvalid(f"this is not JSON: {e}") from e
    if not isinstance(value, dict):
        raise ReceiptInvalid("this is not a JSON object")
    return value


def lack(error: Exception) -> str:
    """What a document lacks to be what it should be."""
    if isinstance(error, KeyError):
        return f"it has no member {error}"
    return str(error) if isinstance(error, ValueError) else "a member is of another kind"


def integer(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**53:
        raise ValueError(f"{value!r} is not a count")
    return value


def hash_of(text: str) -> bytes:
    digest = bytes.fromhex(text)
    if len(digest) != 32 or digest.hex() != text:
        raise ValueError("a SHA-256 digest is 64 lower-case hexadecimal digits")
    return digest


def decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as e:
        raise ValueError("not base64url") from e
